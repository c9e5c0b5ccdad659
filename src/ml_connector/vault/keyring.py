"""Master keys: a list, newest first, each known by an id derived from the key itself.

The newest seals; all of them open. So a key is changed without a pause: hand every process
the new key, put it first, re-wrap (`rotation`), and only then take the old one away. The keys
come as text from the composition root, and live outside the database and its backups.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import os
import secrets
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Self

from ml_connector.core.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable

KEY_BYTES = 32  # AES-256
_ID_PURPOSE = b"ml-connector master key id"
_ID_BYTES = 8
_OWNER_ONLY = stat.S_IRUSR | stat.S_IWUSR


class UnknownKeyError(ConfigurationError):
    """Something is sealed with a master key that this process was not given."""


@dataclass(frozen=True, slots=True)
class MasterKey:
    """One key that wraps data keys. Its repr shows the id only."""

    raw: bytes = field(repr=False)
    id: str = field(init=False)

    def __post_init__(self) -> None:
        if len(self.raw) != KEY_BYTES:
            raise ConfigurationError(
                f"a master key has {KEY_BYTES} bytes, this one has {len(self.raw)}; "
                "make one with `ml-connector keys new`"
            )
        digest = hmac.digest(self.raw, _ID_PURPOSE, "sha256")
        object.__setattr__(self, "id", digest[:_ID_BYTES].hex())


class Keyring:
    """The master keys of this process, newest first."""

    def __init__(self, keys: Iterable[MasterKey]) -> None:
        self._keys = {key.id: key for key in keys}
        if not self._keys:
            raise ConfigurationError(
                "there is no master key; make one with `ml-connector keys new`"
            )
        self.ids = tuple(self._keys)
        """Newest first."""
        self.newest = self._keys[self.ids[0]]

    @classmethod
    def from_text(cls, text: str) -> Self:
        """Read keys in base64, newest first, parted by white space or commas; # for comments."""
        lines = (line.partition("#")[0] for line in text.splitlines())
        words = " ".join(lines).replace(",", " ").split()
        return cls(_key_from_text(word, place) for place, word in enumerate(words, start=1))

    def key(self, key_id: str) -> MasterKey:
        """Return the key of that id, or raise UnknownKeyError."""
        try:
            return self._keys[key_id]
        except KeyError:
            raise UnknownKeyError(
                f"a secret is sealed with master key {key_id}, which this process was not given "
                f"(it has {', '.join(self.ids)}); add that key to the list of master keys"
            ) from None

    def take_over(self, other: Keyring) -> None:
        """Hold the keys of ``other`` from now on, in this very object that everybody shares."""
        self._keys, self.ids, self.newest = other._keys, other.ids, other.newest

    def __repr__(self) -> str:
        return f"Keyring({', '.join(self.ids)})"


def new_master_key() -> str:
    """Return a fresh key as text."""
    return base64.urlsafe_b64encode(secrets.token_bytes(KEY_BYTES)).decode()


def read_key_file(path: Path) -> Keyring:
    """Read the keys of embedded mode. Refuses a file that others than its owner can read."""
    mode = path.stat().st_mode
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise ConfigurationError(
            f"the key file {path} can be read by others (mode {stat.S_IMODE(mode):04o}); "
            f"take that away with: chmod 600 {path}"
        )
    return Keyring.from_text(path.read_text("ascii"))


def ensure_key_file(path: Path) -> Keyring:
    """Read the key file, and make it first where there is none. Safe for several at once."""
    if not path.exists():
        draft = _write_draft(path, f"{new_master_key()}\n")
        try:
            # Unlike a rename, a link fails when another process made the file meanwhile: its
            # key may already have sealed something.
            os.link(draft, path)
        except FileExistsError:
            pass  # theirs is read below
        finally:
            draft.unlink()
    return read_key_file(path)


def put_key_first(path: Path, new_key: str) -> Keyring:
    """Add a key in front of the file's others, so that it seals from the next start on."""
    read_key_file(path)
    draft = _write_draft(path, f"{new_key}\n{path.read_text('ascii')}")
    draft.replace(path)
    return read_key_file(path)


def keep_newest_key_only(path: Path) -> Keyring:
    """Drop all keys but the first from the file, once nothing is sealed with them any more."""
    newest = read_key_file(path).newest
    draft = _write_draft(path, f"{base64.urlsafe_b64encode(newest.raw).decode()}\n")
    draft.replace(path)
    return read_key_file(path)


def _write_draft(path: Path, text: str) -> Path:
    """Write an owner-only file beside ``path``, whole and on the disk before it is used."""
    draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _OWNER_ONLY)
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    return draft


def _key_from_text(word: str, place: int) -> MasterKey:
    try:
        raw = base64.b64decode(word.replace("-", "+").replace("_", "/"), validate=True)
    except (binascii.Error, ValueError):
        # The text itself is not shown, and neither is the cause: it could be a key with a typo.
        raise ConfigurationError(
            f"master key {place} is not base64; make one with `ml-connector keys new`"
        ) from None
    return MasterKey(raw)
