"""Databases for tests: one server per test run, one template, one clone per test."""

from __future__ import annotations

import asyncio
import fcntl
import importlib
import os
import pkgutil
import subprocess
import sys
import threading
import time
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import asyncpg
from tests.security.looking import LEFT
from tests.storage_support.server import users_file

import ml_connector
from ml_connector.jobs.queue import install_statement
from ml_connector.storage.database import Database, open_connection
from ml_connector.storage.embedded import join
from ml_connector.storage.metadata import metadata
from ml_connector.storage.ownership import NotRunningError
from ml_connector.storage.partitions import default_partition_ddl
from ml_connector.storage.schema import head_revision
from ml_connector.storage.urls import with_database

T = TypeVar("T")

_REPOSITORY = Path(__file__).parents[2]
_START_DEADLINE = 60.0  # seconds
_TEMPLATE = "test_template"


class DatabaseServer:
    """This test process's way to the server of the run."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._users = users_file(folder).open("ab")
        fcntl.flock(self._users, fcntl.LOCK_SH)
        self._made = 0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        with self._alone():
            self.url = self._running_server()
            self._admin = self._do(open_connection(with_database(self.url, "postgres")))
            self._ensure_template()

    def create_database(self) -> str:
        """Clone the template and return the clone's URL."""
        self._made += 1
        name = f"test_{os.getpid()}_{self._made}"
        self._do(self._admin.execute(f'CREATE DATABASE "{name}" TEMPLATE "{_TEMPLATE}"'))
        return with_database(self.url, name)

    def create_empty_database(self) -> str:
        """Make a database without any table and return its URL."""
        self._made += 1
        name = f"test_{os.getpid()}_{self._made}"
        self._do(self._admin.execute(f'CREATE DATABASE "{name}"'))
        return with_database(self.url, name)

    def drop_database(self, url: str) -> None:
        """Drop a database, whoever still holds a connection to it, after a look into it."""
        self._do(LEFT.look_into_database(url))
        self._drop(url)

    def _drop(self, url: str) -> None:
        name = url.partition("?")[0].rpartition("/")[2]
        self._do(self._admin.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'))

    def close(self) -> None:
        """Let go of the server; the last one to do so ends it."""
        self._do(self._admin.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        self._users.close()

    def _do(self, work: Coroutine[Any, Any, T]) -> T:
        """Carry ``work`` out in the loop of our own, whatever loop a test is in."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Keep the other test processes out while the server or the template is made."""
        with (self._folder / "start.lock").open("ab") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _running_server(self) -> str:
        try:
            return self._do(join(self._folder))
        except NotRunningError:
            return self._start_server()

    def _start_server(self) -> str:
        words = self._folder / "start.log"
        with words.open("wb") as output:
            server = subprocess.Popen(  # noqa: S603 - our own program, and no shell in between
                [sys.executable, "-m", "tests.storage_support.server", str(self._folder)],
                cwd=_REPOSITORY,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        deadline = time.monotonic() + _START_DEADLINE
        while time.monotonic() < deadline:
            if server.poll() is not None:
                break
            try:
                return self._do(join(self._folder))
            except NotRunningError:
                time.sleep(0.02)
        raise RuntimeError(f"the test server did not start: {words.read_text()}")

    def _ensure_template(self) -> None:
        exists = self._do(
            self._admin.fetchval("SELECT true FROM pg_database WHERE datname = $1", _TEMPLATE)
        )
        if exists:
            return
        being_made = f"{_TEMPLATE}_new"
        self._drop(with_database(self.url, being_made))
        self._do(self._admin.execute(f'CREATE DATABASE "{being_made}"'))
        self._do(fill_template(with_database(self.url, being_made)))
        self._do(self._admin.execute(f'ALTER DATABASE "{being_made}" RENAME TO "{_TEMPLATE}"'))


async def fill_template(url: str) -> None:
    """Make every table that the parts declare, and PgQueuer's own."""
    import_tables()
    database = await Database.connect(url)
    try:
        async with database.transaction() as db:
            await db.run_sync(metadata.create_all)
            for table in metadata.tables.values():
                if table.dialect_options["postgresql"]["partition_by"]:
                    await db.exec_driver_sql(default_partition_ddl(table))
    finally:
        await database.close()
    connection: asyncpg.Connection[asyncpg.Record] = await open_connection(url)
    try:
        await connection.execute(install_statement())
        # As if it had been migrated, so that processes of this release start on it.
        await connection.execute(
            "CREATE TABLE alembic_version (version_num varchar(32) NOT NULL"
            " CONSTRAINT alembic_version_pkc PRIMARY KEY)"
        )
        await connection.execute("INSERT INTO alembic_version VALUES ($1)", f"{head_revision():04}")
    finally:
        await connection.close()


def import_tables() -> None:
    """Import every `tables` module of the package, which adds its tables to the metadata."""
    for module in pkgutil.walk_packages(ml_connector.__path__, "ml_connector."):
        if module.name.endswith(".tables"):
            importlib.import_module(module.name)
