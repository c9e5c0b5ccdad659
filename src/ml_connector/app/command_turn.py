"""Whose turn it is to run the embedded database for one command.

A command that finds no running database runs it itself, and stops it when it ends: nobody
else may have joined it by then. So such a command holds a lock alone, and whoever joins or
begins a database holds it together with others, a long-lived process only until it has joined.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import structlog

from ml_connector.core.errors import ConfigurationError, UnavailableError

log = structlog.get_logger(__name__)

PATIENCE = timedelta(minutes=2)  # longer than a command that asks nobody anything
_LOOK_AGAIN = 0.05  # seconds
_OWNER_ONLY = 0o700
_PRIVATE_FILE = 0o600


class CommandTurn:
    """The lock of one home folder; the kernel lets go of it however its holder ends."""

    def __init__(self, home: Path, *, patience: timedelta = PATIENCE) -> None:
        self._folder = home / "database"
        self._patience = patience

    @asynccontextmanager
    async def shared(self) -> AsyncIterator[None]:
        """Keep commands from running the database for themselves meanwhile."""
        async with self._held(fcntl.LOCK_SH):
            yield

    @asynccontextmanager
    async def alone(self) -> AsyncIterator[None]:
        """Keep everybody else from joining meanwhile."""
        async with self._held(fcntl.LOCK_EX):
            yield

    @asynccontextmanager
    async def _held(self, kind: int) -> AsyncIterator[None]:
        descriptor = self._open()
        try:
            await self._take(descriptor, kind)
            yield
        finally:
            os.close(descriptor)

    def _open(self) -> int:
        try:
            self._folder.mkdir(mode=_OWNER_ONLY, parents=True, exist_ok=True)
            path = self._folder / "command.lock"
            return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, _PRIVATE_FILE)
        except OSError as exc:
            raise ConfigurationError(
                f"the folder {self._folder} cannot be used: {exc.strerror}; ML_CONNECTOR_HOME "
                "must be a folder that this account may write to"
            ) from exc

    async def _take(self, descriptor: int, kind: int) -> None:
        ends = asyncio.get_running_loop().time() + self._patience.total_seconds()
        is_told = False
        while True:
            try:
                fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
            except BlockingIOError:
                pass
            else:
                return
            if not is_told:
                is_told = True
                log.info("command_awaited", folder=str(self._folder))
            if asyncio.get_running_loop().time() > ends:
                raise UnavailableError(
                    f"another command has been using the database in {self._folder.parent} for "
                    f"{self._patience.total_seconds():.0f} s; try again when it has ended"
                )
            await asyncio.sleep(_LOOK_AGAIN)
