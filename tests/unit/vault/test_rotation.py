from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from ml_connector.core.clock import SystemClock
from ml_connector.core.logins import Login
from ml_connector.core.secret import Secret
from ml_connector.storage.database import Database
from ml_connector.vault import (
    Keyring,
    MasterKey,
    Owner,
    Presence,
    Progress,
    RotationRefusedError,
    SealBrokenError,
    Secrets,
    VaultLogins,
    rotate,
    sealed_tables,
)
from ml_connector.vault.processes import key_ids_in_use

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
OLD, NEW = MasterKey(b"o" * 32), MasterKey(b"n" * 32)
BEFORE, BOTH, AFTER = Keyring([OLD]), Keyring([NEW, OLD]), Keyring([NEW])


def owner(number: int) -> Owner:
    return Owner(workspace_id=1, name=f"connection:{number}")


async def store_secrets(database: Database, ring: Keyring, count: int) -> None:
    secrets = Secrets(ring)
    async with database.transaction() as db:
        for number in range(count):
            await secrets.store(db, owner(number), "password", Secret(f"pw {number}"), now=NOW)


async def keys_in_use(database: Database) -> set[str]:
    async with database.transaction() as db:
        return await key_ids_in_use(db, sealed_tables())


async def read_all(database: Database, ring: Keyring, count: int) -> list[str]:
    secrets = Secrets(ring)
    async with database.transaction() as db:
        found = [await secrets.read(db, owner(number)) for number in range(count)]
    return [each["password"].reveal() for each in found]


async def test_after_a_rotation_the_new_key_opens_everything(database):
    await store_secrets(database, BEFORE, 5)
    logins = VaultLogins(database=database, keyring=BEFORE, owner=owner(1), clock=SystemClock())
    await logins.store("user", Login(values={"t": Secret("x")}, facts={}, expires_at=None))
    reports: list[Progress] = []

    progress = await rotate(database, BOTH, report=reports.append, batch=2)

    assert await keys_in_use(database) == {NEW.id}
    assert await read_all(database, AFTER, 5) == [f"pw {number}" for number in range(5)]
    assert (progress.total, progress.done) == (6, 6)
    assert [each.done for each in reports] == sorted(each.done for each in reports)
    assert reports[-1] == progress


async def test_everything_stays_readable_while_a_rotation_runs(database):
    await store_secrets(database, BEFORE, 30)
    rotation = asyncio.create_task(rotate(database, BOTH, batch=1))
    readings = 0

    while not rotation.done():
        assert await read_all(database, BOTH, 30) == [f"pw {number}" for number in range(30)]
        readings += 1
    await rotation

    assert readings > 0
    assert await keys_in_use(database) == {NEW.id}


async def test_an_interrupted_rotation_goes_on_where_it_stopped(database):
    await store_secrets(database, BEFORE, 10)

    def interrupt(progress):
        if progress.done == 4:
            raise RuntimeError("stopped")

    with pytest.raises(RuntimeError, match="stopped"):
        await rotate(database, BOTH, report=interrupt, batch=2)
    between = await keys_in_use(database)
    progress = await rotate(database, BOTH, batch=2)

    assert between == {OLD.id, NEW.id}
    assert progress.total == 6
    assert await keys_in_use(database) == {NEW.id}


async def test_a_rotation_is_refused_while_a_live_process_lacks_the_new_key(database):
    await store_secrets(database, BEFORE, 3)
    presence = await announce(database, BEFORE)

    with pytest.raises(RotationRefusedError, match=f"{NEW.id} is not known to work on"):
        await rotate(database, BOTH)
    refused = await keys_in_use(database)
    await presence.leave()
    await rotate(database, BOTH)

    assert refused == {OLD.id}
    assert await keys_in_use(database) == {NEW.id}


async def test_a_patient_rotation_waits_until_the_processes_have_taken_the_key_up(database):
    await store_secrets(database, BEFORE, 3)
    own_ring = Keyring([OLD])
    presence = await announce(database, own_ring)
    rotation = asyncio.create_task(rotate(database, BOTH, patience=timedelta(seconds=20)))

    own_ring.take_over(BOTH)
    await presence.beat()
    await rotation

    assert await keys_in_use(database) == {NEW.id}


async def test_a_process_that_holds_both_keys_does_not_hinder_it(database):
    await store_secrets(database, BEFORE, 3)
    await announce(database, Keyring([OLD, NEW]))

    await rotate(database, BOTH)

    assert await keys_in_use(database) == {NEW.id}


async def test_a_process_that_starts_between_two_batches_stops_it(database):
    await store_secrets(database, BEFORE, 6)
    started = asyncio.Event()

    def start_one(progress):
        if progress.done == 2:
            started.set()

    async def start_late() -> None:
        await started.wait()
        # It is refused at its start, or the rotation is: one of the two must see the other.
        await announce(database, BEFORE)

    late, rotation = await asyncio.gather(
        start_late(), rotate(database, BOTH, report=start_one, batch=2), return_exceptions=True
    )

    assert isinstance(late, Exception) or isinstance(rotation, RotationRefusedError)


async def test_rotating_twice_does_nothing_the_second_time(database):
    await store_secrets(database, BEFORE, 3)
    await rotate(database, BOTH)

    again = await rotate(database, BOTH)

    assert (again.total, again.done) == (0, 0)


async def test_a_broken_row_is_named(database):
    await store_secrets(database, BEFORE, 1)
    async with database.transaction() as db:
        await db.execute(text("UPDATE secret SET wrapped_key = sealed"))

    with pytest.raises(SealBrokenError, match="secret"):
        await rotate(database, BOTH)


async def announce(database: Database, ring: Keyring) -> Presence:
    return await Presence.announce(
        database, ring, kind="work", release="0.1.0", sealed_tables=sealed_tables()
    )
