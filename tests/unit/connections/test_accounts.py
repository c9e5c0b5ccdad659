from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import text
from tests.unit.connections.fake_vendor import PASSWORD

from ml_connector.connections import ConnectionRow, Connections, SettingsRefusedError, State
from ml_connector.core.errors import ConfigurationError, NotFoundError
from ml_connector.core.logins import Login
from ml_connector.core.secret import Secret
from ml_connector.storage.database import Database


async def settings_of(connections: Connections, database: Database, row: ConnectionRow) -> Any:
    async with database.transaction() as db:
        return await connections.accounts.settings_of(db, row)


async def update(connections: Connections, row: ConnectionRow, **settings: Any) -> ConnectionRow:
    return await connections.accounts.update(
        workspace_id=1, connection_id=row.id, settings=settings
    )


async def test_a_new_connection_is_ready_and_gives_its_settings_back(
    connections, database, row, server
):
    settings = await settings_of(connections, database, row)

    assert row.state is State.READY
    assert row.settings_version == 1
    assert row.secret_fields == ("password",)
    assert settings.url == server.url
    assert settings.password.reveal() == PASSWORD


async def test_its_row_holds_no_secret(database, row):
    async with database.transaction() as db:
        dump = (await db.execute(text("SELECT CAST(c AS text) FROM connection c"))).scalar_one()

    assert "url" in dump
    assert PASSWORD not in dump
    assert "password" not in row.settings


async def test_settings_that_the_vendor_does_not_take_are_all_named_without_their_values(
    connections,
):
    with pytest.raises(SettingsRefusedError) as refused:
        await connections.accounts.create(
            workspace_id=1,
            name="x",
            vendor="fake",
            settings={"passwort": PASSWORD, "calls_at_once": "many"},
        )

    assert {field for field, _ in refused.value.faults} == {"url", "passwort", "calls_at_once"}
    assert PASSWORD not in str(refused.value)
    assert refused.value.__cause__ is None
    assert refused.value.__context__ is None


async def test_a_name_is_taken_once_in_a_workspace(connections, row):
    settings = dict(row.settings)
    with pytest.raises(ConfigurationError, match="'our fake' already"):
        await connections.accounts.create(
            workspace_id=1, name=row.name, vendor="fake", settings=settings
        )

    other = await connections.accounts.create(
        workspace_id=2, name=row.name, vendor="fake", settings=settings
    )
    assert other.id != row.id


async def test_an_unknown_vendor_names_those_there_are(connections):
    with pytest.raises(ConfigurationError, match="known are fake"):
        await connections.accounts.create(workspace_id=1, name="x", vendor="sap", settings={})


async def test_another_workspace_does_not_see_it(connections, row):
    with pytest.raises(NotFoundError):
        await connections.accounts.get(2, row.id)
    with pytest.raises(NotFoundError):
        await connections.accounts.by_name(2, row.name)
    with pytest.raises(NotFoundError):
        await connections.accounts.update(workspace_id=2, connection_id=row.id, settings={})

    assert await connections.accounts.list(2) == []
    assert await connections.accounts.list(1) == [row]


async def test_a_secret_that_an_update_leaves_out_stays(connections, database, row, server):
    changed = await update(connections, row, url=server.url, version="24.2")

    settings = await settings_of(connections, database, changed)
    assert changed.settings_version == 2
    assert settings.version == "24.2"
    assert settings.password.reveal() == PASSWORD


async def test_a_secret_set_to_none_is_removed(connections, database, row, server):
    changed = await update(connections, row, url=server.url, password=None)

    assert changed.secret_fields == ()
    assert (await settings_of(connections, database, changed)).password is None


async def test_the_same_again_changes_nothing(connections, row, server):
    same = await update(connections, row, url=server.url, password=PASSWORD)

    assert same == row


async def test_a_preview_names_what_would_change_and_no_secret(connections, row, server):
    change = await connections.accounts.preview(
        workspace_id=1,
        connection_id=row.id,
        settings={"url": server.url, "password": "canary", "calls_at_once": 2},
    )
    same = await connections.accounts.preview(
        workspace_id=1, connection_id=row.id, settings={"url": server.url}
    )

    assert change.settings == {"calls_at_once": (4, 2)}
    assert change.secrets == {"password"}
    assert change.drops_logins
    assert "canary" not in repr(change)
    assert not same
    assert (await connections.read(row.id)) == row


async def test_a_changed_secret_raises_the_version(connections, row, server):
    changed = await update(connections, row, url=server.url, password="another one")

    assert changed.settings_version == 2


async def test_logins_won_with_other_settings_are_dropped(connections, row, server):
    logins = connections.logins_of(row)
    await logins.store("user", Login(values={"t": Secret("x")}, facts={}, expires_at=None))

    await update(connections, row, url=server.url, calls_at_once=2)
    kept = await connections.logins_of(row).current("user")
    await update(connections, row, url=server.url, calls_at_once=2, version="24.2")
    dropped = await connections.logins_of(row).current("user")

    assert kept is not None
    assert dropped is None


async def test_a_deleted_connection_leaves_nothing(connections, database, row):
    logins = connections.logins_of(row)
    await logins.store("user", Login(values={"t": Secret("x")}, facts={}, expires_at=None))

    await connections.accounts.delete(workspace_id=1, connection_id=row.id)

    async with database.transaction() as db:
        for table in ("connection", "secret", "login"):
            left = await db.scalar(text(f"SELECT count(*) FROM {table}"))  # noqa: S608 - fixed names
            assert left == 0
