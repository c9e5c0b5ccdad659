"""A company whose deals are won: organizations with several deals each, two lines a deal."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from benchmarks.control import Control

DEALS_OF_ONE = 10  # deals of one organization
LINES_OF_A_DEAL = 2
PRODUCTS = 40
_SEEDED_AT_ONCE = 500
_WON_TIME = "2026-01-15 10:00:00"
_TOWNS = (("Berlin", "10115"), ("Hamburg", "20095"), ("Bremen", "28195"), ("Kiel", "24103"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Company:
    """What was seeded."""

    deals: tuple[int, ...]
    organizations: int


async def seeded(control: Control, deals: int) -> Company:
    """Seed both vendors; every deal is won and can become an order."""
    rng = random.Random(deals)
    codes = [f"ITEM-{number:03}" for number in range(PRODUCTS)]
    organizations = -(-deals // DEALS_OF_ONE)
    await asyncio.gather(
        control.post("acumatica/seed", {"stock_items": [_item(code) for code in codes]}),
        control.post(
            "pipedrive/seed",
            {
                "organizations": [_organization(number, rng) for number in range(organizations)],
                "persons": [_person(number) for number in range(organizations)],
                "products": [_product(code) for code in codes],
            },
        ),
    )
    ids: list[int] = []
    for first in range(0, deals, _SEEDED_AT_ONCE):
        numbers = range(first, min(deals, first + _SEEDED_AT_ONCE))
        body = {"deals": [_deal(number, codes, rng) for number in numbers]}
        ids += (await control.post("pipedrive/seed", body))["deals"]
    return Company(deals=tuple(ids), organizations=organizations)


def _item(code: str) -> Mapping[str, Any]:
    return {"InventoryID": code, "Description": f"Article {code}", "BaseUOM": "EA"}


def _product(code: str) -> Mapping[str, Any]:
    prices = [{"currency": "USD", "price": 100}]
    return {"name": f"Article {code}", "code": code, "prices": prices, "ref": code}


def _organization(number: int, rng: random.Random) -> Mapping[str, Any]:
    town, code = rng.choice(_TOWNS)
    return {
        "name": f"Nordwerk{number:05} GmbH",
        "ref": f"org-{number}",
        "address": {
            "value": f"Werkstrasse {number}, {code} {town}, Germany",
            "route": "Werkstrasse",
            "street_number": str(number),
            "locality": town,
            "postal_code": code,
            "country": "Germany",
        },
    }


def _person(number: int) -> Mapping[str, Any]:
    return {
        "name": f"Buyer {number}",
        "ref": f"person-{number}",
        "org_id": f"org-{number}",
        "emails": [{"value": f"buyer@customer-{number}.example", "primary": True}],
    }


def _deal(number: int, codes: list[str], rng: random.Random) -> Mapping[str, Any]:
    party = number // DEALS_OF_ONE
    return {
        "title": f"Delivery {number}",
        "org_id": f"org-{party}",
        "person_id": f"person-{party}",
        "currency": "USD",
        "status": "won",
        "won_time": _WON_TIME,
        "products": [
            {
                "product_id": code,
                "quantity": rng.randint(1, 9),
                "item_price": rng.randint(500, 9999) / 100,
            }
            for code in rng.sample(codes, LINES_OF_A_DEAL)
        ],
    }
