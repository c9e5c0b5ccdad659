"""Rows of the backlog in any state, written straight into the database."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import text

from ml_connector.storage.database import Database

NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
PAIR = "toy_pair"
FLOW = f"{PAIR}.deal_to_order"


class BacklogRows:
    """Workspaces with one installation each, and records in them."""

    def __init__(self, database: Database) -> None:
        self.database = database

    async def installation(
        self, name: str = "toy", *, when: object = "events", connections: str = "{}"
    ) -> tuple[int, int]:
        """Make a workspace with an installation; return the ids of both."""
        async with self.database.transaction() as db:
            row = (
                await db.execute(
                    text(
                        """
                        WITH w AS (
                            INSERT INTO workspace (name, created_at) VALUES (:name, :now)
                            RETURNING id
                        ), i AS (
                            INSERT INTO installation (workspace_id, name, pair, connections,
                                settings, configuration_version, created_at, updated_at)
                            SELECT id, :name, 'toy_pair', CAST(:connections AS jsonb), '{}', 1,
                                   :now, :now
                            FROM w RETURNING id, workspace_id
                        ), f AS (
                            INSERT INTO installation_flow
                                (installation_id, flow, is_on, go_live_at, schedule, next_due_at)
                            SELECT id, 'deal_to_order', true, :now,
                                   jsonb_build_object('when', CAST(:whens AS jsonb)), :now FROM i
                        )
                        SELECT workspace_id, id FROM i
                        """
                    ),
                    {
                        "name": name,
                        "now": NOW,
                        "connections": connections,
                        "whens": json.dumps(when),
                    },
                )
            ).one()
        return row.workspace_id, row.id

    async def record(
        self,
        installed: tuple[int, int],
        record: object,
        *,
        state: str = "held",
        names: tuple[str, ...] = (),
        wanted_for: timedelta = timedelta(minutes=1),
        **columns: Any,
    ) -> int:
        """Write one record; return its id."""
        workspace_id, installation_id = installed
        values: dict[str, Any] = {
            "workspace_id": workspace_id,
            "installation_id": installation_id,
            "owner": f"installation:{installation_id}",
            "flow": FLOW,
            "record": str(record),
            "state": state,
            "lane": 1,
            "due_at": NOW,
            "wanted_at": NOW - wanted_for,
            "settled_at": NOW,
            **columns,
        }
        names_of = ", ".join(values)
        places = ", ".join(f":{name}" for name in values)
        async with self.database.transaction() as db:
            number: int = (
                await db.execute(
                    text(
                        f"INSERT INTO backlog ({names_of}, trigger) VALUES ({places}, "  # noqa: S608 - columns named by a test
                        """'{"by": "webhook"}') RETURNING id"""
                    ),
                    values,
                )
            ).scalar_one()
            for name in names:
                await db.execute(
                    text(
                        "INSERT INTO record_name (backlog_id, name, workspace_id)"
                        " VALUES (:id, :name, :workspace_id)"
                    ),
                    {"id": number, "name": name.casefold(), "workspace_id": workspace_id},
                )
        return number

    async def row(self, number: int) -> Any:
        """Return one row as it stands."""
        async with self.database.transaction() as db:
            found = await db.execute(text("SELECT * FROM backlog WHERE id = :id"), {"id": number})
            return found.one()
