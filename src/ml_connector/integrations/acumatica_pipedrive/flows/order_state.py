"""Bringing a deal's order to the state that the table gives it: hold, open, cancelled (ACU-09)."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from ml_connector.core.errors import HeldError, InvalidRecordError
from ml_connector.integrations.acumatica_pipedrive import comparing, order_states
from ml_connector.integrations.acumatica_pipedrive.context import Context
from ml_connector.integrations.acumatica_pipedrive.flows import documents
from ml_connector.integrations.acumatica_pipedrive.flows.documents import Document
from ml_connector.integrations.acumatica_pipedrive.flows.revise_order import (
    cancel_order,
    open_order,
    reopen_order,
    require_as_written,
)
from ml_connector.integrations.acumatica_pipedrive.order_states import (
    Memory,
    Refusal,
    Step,
    Wanted,
)
from ml_connector.sync.flow import Outcome
from ml_connector.vendors.acumatica.models import SalesOrder
from ml_connector.vendors.pipedrive.models import Deal

HANDED_OVER = "handed_over"
"""Where the link of a document remembers what of the deal went into it."""

_STATE = "order_state"
_MOST_STEPS = 2  # reopening, and then hold, release or open
_DONE: Mapping[Step, str] = {
    "hold": "was put on hold",
    "release": "was released from hold",
    "cancel": "was cancelled",
    "reopen": "was reopened",
    "open": "was taken off back order",
}


def made_state(*, on_hold: bool, for_customer: bool) -> dict[str, Any]:
    """Return what the link of a new order remembers of its state."""
    not_ours = "it began on hold because of its customer's standing" if for_customer else None
    return _kept(Memory(last="hold" if on_hold else "open", not_ours=not_ours))


def was_cancelled_by_us(document: Document) -> bool:
    """Tell whether the order was cancelled because its deal said so."""
    return _memory(document.link.written).last == "cancelled"


async def wanted_of(deal: Deal, document: Document, ctx: Context) -> Wanted | None:
    """Return the state that the table gives a deal's order; None where it says nothing."""
    if document.kind is not documents.ORDER or ctx.settings.order_states.is_empty:
        return None
    return (await ctx.mappings()).order_states.wanted(deal)


async def wanted_of_gone(deal_key: str, document: Document, ctx: Context) -> Wanted | None:
    """Return the same for a deal that was deleted."""
    if document.kind is not documents.ORDER or ctx.settings.order_states.is_empty:
        return None
    return (await ctx.mappings()).order_states.of_gone(deal_key)


async def forget(document: Document, ctx: Context) -> None:
    """Forget what we made of an order: whatever it is from now on is not known to be ours."""
    await ctx.remember(document.link, _kept(Memory()))


async def see(document: Document, status: str | None, ctx: Context) -> None:
    """Remember what became of a step that a crash cut off."""
    memory = _memory(document.link.written)
    seen = memory.after(status)
    if seen != memory:
        await ctx.remember(document.link, _kept(seen))


async def cancel(document: Document, status: str | None, what: str, ctx: Context) -> None:
    """Cancel an order, and remember that it was us; ``what`` is what became of its deal.

    Raises HeldError where somebody changed in Acumatica what we wrote.
    """
    memory = _memory(document.link.written)
    before = order_states.before_step("cancel", "cancelled", status, memory)
    await _cancel(document, before, what, ctx)


async def bring(document: Document, wanted: Wanted, ctx: Context) -> Outcome | None:
    """Bring an order to the state wanted; None, without any call, where we made it so before.

    Raises HeldError where somebody else's decision, or the order's progress, is in the way.
    """
    source = document.link.key
    link = await ctx.link(source.kind, source.source_key, occurrence=source.occurrence)
    document = replace(document, link=link or document.link)
    memory = _memory(document.link.written)
    if memory.last == wanted.state and memory.aim is None:
        return None
    done: list[str] = []
    for _ in range(_MOST_STEPS):
        order = await _present(document, wanted, ctx)
        if order is None:
            break
        memory = memory.after(order.status)
        step = order_states.next_step(wanted.state, order.status, memory)
        if isinstance(step, Refusal):
            raise _held(document, wanted, step.words)
        if step is None:
            memory = order_states.as_seen(wanted.state, order.status, memory)
            await ctx.remember(document.link, _kept(memory))
            break
        memory = order_states.before_step(step, wanted.state, order.status, memory)
        change = _Change(document=document, wanted=wanted, memory=memory)
        done.append(_DONE[step] + await _take(step, change, order, ctx))
        if step != "reopen" or ctx.plan is not None:
            break
    if not done:
        return Outcome.unchanged(f"{wanted.because}, and {document.called} is so")
    return Outcome.written(f"{wanted.because}; {document.called} {' and '.join(done)}")


