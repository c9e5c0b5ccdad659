"""A firm that sells through Pipedrive and keeps its books in Sage Intacct, as a test moves it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml
from sqlalchemy import text
from tests.scenarios.acumatica_pipedrive.party_shop import PartyShop
from tests.world.world import World, world

from ml_connector.app.applying import Applying
from ml_connector.app.configuration import load

FLOW = "won_deal_to_journal_entry"

CATEGORIES = {"Hardware": "18", "Services": "19"}
"""Pipedrive's options by their labels, as the simulator has them."""

SETTINGS: Mapping[str, Any] = {
    "posting": {"journal": "GJ", "offset_account": "1160", "state": "posted"},
    "line_mapping": {
        "tables": {"revenue accounts": {"entries": {"Hardware": "4020", "Services": "4010"}}}
    },
}
"""Hardware and services have accounts of their own; entries are posted at once."""


@dataclass
class Company(World):
    """A deployment of the pair."""

    flow: str = FLOW
    erp: dict[str, Any] = field(default_factory=dict)
    """Settings of the connection to Intacct beside the sandbox's own."""
    notes: Sequence[str] = ()
    """What was told when the configuration was applied."""

    async def apply(
        self, *, settings: Mapping[str, Any] | None = None, **installation: Any
    ) -> None:
        """Apply a configuration for both simulators, with changes to the installation."""
        described = self.sandbox.describe()
        crm, erp = described["pipedrive"], dict(described["sage_intacct"])
        secrets = {
            "CRM_TOKEN": crm["api_token"],
            "SENDER_PASSWORD": erp.pop("sender_password"),
            "USER_PASSWORD": erp.pop("user_password"),
        }
        document = {
            "connections": {
                "crm": {
                    "vendor": "pipedrive",
                    "settings": {"api_url": crm["url"], "api_token": "${env:CRM_TOKEN}"},
                },
                "erp": {
                    "vendor": "sage_intacct",
                    "settings": {
                        **erp,
                        "sender_password": "${env:SENDER_PASSWORD}",
                        "user_password": "${env:USER_PASSWORD}",
                        **self.erp,
                    },
                },
            },
            "installations": {
                "acme": {
                    "pair": "sage_intacct",
                    "crm": "crm",
                    "erp": "erp",
                    "webhooks": self.public_url is not None,
                    "flows": {FLOW: {"on": True, "when": {"every": "1m"}}},
                    "settings": merged(SETTINGS, settings or {}),
                    **installation,
                }
            },
        }
        path = self.folder / "configuration.yaml"
        path.write_text(yaml.safe_dump(document))
        applied = await Applying(self.services).apply(load(path, environment=secrets), who="test")
        self.notes = applied.notes


