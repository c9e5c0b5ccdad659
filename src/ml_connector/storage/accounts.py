"""The account that PostgreSQL runs under.

PostgreSQL refuses to run as root. When we are root, as is usual in a container, it gets an
account that owns nothing but its data folder. The account needs no name, no entry anywhere and
no way to the data folder by its path: it is put into the folder before it becomes itself.
"""

from __future__ import annotations

import os
import pwd
from dataclasses import dataclass
from pathlib import Path

from ml_connector.core.errors import ConfigurationError

# Nobody hands this number out: systemd's list of account ranges (UIDS-GIDS) leaves 60578 to 61183
# unused, and the highest that useradd gives is 60000.
_SERVER_UID = 60818


@dataclass(frozen=True)
class Account:
    """Who a program of PostgreSQL runs as."""

    uid: int
    gid: int


def server_account(data: Path) -> Account | None:
    """Return the account for the server of ``data``, or None when that is ourselves."""
    if os.geteuid() != 0:
        return None
    if data.exists() and data.stat().st_uid != 0:
        owner = data.stat()
        return Account(owner.st_uid, owner.st_gid)
    return Account(_SERVER_UID, _SERVER_UID)


def named_account() -> Account | None:
    """Return an account for `initdb`, which wants one that has a name, or None for ourselves."""
    if os.geteuid() != 0:
        return None
    entries = sorted(pwd.getpwall(), key=lambda entry: entry.pw_name != "nobody")
    for entry in entries:
        if entry.pw_uid != 0:
            return Account(entry.pw_uid, entry.pw_gid)
    raise ConfigurationError(
        "PostgreSQL does not run as root, and this machine has no other account; add one "
        "(for example nobody) to /etc/passwd or set ML_CONNECTOR_DATABASE_URL"
    )


def own_name() -> str:
    """Return the name of the account that we run as, which the server will know us by."""
    uid = os.geteuid()
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError as exc:
        raise ConfigurationError(
            f"the account {uid} has no name, and the embedded PostgreSQL knows its clients by "
            "name; add a line for it to /etc/passwd or set ML_CONNECTOR_DATABASE_URL"
        ) from exc


def give(folder: Path, account: Account | None) -> None:
    """Make ``account`` the owner of ``folder`` and of all in it, unless it is already."""
    if account is None or folder.stat().st_uid == account.uid:
        return
    try:
        for parent, folders, files in os.walk(folder, topdown=False):
            for name in (*folders, *files):
                os.chown(Path(parent, name), account.uid, account.gid, follow_symlinks=False)
        # Last, so that a change that was cut short is seen and done again.
        os.chown(folder, account.uid, account.gid)
    except OSError as exc:
        raise ConfigurationError(
            f"{folder} cannot be given to the account {account.uid} that PostgreSQL runs under "
            f"({exc.strerror}); use a folder on a local disk, do not run as root, or set "
            "ML_CONNECTOR_DATABASE_URL"
        ) from exc
