"""A shop whose organizations and persons move, with and without deals."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import text
from tests.scenarios.acumatica_pipedrive.shop import PATIENCE, Shop, open_shop
from tests.world.world import FLOW

from ml_connector.sync import first_match
from ml_connector.sync.first_match import Listed
from ml_connector.sync.first_matching import FirstMatch
from ml_connector.sync.looking import find
from ml_connector.sync.rows import POLL
from ml_connector.sync.works import FlowWorks

ORGANIZATIONS = "organization_to_customer"
PERSONS = "person_to_contact"
CUSTOMERS = "customer_to_organization"
CONTACTS = "contact_to_person"

_ON = {"on": True, "when": {"every": "1m"}}
ALL_ON: Mapping[str, Any] = dict.fromkeys((FLOW, ORGANIZATIONS, PERSONS, CUSTOMERS, CONTACTS), _ON)
_FINAL = frozenset({"done", "held", "dead"})

HAMBURG = {
    "value": "Hauptstraße 5, 20095 Hamburg, Deutschland",
    "route": "Hauptstraße",
    "street_number": "5",
    "locality": "Hamburg",
    "postal_code": "20095",
    "country": "Deutschland",
}


@dataclass
class PartyShop(Shop):
    """A shop, moved at its organizations and persons."""

    async def add(self, kind: str, **values: Any) -> int:
        """Enter a record in Pipedrive as a person does: webhooks follow."""
        made = await self.world.play("pipedrive", "create", kind=kind, **values)
        return int(made["id"])

    async def customer_organization(self, name: str = "Nordwerk GmbH", **values: Any) -> int:
        """Enter an organization whose label makes it a customer, and wait until it is one."""
        key = await self.add("organization", name=name, label_ids=[5], **values)
        await self.all_quiet()
        return key

    async def person(self, name: str = "Jana Voss", **values: Any) -> int:
        key = await self.add("person", name=name, **values)
        await self.all_quiet()
        return key

    async def edit(self, kind: str, key: int, **changes: Any) -> None:
        """Change a record in Pipedrive and wait for what follows."""
        await self.world.play("pipedrive", "edit", kind=kind, id=key, changes=changes)
        await self.all_quiet()

    async def merge(self, kind: str, *, stays: int, goes: int) -> None:
        await self.world.play("pipedrive", "merge", kind=kind, id=stays, merge_with_id=goes)
        await self.all_quiet()

    async def delete(self, kind: str, key: int) -> None:
        await self.world.play("pipedrive", "delete", kind=kind, id=key)
        await self.all_quiet()

    async def in_erp(self, action: str, **body: Any) -> None:
        """Let finance do something in Acumatica, and read it by poll."""
        await self.world.play("acumatica", action, **body)
        await self.poll()

    async def poll(self) -> None:
        """Let every poll run once, and wait for what follows."""
        before = {row.record: row.run_no for row in await self.world.rows(POLL)}
        await self.world.poll_now()
        end = time.monotonic() + PATIENCE
        while True:
            rows = await self.world.rows(POLL)
            if rows and all(
                row.run_no > before.get(row.record, 0) and row.state in _FINAL for row in rows
            ):
                break
            assert time.monotonic() < end, [(row.record, row.run_no, row.state) for row in rows]
            await asyncio.sleep(0.02)
        await self.all_quiet()

    async def all_quiet(self, *, within: float = PATIENCE) -> None:
        """Wait until every event was heard and no flow has anything left to do."""
        end = time.monotonic() + within
        calm = 0
        while calm < 2:
            pending = [one for one in await self.deliveries() if one["outcome"] == "pending"]
            await self.hurry()
            rows = await self.flow_rows()
            busy = [(row.flow, row.record, row.state) for row in rows if row.state not in _FINAL]
            calm = 0 if pending or busy else calm + 1
            assert time.monotonic() < end, (pending, busy)
            await asyncio.sleep(0.02)

    async def flow_rows(self) -> list[Any]:
        return [row for row in await self.world.rows("") if "." in row.flow]

    async def row_of(self, flow: str, record: object) -> Any:
        (row,) = [row for row in await self.world.rows(flow) if row.record == str(record)]
        return row

    # --- the first match -------------------------------------------------------------------

    async def survey(self, flow: str) -> dict[str, Listed]:
        """Compare both sides, and return the list by Pipedrive's ids."""
        services, task = self.world.services, await self._first_match(flow)
        works = FlowWorks(services.engine, services.integrations, services.open_side)
        async for _ in task.survey(works, services.database, now=services.clock.now()):
            pass
        async with services.database.transaction() as db:
            rows = await first_match.listed(db, task.key, limit=1000)
        return {row.source_key: row for row in rows}

    async def confirm(self, flow: str) -> None:
        """Confirm the list of a flow: from then on it writes."""
        task = await self._first_match(flow)
        services = self.world.services
        async for _ in task.confirm(services.database, now=services.clock.now()):
            pass

    async def _first_match(self, flow: str) -> FirstMatch:
        services = self.world.services
        await services.directory.read()
        (installation,) = services.directory.all()
        integration = services.integrations[installation.pair]
        return FirstMatch(
            installation=installation,
            integration=integration,
            flow=integration.flow(flow),
            who="test",
        )

    # --- looking ---------------------------------------------------------------------------

    async def only_customer(self) -> dict[str, Any]:
        (found,) = await self.customers()
        return found

    async def contacts(self) -> list[dict[str, Any]]:
        return await self.records("acumatica", "contact")

    async def only_contact(self) -> dict[str, Any]:
        (found,) = await self.contacts()
        return found

    async def crm(self, kind: str, key: int) -> dict[str, Any]:
        (found,) = [one for one in await self.records("pipedrive", f"{kind}s") if one["id"] == key]
        return found

    async def told_of(self, flow: str, record: object, event: str) -> list[dict[str, Any]]:
        """Return what a record's story says of an event."""
        async with self.world.services.database.transaction() as db:
            found = await db.execute(
                text("SELECT t.detail FROM trail t JOIN backlog b ON b.id = t.backlog_id"
                     " WHERE b.record = :record AND b.flow LIKE :flow AND t.event = :event"
                     " ORDER BY t.id"),
                {"record": str(record), "flow": f"%{flow}", "event": event},
            )  # fmt: skip
            return list(found.scalars())

    async def found_by(self, key: str) -> set[tuple[str, str]]:
        """Return the records that an id, number or name leads to, by flow."""
        async with self.world.services.database.transaction() as db:
            workspace = await db.execute(text("SELECT min(workspace_id) FROM backlog"))
            found = await find(db, int(workspace.scalar_one()), key)
        return {(row.flow_name, row.record) for row in found}

    async def all_writes(self, since: Mapping[str, int]) -> dict[str, list[str]]:
        return {vendor: await self.writes(vendor, since=number) for vendor, number in since.items()}

    async def marks(self) -> dict[str, int]:
        """Return where the calls of both simulators stand."""
        return {name: await self.last_call(name) for name in ("pipedrive", "acumatica")}


OpenParties = Callable[..., AbstractAsyncContextManager[PartyShop]]


@asynccontextmanager
async def open_parties(
    database_url: str,
    folder: Path,
    *,
    settings: Mapping[str, Any] | None = None,
    confirms: bool = True,
    **how: Any,
) -> AsyncIterator[PartyShop]:
    """Open a shop with every flow of parties on; the label Customer makes a customer.

    Its first match is confirmed while there is nothing to match, unless told otherwise.
    """
    organizations = {"labels": ["Customer"], **(settings or {}).get("organizations", {})}
    given = {**(settings or {}), "organizations": organizations}
    how.setdefault("flows", ALL_ON)
    async with open_shop(database_url, folder, settings=given, **how) as shop:
        made = PartyShop(world=shop.world, products=shop.products)
        for flow in (ORGANIZATIONS, PERSONS) if confirms else ():
            if flow in how["flows"]:
                await made.survey(flow)
                await made.confirm(flow)
        yield made


async def together(*changes: Awaitable[Any]) -> None:
    """Make changes at the same moment."""
    await asyncio.gather(*changes)
