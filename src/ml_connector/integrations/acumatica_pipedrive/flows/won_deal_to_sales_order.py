"""A won deal becomes a sales order of its customer (ACU-04, ACU-05)."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ml_connector.core.errors import HeldError, MissingMappingError, NotFoundError
from ml_connector.integrations.acumatica_pipedrive import mappings
from ml_connector.integrations.acumatica_pipedrive.context import Context
from ml_connector.integrations.acumatica_pipedrive.fields import Mappings
from ml_connector.integrations.acumatica_pipedrive.flows import after_hand_over
from ml_connector.integrations.acumatica_pipedrive.flows.ensure_customer import (
    Party,
    ensure_customer,
    party_of,
)
from ml_connector.integrations.acumatica_pipedrive.flows.write_back import show_on_deal
from ml_connector.integrations.acumatica_pipedrive.settings import ScopeRules, Trigger
from ml_connector.sync.flow import Found, Outcome
from ml_connector.sync.mapping.evaluation import Sources, evaluate
from ml_connector.sync.mapping.views import RecordView
from ml_connector.vendors.acumatica.drafts import SalesOrderDraft
from ml_connector.vendors.acumatica.models import Item, SalesOrder
from ml_connector.vendors.pipedrive.deal_lines import DealLines, NetLine, net_lines
from ml_connector.vendors.pipedrive.models import Deal, Product

_UNSELLABLE = "Acumatica item {key} is {status}, so no order may name it; change the line's product"


async def run(deal_key: str, ctx: Context) -> Outcome:
    """Create the sales order of a won deal, unless it is there already."""
    try:
        deal = await ctx.pipedrive.deal(int(deal_key))
    except NotFoundError:
        return await after_hand_over.deal_is_gone(deal_key, ctx)
    ctx.also_known_as(deal.title)
    order = await after_hand_over.latest_order(deal.id, ctx)
    if order is not None:
        return await after_hand_over.follow(
            deal, order, ctx, amounts=amounts_of, hand_over=hand_over
        )
    if (refusal := why_not(deal, ctx)) is not None:
        return Outcome.skipped(refusal)
    return await hand_over(deal, ctx, occurrence=1)


def why_not(deal: Deal, ctx: Context) -> str | None:
    """Return the first rule that keeps a deal from being handed over, or None."""
    return (
        _not_triggered(deal, ctx.settings.trigger)
        or _out_of_scope(deal, ctx.settings.scope)
        or _before_go_live(deal, ctx)
    )


def _not_triggered(deal: Deal, trigger: Trigger) -> str | None:
    if deal.is_gone:
        return f"deal {deal.id} is deleted"
    if trigger.on == "won" and deal.status != "won":
        return f"deal {deal.id} is {deal.status}, not won"
    if trigger.on == "stage" and deal.stage_id not in trigger.stages:
        return f"deal {deal.id} is in stage {deal.stage_id}, which is none of the chosen ones"
    return f"deal {deal.id} is lost" if deal.status == "lost" else None


def _out_of_scope(deal: Deal, scope: ScopeRules) -> str | None:
    if scope.pipelines and deal.pipeline_id not in scope.pipelines:
        return f"deal {deal.id} is in pipeline {deal.pipeline_id}, which is not in the scope"
    if scope.labels and not set(scope.labels) & set(deal.label_ids):
        return f"deal {deal.id} carries none of the labels of the scope"
    return None


def _before_go_live(deal: Deal, ctx: Context) -> str | None:
    go_live_at = ctx.go_live_at
    moment = deal.won_time if deal.status == "won" else deal.stage_change_time
    if ctx.run.trigger.get("by") == "backfill" or go_live_at is None or moment is None:
        return None
    if moment >= go_live_at:
        return None
    return (
        f"deal {deal.id} dates from {moment:%Y-%m-%d %H:%M} UTC, before this flow's go-live at "
        f"{go_live_at:%Y-%m-%d %H:%M} UTC; run a backfill to take it up"
    )


async def hand_over(deal: Deal, ctx: Context, *, occurrence: int) -> Outcome:
    """Make customer and order, and show both on the deal."""
    party = await party_of(deal, ctx)
    amounts = await amounts_of(deal, ctx)
    compiled = await ctx.mappings()
    lines = await _order_lines(deal, party, amounts, compiled, ctx)
    customer = await ensure_customer(deal, party, compiled.customer, ctx)
    values = evaluate(compiled.order, party.sources(deal))
    reference = ctx.reference("deal", deal.id, occurrence=occurrence)
    draft = mappings.sales_order_draft(
        values.values,
        lines,
        order_type=ctx.settings.orders.order_type,
        customer_id=customer.key,
        currency=amounts.lines.currency,
        reference=reference,
        on_hold=ctx.settings.orders.on_hold or customer.needs_hold,
        keeps_price=ctx.settings.orders.keep_agreed_price,
    )
    for used in values.used:
        ctx.note("mapped", field=used.target, value=used.value, because=used.words)
    order = await ctx.write_once(
        "sales_order",
        link=after_hand_over.ORDER,
        source_key=deal.id,
        occurrence=occurrence,
        reference=reference,
        draft=mappings.draft_fields(draft),
        create=lambda: _create(draft, amounts.lines, ctx),
        remember=after_hand_over.state_of(deal, amounts.handed_over),
    )
    link = await ctx.link(after_hand_over.ORDER, deal.id, occurrence=occurrence)
    if link is not None:
        await show_on_deal(deal, link, ctx)
    if order.how == "created":
        return Outcome.written(f"order {order.name or order.key} created for {customer.name}")
    if order.how == "planned":
        return Outcome(kind="planned", reason=f"an order for {customer.name} would be created")
    return Outcome.unchanged(f"order {order.name or order.key} is there")


@dataclass(frozen=True, slots=True, kw_only=True)
class Amounts:
    """A deal's net lines with the products they name."""

    lines: DealLines
    products: tuple[Product | None, ...]
    handed_over: Mapping[str, Any]


