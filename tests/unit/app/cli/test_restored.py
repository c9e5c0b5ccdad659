from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
import structlog
from sqlalchemy import text
from typer.testing import CliRunner, Result

from ml_connector.app.cli.command_line import program
from ml_connector.storage.database import Database


@pytest.fixture
def command(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("ML_CONNECTOR_HOME", str(tmp_path))
    monkeypatch.setenv("ML_CONNECTOR_DATABASE_URL", database_url)

    def call(*arguments: str) -> Result:
        return CliRunner().invoke(program(), ["restored", *arguments])

    yield call
    structlog.reset_defaults()  # the command has set logs up, on streams that are closed now


def test_a_restored_database_gets_an_epoch(command):
    result = command("--backup-age", "2h", "--yes", "--json")

    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["epoch"] == 1


def test_nothing_is_done_while_a_process_may_still_run_on_it(command, database_url: str):
    asyncio.run(_announce_a_process(database_url))

    result = command("--backup-age", "2h", "--yes")

    assert result.exit_code == 1
    assert "work on elsewhere (pid 7)" in result.output
    assert asyncio.run(_epochs(database_url)) == 0


def test_nothing_is_done_without_a_yes(command, database_url: str):
    result = command("--backup-age", "2h")

    assert result.exit_code == 2
    assert asyncio.run(_epochs(database_url)) == 0


@pytest.mark.parametrize("age", ["2099-01-01", "yesterday"])
def test_an_age_that_makes_no_sense_is_refused(command, age: str):
    result = command("--backup-age", age, "--yes")

    assert result.exit_code == 2
    assert age in result.output


async def _announce_a_process(url: str) -> None:
    database = await Database.connect(url)
    async with database.transaction() as db:
        await db.execute(
            text(
                "INSERT INTO process (kind, host, pid, release, key_ids, started_at, heartbeat_at)"
                " VALUES ('work', 'elsewhere', 7, '0', '{}', clock_timestamp(), clock_timestamp())"
            )
        )
    await database.close()


async def _epochs(url: str) -> int:
    database = await Database.connect(url)
    async with database.transaction() as db:
        found: int = (await db.execute(text("SELECT count(*) FROM epoch"))).scalar_one()
    await database.close()
    return found
