"""The schema's version: who moves it, and who may work with it.

Only `ml-connector migrate` and `up` migrate. A revision is a number of four digits: two for the
release series that brought it, two for its step within. A series only adds to what the series
before it works with, and takes away what that one had stopped using; so a release works with
every schema from its own `OLDEST_SCHEMA` to the last one of the *next* series, and an upgrade is:
migrate, then exchange the processes one by one.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import structlog
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.pool import NullPool

from ml_connector.core.errors import ConfigurationError
from ml_connector.storage.database import Database, is_database_away, open_connection

OLDEST_SCHEMA = 104  # the code needs everything up to this revision
NEWEST_SCHEMA = 299  # the end of the next series, which still knows all that this code uses

MIGRATIONS = Path(__file__).parent / "migrations"
_LOCK_KEY = 0x6D6C5F736368656D  # "ml_schem": any number that all migrators agree on
_LOOK_AGAIN = timedelta(milliseconds=250)
_LOOK_AT_SCHEMA = timedelta(seconds=5)
_UNDEFINED_TABLE = "42P01"

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class SchemaWindow:
    """The revisions that some code works with."""

    oldest: int = OLDEST_SCHEMA
    newest: int = NEWEST_SCHEMA


class SchemaError(ConfigurationError):
    """The database's schema and this release do not fit together."""


class SchemaTooOldError(SchemaError):
    """The schema is missing or has to be migrated: waiting for that helps."""

    def __init__(self, revision: int, window: SchemaWindow) -> None:
        found = f"at {revision:04}" if revision else "empty"
        super().__init__(
            f"the database is {found} and this release needs {window.oldest:04}; "
            "run `ml-connector migrate` of this release"
        )


class SchemaTooNewError(SchemaError):
    """The schema has moved past what this release understands."""

    def __init__(self, revision: int, window: SchemaWindow) -> None:
        super().__init__(
            f"the database is at {revision:04} and this release works up to {window.newest:04}; "
            "run a newer release of ml-connector"
        )


async def migrate(url: str, *, scripts: Path = MIGRATIONS) -> int:
    """Bring the schema up to this release's and return its revision.

    Any number of processes may call this at once: one does it, the others wait and find it done.
    Each revision is a transaction of its own. Raises SchemaTooNewError for a schema that a newer
    release has made.
    """
    engine = create_async_engine(
        "postgresql+asyncpg://",
        # A migration may take as long as it needs.
        async_creator=lambda: open_connection(
            url,
            application_name="ml-connector migrate",
            server_settings={"statement_timeout": "0", "idle_in_transaction_session_timeout": "0"},
            command_timeout=None,
        ),
        poolclass=NullPool,
    )
    try:
        async with engine.connect() as db:
            await _take_lock(db)
            return await _upgrade(db, scripts)
    finally:
        await engine.dispose()  # and with the connection goes the lock


async def schema_revision(db: AsyncConnection) -> int:
    """Return the number of the schema's revision, 0 when there is none."""
    exists = await db.scalar(text("SELECT to_regclass('alembic_version') IS NOT NULL"))
    if not exists:
        return 0
    return int(await db.scalar(text("SELECT max(version_num) FROM alembic_version")) or 0)


async def check_schema(database: Database, window: SchemaWindow | None = None) -> int:
    """Return the schema's revision. Raises SchemaTooOldError or SchemaTooNewError outside."""
    window = window or SchemaWindow()
    async with database.transaction() as db:
        revision = await schema_revision(db)
    if revision < window.oldest:
        raise SchemaTooOldError(revision, window)
    if revision > window.newest:
        raise SchemaTooNewError(revision, window)
    return revision


async def wait_for_schema(database: Database, window: SchemaWindow | None = None) -> int:
    """Wait until the schema has been migrated, saying so, and return its revision.

    Raises SchemaTooNewError: no waiting makes a schema older.
    """
    told: str | None = None
    while True:
        try:
            return await check_schema(database, window)
        except SchemaTooOldError as exc:
            reason = exc.message
        except Exception as exc:
            if not is_database_away(exc):
                raise
            reason = "the database does not answer"
        if reason != told:
            told = reason
            log.warning("schema_awaited", reason=reason)
        await asyncio.sleep(_LOOK_AGAIN.total_seconds())


async def watch_schema(
    database: Database,
    window: SchemaWindow | None = None,
    *,
    every: timedelta = _LOOK_AT_SCHEMA,
) -> SchemaError:
    """Return, with the reason, when the schema has left the window: drain and exit then."""
    while True:
        try:
            await check_schema(database, window)
        except SchemaError as exc:
            log.warning("schema_left_window", reason=exc.message)
            return exc
        except Exception as exc:
            if not is_database_away(exc):
                raise
        await asyncio.sleep(every.total_seconds())


def head_revision(scripts: Path = MIGRATIONS) -> int:
    """Return the newest revision that this release brings, 0 when there is none."""
    return int(ScriptDirectory.from_config(_config(scripts)).get_current_head() or 0)


async def _take_lock(db: AsyncConnection) -> None:
    """Take the migrators' lock, for as long as the connection lives.

    By asking again and again: a statement that waits for the lock would keep a snapshot open,
    and a CREATE INDEX CONCURRENTLY of the one that migrates would wait for that one.
    """
    is_told = False
    while True:
        taken = await db.scalar(text("SELECT pg_try_advisory_lock(:key)"), {"key": _LOCK_KEY})
        await db.commit()
        if taken:
            return
        if not is_told:
            is_told = True
            log.info("schema_migration_awaited")
        await asyncio.sleep(_LOOK_AGAIN.total_seconds())


async def _upgrade(db: AsyncConnection, scripts: Path) -> int:
    before = await schema_revision(db)
    await db.commit()
    head = head_revision(scripts)
    if before > head:
        raise SchemaTooNewError(before, SchemaWindow(newest=head))
    await db.run_sync(_run_scripts, scripts)
    if head != before:
        log.info("schema_migrated", before=before, now=head)
    return head


def _run_scripts(connection: Connection, scripts: Path) -> None:
    config = _config(scripts)
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _config(scripts: Path) -> Config:
    config = Config()
    # Alembic reads % as the beginning of a variable.
    config.set_main_option("script_location", str(scripts).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config
