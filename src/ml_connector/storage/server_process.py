"""The running server: started on its data folder, watched until ready, stopped cleanly."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Self

import psutil
import structlog

from ml_connector.core.errors import ConfigurationError
from ml_connector.storage import cluster
from ml_connector.storage.accounts import Account
from ml_connector.storage.leftovers import stop_leftovers
from ml_connector.storage.programs import POLL, ended, launch

_LOOK_FOR_PROGRESS = timedelta(seconds=1)
_TELL_ABOUT_A_LONG_START = timedelta(seconds=10)
# Crash recovery may take as long as it likes while anything moves; this is only against hanging.
_STALLED_AFTER = timedelta(minutes=5)
_CLEAN_STOP = timedelta(seconds=60)
_LARGEST_LOG = 16 * 1024 * 1024  # bytes; one older file is kept beside it
_TAIL = 2000  # characters of the server's log that an error message quotes

log = structlog.get_logger(__name__)


class EmbeddedServerError(ConfigurationError):
    """The server does not start; its own words are in the message."""


@dataclass(frozen=True)
class ServerPlan:
    """All that is needed to start the server, the first time and again."""

    data: Path
    programs: Path
    socket_folder: Path
    log: ServerLog
    account: Account | None
    settings: Mapping[str, str]


class ServerLog:
    """The file that the server and `initdb` write their words to."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def size(self) -> int:
        """Return its size in bytes."""
        return self.path.stat().st_size if self.path.exists() else 0

    def words_since(self, position: int) -> str:
        """Return the end of what was written after ``position``."""
        with self.path.open("rb") as words:
            words.seek(position)
            return words.read().decode(errors="replace").strip()[-_TAIL:]

    def keep_small(self) -> None:
        """Set what is there aside once it is large; the server writes on in the emptied file."""
        if self.size() > _LARGEST_LOG:
            shutil.copyfile(self.path, self.path.with_suffix(".log.1"))
            os.truncate(self.path, 0)


class ServerProcess:
    """A PostgreSQL server that is a child of this process."""

    def __init__(self, plan: ServerPlan, process: subprocess.Popen[bytes]) -> None:
        self._plan = plan
        self._process = process

    @classmethod
    async def start(cls, plan: ServerPlan) -> Self:
        """Start the server and return when it takes connections, however long it recovers.

        Whatever still runs on the folder is stopped before: the caller is its one owner.
        """
        await stop_leftovers(plan.data, plan.account)
        cluster.configure(
            plan.data,
            socket_folder=plan.socket_folder,
            account=plan.account,
            settings=plan.settings,
        )
        log_start = plan.log.size()
        with plan.log.path.open("ab") as output:
            process = launch(
                plan.programs / "bin" / "postgres",
                "-D",
                cluster.data_argument(plan.data, plan.account),
                "-c",
                f"cluster_name={cluster.cluster_name(plan.data)}",
                folder=plan.data,
                account=plan.account,
                output=output,
            )
        server = cls(plan, process)
        try:
            await server._until_ready(log_start)
        except BaseException:
            await server.stop()
            raise
        return server

    @property
    def pid(self) -> int:
        """The pid of the server's first process."""
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """How it ended, negative for a signal; None while it runs."""
        return self._process.poll()

    async def stop(self) -> None:
        """End its sessions, write a checkpoint, and return when all its processes have ended."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
        await ended(self._process, within=_CLEAN_STOP)
        await stop_leftovers(self._plan.data, self._plan.account)
        await ended(self._process)

    async def _until_ready(self, log_start: int) -> None:
        progress = _Progress(self.pid, self._plan.log)
        while cluster.state_of(self._plan.data) != (self.pid, "ready"):
            if self.exit_code is not None:
                raise EmbeddedServerError(
                    f"the database server ended with {self.exit_code} while starting: "
                    f"{self._plan.log.words_since(log_start)}"
                )
            if progress.has_stalled():
                self._process.kill()
                raise EmbeddedServerError(
                    f"the database server did nothing for {_STALLED_AFTER} while starting: "
                    f"{self._plan.log.words_since(log_start)}"
                )
            await asyncio.sleep(POLL.total_seconds())


class _Progress:
    """Watches whether a starting server does anything, and says in between that it takes long."""

    def __init__(self, pid: int, server_log: ServerLog) -> None:
        self._process = psutil.Process(pid)
        self._log = server_log
        self._started_at = self._looked_at = self._moved_at = self._told_at = time.monotonic()
        self._figures: tuple[float, ...] = ()

    def has_stalled(self) -> bool:
        """Tell whether nothing has moved for too long."""
        now = time.monotonic()
        if now - self._looked_at < _LOOK_FOR_PROGRESS.total_seconds():
            return False
        self._looked_at = now
        figures = (self._log.size(), *_work_done_by(self._process))
        if figures != self._figures:
            self._figures, self._moved_at = figures, now
        if now - self._told_at >= _TELL_ABOUT_A_LONG_START.total_seconds():
            self._told_at = now
            log.info("database_server_starting", seconds=round(now - self._started_at))
        return now - self._moved_at >= _STALLED_AFTER.total_seconds()


def _work_done_by(process: psutil.Process) -> tuple[float, ...]:
    """Return figures that change while the server or a child of it computes anything."""
    figures: list[float] = []
    try:
        for each in (process, *process.children(recursive=True)):
            times = each.cpu_times()
            figures += (times.user, times.system)
    except psutil.NoSuchProcess:
        return ()  # one has just ended, which is a change as well
    return tuple(figures)
