from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy import text

from ml_connector.core.secret import Secret
from ml_connector.storage.database import Database
from ml_connector.vault import (
    Keyring,
    LiveProcess,
    MasterKey,
    Owner,
    Presence,
    Secrets,
    UnknownKeyError,
    ensure_key_file,
    live_processes,
    new_master_key,
    put_key_first,
    read_key_file,
)
from ml_connector.vault.rotation import sealed_tables

OLD, NEW = MasterKey(b"o" * 32), MasterKey(b"n" * 32)


async def announce(database: Database, *keys: MasterKey) -> Presence:
    return await Presence.announce(
        database, Keyring(keys), kind="work", release="0.1.0", sealed_tables=sealed_tables()
    )


async def live(database: Database) -> list[LiveProcess]:
    async with database.transaction() as db:
        return await live_processes(db)


async def test_an_announced_process_lives_with_its_keys(database):
    await announce(database, NEW, OLD)

    (found,) = await live(database)

    assert found.kind == "work"
    assert found.key_ids == (NEW.id, OLD.id)
    assert "work on" in str(found)


async def test_a_process_that_left_is_gone(database):
    presence = await announce(database, OLD)

    await presence.leave()

    assert await live(database) == []


async def test_a_silent_process_counts_as_gone_until_it_beats_again(database):
    presence = await announce(database, OLD)
    async with database.transaction() as db:
        await db.execute(text("UPDATE process SET heartbeat_at = heartbeat_at - interval '31 s'"))
    silent = await live(database)

    await presence.beat()

    assert silent == []
    assert len(await live(database)) == 1


async def test_a_beat_clears_away_those_long_gone(database):
    await announce(database, OLD)
    async with database.transaction() as db:
        await db.execute(text("UPDATE process SET heartbeat_at = heartbeat_at - interval '2 days'"))
    presence = await announce(database, OLD)

    await presence.beat()

    async with database.transaction() as db:
        assert await db.scalar(text("SELECT count(*) FROM process")) == 1


async def test_a_key_added_to_the_file_is_taken_up_and_told_without_a_restart(database, tmp_path):
    path = tmp_path / "master.keys"
    keyring = ensure_key_file(path)
    presence = await Presence.announce(
        database, keyring, kind="up", release="0.1.0", sealed_tables=sealed_tables()
    )
    both = put_key_first(path, new_master_key())

    presence.take_up_keys(lambda: read_key_file(path))
    await presence.beat()

    (found,) = await live(database)
    assert keyring.ids == found.key_ids == both.ids
    assert keyring.newest.id == both.newest.id


async def test_an_unreadable_key_file_leaves_the_keys_as_they_are(database, tmp_path):
    path = tmp_path / "master.keys"
    keyring = ensure_key_file(path)
    before = keyring.ids
    presence = await Presence.announce(
        database, keyring, kind="up", release="0.1.0", sealed_tables=sealed_tables()
    )
    path.unlink()

    presence.take_up_keys(lambda: read_key_file(path))

    assert keyring.ids == before


async def test_a_process_without_a_key_in_use_does_not_start(database):
    async with database.transaction() as db:
        owner = Owner(workspace_id=1, name="connection:1")
        now = datetime(2026, 5, 4, tzinfo=UTC)
        await Secrets(Keyring([OLD])).store(db, owner, "password", Secret("x"), now=now)

    with pytest.raises(UnknownKeyError, match=OLD.id):
        await announce(database, NEW)
    assert await live(database) == []
