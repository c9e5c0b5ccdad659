"""Changing an order that was made: bringing its lines up to date, cancelling it, reopening it.

Each of these is an effect of its own, so that a lost answer or a crash never does it twice; and
what somebody changed in Acumatica since we wrote it is held, never overwritten (M-01).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any

import msgspec
from msgspec import UNSET

from ml_connector.core.errors import HeldError, InvalidRecordError
from ml_connector.integrations.acumatica_pipedrive import comparing, mappings
from ml_connector.integrations.acumatica_pipedrive.context import Context
from ml_connector.integrations.acumatica_pipedrive.flows.documents import CANCELED, Document
from ml_connector.integrations.acumatica_pipedrive.flows.order_lines import order_lines_of
from ml_connector.integrations.acumatica_pipedrive.flows.parties import party_of
from ml_connector.integrations.acumatica_pipedrive.order_states import BACK_ORDER
from ml_connector.sync.flow import Found
from ml_connector.sync.values import plain, same
from ml_connector.vendors.acumatica.drafts import SalesOrderDraft, SalesOrderLineDraft
from ml_connector.vendors.acumatica.models import SalesOrder
from ml_connector.vendors.pipedrive.deal_lines import DealLines
from ml_connector.vendors.pipedrive.models import Deal

LINES = "lines"
"""Where the link of an order remembers its lines as we wrote them."""

_CHANGEABLE = frozenset({"On Hold", "Open", "Credit Hold"})
_MARK = "#"  # between an order's key and what became of it, in references of effects
_PATHS = {
    "Owner": "FinancialSettings/Owner",
    "Terms": "FinancialSettings/Terms",
    "TaxZone": "FinancialSettings/CustomerTaxZone",
    "Salesperson": "Commissions/DefaultSalesperson",
}
_HEADER = "order"
_UNFOLLOWED = frozenset({"ShipToAddress", "ShipToAttention"})


async def revise_order(
    deal: Deal,
    document: Document,
    amounts: DealLines,
    header: Mapping[str, Any],
    ctx: Context,
) -> list[list[str]]:
    """Bring an order's lines and header up to the deal; return the lines as they are now."""
    lines = await _line_drafts(deal, amounts, ctx)
    wanted = comparing.lines_as_written(lines)
    order = await ctx.acumatica.sales_order_in_full(document.key)
    stands = comparing.lines_as_they_stand(order)
    if stands != wanted:
        require_changeable(document, order)
        draft = SalesOrderDraft(details=_changed_rows(order, lines))
        await _write_lines(document, order, draft, wanted, ctx)
    if header:
        await _write_header(document, order, header, ctx)
    return wanted


async def require_as_written(document: Document, what: str, ctx: Context) -> None:
    """Hold an order of which somebody changed lines or header since we wrote them (M-01).

    ``what`` is what the deal asks for instead.
    """
    order = await ctx.acumatica.sales_order_in_full(document.key)
    _require_our_lines(document, comparing.lines_as_they_stand(order))
    prefix = f"{_HEADER}."
    ours = {
        name.removeprefix(prefix): value
        for name, value in document.link.written.items()
        if name.startswith(prefix) and name.removeprefix(prefix) not in _UNFOLLOWED
    }
    there = await _header_as_it_stands(document, ours, ctx) if ours else {}
    # What is empty there may never have been taken over: a feature of the site that is off.
    changed = [
        name for name, value in ours.items() if there[name] and not _alike(there[name], value)
    ]
    if changed:
        shown = "; ".join(f"{name} is {there[name]!r} there, ours {ours[name]!r}"
                          for name in sorted(changed))  # fmt: skip
        raise HeldError(
            f"{what}, but {document.called} was changed in Acumatica since we wrote it: {shown}; "
            "put order or deal right, then replay",
            waits_for=f"document:{document.key}",
        )


