"""One owner of an embedded database, and how others find its socket.

The owner holds a lock on a file for as long as it lives; the kernel lets go of it however the
owner ends. Beside it stands the address that other commands join through.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ml_connector.core.errors import ConfigurationError

_PRIVATE_FILE = 0o600


class AlreadyOwnedError(ConfigurationError):
    """Another process runs this database."""

    def __init__(self, home: Path, pid: str) -> None:
        super().__init__(
            f"the database in {home} is run by the process {pid or 'unknown'}; commands join it "
            "by themselves, and a second `up` needs another ML_CONNECTOR_HOME"
        )
        self.pid = int(pid) if pid.isdecimal() else None


class NotRunningError(ConfigurationError):
    """Nobody runs this database."""

    def __init__(self, home: Path) -> None:
        super().__init__(
            f"no database runs in {home}; start it with `ml-connector up`, or name a server in "
            "ML_CONNECTOR_DATABASE_URL"
        )


class OwnerLock:
    """The right to run the database in one folder."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._path = home / "database" / "owner.lock"
        self._descriptor: int | None = None

    def take(self) -> None:
        """Become the owner. Raises AlreadyOwnedError, naming the process that is it."""
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, _PRIVATE_FILE)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            pid = os.pread(descriptor, 20, 0).decode().strip()
            os.close(descriptor)
            raise AlreadyOwnedError(self._home, pid) from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        self._descriptor = descriptor

    def release(self) -> None:
        """Stop being the owner."""
        if self._descriptor is not None:
            os.close(self._descriptor)  # the file stays: removing it would make room for two
            self._descriptor = None


@dataclass(frozen=True)
class Address:
    """Where the running server of a folder is, and what its owner leaves on the machine."""

    url: str
    owner_pid: int
    socket: Path
    temporary_folders: Sequence[Path]


def publish(home: Path, address: Address) -> None:
    """Write the address for others, in one step."""
    path = _address_file(home)
    content = {
        "url": address.url,
        "owner_pid": address.owner_pid,
        "socket": str(address.socket),
        "temporary_folders": [str(folder) for folder in address.temporary_folders],
    }
    new = path.with_suffix(".new")
    new.write_text(json.dumps(content))
    new.chmod(_PRIVATE_FILE)
    new.replace(path)


def published(home: Path) -> Address | None:
    """Return the address that the present or a dead owner wrote, if there is one."""
    try:
        content = json.loads(_address_file(home).read_text())
    except FileNotFoundError:
        return None
    return Address(
        url=content["url"],
        owner_pid=content["owner_pid"],
        socket=Path(content["socket"]),
        temporary_folders=[Path(folder) for folder in content["temporary_folders"]],
    )


def withdraw(home: Path) -> None:
    """Remove the address."""
    _address_file(home).unlink(missing_ok=True)


def _address_file(home: Path) -> Path:
    return home / "database" / "address.json"