class Firm(PartyShop):
    """The deployment at work, with two things to sell."""

    world: Company

    async def product_of(self, category: str | None, code: str, **values: Any) -> int:
        """Put a product of a category into Pipedrive."""
        option = CATEGORIES[category] if category is not None else None
        self.products[code] = await self.world.product(code, category=option, **values)
        return self.products[code]

    async def entry(self, deal: int, *, ending: str = "") -> dict[str, Any]:
        """Return the only entry that carries the deal's reference and reverses none."""
        found = await self.entries(deal, ending=ending)
        assert len(found) == 1, f"{len(found)} entries carry PD-{deal}{ending}"
        return found[0]

    async def entries(self, deal: int | None = None, *, ending: str = "") -> list[dict[str, Any]]:
        """Return entries, those of a reference if a deal is named, without finance's reversals."""
        return [
            one
            for one in await self.records("sage_intacct", "journal_entries")
            if "REVERSEDFROM" not in one
            and (deal is None or one.get("REFERENCENO") == f"PD-{deal}{ending}")
        ]

    async def balance(self, *accounts: str) -> Decimal:
        """Return what posted entries leave on accounts: credits less debits."""
        return sum(
            (
                -Decimal(line["TR_TYPE"]) * Decimal(str(line["TRX_AMOUNT"]))
                for one in await self.records("sage_intacct", "journal_entries")
                if one["STATE"] == "Posted"
                for line in one["ENTRIES"]
                if line["ACCOUNTNO"] in accounts
            ),
            Decimal(0),
        )

    async def finance(self, action: str, **body: Any) -> Any:
        return await self.world.play("sage_intacct", action, **body)

    async def noted_of(self, flow: str, record: object, event: str) -> list[dict[str, Any]]:
        """Return what the story of a flow's record says of an event."""
        async with self.world.services.database.transaction() as db:
            found = await db.execute(
                text("SELECT t.detail FROM trail t JOIN backlog b ON b.id = t.backlog_id"
                     " WHERE b.record = :record AND b.flow LIKE :flow AND t.event = :event"
                     " ORDER BY t.id"),
                {"record": str(record), "flow": f"%{flow}", "event": event},
            )  # fmt: skip
            return list(found.scalars())

    async def edit_line(self, deal: int, number: int = 0, **changes: Any) -> Any:
        """Change a line of a deal, and return the deal's row after what followed."""
        line = (await self.crm_deal(deal))["products"][number]["id"]
        return await self.then(
            deal, self.world.play("pipedrive", "edit_line", id=line, changes=changes)
        )

    async def gateway_writes(self, *, since: int = 0) -> list[str]:
        """Return what was asked of Intacct that writes."""
        found = await self.world.calls("sage_intacct", since=since)
        verbs = ("create", "update", "delete")
        return [one["operation"] for one in found if any(v in one["operation"] for v in verbs)]


def lines_of(entry: Mapping[str, Any]) -> list[tuple[str, str, Decimal]]:
    """Return an entry's lines as side, account and amount."""
    sides = {1: "debit", -1: "credit"}
    return [
        (sides[int(line["TR_TYPE"])], line["ACCOUNTNO"], Decimal(str(line["TRX_AMOUNT"])))
        for line in entry["ENTRIES"]
    ]


def merged(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Lay changes over settings, group by group; None takes one away."""
    found = deepcopy(dict(base))
    for name, value in changes.items():
        if value is None:
            del found[name]
            continue
        both = isinstance(value, Mapping) and isinstance(found.get(name), Mapping)
        found[name] = merged(found[name], value) if both else value
    return found


@asynccontextmanager
async def open_firm(
    database_url: str,
    folder: Path,
    *,
    settings: Mapping[str, Any] | None = None,
    sage_intacct: Mapping[str, Any] | None = None,
    pipedrive: Mapping[str, Any] | None = None,
    erp: Mapping[str, Any] | None = None,
    seeds: Mapping[str, Sequence[Any] | Mapping[str, Any]] | None = None,
    fields: Mapping[str, Any] | None = None,
    works: bool = True,
    **installation: Any,
) -> AsyncIterator[Firm]:
    """Open a firm that sells a PUMP (hardware) and a DAY (services).

    ``erp`` are settings of the connection, ``seeds`` further records of Intacct, ``fields``
    custom fields of Pipedrive by their record.
    """
    switches: dict[str, Any] = {
        name: given
        for name, given in (("sage_intacct", sage_intacct), ("pipedrive", pipedrive))
        if given
    }
    async with world(database_url, folder, serves=True, made_as=Company, **switches) as made:
        assert isinstance(made, Company)
        made.erp = dict(erp or {})
        firm = Firm(made)
        await firm.product_of("Hardware", "PUMP")
        await firm.product_of("Services", "DAY")
        if fields:
            await made.control("pipedrive/seed", {"fields": dict(fields)})
        if seeds:
            await made.control("sage_intacct/seed", dict(seeds))
        await made.apply(settings=settings, **installation)
        if works:
            await made.work_inside()
        yield firm