async def cancel_order(document: Document, ctx: Context) -> None:
    """Cancel an order. Raises HeldError where Acumatica does not let it be cancelled."""

    async def cancel() -> Found:
        try:
            await ctx.acumatica.cancel_sales_order(document.key)
        except InvalidRecordError as exc:
            raise HeldError(
                f"Acumatica does not cancel {document.called}: {exc.message}",
                waits_for=f"document:{document.key}",
            ) from exc
        return Found(key=document.key, name=document.link.target_name)

    await _once("order_cancellation", document, CANCELED, ctx, cancel)


async def reopen_order(document: Document, ctx: Context) -> None:
    """Reopen a cancelled order."""

    async def reopen() -> Found:
        await ctx.acumatica.reopen_sales_order(document.key)
        return Found(key=document.key, name=document.link.target_name)

    await _once("order_reopening", document, "reopened", ctx, reopen)


async def open_order(document: Document, ctx: Context) -> None:
    """Take an order off back order."""

    async def take_off() -> Found:
        await ctx.acumatica.open_sales_order(document.key)
        return Found(key=document.key, name=document.link.target_name)

    await _once("order_opening", document, "open", ctx, take_off)


async def find_revised(ctx: Context, reference: str) -> Sequence[Found]:
    """Return the order, if its lines are already those that the reference names."""
    key, _, digest = reference.partition(_MARK)
    order = await ctx.acumatica.sales_order_in_full(key)
    is_done = comparing.digest_of(comparing.lines_as_they_stand(order)) == digest
    return [Found(key=key, name=order.order_nbr)] if is_done else []


async def find_cancelled(ctx: Context, reference: str) -> Sequence[Found]:
    """Return the order, if it is cancelled."""
    order = await ctx.acumatica.sales_order(reference.partition(_MARK)[0])
    return [Found(key=order.key, name=order.order_nbr)] if order.status == CANCELED else []


async def find_reopened(ctx: Context, reference: str) -> Sequence[Found]:
    """Return the order, if it is not cancelled any more."""
    order = await ctx.acumatica.sales_order(reference.partition(_MARK)[0])
    return [] if order.status == CANCELED else [Found(key=order.key, name=order.order_nbr)]


async def find_opened(ctx: Context, reference: str) -> Sequence[Found]:
    """Return the order, if it is not on back order any more."""
    order = await ctx.acumatica.sales_order(reference.partition(_MARK)[0])
    return [] if order.status == BACK_ORDER else [Found(key=order.key, name=order.order_nbr)]


