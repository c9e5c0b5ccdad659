"""What a deal's lines are worth: net of tax, after every discount (M-02 to M-05)."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from ml_connector.core.errors import AccessDeniedError, HeldError
from ml_connector.integrations.from_pipedrive.context import DealContext, S
from ml_connector.vendors.pipedrive.deal_lines import DealLines, net_lines
from ml_connector.vendors.pipedrive.models import Deal, DealProduct, Installment


@dataclass(frozen=True, slots=True, kw_only=True)
class DealAmounts:
    """A deal's net lines, and the lines of Pipedrive that they come from."""

    lines: DealLines
    sources: Mapping[int, DealProduct]
    """By the line's own id."""


async def amounts_of(
    deal: Deal, ctx: DealContext[S], *, with_installments: bool = False
) -> DealAmounts:
    """Read a deal's lines and work out what they are worth.

    Deal discounts are read only where the lines alone do not explain the deal's value: Pipedrive
    keeps the value from lines and discounts, so lines that come to it leave nothing to discount.
    That spares a call for each deal.
    """
    sources, installments = await asyncio.gather(
        ctx.pipedrive.deal_products(deal.id),
        _installments(deal, ctx) if with_installments else _none(),
    )
    lines = await _worked_out(deal, sources, installments, ctx)
    for words in lines.notes:
        ctx.note("amount_explained", words=words)
    if lines.difference is not None:
        ctx.note("value_differs", words=lines.difference.words)
        ctx.tell("difference", f"deal:{deal.id}", lines.difference.words)
    return DealAmounts(lines=lines, sources={each.id: each for each in sources})


async def _worked_out(
    deal: Deal,
    sources: tuple[DealProduct, ...],
    installments: tuple[Installment, ...],
    ctx: DealContext[S],
) -> DealLines:
    rules = ctx.settings.lines
    try:
        undiscounted = net_lines(deal, sources, (), installments, rules=rules)
    except HeldError:
        undiscounted = None
    if undiscounted is not None and undiscounted.difference is None:
        return undiscounted
    discounts = await ctx.pipedrive.deal_discounts(deal.id)
    return net_lines(deal, sources, discounts, installments, rules=rules)


async def _installments(deal: Deal, ctx: DealContext[S]) -> tuple[Installment, ...]:
    try:
        return await ctx.pipedrive.deal_installments(deal.id)
    except AccessDeniedError:
        return ()  # the plan has none


async def _none() -> tuple[Installment, ...]:
    return ()
