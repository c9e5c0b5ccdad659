"""A user's machine: a home folder, commands that end, and processes that go on."""

from __future__ import annotations

import json
import os
import selectors
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.security.looking import LEFT

_PROGRAM = [sys.executable, "-c", "from ml_connector.app.cli import main; main()"]
PATIENCE = 30.0  # seconds


class Machine:
    """A user's machine: a home folder, commands, and processes that go on."""

    def __init__(self, folder: Path, *, port: int | None = None, **environment: str) -> None:
        self.folder = folder
        self.port = port or free_port()
        self.environment = {
            **{name: value for name, value in os.environ.items() if "ML_CONNECTOR" not in name},
            "ML_CONNECTOR_HOME": str(folder / "a home"),
            "ML_CONNECTOR_PORT": str(self.port),
            **environment,
        }
        self._started: list[subprocess.Popen[str]] = []

    def run(self, *arguments: str, code: int | None = 0) -> subprocess.CompletedProcess[str]:
        """Run a command to its end; it must end with ``code``, if one is given."""
        ended = subprocess.run(  # noqa: S603 - our own program, and no shell in between
            [*_PROGRAM, *arguments],
            env=self.environment,
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        for said in (ended.stdout, ended.stderr):
            LEFT.look("output of commands", " ".join(arguments), said)
        assert code in {None, ended.returncode}, ended
        assert "Traceback" not in ended.stderr
        return ended

    def json(self, *arguments: str) -> Any:
        return json.loads(self.run(*arguments, "--json").stdout)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        with self.log_of(arguments[0]).open("a") as log:
            process = subprocess.Popen(  # noqa: S603 - our own program, and no shell in between
                [*_PROGRAM, *arguments],
                env=self.environment,
                cwd=self.folder,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        self._started.append(process)
        return process

    def log_of(self, command: str) -> Path:
        return self.folder / f"{command}.log"

    def close(self) -> None:
        for process in self._started:
            if process.poll() is None:
                process.kill()
            process.wait()
            if process.stdout is not None:
                process.stdout.close()


def first_line(process: subprocess.Popen[str]) -> str:
    """Return the first line that a process shows."""
    assert process.stdout is not None
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        assert selector.select(PATIENCE), "the process said nothing"
    return process.stdout.readline()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
