"""Which product an item is already: by link, by a person's word, by its code (P-17).

A link is kept by Acumatica's own id of the item, which stays when the inventory ID is renamed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ml_connector.core.errors import HeldError, NotFoundError
from ml_connector.integrations.acumatica_pipedrive.context import Context
from ml_connector.sync.flow import Found
from ml_connector.sync.links import RecordLink
from ml_connector.vendors.acumatica.models import Item
from ml_connector.vendors.pipedrive.models import Product

LINK = "item:product"
"""From an item, by Acumatica's own id, to its product."""
CONFIRMED = "item_code:product"
"""From an inventory ID to the product that a person has confirmed in the first match."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ByCode:
    """The products whose code is an item's."""

    exact: tuple[Product, ...]
    alike: tuple[Product, ...]
    """Those that differ by case or spaces."""

    @classmethod
    def of(cls, item: Item, products: Sequence[Product]) -> ByCode:
        """Tell products that carry the code exactly from those that nearly do."""
        exact = tuple(each for each in products if (each.code or "").strip() == item.inventory_id)
        return cls(exact=exact, alike=tuple(each for each in products if each not in exact))


async def latest_link(item: Item, ctx: Context) -> RecordLink | None:
    """Return the item's link to its latest product."""
    latest: RecordLink | None = None
    occurrence = 1
    while (link := await ctx.link(LINK, item.id, occurrence=occurrence)) is not None:
        latest = link
        occurrence += 1
    return latest


async def present_product(link: RecordLink, ctx: Context) -> Product | None:
    """Return a linked product as it stands now; None for one that was deleted."""
    try:
        product = await ctx.pipedrive.product(int(link.target_key))
    except NotFoundError:
        return None
    return None if product.is_deleted else product


@dataclass(frozen=True, slots=True, kw_only=True)
class Recognised:
    """A product that an item is, and why."""

    product: Product
    because: str
    by_code: bool


async def as_confirmed(link: RecordLink, item: Item, ctx: Context) -> RecordLink:
    """Return the item's link; led to another product if a person has said so since."""
    confirmed = await ctx.link(CONFIRMED, item.inventory_id)
    if confirmed is None or confirmed.target_key == link.target_key:
        return link
    if await _item_of(confirmed.target_key, ctx):
        return link  # said of an earlier item of this inventory ID
    product = await present_product(confirmed, ctx)
    if product is None:
        return link
    await ctx.repoint(link, found_of(product), because="confirmed in the first match")
    return await latest_link(item, ctx) or link


async def recognised_product(item: Item, ctx: Context, *, is_new: bool) -> Recognised | None:
    """Return the product that is this item; None where a new one is to be made.

    ``is_new``: a person has said that it is none of those there are.

    Raises HeldError where a person has to say which, or whether.
    """
    confirmed = await ctx.link(CONFIRMED, item.inventory_id)
    if confirmed is not None and not await _item_of(confirmed.target_key, ctx):
        product = await present_product(confirmed, ctx)
        if product is not None:
            return Recognised(
                product=product, because="confirmed in the first match", by_code=False
            )
    found = ByCode.of(item, await ctx.pipedrive.products_by_code(item.inventory_id))
    if found.exact and is_new:
        raise HeldError(
            f"{_named(found.exact)} carries the code of item {item.inventory_id}, which gets a new "
            "product, as the first match says; take the code off first",
            waits_for=f"product_code:{item.inventory_id}",
        )
    if len(found.exact) == 1:
        await _require_free(found.exact[0], item, ctx)
        return Recognised(
            product=found.exact[0], because="it carries the item's code", by_code=True
        )
    if found.exact:
        raise HeldError(
            f"{_named(found.exact)} all carry the code {item.inventory_id} of this item; take the "
            "code off all but one",
            waits_for=f"product_code:{item.inventory_id}",
        )
    free = [] if is_new else [each for each in found.alike if not await _item_of(str(each.id), ctx)]
    if free:
        raise HeldError(
            f"{_named(free)}: the code is that of item {item.inventory_id} but for case or spaces; "
            "correct the code if it is the same thing, or else give the product another one",
            waits_for=f"product_code:{item.inventory_id}",
        )
    return None


async def find_products(ctx: Context, reference: str) -> Sequence[Found]:
    """Return every product that carries an inventory ID as its code."""
    found = await ctx.pipedrive.products_by_code(reference)
    return [found_of(each) for each in found if (each.code or "").strip() == reference]


def found_of(product: Product) -> Found:
    """Return a product as record links carry it."""
    return Found(key=str(product.id), name=product.name)


def _named(products: Sequence[Product]) -> str:
    shown = [f"{each.id} ({each.name}, code {each.code!r})" for each in products]
    return f"Product{'s' if len(shown) > 1 else ''} {', '.join(shown)}"


async def _item_of(product_key: str, ctx: Context) -> str | None:
    """Return the id of the item that a product is linked to already."""
    links = await ctx.links_to(LINK, product_key)
    return links[0].key.source_key if links else None


async def _require_free(product: Product, item: Item, ctx: Context) -> None:
    if await _item_of(str(product.id), ctx):
        raise HeldError(
            f"{_named([product])} belongs to another item, which was renamed or replaced in "
            f"Acumatica, and item {item.inventory_id} has the same code; give the product that "
            "item's code, or another one",
            waits_for=f"product_code:{item.inventory_id}",
        )
