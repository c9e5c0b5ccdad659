"""One week of a small company, in short: what it sells, invoices and is paid, and the books after.

The same story is told under every setting of the simulators; however they behave, both books
have to agree in the end.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Any

from tests.scenarios.acumatica_pipedrive.ledger import Ledger
from tests.scenarios.acumatica_pipedrive.party_shop import (
    ALL_ON,
    HAMBURG,
    OpenParties,
    PartyShop,
)
from tests.world.world import FLOW

ITEMS = "item_to_product"
BILLING = "invoice_to_deal"
PATIENCE = 60.0  # seconds; a whole story on a loaded machine
_ROUNDS = 6  # polls until everything is seen that a lagging list or a long transaction held back
_LATER = timedelta(minutes=2)  # from poll to poll
_FLOWS: Mapping[str, Any] = {
    **ALL_ON,
    BILLING: {"on": True, "when": {"every": "1m"}},
    ITEMS: {"on": True, "when": {"every": "1m"}, "go_live": "2020-01-01"},
}
_ON_THE_WAY = {  # to the warehouse: what finance does to an order of each status, in this order
    "On Hold": "release_order",
    "Pending Approval": "approve_order",
    "Awaiting Payment": "waive_prepayment",
}
_NETS = {  # of each deal, by what is sold in it
    "percents": Decimal("239.97"),
    "amounts": Decimal(195),
    "taxed": Decimal(200),
    "unknown item": Decimal(100),
}


@dataclass
class Story:
    """What is done, in order, and what has to stand in both books by then."""

    shop: PartyShop
    ledger: Ledger
    deals: dict[str, int] = field(default_factory=dict)
    held: dict[str, str] = field(default_factory=lambda: {"unknown item": "GHOST"})
    """Deals that wait for a person, and what their reason has to name."""
    prices: dict[str, Decimal] = field(default_factory=dict)
    """Of items that finance has priced."""
    shown: dict[str, str] = field(default_factory=dict)
    """What the invoiced deal shows."""

    async def tell(self) -> None:
        await self.sell()
        await self.invoice()
        await self.change_an_item()
        await self.enter_the_missing_item()

    # --- what people do --------------------------------------------------------------------

    async def sell(self) -> None:
        """Win deals of one new organization at the same moment; one names an unknown item."""
        shop = self.shop
        await shop.item("VALVE")
        shop.products["GHOST"] = await shop.world.product("GHOST")
        organization = await shop.world.organization("Nordwerk GmbH", address=HAMBURG)
        emails = [{"value": "jana@nordwerk.example", "primary": True, "label": "work"}]
        person = await shop.add("person", name="Jana Voss", org_id=organization, emails=emails)
        lines: Mapping[str, list[Mapping[str, Any]]] = {
            "percents": [
                shop.line(quantity=2, discount=10, tax_method="none"),
                shop.line("VALVE", quantity=3, item_price=19.99),
            ],
            "amounts": [shop.line(quantity=2, discount=5, discount_type="amount", tax=0)],
            "taxed": [shop.line(quantity=2, tax=19, tax_method="exclusive")],
            "unknown item": [shop.line("GHOST")],
        }
        for name, sold in lines.items():
            self.deals[name] = await shop.deal(*sold, org_id=organization, person_id=person)
        await shop.wins(*self.deals.values())
        await self.agrees()

    async def invoice(self) -> None:
        """Make an invoice from an order, take a payment, credit a part of it."""
        order = await self.shop.order(self.deals["percents"])
        for status, action in _ON_THE_WAY.items():
            if order["Status"] == status:
                order = await self.ledger.play(action, order=order["OrderNbr"])
        await self.ledger.play("ship", order=order["OrderNbr"])
        made = await self.ledger.play("invoice", order=order["OrderNbr"])
        number = made["ReferenceNbr"]
        await self.ledger.play("pay", invoice=number, amount="100")
        await self.ledger.play("credit_memo", invoice=number, amount="25")
        self.shown = {
            "billed_total": "214.97 USD",
            "open_balance": "114.97 USD",
            "last_payment": "100.00 USD",
        }
        await self.agrees()

    async def change_an_item(self) -> None:
        """Change the price of an item that is sold."""
        await self.shop.world.play("acumatica", "set_item_price", item="VALVE", price="24.50")
        self.prices["VALVE"] = Decimal("24.50")
        await self.agrees()

    async def enter_the_missing_item(self) -> None:
        """Enter the item that a deal waits for: it goes on by itself."""
        await self.shop.world.items("GHOST")
        self.held.pop("unknown item", None)
        await self.agrees()

    async def agrees(self) -> None:
        """Poll until nothing is left to do and both books agree."""
        faults: list[str] = []
        for _ in range(_ROUNDS):
            await self.shop.all_quiet(within=PATIENCE)
            faults = await self.faults()
            if not faults:
                return
            await self.shop.world.jump(_LATER)
            await self.shop.poll()
        raise AssertionError("; ".join(faults))

    # --- what then stands in both books ----------------------------------------------------

    async def faults(self) -> list[str]:
        """Return what is lost, doubled, wrong or given up on."""
        return [
            *await self._given_up(),
            *await self._faults_of_orders(),
            *await self._faults_of_parties(),
            *await self._faults_of_products(),
            *await self._faults_of_billing(),
        ]

    async def _given_up(self) -> list[str]:
        deals = {str(deal): name for name, deal in self.deals.items()}
        faults = []
        for row in await self.shop.flow_rows():
            name = deals.get(row.record, "") if row.flow.endswith(FLOW) else ""
            words = self.held.get(name)
            if row.state == "dead":
                faults.append(f"{row.flow} gave up on {row.record}: {row.reason}")
            elif row.state == "held" and (words is None or words not in row.reason):
                faults.append(f"{row.flow} holds {name or row.record}: {row.reason}")
        return faults

    async def _faults_of_orders(self) -> list[str]:
        orders = await self.shop.orders()
        faults = [] if len(orders) == len(_NETS) - len(self.held) else [f"{len(orders)} orders"]
        for name, deal in self.deals.items():
            found = [one for one in orders if one["ExternalRef"] == f"pd-deal-{deal}"]
            nets = [
                Decimal(str(one["OrderTotal"])) - Decimal(str(one["TaxTotal"])) for one in found
            ]
            if nets != ([] if name in self.held else [_NETS[name]]):
                faults.append(f"{name}: orders over {nets}")
        return faults

    async def _faults_of_parties(self) -> list[str]:
        customers = [one["CustomerName"] for one in await self.shop.customers()]
        contacts = [one["Email"] for one in await self.shop.contacts()]
        return [
            *([] if customers == ["Nordwerk GmbH"] else [f"customers: {customers}"]),
            *([] if contacts == ["jana@nordwerk.example"] else [f"contacts: {contacts}"]),
        ]

    async def _faults_of_products(self) -> list[str]:
        products = await self.shop.records("pipedrive", "products")
        codes = Counter(one["code"] for one in products)
        faults = [f"{codes[code]} products {code}" for code in codes if codes[code] > 1]
        for one in products:
            prices = {Decimal(str(price["price"])) for price in one["prices"]}
            if self.prices.get(one["code"]) not in {None, *prices}:
                faults.append(f"{one['code']} costs {prices}")
        return faults

    async def _faults_of_billing(self) -> list[str]:
        if not self.shown:
            return []
        shown = await self.ledger.shown(self.deals["percents"])
        return [
            f"{name} is {shown.get(name)}, not {value}"
            for name, value in self.shown.items()
            if shown.get(name) != value
        ]


@asynccontextmanager
async def open_story(opened: OpenParties, **how: Any) -> AsyncIterator[Story]:
    """Open a shop with every flow on, whose first matches are confirmed."""
    async with opened(flows=_FLOWS, works=False, **how) as shop:
        await shop.survey(ITEMS)
        await shop.confirm(ITEMS)
        await shop.world.work_inside()
        yield Story(shop, Ledger(shop))
