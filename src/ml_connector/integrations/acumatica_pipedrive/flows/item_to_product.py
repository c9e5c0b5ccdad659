"""Items of Acumatica become Pipedrive's products, so that deal lines name what exists (ACU-08)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ml_connector.core.errors import ConfigurationError, HeldError, NotFoundError
from ml_connector.integrations.acumatica_pipedrive import item_mappings, mappings
from ml_connector.integrations.acumatica_pipedrive.context import Context
from ml_connector.integrations.acumatica_pipedrive.flows.recognise_product import (
    LINK,
    as_confirmed,
    found_of,
    latest_link,
    present_product,
    recognised_product,
)
from ml_connector.integrations.acumatica_pipedrive.item_mappings import WHAT, Prices
from ml_connector.sync.first_match import NEW, SKIP
from ml_connector.sync.flow import Found, Outcome
from ml_connector.sync.links import RecordLink
from ml_connector.sync.values import plain
from ml_connector.vendors.acumatica.models import Item
from ml_connector.vendors.pipedrive.models import Product


async def run(inventory_id: str, ctx: Context) -> Outcome:
    """Make the item's product, or bring it up to date."""
    try:
        item = await ctx.acumatica.item(inventory_id)
    except NotFoundError:
        return Outcome.skipped(
            f"Acumatica has no item {inventory_id} any more: it was deleted or renamed; "
            "`report products-without-item` lists the products that are left"
        )
    ctx.also_known_as(item.inventory_id, item.description)
    if item.is_sellable:
        ctx.end_cause(mappings.item_cause(item.inventory_id))
    refusal = item_mappings.why_left_out(item, ctx.settings.items)
    if refusal is not None:
        return Outcome.skipped(refusal)
    decision = await ctx.decided(item.inventory_id)
    if decision == SKIP:
        return Outcome.skipped(f"item {item.inventory_id} is left alone, as the first match says")
    return await _followed(item, ctx, is_new=decision == NEW)


async def _followed(item: Item, ctx: Context, *, is_new: bool) -> Outcome:
    link = await latest_link(item, ctx)
    if link is not None:
        link = await as_confirmed(link, item, ctx)
        product = await present_product(link, ctx)
        if product is None:
            return await _deleted(item, link, ctx)
        return await _align(item, product, link, ctx)
    recognised = await recognised_product(item, ctx, is_new=is_new)
    if recognised is None or (recognised.by_code and _may_make(item, ctx)):
        # by code through the writing-once primitive too: it may be ours, of a lost answer
        return await _make(item, ctx, occurrence=1, seen=recognised.product if recognised else None)
    await ctx.adopt(LINK, item.id, found_of(recognised.product), because=recognised.because)
    return await _align(item, recognised.product, await latest_link(item, ctx), ctx)


# A product that is not there ----------------------------------------------------------------------


def _may_make(item: Item, ctx: Context) -> bool:
    return item.is_sellable and ctx.settings.items.create


async def _make(
    item: Item, ctx: Context, *, occurrence: int, seen: Product | None = None
) -> Outcome:
    """Make a product unless there is one; ``seen`` was read a moment ago."""
    if not item.is_sellable:
        return Outcome.skipped(
            f"item {item.inventory_id} is {item.item_status}, and gets no product as long as it is"
        )
    if not ctx.settings.items.create:
        return Outcome.skipped(
            f"item {item.inventory_id} has no product, and none is made (items.create)"
        )
    wanted = item_mappings.wanted_of(item, await _prices(ctx), units=ctx.settings.codes.units)
    draft = item_mappings.product_draft(wanted)

    async def create() -> Found:
        return found_of((await ctx.pipedrive.create_product(draft)).record)

    made = await ctx.write_once(
        "product",
        link=LINK,
        source_key=item.id,
        occurrence=occurrence,
        reference=item.inventory_id,
        draft=mappings.draft_fields(draft),
        create=create,
        remember={f"{WHAT}.{name}": plain(value) for name, value in wanted.items()},
    )
    if made.how == "created":
        return Outcome.written(f"product {made.key} made for item {item.inventory_id}")
    if made.how == "planned":
        return Outcome(
            kind="planned", reason=f"a product for item {item.inventory_id} would be made"
        )
    is_seen = seen is not None and str(seen.id) == made.key
    product = seen if seen and is_seen else await ctx.pipedrive.product(int(made.key))
    return await _align(item, product, await latest_link(item, ctx), ctx)


