"""Encryption of secrets, and the logins won with them."""

from ml_connector.vault.envelopes import (
    Binding,
    Envelope,
    Owner,
    SealBrokenError,
    open_envelope,
    rewrap,
    seal,
)
from ml_connector.vault.keyring import (
    Keyring,
    MasterKey,
    UnknownKeyError,
    ensure_key_file,
    keep_newest_key_only,
    new_master_key,
    put_key_first,
    read_key_file,
)
from ml_connector.vault.login_rows import delete_logins
from ml_connector.vault.logins import VaultLogins
from ml_connector.vault.processes import LiveProcess, Presence, live_processes
from ml_connector.vault.rotation import Progress, RotationRefusedError, rotate, sealed_tables
from ml_connector.vault.secrets import Secrets, StoredSecret

__all__ = [
    "Binding",
    "Envelope",
    "Keyring",
    "LiveProcess",
    "MasterKey",
    "Owner",
    "Presence",
    "Progress",
    "RotationRefusedError",
    "SealBrokenError",
    "Secrets",
    "StoredSecret",
    "UnknownKeyError",
    "VaultLogins",
    "delete_logins",
    "ensure_key_file",
    "keep_newest_key_only",
    "live_processes",
    "new_master_key",
    "open_envelope",
    "put_key_first",
    "read_key_file",
    "rewrap",
    "rotate",
    "seal",
    "sealed_tables",
]
