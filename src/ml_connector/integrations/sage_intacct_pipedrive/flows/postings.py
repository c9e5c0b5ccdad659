"""The entries of a deal: found, posted once, read back, and found again by their reference."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from ml_connector.core.errors import HeldError, InvalidRecordError, NotFoundError
from ml_connector.integrations.sage_intacct_pipedrive import mappings
from ml_connector.integrations.sage_intacct_pipedrive.context import Context
from ml_connector.jobs.dispositions import BusyError
from ml_connector.sync.flow import Found
from ml_connector.sync.links import RecordLink
from ml_connector.vendors.sage_intacct import ClosedPeriodError
from ml_connector.vendors.sage_intacct.drafts import GLBatchDraft
from ml_connector.vendors.sage_intacct.models import GLBatch, GLBatchInFull

ENTRY_LINK, REVERSAL_LINK = "deal:journal_entry", "deal:reversal"

# What the link of an entry remembers.
HANDED_OVER, WON_TIME, EVENT_AT = "handed_over", "won_time", "event_at"
FIGURES, ENTITY = "figures", "entity"
CONTENT, STATE, CALLED, READ_AT = "content", "state", "called", "read_at"
MISSED_AT = "missed_at"
# What the link of a reversal remembers.
BECAUSE = "because"

POSTED = frozenset({"Posted"})
EDITABLE = frozenset({"Draft", "Declined"})
_FINAL = frozenset({"Posted", "Reversed"})
_STALE = timedelta(hours=1)
"""The state of an entry that is not final is read again after so long, and not at every event."""
LOOK_AGAIN = timedelta(hours=6)
_COME_BACK = timedelta(seconds=1)
_SHOWN_WITHIN = timedelta(minutes=1)
"""So long an entry that we have just written may be missing from what Intacct answers."""
_STATES = {
    "Draft": "a draft, for finance to post",
    "Submitted": "submitted and waits for approval",
    "Partially Approved": "approved in part and waits for approval",
    "Posted": "posted",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Posting:
    """A deal's entry as our links know it."""

    link: RecordLink
    reversal: RecordLink | None

    @property
    def key(self) -> str:
        """The entry's record number."""
        return self.link.target_key

    @property
    def number(self) -> int:
        """Which of the deal's postings it is, counted from one."""
        return self.link.key.occurrence

    @property
    def state(self) -> str:
        """The entry's state when it was last read; empty before it was read at all."""
        return str(self.link.written.get(STATE) or "")

    @property
    def state_words(self) -> str:
        """The state in words: never posted unless it is."""
        return _STATES.get(self.state, self.state) or "in no state that Intacct tells"

    @property
    def called(self) -> str:
        """What messages call it: ``entry GJ 17``."""
        return f"entry {self.link.written.get(CALLED) or self.key}"

    @property
    def entity(self) -> str | None:
        """In whose session it was posted; None for the connection's own."""
        return self.link.written.get(ENTITY)

    @property
    def event_at(self) -> datetime:
        """The deal's moment that it was posted for."""
        return datetime.fromisoformat(self.link.written[EVENT_AT])

    @property
    def is_confirmed(self) -> bool:
        """Whether it was read back and says what we wrote."""
        return self.link.written.get(CONTENT) is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A posting, and its entry as it stands in Intacct now."""

    posting: Posting
    entry: GLBatchInFull

    @property
    def figures(self) -> mappings.Figures:
        """The entry's lines as account, side and amount."""
        return mappings.figures_standing(self.entry.lines)


async def latest(deal_id: int | str, ctx: Context) -> Posting | None:
    """Return the deal's latest posting."""
    found: Posting | None = None
    number = 1
    while True:
        link, reversal = await asyncio.gather(
            ctx.link(ENTRY_LINK, deal_id, occurrence=number),
            ctx.link(REVERSAL_LINK, deal_id, occurrence=number),
        )
        if link is None:
            return found
        found = Posting(link=link, reversal=reversal)
        number += 1


async def send(draft: GLBatchDraft, ctx: Context, *, entity: str | None, control_id: str) -> Found:
    """Create an entry; a refusal of Intacct holds the record with its words."""
    client = ctx.intacct.at(entity) if entity is not None else ctx.intacct
    try:
        written = await client.create_gl_batch(draft, control_id=control_id)
    except ClosedPeriodError as exc:
        await _came_too_late(draft, ctx, entity, exc)
        raise
    except InvalidRecordError as exc:
        raise HeldError(
            f"Intacct refuses the entry {draft.reference_no}: {exc.message}; put it right in "
            "Intacct or in the mapping",
            waits_for=f"reference:{draft.reference_no}",
        ) from exc
    for removed in written.removed:
        ctx.note("characters_removed", field=removed.field, characters=removed.characters)
    return Found(key=written.key)


async def find_entries(ctx: Context, reference: str) -> Sequence[Found]:
    """Return every entry that carries a reference, but what reverses another one.

    A reversal that finance makes carries the reference of its original.
    """
    found = await ctx.intacct.find_gl_batches(reference_no=reference)
    return [Found(key=each.key, name=name_of(each)) for each in found if not each.reversed_from]


def name_of(batch: GLBatch) -> str:
    """Return an entry's journal and number: ``GJ 17``."""
    return f"{batch.journal or '?'} {batch.batch_no or batch.key}"


def is_taken_back(batch: GLBatch | None) -> bool:
    """Tell whether an entry counts no more: reversed or deleted by somebody in Intacct."""
    return batch is None or bool(batch.reversed) or batch.state in {"Reversed", "Reversal pending"}


