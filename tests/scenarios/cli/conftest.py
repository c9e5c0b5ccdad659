from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import structlog
from tests.scenarios.cli.machine import Machine
from tests.security.looking import LEFT
from tests.world.world import WRITE_DEADLINE, World, world
from typer.testing import CliRunner

from ml_connector.app.cli import session
from ml_connector.app.cli.command_line import program


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        (line,) = self.out.splitlines()
        return json.loads(line)


class CommandLine:
    """The program, on the database of a world."""

    def __init__(self, made: World) -> None:
        self._environment = {
            "ML_CONNECTOR_HOME": str(made.folder / "home"),
            "ML_CONNECTOR_DATABASE_URL": made.services.database.url,
            "ML_CONNECTOR_MASTER_KEYS": made.master_keys,
            "ML_CONNECTOR_ALLOW_PRIVATE_TARGETS": "true",
            "ML_CONNECTOR_WRITE_DEADLINE_SECONDS": str(WRITE_DEADLINE),
        }

    async def __call__(self, *arguments: str, code: int = 0, **environment: str) -> Ended:
        """Run a command to its end; it must end with ``code``."""
        found = await asyncio.to_thread(
            CliRunner().invoke, program(), arguments, env={**self._environment, **environment}
        )
        ended = Ended(found.exit_code, found.stdout, found.stderr)
        LEFT.look("output of commands", " ".join(arguments), found.output)
        assert ended.code == code, f"{arguments}: {ended}"
        assert "Traceback" not in ended.err
        return ended


@pytest.fixture
async def made(database_url: str, tmp_path: Path) -> AsyncIterator[World]:
    async with world(database_url, tmp_path) as found:
        yield found


def quiet_logs(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Keep logs out of what commands show.

    In this process they are the test's: a command must not bind them to its own streams.
    """
    monkeypatch.setattr(session, "set_up_logs", lambda _: None)
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    yield
    structlog.reset_defaults()


@pytest.fixture
def cli(made: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[CommandLine]:
    for _ in quiet_logs(monkeypatch):
        yield CommandLine(made)


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    found = Machine(tmp_path)
    yield found
    found.close()
