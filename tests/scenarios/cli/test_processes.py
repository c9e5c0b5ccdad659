"""Processes on a database of their own: waiting for its schema, leaving it, and ending."""

from __future__ import annotations

import asyncio
import signal
import time
from pathlib import Path

import asyncpg
import pytest
from tests.scenarios.cli.machine import PATIENCE, Machine, first_line

from ml_connector.storage.urls import connection_arguments


def on(url: str, folder: Path) -> Machine:
    return Machine(folder, ML_CONNECTOR_DATABASE_URL=url, ML_CONNECTOR_LOG_FORMAT="json")


def execute(url: str, statement: str) -> None:
    async def work() -> None:
        connection = await asyncpg.connect(**connection_arguments(url))
        await connection.execute(statement)
        await connection.close()

    asyncio.run(work())


def until_logged(machine: Machine, command: str, words: str) -> None:
    end = time.monotonic() + PATIENCE
    while words not in machine.log_of(command).read_text():
        assert time.monotonic() < end, machine.log_of(command).read_text()
        time.sleep(0.05)


def test_a_worker_waits_for_the_schema_says_so_and_begins_when_it_is_there(
    empty_database_url, tmp_path
):
    machine = on(empty_database_url, tmp_path)
    try:
        worker = machine.start("work")
        until_logged(machine, "work", "run `ml-connector migrate` of this release")
        refused = machine.run("status", code=2)

        migrated = machine.run("migrate")

        assert "the database is empty" in refused.stderr
        assert "the database is at schema" in migrated.stdout
        assert "ml-connector is working" in first_line(worker)
    finally:
        machine.close()


def test_a_process_that_waits_for_its_database_ends_when_it_is_told_to(tmp_path):
    machine = on(f"postgresql://nobody@/none?host={tmp_path}", tmp_path)
    try:
        worker = machine.start("work")
        until_logged(machine, "work", "database_awaited")

        worker.send_signal(signal.SIGTERM)

        assert worker.wait(PATIENCE) == 0
    finally:
        machine.close()


@pytest.mark.parametrize("command", ["serve", "work"])
def test_a_process_leaves_a_schema_that_it_does_not_know_with_the_reason(
    database_url, tmp_path, command
):
    machine = on(database_url, tmp_path)
    try:
        process = machine.start(command)
        first_line(process)

        execute(database_url, "UPDATE alembic_version SET version_num = '9901'")

        assert process.wait(PATIENCE) == 2
        log = machine.log_of(command).read_text()
        assert "run a newer release of ml-connector" in log.splitlines()[-1]
        assert log.splitlines()[-1].startswith("error: ")
    finally:
        machine.close()
