"""Sealing a secret: AES-256-GCM with a data key of its own, wrapped by a master key.

The associated data binds a sealed secret to its workspace, owner and field, so a ciphertext
that was moved to another row does not open. The wrapping is bound to the master key alone:
so a rotation re-wraps data keys without opening, or even knowing, what they seal.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ml_connector.core.errors import ConfigurationError
from ml_connector.vault.keyring import KEY_BYTES, Keyring

_FORMAT = b"\x01"  # first byte of everything sealed; another layout gets another byte
_NONCE_BYTES = 12
_WRAPPING = b"ml-connector data key "


class SealBrokenError(ConfigurationError):
    """A sealed value does not open: it was changed, or moved from another row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """Whose secrets these are: ``connection:7`` of workspace 1."""

    workspace_id: int
    name: str

    def binding(self, field: str) -> Binding:
        """Return what ties a value to this owner and field."""
        return Binding(owner=self, field=field)


@dataclass(frozen=True, slots=True, kw_only=True)
class Binding:
    """The one place where a sealed value opens."""

    owner: Owner
    field: str

    def __str__(self) -> str:
        return f"{self.field} of {self.owner.name}"

    def associated_data(self) -> bytes:
        """Return the binding as bytes, such that no two bindings give the same."""
        return json.dumps([self.owner.workspace_id, self.owner.name, self.field]).encode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """A sealed value as it is stored."""

    key_id: str
    wrapped_key: bytes
    sealed: bytes


def seal(plain: bytes, binding: Binding, keyring: Keyring) -> Envelope:
    """Seal ``plain`` with a data key of its own, wrapped by the newest master key."""
    data_key = secrets.token_bytes(KEY_BYTES)
    return Envelope(
        key_id=keyring.newest.id,
        wrapped_key=_wrap(data_key, keyring),
        sealed=_encrypt(data_key, plain, binding.associated_data()),
    )


def open_envelope(envelope: Envelope, binding: Binding, keyring: Keyring) -> bytes:
    """Return what was sealed for ``binding``.

    Raises UnknownKeyError for a master key that we do not have, and SealBrokenError for
    anything that was changed or belongs elsewhere.
    """
    try:
        data_key = _unwrap(envelope, keyring)
        return _decrypt(data_key, envelope.sealed, binding.associated_data())
    except InvalidTag as exc:
        raise SealBrokenError(
            f"the stored {binding} cannot be opened: it was changed or moved; enter it again"
        ) from exc


def rewrap(envelope: Envelope, keyring: Keyring) -> Envelope:
    """Wrap the same data key with the newest master key; what is sealed stays as it is."""
    try:
        data_key = _unwrap(envelope, keyring)
    except InvalidTag as exc:
        raise SealBrokenError(
            f"a data key wrapped with master key {envelope.key_id} cannot be opened: it was changed"
        ) from exc
    return Envelope(
        key_id=keyring.newest.id, wrapped_key=_wrap(data_key, keyring), sealed=envelope.sealed
    )


def _wrap(data_key: bytes, keyring: Keyring) -> bytes:
    return _encrypt(keyring.newest.raw, data_key, _WRAPPING + keyring.newest.id.encode())


def _unwrap(envelope: Envelope, keyring: Keyring) -> bytes:
    master = keyring.key(envelope.key_id)
    return _decrypt(master.raw, envelope.wrapped_key, _WRAPPING + master.id.encode())


def _encrypt(key: bytes, plain: bytes, associated_data: bytes) -> bytes:
    nonce = secrets.token_bytes(_NONCE_BYTES)
    return _FORMAT + nonce + AESGCM(key).encrypt(nonce, plain, _FORMAT + associated_data)


def _decrypt(key: bytes, sealed: bytes, associated_data: bytes) -> bytes:
    head, nonce = sealed[:1], sealed[1 : 1 + _NONCE_BYTES]
    if head != _FORMAT or len(nonce) != _NONCE_BYTES:
        raise InvalidTag
    return AESGCM(key).decrypt(nonce, sealed[1 + _NONCE_BYTES :], head + associated_data)
