"""The lines of a deal's document: what they are worth, and which item each of them is."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from ml_connector.core.errors import (
    HeldError,
    MissingMappingError,
    NotFoundError,
)
from ml_connector.integrations.acumatica_pipedrive import mappings
from ml_connector.integrations.acumatica_pipedrive.context import Context
from ml_connector.integrations.acumatica_pipedrive.mappings import OrderLine
from ml_connector.integrations.from_pipedrive.amounts import amounts_of
from ml_connector.sync.mapping.compiling import CompiledMapping
from ml_connector.sync.mapping.evaluation import Sources, evaluate
from ml_connector.sync.mapping.views import RecordView
from ml_connector.vendors.acumatica.models import Item
from ml_connector.vendors.pipedrive.deal_lines import DealLines, NetLine
from ml_connector.vendors.pipedrive.models import Deal, Product


async def net_lines_of(deal: Deal, ctx: Context, *, with_installments: bool = False) -> DealLines:
    """Return what a deal's lines are worth; installments only where the user wants them told."""
    with_installments = with_installments and ctx.settings.orders.note_installments
    return (await amounts_of(deal, ctx, with_installments=with_installments)).lines


async def order_lines_of(
    lines: DealLines, sources: Sources, mapping: CompiledMapping, ctx: Context
) -> list[OrderLine]:
    """Find the item of each line: one that does not exist is held, never guessed (ACU-08)."""
    return await asyncio.gather(*(_order_line(line, sources, mapping, ctx) for line in lines.lines))


async def _order_line(
    line: NetLine, sources: Sources, mapping: CompiledMapping, ctx: Context
) -> OrderLine:
    product = await _product(line, ctx)
    item, variation = await asyncio.gather(_item(line, product, ctx), _variation(line, ctx))
    values = evaluate(
        mapping,
        {
            **sources,
            "line": {"name": line.name, "comments": line.comments, "quantity": line.quantity},
            "product": RecordView(product) if product is not None else None,
        },
    ).values
    _require_fit_for_invoice(item, values, line, ctx)
    unit = await _unit(values.get("UOM"), item, line, ctx)
    mappings.require_whole_quantity(line, unit or item.sales_unit, ctx.settings.orders.whole_units)
    note = mappings.line_note(line, variation=variation)
    return OrderLine(net=line, item=item, unit=unit, values=values, note=note)


async def _product(line: NetLine, ctx: Context) -> Product | None:
    if line.product_id is None:
        return None
    try:
        return await ctx.pipedrive.product(line.product_id)
    except NotFoundError:
        return None


async def _variation(line: NetLine, ctx: Context) -> str | None:
    """Return the name of the line's variation; its number where Pipedrive has it no more."""
    if line.product_variation_id is None or line.product_id is None:
        return None
    found = await ctx.pipedrive.product_variations(line.product_id)
    names = {each.id: each.name for each in found}
    return names.get(line.product_variation_id) or str(line.product_variation_id)


async def _item(line: NetLine, product: Product | None, ctx: Context) -> Item:
    inventory_id = _inventory_id(line, product, ctx)
    try:
        item = await ctx.acumatica.item(inventory_id)
    except NotFoundError as exc:
        raise MissingMappingError(
            f"Acumatica has no item {inventory_id} (line {line.name!r}); create it there, or "
            "correct the product's code in Pipedrive",
            waits_for=mappings.item_cause(inventory_id),
        ) from exc
    if not item.is_sellable:
        raise HeldError(
            f"Acumatica item {item.inventory_id} is {item.item_status}, so no order may name it; "
            "change the line's product, or the item's status there",
            waits_for=mappings.item_cause(inventory_id),
        )
    return item


def _require_fit_for_invoice(
    item: Item, values: Mapping[str, Any], line: NetLine, ctx: Context
) -> None:
    """Hold a stock item on an invoice without an order, unless the site takes it (ACU-05).

    That needs a feature of the site's, and of each line the location that the goods leave from.
    """
    orders = ctx.settings.orders
    if orders.document != "sales_invoice" or item.kind != "stock_item":
        return
    if not orders.stock_items_on_invoices:
        raise HeldError(
            f"Acumatica item {item.inventory_id} is kept in stock, and a sales invoice without an "
            "order takes none; let deals become orders (orders.document: sales_order), or, where "
            "the feature Advanced SO Invoices is on, set orders.stock_items_on_invoices",
            waits_for="setting:orders.document",
        )
    if not values.get("Location"):
        raise MissingMappingError(
            f"Acumatica item {item.inventory_id} (line {line.name!r}) is kept in stock, and its "
            "invoice has to say from which location it leaves; map Location under line_mapping",
            waits_for="mapping:Location",
        )


def _inventory_id(line: NetLine, product: Product | None, ctx: Context) -> str:
    if line.line_id is not None:
        return mappings.sku_of(product, line)
    chosen = ctx.settings.orders.item_without_products
    if chosen is None:
        raise MissingMappingError(
            "The deal has no products and no item is chosen for such deals; set "
            "orders.item_without_products, or add products",
            waits_for="setting:orders.item_without_products",
        )
    return chosen


async def _unit(wanted: str | None, item: Item, line: NetLine, ctx: Context) -> str | None:
    table = ctx.settings.codes.units
    try:
        return mappings.unit_of(wanted, item, (), line=line, units=table)
    except MissingMappingError:
        if item.kind != "stock_item":
            raise  # other items tell no conversions
        conversions = await ctx.acumatica.unit_conversions(item.inventory_id)
        units = [unit for each in conversions for unit in (each.from_uom, each.to_uom) if unit]
        return mappings.unit_of(wanted, item, units, line=line, units=table)