async def present(posting: Posting, ctx: Context) -> GLBatchInFull | None:
    """Return the entry as it stands now; None for one that was deleted in Intacct."""
    try:
        return await ctx.intacct.gl_batch_in_full(posting.key)
    except NotFoundError:
        return None


async def confirm(posting: Posting, ctx: Context, *, is_revised: bool = False) -> Posting:
    """Read an entry back, and remember how it stands: its state, its number and its lines.

    Raises HeldError where it does not say what we wrote: such an entry is not ours to change;
    BusyError while Intacct may not show yet what was just made or, with ``is_revised``, changed.
    """
    found = await present(posting, ctx)
    if found is None and not posting.is_confirmed:
        await _come_back_until_shown(posting, ctx)
    if found is None or is_taken_back(found.batch):
        raise taken_back(posting, found)
    ours = posting.link.written.get(FIGURES)
    stands = mappings.figures_standing(found.lines)
    if ours is not None and stands != ours:
        if is_revised or posting.link.written.get(MISSED_AT) is not None:
            await _come_back_until_shown(posting, ctx)
        raise HeldError(
            f"The {posting.called} carries our reference and says otherwise: there "
            f"{mappings.shown(stands)}; ours {mappings.shown(ours)}; correct it in Intacct, or "
            "take the reference off it, then replay",
            waits_for=f"entry:{posting.key}",
        )
    state = {**_header(found.batch, ctx.clock.now()), CONTENT: _content(found), MISSED_AT: None}
    await ctx.remember(posting.link, state)
    ctx.note(
        "entry_stands",
        record_no=found.batch.key,
        journal=found.batch.journal,
        batch_no=found.batch.batch_no,
        date=found.batch.batch_on,
        state=found.batch.state,
        lines=mappings.shown(stands),
    )
    ctx.also_known_as(state[CALLED], found.batch.reference_no)
    link = replace(posting.link, written={**posting.link.written, **state})
    return replace(posting, link=link)


async def _come_back_until_shown(posting: Posting, ctx: Context) -> None:
    """Come back for what reads do not show yet; after a while it counts as it is shown."""
    now, told = ctx.clock.now(), posting.link.written.get(MISSED_AT)
    if told is None:
        await ctx.remember(posting.link, {MISSED_AT: now.isoformat()})
    elif now - datetime.fromisoformat(told) > _SHOWN_WITHIN:
        return
    raise BusyError(
        f"Intacct does not show the {posting.called} as it was written yet",
        come_back_in=_COME_BACK,
    )


async def with_fresh_state(posting: Posting, ctx: Context) -> Posting:
    """Read the state of an entry that is not final yet, unless it was read a short while ago."""
    if posting.state in _FINAL or not _is_stale(posting, ctx.clock.now()):
        return posting
    try:
        batch = await ctx.intacct.gl_batch(posting.key)
    except NotFoundError:
        return posting
    state = _header(batch, ctx.clock.now())
    if state[STATE] != posting.state:
        ctx.note("entry_state_changed", before=posting.state, state=state[STATE])
    await ctx.remember(posting.link, state)
    link = replace(posting.link, written={**posting.link.written, **state})
    return replace(posting, link=link)


def look_again_at(posting: Posting, ctx: Context) -> datetime | None:
    """Return when an entry that is not final yet wants another look."""
    return None if posting.state in _FINAL else ctx.clock.now() + LOOK_AGAIN


async def standing(posting: Posting, ctx: Context) -> Standing:
    """Return the entry as it stands. Raises HeldError for one that somebody took back."""
    found = await present(posting, ctx)
    if found is None or is_taken_back(found.batch):
        raise taken_back(posting, found)
    return Standing(posting=posting, entry=found)


def require_untouched(there: Standing, what: str) -> None:
    """Hold an entry that finance has changed since we wrote it (INT-07)."""
    posting = there.posting
    ours = posting.link.written.get(CONTENT)
    stands = _content(there.entry)
    if ours is not None and stands != ours:
        raise HeldError(
            f"{what}, but the {posting.called} was changed in Intacct since we wrote it: there "
            f"{mappings.shown(stands)}; ours {mappings.shown(ours)}; put entry or deal right, "
            "then replay",
            waits_for=f"entry:{posting.key}",
        )


def taken_back(posting: Posting, found: GLBatchInFull | None) -> HeldError:
    """Return the error of an entry that somebody took back: it is never posted again."""
    how = "deleted" if found is None else "reversed"
    return HeldError(
        f"The {posting.called} was {how} in Intacct by somebody, and is not posted again by us; "
        "post it by hand, or put the deal right, then replay",
        waits_for=f"entry:{posting.key}",
    )


async def _came_too_late(
    draft: GLBatchDraft, ctx: Context, entity: str | None, exc: ClosedPeriodError
) -> None:
    """Come back at once where the books were closed meanwhile and there is a first open day."""
    client = ctx.intacct.at(entity) if entity is not None else ctx.intacct
    closed = await client.closed_through(fresh=True)
    is_told = closed is not None and isinstance(draft.batch_on, date) and draft.batch_on <= closed
    if is_told and ctx.settings.posting.closed_period == "first_open_day":
        raise BusyError("the books were closed meanwhile", come_back_in=_COME_BACK) from exc


def _header(batch: GLBatch, now: datetime) -> dict[str, Any]:
    return {
        STATE: batch.state or "",
        CALLED: name_of(batch),
        READ_AT: now.isoformat(),
    }


def _content(found: GLBatchInFull) -> list[list[Any]]:
    return mappings.content_standing(found.lines)


def _is_stale(posting: Posting, now: datetime) -> bool:
    told = posting.link.written.get(READ_AT)
    return told is None or now - datetime.fromisoformat(told) > _STALE
