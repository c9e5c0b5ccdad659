"""`ml-connector up` as a process of its own: database, web server and worker in one."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.security.looking import canary_master_key
from tests.world.world import WRITE_DEADLINE

from ml_connector.core.errors import ConnectorError
from ml_connector.storage.embedded import join

_REPOSITORY = Path(__file__).parents[2]
_UP = (
    "import asyncio\n"
    "from ml_connector.app import logs, processes, settings\n"
    "found = settings.read_settings()\n"
    "logs.set_up_logs(found)\n"
    "asyncio.run(processes.up(found))\n"
)


@dataclass(slots=True)
class Whole:
    """A deployment of one process, which a test kills in part or as a whole."""

    folder: Path
    port: int
    master_keys: str = field(default_factory=canary_master_key)
    process: subprocess.Popen[bytes] | None = None

    @property
    def public_url(self) -> str:
        """Where it takes webhooks."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> str:
        """All that it has said, over every start."""
        return (self.folder / "up.log").read_text()

    async def start(self, within: float = 60.0) -> str:
        """Start it, and return the database's URL once it works."""
        starts = self.log.count("process_started") if (self.folder / "up.log").exists() else 0
        self.process = self._begin()
        end = time.monotonic() + within
        while self.log.count("process_started") == starts:
            assert self.process.poll() is None, self.log[-2000:]
            assert time.monotonic() < end, self.log[-2000:]
            await asyncio.sleep(0.02)
        return await join(self.folder / "home")

    async def kill_database(self) -> None:
        """Kill its database server, and return once there is another."""
        before = self._server_pid()
        os.kill(before, signal.SIGKILL)
        end = time.monotonic() + 30
        while True:
            try:
                if self._server_pid() != before:
                    await join(self.folder / "home")
                    return
            except (ConnectorError, OSError, IndexError, ValueError):
                pass  # not there yet, or being written
            assert time.monotonic() < end, self.log[-2000:]
            await asyncio.sleep(0.02)

    def kill(self) -> None:
        """Kill the process with all that it owns."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    async def stop(self) -> None:
        """Stop it cleanly, as far as there is anything to stop."""
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            await asyncio.to_thread(self.process.wait)

    def _begin(self) -> subprocess.Popen[bytes]:
        with (self.folder / "up.log").open("ab") as log:
            return subprocess.Popen(  # noqa: S603 - our own program, and no shell in between
                [sys.executable, "-c", _UP],
                cwd=_REPOSITORY,
                env=self._environment(),
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def _server_pid(self) -> int:
        file = self.folder / "home" / "database" / "data" / "postmaster.pid"
        return int(file.read_text().splitlines()[0])

    def _environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "ML_CONNECTOR_HOME": str(self.folder / "home"),
            "ML_CONNECTOR_PORT": str(self.port),
            "ML_CONNECTOR_PUBLIC_URL": self.public_url,
            "ML_CONNECTOR_MASTER_KEYS": self.master_keys,
            "ML_CONNECTOR_ALLOW_PRIVATE_TARGETS": "true",
            "ML_CONNECTOR_WRITE_DEADLINE_SECONDS": str(WRITE_DEADLINE),
            "ML_CONNECTOR_LOG_LEVEL": "info",
        }


@asynccontextmanager
async def whole(folder: Path) -> AsyncIterator[Whole]:
    """Have a deployment of one process; it is started by the test."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    made = Whole(folder, port)
    try:
        yield made
    finally:
        await made.stop()