async def amounts_of(deal: Deal, ctx: Context) -> Amounts:
    """Read a deal's lines and work out what they are worth."""
    lines = await _net_lines(deal, ctx)
    for words in lines.notes:
        ctx.note("amount_explained", words=words)
    if lines.difference is not None:
        ctx.note("value_differs", words=lines.difference.words)
        ctx.tell("difference", f"deal:{deal.id}", lines.difference.words)
    products = await asyncio.gather(*(_product(line, ctx) for line in lines.lines))
    skus = [product.code if product is not None else None for product in products]
    return Amounts(
        lines=lines,
        products=tuple(products),
        handed_over=mappings.handed_over(deal, lines, skus),
    )


async def _net_lines(deal: Deal, ctx: Context) -> DealLines:
    """Work the lines out; deal discounts are read only where the lines alone do not explain it.

    Pipedrive keeps the deal's value from lines and discounts, so lines that come to the value
    leave nothing to discount: that spares a call for each deal.
    """
    rules = ctx.settings.lines
    sources = await ctx.pipedrive.deal_products(deal.id)
    try:
        undiscounted = net_lines(deal, sources, rules=rules)
    except HeldError:
        undiscounted = None
    if undiscounted is not None and undiscounted.difference is None:
        return undiscounted
    discounts = await ctx.pipedrive.deal_discounts(deal.id)
    return net_lines(deal, sources, discounts, rules=rules)


async def _product(line: NetLine, ctx: Context) -> Product | None:
    if line.product_id is None:
        return None
    try:
        return await ctx.pipedrive.product(line.product_id)
    except NotFoundError:
        return None


async def _order_lines(
    deal: Deal, party: Party, amounts: Amounts, compiled: Mappings, ctx: Context
) -> list[mappings.OrderLine]:
    """Find the item of each line: one that does not exist is held, never guessed."""
    return await asyncio.gather(
        *(
            _order_line(line, product, party.sources(deal), compiled, ctx)
            for line, product in zip(amounts.lines.lines, amounts.products, strict=True)
        )
    )


async def _order_line(
    line: NetLine,
    product: Product | None,
    sources: Sources,
    compiled: Mappings,
    ctx: Context,
) -> mappings.OrderLine:
    item = await _item(line, product, ctx)
    values = evaluate(
        compiled.line,
        {
            **sources,
            "line": {"name": line.name, "comments": line.comments, "quantity": line.quantity},
            "product": RecordView(product) if product is not None else None,
        },
    ).values
    unit = await _unit(values.get("UOM"), item, line, ctx)
    mappings.require_whole_quantity(line, unit or item.sales_unit, ctx.settings.orders.whole_units)
    return mappings.OrderLine(net=line, item=item, unit=unit, values=values)


async def _item(line: NetLine, product: Product | None, ctx: Context) -> Item:
    if line.line_id is None:
        inventory_id = ctx.settings.orders.item_without_products
        if inventory_id is None:
            raise MissingMappingError(
                "The deal has no products and no item is chosen for such deals; set "
                "orders.item_without_products, or add products",
                waits_for="setting:orders.item_without_products",
            )
    else:
        inventory_id = mappings.sku_of(product, line)
    try:
        item = await ctx.acumatica.item(inventory_id)
    except NotFoundError as exc:
        raise MissingMappingError(
            f"Acumatica has no item {inventory_id} (line {line.name!r}); create it there, or "
            "correct the product's code in Pipedrive",
            waits_for=f"item:{inventory_id}",
        ) from exc
    if not item.is_sellable:
        raise HeldError(
            _UNSELLABLE.format(key=item.inventory_id, status=item.item_status),
            waits_for=f"item:{inventory_id}",
        )
    return item


async def _unit(wanted: str | None, item: Item, line: NetLine, ctx: Context) -> str | None:
    try:
        return mappings.unit_of(wanted, item, (), line=line)
    except MissingMappingError:
        conversions = await ctx.acumatica.unit_conversions(item.inventory_id)
        units = [unit for each in conversions for unit in (each.from_uom, each.to_uom) if unit]
        return mappings.unit_of(wanted, item, units, line=line)


async def _create(draft: SalesOrderDraft, lines: DealLines, ctx: Context) -> Found:
    written = await ctx.acumatica.create_sales_order(draft)
    order = written.record
    for difference in written.differences:
        ctx.note(
            "field_not_taken_over",
            field=difference.path,
            sent=difference.sent,
            returned=difference.returned,
        )
    _compare_totals(order, lines, ctx)
    return found_order(order)


def _compare_totals(order: SalesOrder, lines: DealLines, ctx: Context) -> None:
    """Report an order whose net total is not the deal's; it stays as it is."""
    net = mappings.net_total(order.order_total, order.tax_total)
    if net is None or net == lines.net:
        return
    words = (
        f"Order {order.order_nbr} comes to {net:f} {lines.currency} without tax in Acumatica, "
        f"the deal to {lines.net:f}; look at freight, discounts and price lists"
    )
    ctx.note("totals_differ", order=order.key, erp=net, deal=lines.net)
    ctx.tell("difference", f"order:{order.key}", words)


def found_order(order: SalesOrder) -> Found:
    """Return an order as record links carry it."""
    return Found(key=order.key, name=order.order_nbr)


async def find_order(ctx: Context, reference: str) -> Sequence[Found]:
    """Return every order that carries a reference."""
    return [
        found_order(order)
        for order in await ctx.acumatica.find_sales_orders(external_ref=reference)
    ]
