"""The embedded server's data folder: made once, configured before every start.

Its configuration is a fact of this release, so `postgresql.conf` is written anew each time;
what an operator wants different goes into `local.conf` beside it, which is read last.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import IO

from ml_connector.core.errors import ConfigurationError
from ml_connector.storage.accounts import Account, give, named_account, own_name
from ml_connector.storage.programs import SERVER_MAJOR, launch

SUPERUSER = "ml_connector"
DATABASE = "ml_connector"
_OWNER_ONLY = 0o700
_IDENT_MAP = "owner"

SETTINGS: Mapping[str, str] = {
    # The unix socket alone: no network, no other account (pg_hba.conf, below).
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    # Modest: the queue and the backlog's open rows are small, and the system caches the rest.
    "shared_buffers": "128MB",
    "work_mem": "8MB",
    "maintenance_work_mem": "64MB",
    "effective_cache_size": "1GB",
    "random_page_cost": "1.1",
    # In the data folder and not in /dev/shm: containers give that 64 MB, and systemd-logind
    # empties it when the user logs out (PostgreSQL docs: "18.4.2. systemd RemoveIPC").
    "dynamic_shared_memory_type": "mmap",
    "huge_pages": "off",
    # Each would be a process of its own that we have no use for.
    "io_method": "sync",
    "max_logical_replication_workers": "0",
    "max_parallel_workers_per_gather": "0",
    "jit": "off",
    # Committed is on the disk. An operator may still take a base backup (wal_level).
    "wal_level": "replica",
    "max_wal_senders": "4",
    "max_wal_size": "1GB",
    "min_wal_size": "80MB",
    # The server brings pglz alone: it costs commits more time than the smaller log saves them.
    "wal_compression": "off",
    "checkpoint_timeout": "15min",
    "checkpoint_completion_target": "0.9",
    # Queue and backlog rows change state often: vacuumed before their dead versions pile up.
    "autovacuum_naptime": "20s",
    "autovacuum_vacuum_scale_factor": "0.05",
    "autovacuum_vacuum_insert_scale_factor": "0.1",
    "autovacuum_analyze_scale_factor": "0.05",
    # Transactions are short: one that waits a fifth of a second for a lock may well be in a ring.
    "deadlock_timeout": "200ms",
    # A killed worker's statement ends, with its locks, even while it waits for another's lock.
    "client_connection_check_interval": "2s",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] %a ",
    "log_checkpoints": "off",
    # What the server says of itself (LOG ranks above ERROR here). The errors of statements reach
    # their callers, and may quote a value that is a secret or a person's name.
    "log_min_messages": "log",
    "log_min_error_statement": "panic",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
    "log_error_verbosity": "terse",
}


def cluster_name(data: Path) -> str:
    """Return what every process of this folder's server carries in its command line."""
    folder = data.stat()
    return f"ml-connector-{folder.st_dev:x}-{folder.st_ino:x}"


def data_argument(data: Path, account: Account | None) -> str:
    """Return how the server is told its data folder.

    Another account may not be able to go there by its path, however it is started inside: then
    the folder is named as the place where the process already is.
    """
    return str(data) if account is None else "/proc/self/cwd"


def check_version(data: Path) -> None:
    """Raise ConfigurationError when the folder was made by another major release."""
    made_by = (data / "PG_VERSION").read_text().strip()
    if made_by != str(SERVER_MAJOR):
        raise ConfigurationError(
            f"{data} was made by PostgreSQL {made_by}, and this release of ml-connector brings "
            f"PostgreSQL {SERVER_MAJOR}; see 'Upgrading the embedded database' in "
            "docs/operations.md"
        )


def begin_cluster(
    staging: Path, *, programs: Path, output: IO[bytes], is_durable: bool
) -> subprocess.Popen[bytes]:
    """Start `initdb` in the empty folder ``staging``."""
    account = named_account()
    give(staging, account)
    arguments = ["-D", data_argument(staging, account), "--username", SUPERUSER]
    arguments += ["--auth=peer", "--encoding=UTF8", "--no-instructions"]
    # The same order and the same upper case on every machine.
    arguments += ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    if not is_durable:
        arguments.append("--no-sync")
    return launch(
        programs / "bin" / "initdb", *arguments, folder=staging, account=account, output=output
    )


def finish_cluster(staging: Path, data: Path, account: Account | None) -> None:
    """Put what `initdb` made in ``staging`` in its place, in one step."""
    give(staging, account)
    staging.rename(data)
    _sync_folder(data.parent)


def configure(
    data: Path, *, socket_folder: Path, account: Account | None, settings: Mapping[str, str]
) -> None:
    """Write the configuration files and hand the folder to the server's account."""
    values = {
        **SETTINGS,
        "unix_socket_directories": f'"{socket_folder}"',
        **settings,
    }
    lines = ["# Written at every start. Put changes into local.conf."]
    lines += [f"{name} = {_quoted(value)}" for name, value in values.items()]
    lines += ["include_if_exists 'local.conf'", ""]
    files = {
        "postgresql.conf": "\n".join(lines),
        # Who we are is asked of the kernel; there is no password to lose.
        "pg_hba.conf": (
            f"local all {SUPERUSER} peer map={_IDENT_MAP}\n"
            f"local replication {SUPERUSER} peer map={_IDENT_MAP}\n"
        ),
        "pg_ident.conf": f'{_IDENT_MAP} "{own_name()}" {SUPERUSER}\n',
    }
    give(data, account)
    for name, content in files.items():
        _write(data / name, content, account)


def state_of(data: Path) -> tuple[int, str] | None:
    """Return the pid in postmaster.pid and what the server says of itself there.

    PostgreSQL docs, "postmaster.pid": the eighth line is starting, ready, standby or stopping.
    """
    try:
        lines = (data / "postmaster.pid").read_text().splitlines()
        return int(lines[0]), lines[7].strip()
    except (FileNotFoundError, IndexError, ValueError):
        return None  # not there yet, or being written


def _write(path: Path, content: str, account: Account | None) -> None:
    new = path.with_name(path.name + ".new")
    new.write_text(content)
    new.chmod(0o600)
    if account is not None:
        os.chown(new, account.uid, account.gid)
    new.replace(path)


def _quoted(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "''") + "'"


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
