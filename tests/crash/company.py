"""A company that wins many deals, and what its ERP must hold afterwards.

The comparison asks the two vendors' books alone, never the connector: every won deal has one
order with its customer, its lines and its number shown on the deal; every organization of a won
deal is one customer and shows its number.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from tests.world.world import World

_SKUS = ("PUMP-40", "BOLT-8", "SEAL-3")
_PRICES = (Decimal("19.99"), Decimal(5), Decimal("0.35"))

Record = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Deal:
    """A deal as it was sold."""

    number: int
    organization: int
    lines: tuple[tuple[str, Decimal, Decimal], ...]
    """SKU, quantity, price."""


@dataclass(slots=True)
class Comparison:
    """What is not as it must be; all empty when all is well."""

    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Company:
    """Deals that were seeded, and those of them that were won."""

    world: World
    deals: dict[int, Deal]
    won: set[int] = field(default_factory=set)

    async def win(self, numbers: Iterable[int] | None = None) -> list[int]:
        """Win deals, by default all that are still open, and return them."""
        chosen = sorted(self.deals.keys() - self.won if numbers is None else numbers)
        await asyncio.gather(*(self.world.win(number) for number in chosen))
        self.won.update(chosen)
        return chosen

    async def compare(self) -> Comparison:
        """Compare the vendors' books with what was won."""
        found = Comparison()
        books = await _Books.read(self.world)
        self._customers(books, found)
        for number in sorted(self.won):
            self._order(self.deals[number], books, found)
        expected = {f"pd-deal-{number}" for number in self.won}
        found.wrong += [f"an order {name} of nobody" for name in books.orders.keys() - expected]
        return found

    def _customers(self, books: _Books, found: Comparison) -> None:
        buyers = {self.deals[number].organization for number in self.won}
        for number in sorted(buyers):
            customers = books.customers.get(f"pd-org-{number}", ())
            if not customers:
                found.lost.append(f"organization {number}")
                continue
            found.doubled += [f"organization {number}"] * (len(customers) - 1)
            shown = books.shown_on_organizations[number]
            if shown not in {customer["CustomerID"] for customer in customers}:
                found.wrong.append(f"organization {number} shows customer {shown}")
        expected = {f"pd-org-{number}" for number in buyers}
        found.wrong += [f"a customer {name}" for name in books.customers.keys() - expected]

    def _order(self, deal: Deal, books: _Books, found: Comparison) -> None:
        orders = books.orders.get(f"pd-deal-{deal.number}", ())
        if not orders:
            found.lost.append(f"deal {deal.number}")
            return
        found.doubled += [f"deal {deal.number}"] * (len(orders) - 1)
        shown = books.shown_on_deals[deal.number]
        if shown not in {order["OrderNbr"] for order in orders}:
            found.wrong.append(f"deal {deal.number} shows order {shown}")
        customers = {
            one["CustomerID"] for one in books.customers.get(f"pd-org-{deal.organization}", ())
        }
        for order in orders:
            if order["CustomerID"] not in customers:
                found.wrong.append(f"order {order['OrderNbr']} is of {order['CustomerID']}")
            lines = tuple(
                (line["InventoryID"], Decimal(line["OrderQty"]), Decimal(line["UnitPrice"]))
                for line in order["Details"]
            )
            if lines != deal.lines:
                found.wrong.append(f"order {order['OrderNbr']} has {lines}, not {deal.lines}")


async def company(world: World, deals: int, *, organizations: int = 3) -> Company:
    """Seed products, organizations and open deals, and switch the connector on."""
    await world.items(*_SKUS)
    products = [await world.product(sku) for sku in _SKUS]
    await world.apply()
    made = await world.seed(
        "pipedrive", organizations=[{"name": f"Customer {n}"} for n in range(organizations)]
    )
    buyers = [int(number) for number in made["organizations"]]
    lines = [_lines(n) for n in range(deals)]
    made = await world.seed(
        "pipedrive",
        deals=[
            {
                "title": f"Deal {n}",
                "currency": "USD",
                "org_id": buyers[n % organizations],
                "products": [
                    {
                        "product_id": products[_SKUS.index(sku)],
                        "quantity": int(quantity),
                        "item_price": float(price),
                    }
                    for sku, quantity, price in lines[n]
                ],
            }
            for n in range(deals)
        ],
    )
    sold = {
        int(number): Deal(int(number), buyers[n % organizations], lines[n])
        for n, number in enumerate(made["deals"])
    }
    return Company(world, sold)


def _lines(n: int) -> tuple[tuple[str, Decimal, Decimal], ...]:
    """Return one to three lines that differ from deal to deal."""
    return tuple(
        (sku, Decimal(1 + (n + place) % 7), price)
        for place, (sku, price) in enumerate(zip(_SKUS, _PRICES, strict=True))
        if place <= n % len(_SKUS)
    )


@dataclass(frozen=True, slots=True)
class _Books:
    """Both vendors' records, by our references and by number."""

    orders: Mapping[str, Sequence[Record]]
    customers: Mapping[str, Sequence[Record]]
    shown_on_deals: Mapping[int, Any]
    shown_on_organizations: Mapping[int, Any]

    @classmethod
    async def read(cls, world: World) -> _Books:
        await world.services.directory.read()
        fields = world.services.directory.all()[0].own_fields
        return cls(
            orders=await _by(world, "sales_order", "ExternalRef"),
            customers=await _by(world, "customer", "AccountRef"),
            shown_on_deals=await _shown(world, "deals", fields["order_number"]),
            shown_on_organizations=await _shown(world, "organizations", fields["customer_number"]),
        )


async def _by(world: World, kind: str, name: str) -> Mapping[str, Sequence[Record]]:
    found: dict[str, list[Record]] = defaultdict(list)
    for record in (await world.control(f"acumatica/records/{kind}"))["records"]:
        if record[name]:
            found[record[name]].append(record)
    return found


async def _shown(world: World, kind: str, code: str) -> Mapping[int, Any]:
    records = (await world.control(f"pipedrive/records/{kind}"))["records"]
    return {record["id"]: record["custom_fields"].get(code) for record in records}
