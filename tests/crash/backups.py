"""Backups of a test's database: taken while it is worked on, and restored in its place."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

from tests.crash import journal
from tests.world.world import World

from ml_connector.storage.database import open_connection
from ml_connector.storage.programs import bundled_programs
from ml_connector.storage.urls import with_database
from ml_connector.sync.restoring import Restored, after_restore

_UNSURE = timedelta(seconds=5)  # how much older the operator makes a backup, to be safe


@dataclass(frozen=True, slots=True)
class Backup:
    """A dump, and when it was begun by the database's clock."""

    file: Path
    begun_at: datetime


async def back_up(made: World) -> Backup:
    """Dump the database."""
    backup = Backup(made.folder / "backup", await journal.now(made))
    await _program(
        "pg_dump", "--format=custom", f"--file={backup.file}", made.services.database.url
    )
    return backup


async def restore(made: World, backup: Backup) -> Restored:
    """Put the backup in the database's place, as if all since then had never been."""
    age = await journal.now(made) - backup.begun_at + _UNSURE
    url = made.services.database.url
    name = urlsplit(url).path.lstrip("/")
    admin = await open_connection(with_database(url, "postgres"))
    try:
        await admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
        await admin.execute(f'CREATE DATABASE "{name}"')
    finally:
        await admin.close()
    await _program("pg_restore", "--exit-on-error", f"--dbname={url}", str(backup.file))
    services = made.services
    async with services.database.transaction() as db:
        return await after_restore(
            db, services.integrations, backup_age=age, now=services.clock.now(), who="test"
        )


async def _program(name: str, *arguments: str) -> None:
    process = await asyncio.create_subprocess_exec(
        bundled_programs() / "bin" / name,
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    words, _ = await process.communicate()
    assert process.returncode == 0, words.decode()