def header_state(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the link remembers of the header's values, to tell others' changes by."""
    return {f"{_HEADER}.{name}": plain(value) for name, value in values.items()}


# Lines ----------------------------------------------------------------------------------------


async def _line_drafts(
    deal: Deal, amounts: DealLines, ctx: Context
) -> tuple[SalesOrderLineDraft, ...]:
    party = await party_of(deal, ctx)
    compiled = await ctx.mappings()
    lines = await order_lines_of(amounts, party.sources(deal), compiled.line, ctx)
    keeps_price = ctx.settings.orders.keep_agreed_price
    return tuple(mappings.sales_order_line(line, keeps_price=keeps_price) for line in lines)


def require_changeable(document: Document, order: SalesOrder) -> None:
    """Hold an order that somebody changed since we wrote it, or that is past changing."""
    if order.status not in _CHANGEABLE or order.shipments:
        raise HeldError(
            f"The deal of {document.called} was changed, but the order is {order.status} in "
            "Acumatica and not changed any more; put one of them right, then replay",
            waits_for=f"document:{document.key}",
        )
    _require_our_lines(document, comparing.lines_as_they_stand(order))


def _require_our_lines(document: Document, stands: Sequence[Sequence[str]]) -> None:
    ours = document.link.written.get(LINES)
    if ours is not None and list(map(list, stands)) != ours:
        raise HeldError(
            f"The lines of {document.called} were changed in Acumatica since we wrote them: there "
            f"{_shown(stands)}, ours {_shown(ours)}; put order or deal right, then replay",
            waits_for=f"document:{document.key}",
        )


def _shown(lines: Sequence[Sequence[str]]) -> str:
    return "; ".join(
        f"{quantity} x {item} at {price} less {off}" for item, quantity, price, off in lines
    )


def _changed_rows(
    order: SalesOrder, lines: Sequence[SalesOrderLineDraft]
) -> tuple[SalesOrderLineDraft, ...]:
    """Change the rows that there are, in their order; add what is more, delete what is left."""
    ids = [row.id for row in order.details]
    changed = [
        msgspec.structs.replace(line, id=row_id or UNSET)
        for line, row_id in zip(lines, ids, strict=False)
    ]
    left = [SalesOrderLineDraft(id=row_id, delete=True) for row_id in ids[len(lines) :] if row_id]
    return (*changed, *lines[len(ids) :], *left)


async def _write_lines(
    document: Document,
    order: SalesOrder,
    draft: SalesOrderDraft,
    wanted: Sequence[Sequence[str]],
    ctx: Context,
) -> None:
    async def write() -> Found:
        await ctx.acumatica.update_sales_order(order, draft)
        return Found(key=document.key, name=document.link.target_name)

    await _once(
        "order_revision",
        document,
        comparing.digest_of(wanted),
        ctx,
        write,
        draft=mappings.draft_fields(draft),
    )


# The header -----------------------------------------------------------------------------------


async def _write_header(
    document: Document, order: SalesOrder, values: Mapping[str, Any], ctx: Context
) -> None:
    unfollowed = _UNFOLLOWED & values.keys()
    if unfollowed:
        raise HeldError(
            f"{', '.join(sorted(unfollowed))} of {document.called} changed on the deal; change "
            "the order in Acumatica, then replay",
            waits_for=f"document:{document.key}",
        )
    paths = {name: _PATHS.get(name, name) for name in values}

    async def write(changes: Mapping[str, Any]) -> None:
        by_path = {paths[name]: value for name, value in changes.items()}
        await ctx.acumatica.update_sales_order(
            order, mappings.with_further(SalesOrderDraft(), by_path, offered=())
        )

    await ctx.write_fields(
        side="erp",
        link=document.link,
        what=_HEADER,
        present=await _header_as_it_stands(document, values, ctx),
        wanted={name: plain(value) for name, value in values.items()},
        apply=write,
        on_conflict="hold",
    )


async def _header_as_it_stands(
    document: Document, names: Iterable[str], ctx: Context
) -> dict[str, Any]:
    paths = {name: _PATHS.get(name, name) for name in names}
    there = await ctx.acumatica.values("SalesOrder", document.key, list(paths.values()))
    return {name: _day_of(there[path]) for name, path in paths.items()}


def _alike(there: Any, ours: Any) -> bool:
    """Tell whether a value is ours but for case and spaces, which Acumatica changes in codes."""
    if isinstance(there, str) and isinstance(ours, str):
        return there.strip().casefold() == ours.strip().casefold()
    return same(there, ours)


def _day_of(value: Any) -> Any:
    """Return a business day without the time that Acumatica adds to it."""
    is_day = isinstance(value, str) and value[10:19] == "T00:00:00"
    return value[:10] if is_day else value


# Once -----------------------------------------------------------------------------------------


async def _once(
    kind: str,
    document: Document,
    mark: str,
    ctx: Context,
    create: Callable[[], Awaitable[Found]],
    *,
    draft: Mapping[str, Any] | None = None,
) -> None:
    """Carry out one change of an order, the next of its kind, once."""
    link = f"deal:{kind}"
    source_key = document.link.key.source_key
    occurrence = 1
    while await ctx.link(link, source_key, occurrence=occurrence) is not None:
        occurrence += 1
    await ctx.write_once(
        kind,
        link=link,
        source_key=source_key,
        occurrence=occurrence,
        reference=f"{document.key}{_MARK}{mark}",
        draft=draft or {"order": document.key},
        create=create,
    )