async def _deleted(item: Item, link: RecordLink, ctx: Context) -> Outcome:
    """A product that somebody deleted is not made again, unless that is what the user wants."""
    if ctx.settings.items.deleted_products == "new":
        ctx.note("product_deleted", key=link.target_key, because="a new one is made")
        return await _make(item, ctx, occurrence=link.key.occurrence + 1)
    words = (
        f"product {link.target_key} of item {item.inventory_id} was deleted in Pipedrive, and is "
        "not made again (items.deleted_products)"
    )
    if item.is_sellable:
        ctx.tell("product", f"deleted:{link.target_key}", words)
    return Outcome.skipped(words)


# A product that is there --------------------------------------------------------------------------


async def _align(item: Item, product: Product, link: RecordLink | None, ctx: Context) -> Outcome:
    """Change what differs, by the rule of each field; prices in other currencies stay."""
    named = f"product {product.id} of item {item.inventory_id}"
    present = item_mappings.present_of(product)
    prefix = f"{WHAT}."
    last = {
        name.removeprefix(prefix): value
        for name, value in (link.written if link else {}).items()
        if name.startswith(prefix)
    }
    wanted = item_mappings.wanted_of(
        item, await _prices(ctx), units=ctx.settings.codes.units, present_unit=product.unit
    )
    decided = item_mappings.decide(wanted, present, last, ctx.settings.items)
    if decided.held:
        raise HeldError(
            _conflict(named, decided.held, present, wanted), waits_for=f"product:{product.id}"
        )
    for name, because in decided.kept.items():
        ctx.note(
            "product_field_kept",
            field=name,
            value=plain(present.get(name)),
            not_taken=plain(wanted[name]),
            because=because,
        )

    if decided.other_unit is not None:
        ctx.tell(
            "product",
            f"unit:{product.id}:{product.unit}",
            f"the price of {named} is left as it is: {decided.other_unit}. Keep that price in "
            "Pipedrive, or name the unit under codes.units where it is the same one, or let the "
            "unit follow (items.fields.unit: erp)",
        )

    async def write(changes: Mapping[str, Any]) -> None:
        await ctx.pipedrive.update_product(
            product.id, item_mappings.changed_product(product, changes)
        )

    if link is None:  # a dry run that has just recognised it
        link = ctx.new_link(ctx.link_key(LINK, item.id), found_of(product), "found")
    changes = await ctx.write_fields(
        side="crm",
        link=link,
        what=WHAT,
        present=present,
        wanted=decided.wanted,
        apply=write,
        on_conflict="overwrite",
        brake=ctx.settings.items.brake,
    )
    if changes:
        return Outcome.written(f"{named} changed: {', '.join(sorted(changes))}")
    return Outcome.unchanged(f"{named} says the same")


async def _prices(ctx: Context) -> Prices:
    """Return in which currency default prices are.

    Raises ConfigurationError where the site has several and none is chosen.
    """
    rules = ctx.settings.items
    if rules.currency is not None:
        return Prices(currency=rules.currency, zero_too=rules.zero_price == "write")
    found = await ctx.acumatica.definitions.base_currencies()
    if len(found) != 1:
        there_are = ", ".join(found) or "none"
        raise ConfigurationError(
            "Which currency the items' default prices are in is not known: the site's actual "
            f"ledgers have {there_are}; name it as items.currency",
            waits_for="setting:items.currency",
        )
    return Prices(currency=found[0], zero_too=rules.zero_price == "write")


def _conflict(
    named: str, fields: tuple[str, ...], present: Mapping[str, Any], wanted: Mapping[str, Any]
) -> str:
    sides = "; ".join(
        f"{name} is {plain(present.get(name))!r} there and {plain(wanted[name])!r} in Acumatica"
        for name in fields
    )
    return (
        f"{named} was changed in Pipedrive: {sides}; make the two the same on either side, or "
        f"choose who wins under items.fields"
    )