async def _present(document: Document, wanted: Wanted, ctx: Context) -> SalesOrder | None:
    """Return the order; None for one that was deleted, which is as good as cancelled."""
    order = await documents.present(document, ctx)
    if order is None and wanted.state != "cancelled":
        raise _held(document, wanted, "was deleted there")
    return order if isinstance(order, SalesOrder) else None


async def _take(step: Step, change: _Change, order: SalesOrder, ctx: Context) -> str:
    """Take one step; return what is to be added to its words."""
    document, memory = change.document, change.memory
    if step == "cancel":
        await _cancel(document, memory, change.wanted.because, ctx)
        return ""
    if step == "reopen":
        await ctx.remember(document.link, _kept(memory))
        await _translated(document, memory, ctx, reopen_order(document, ctx))
        return ""
    if step == "open":
        await ctx.remember(document.link, _kept(memory))
        await _translated(document, memory, ctx, open_order(document, ctx))
        await ctx.remember(document.link, _kept(replace(memory, last="open", aim=None)))
        return ""
    if step == "release":
        _require_agreed_total(document, order, change.wanted)
    return await _set_hold(change, order, ctx)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Change:
    """A change of an order's state that is being made."""

    document: Document
    wanted: Wanted
    memory: Memory


async def _cancel(document: Document, memory: Memory, what: str, ctx: Context) -> None:
    await require_as_written(document, f"{what[:1].upper()}{what[1:]}", ctx)
    await ctx.remember(document.link, _kept(memory))
    await _translated(document, memory, ctx, cancel_order(document, ctx))
    await ctx.remember(document.link, _kept(replace(memory, last="cancelled", aim=None)))


async def _set_hold(change: _Change, order: SalesOrder, ctx: Context) -> str:
    document, wanted, memory = change.document, change.wanted, change.memory
    is_hold = wanted.state == "hold"
    became: list[str | None] = []

    async def apply(_changes: Mapping[str, Any]) -> None:
        acumatica = ctx.acumatica
        write = acumatica.hold_sales_order if is_hold else acumatica.release_sales_order_from_hold
        became.append((await write(order)).record.status)

    await ctx.remember(document.link, _kept(memory))
    write = ctx.write_fields(
        side="erp",
        link=document.link,
        what="document",
        present={"hold": not is_hold},  # as its status says, which was just read
        wanted={"hold": is_hold},
        apply=apply,
        on_conflict="overwrite",  # whose the present state is has been decided
    )
    await _translated(document, memory, ctx, write)
    status = became[-1] if became else None
    if status is not None and (status == "On Hold") != is_hold:
        raise _held(document, wanted, f"is {status} there after we set its hold")
    await ctx.remember(document.link, _kept(replace(memory, last=wanted.state, aim=None)))
    return f" and is {status} in Acumatica" if status and not is_hold and status != "Open" else ""


async def _translated(
    document: Document, memory: Memory, ctx: Context, write: Awaitable[object]
) -> None:
    """Await a write; a refusal of Acumatica holds the record, and nothing of it is ours."""
    try:
        await write
    except (InvalidRecordError, HeldError) as exc:
        await ctx.remember(document.link, _kept(replace(memory, aim=None)))
        if isinstance(exc, HeldError):
            raise
        raise HeldError(
            f"Acumatica does not let the state of {document.called} be changed: {exc.message}; "
            "put order or deal right, then replay",
            waits_for=f"document:{document.key}",
        ) from exc


def _require_agreed_total(document: Document, order: SalesOrder, wanted: Wanted) -> None:
    """Hold an order whose total is not the deal's: such a one is not released (M-02)."""
    agreed = (document.link.written.get(HANDED_OVER) or {}).get("net")
    net = comparing.net_total(order)
    if agreed is None or net is None or net == Decimal(str(agreed)):
        return
    raise _held(document, wanted, f"comes to {net:f} without tax there and the deal to {agreed}")


def _held(document: Document, wanted: Wanted, words: str) -> HeldError:
    because = f"{wanted.because[:1].upper()}{wanted.because[1:]}"
    return HeldError(
        f"{because}, so its order should be {_CALLED[wanted.state]}, but {document.called} "
        f"{words}; bring the order to that state in Acumatica or change the deal, then replay",
        waits_for=f"document:{document.key}",
    )


_CALLED = {"hold": "on hold", "open": "released (open)", "cancelled": "cancelled"}


def _memory(written: Mapping[str, Any]) -> Memory:
    return Memory(**(written.get(_STATE) or {}))


def _kept(memory: Memory) -> dict[str, Any]:
    return {_STATE: {"last": memory.last, "aim": memory.aim, "not_ours": memory.not_ours}}
