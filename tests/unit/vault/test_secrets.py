from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, text, update

from ml_connector.core.secret import Secret
from ml_connector.vault import Keyring, MasterKey, Owner, SealBrokenError, Secrets
from ml_connector.vault.tables import secret

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
OWNER = Owner(workspace_id=1, name="endpoint:3")
CANARY = "canary-4711-secret"


@pytest.fixture
def secrets() -> Secrets:
    return Secrets(Keyring([MasterKey(b"k" * 32)]))


async def test_a_stored_secret_comes_back(database, secrets):
    async with database.transaction() as db:
        await secrets.store(db, OWNER, "password", Secret(CANARY), now=NOW)
    async with database.transaction() as db:
        found = await secrets.read(db, OWNER)

    assert found == {"password": Secret(CANARY)}


async def test_the_same_value_again_is_no_new_version(database, secrets):
    async with database.transaction() as db:
        first = await secrets.store(db, OWNER, "password", Secret("a"), now=NOW)
        again = await secrets.store(db, OWNER, "password", Secret("a"), now=NOW)
        other = await secrets.store(db, OWNER, "password", Secret("b"), now=NOW)

    assert (first, again, other) == (1, 1, 2)


async def test_a_rotated_secret_keeps_the_old_one_good_for_a_while(database, secrets):
    tomorrow = NOW + timedelta(days=1)
    async with database.transaction() as db:
        await secrets.store(db, OWNER, "guard", Secret("old"), now=NOW)
        await secrets.store(db, OWNER, "guard", Secret("new"), now=NOW, old_valid_until=tomorrow)

        today = await secrets.read_field(db, OWNER, "guard", now=NOW)
        later = await secrets.read_field(db, OWNER, "guard", now=tomorrow)

    assert [each.value.reveal() for each in today] == ["new", "old"]
    assert [each.value.reveal() for each in later] == ["new"]


async def test_without_a_time_the_old_one_is_gone(database, secrets):
    async with database.transaction() as db:
        await secrets.store(db, OWNER, "guard", Secret("old"), now=NOW)
        await secrets.store(db, OWNER, "guard", Secret("new"), now=NOW)
        rows = (await db.execute(select(secret))).all()

    assert len(rows) == 1


async def test_rotating_back_to_the_old_value_puts_it_in_force(database, secrets):
    tomorrow = NOW + timedelta(days=1)
    async with database.transaction() as db:
        for value in ("a", "b", "a"):
            await secrets.store(
                db, OWNER, "guard", Secret(value), now=NOW, old_valid_until=tomorrow
            )
        found = await secrets.read(db, OWNER)

    assert found["guard"].reveal() == "a"


async def test_writers_at_once_leave_one_value_in_force(database, secrets):
    async def store(number: int) -> None:
        async with database.transaction() as db:
            await secrets.store(db, OWNER, "password", Secret(f"value {number}"), now=NOW)

    await asyncio.gather(*(store(number) for number in range(8)))

    async with database.transaction() as db:
        in_force = await db.execute(select(secret).where(secret.c.valid_until.is_(None)))
        assert len(in_force.all()) == 1


async def test_owners_and_workspaces_do_not_see_each_other(database, secrets):
    other = Owner(workspace_id=2, name=OWNER.name)
    async with database.transaction() as db:
        await secrets.store(db, OWNER, "password", Secret("a"), now=NOW)
        found = await secrets.read(db, other)
        deleted = await secrets.delete(db, other)

    assert found == {}
    assert deleted == 0


async def test_a_row_moved_to_another_owner_does_not_open(database, secrets):
    async with database.transaction() as db:
        await secrets.store(db, OWNER, "password", Secret("a"), now=NOW)
        await db.execute(update(secret).values(owner="endpoint:4"))

        with pytest.raises(SealBrokenError, match="password of endpoint:4"):
            await secrets.read(db, Owner(workspace_id=1, name="endpoint:4"))


async def test_a_secret_is_nowhere_in_the_rows_errors_or_logs(database, secrets, caplog, capsys):
    async with database.transaction() as db:
        await secrets.store(db, OWNER, "password", Secret(CANARY), now=NOW)
        dump = (await db.execute(text("SELECT CAST(s AS text) FROM secret s"))).scalars().all()
        found = await secrets.read_field(db, OWNER, "password", now=NOW)
        await db.execute(update(secret).values(field="other"))
        with pytest.raises(SealBrokenError) as broken:
            await secrets.read(db, OWNER)

    shown = [*dump, repr(found), str(broken.value), repr(broken.value), caplog.text]
    shown += capsys.readouterr()
    assert not [each for each in shown if CANARY in each or CANARY.encode().hex() in each]
