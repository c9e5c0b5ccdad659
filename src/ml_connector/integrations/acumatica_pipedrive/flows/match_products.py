"""The first match of items and products: what both sides have before anything moves (P-17)."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence

from ml_connector.core.errors import NotFoundError
from ml_connector.integrations.acumatica_pipedrive import item_mappings
from ml_connector.integrations.acumatica_pipedrive.context import Context
from ml_connector.integrations.acumatica_pipedrive.flows.recognise_product import (
    CONFIRMED,
    ByCode,
    found_of,
    latest_link,
)
from ml_connector.sync.flow import Found, Match, MatchVerdict
from ml_connector.vendors.acumatica.models import Item
from ml_connector.vendors.pipedrive import folded_code
from ml_connector.vendors.pipedrive.models import Product

_TOGETHER = 200  # items whose links are read in one statement


async def matches(ctx: Context) -> AsyncIterator[Match]:
    """Yield what can be said of each item that the settings take up."""
    by_code: dict[str, list[Product]] = defaultdict(list)
    async for product in ctx.pipedrive.products():
        if product.code:
            by_code[folded_code(product.code)].append(product)
    page: list[Item] = []
    async for item in _items(ctx):
        page.append(item)
        if len(page) == _TOGETHER:
            for match in await _page(page, by_code, ctx):
                yield match
            page = []
    for match in await _page(page, by_code, ctx):
        yield match


async def look_up(product_id: str, ctx: Context) -> Found | None:
    """Return the product of an id that a person has named."""
    try:
        product = await ctx.pipedrive.product(int(product_id))
    except (NotFoundError, ValueError):
        return None
    return None if product.is_deleted else found_of(product)


async def _items(ctx: Context) -> AsyncIterator[Item]:
    async for stock in ctx.acumatica.stock_items():
        yield Item.of(stock)
    async for other in ctx.acumatica.non_stock_items():
        yield Item.of(other)


async def _page(
    items: Sequence[Item], by_code: Mapping[str, Sequence[Product]], ctx: Context
) -> list[Match]:
    rules = ctx.settings.items
    taken = [item for item in items if item_mappings.why_left_out(item, rules) is None]
    links = await asyncio.gather(*(latest_link(item, ctx) for item in taken))
    found: list[Match] = []
    for item, link in zip(taken, links, strict=True):
        products = ByCode.of(item, by_code.get(folded_code(item.inventory_id), ()))
        if link is not None:
            there = Found(key=link.target_key, name=link.target_name)
            found.append(_match(item, "linked", [there], "its product is known"))
        elif products.exact or products.alike or item.is_sellable:
            found.append(_compared(item, products))
    return found


def _compared(item: Item, products: ByCode) -> Match:
    exact, alike = ([found_of(each) for each in some] for some in (products.exact, products.alike))
    if len(exact) == 1:
        return _match(item, "matched", exact, f"the product's code is {item.inventory_id}")
    if exact:
        return _match(item, "ambiguous", exact, f"{len(exact)} products carry this code")
    if alike:
        return _match(item, "proposed", alike, "the code is the same but for case or spaces")
    return _match(item, "new", [], "no product carries this code")


def _match(item: Item, verdict: MatchVerdict, candidates: Sequence[Found], because: str) -> Match:
    return Match(
        source_key=item.inventory_id,
        source_name=item.description or item.inventory_id,
        verdict=verdict,
        candidates=tuple(candidates),
        because=because,
        link=CONFIRMED,
    )
