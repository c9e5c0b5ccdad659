"""Posting the entry of a deal: prepared whole, checked, sent once, read back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from msgspec import UNSET, structs

from ml_connector.core.errors import HeldError, InvalidRecordError, NotFoundError
from ml_connector.integrations.from_pipedrive.amounts import DealAmounts, amounts_of
from ml_connector.integrations.from_pipedrive.shown import show_on_deal
from ml_connector.integrations.from_pipedrive.taking_up import moment_of
from ml_connector.integrations.sage_intacct_pipedrive import mappings
from ml_connector.integrations.sage_intacct_pipedrive.context import Context
from ml_connector.integrations.sage_intacct_pipedrive.flows import (
    postings,
    preflight,
    taking_back,
)
from ml_connector.integrations.sage_intacct_pipedrive.flows.credits import credits_of, party_of
from ml_connector.integrations.sage_intacct_pipedrive.flows.postings import Posting, Standing
from ml_connector.sync.flow import Found, Outcome
from ml_connector.sync.mapping.evaluation import evaluate
from ml_connector.sync.writing_once import Written
from ml_connector.vendors.pipedrive.models import Deal
from ml_connector.vendors.sage_intacct.drafts import GLBatchDraft

_MARK = "#"  # between an entry's key and the digest of its lines, in references of effects


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """An entry that Intacct should take."""

    deal: Deal
    draft: GLBatchDraft
    entity: str | None
    """In whose session it is posted; None for the connection's own."""
    event_at: datetime
    remembered: dict[str, Any]
    """What its link keeps."""

    @property
    def reference(self) -> str:
        """What the entry carries: ``PD-42``."""
        return str(self.draft.reference_no)

    @property
    def figures(self) -> mappings.Figures:
        """Its lines as account, side and amount."""
        return mappings.figures_written(self.draft.entries)


async def hand_over(
    deal: Deal, ctx: Context, *, number: int, instead_of: Standing | None = None
) -> Outcome:
    """Post the deal's entry of this number; ``instead_of`` is one that is taken back first.

    Everything that could hold the deal is known before anything is written.
    """
    amounts = await amounts_of(deal, ctx)
    nothing = f"deal {deal.id} is worth nothing: no entry"
    if amounts.lines.is_zero and instead_of is None:
        return Outcome.skipped(nothing)
    ready = None
    if not amounts.lines.is_zero:
        ready = await prepare(deal, amounts, ctx, number=number)
    if instead_of is not None:
        what = f"Deal {deal.id} ({deal.title}) was changed"
        await taking_back.take_back(instead_of, ctx, what=what, because=taking_back.CHANGED)
    if ready is None:
        return Outcome.written(f"{nothing}; the one that stood was taken back")
    made = await _post_once(ready, ctx, number=number)
    if made.how == "planned":
        return Outcome(kind="planned", reason=f"the entry {ready.reference} would be posted")
    return await _posted(deal, amounts, made, ctx, number=number)


async def revise(deal: Deal, amounts: DealAmounts, there: Standing, ctx: Context) -> Outcome:
    """Bring a draft up to its deal, unless somebody has changed it since we wrote it."""
    posting = there.posting
    ready = await prepare(deal, amounts, ctx, number=posting.number)
    if there.figures != ready.figures:
        postings.require_untouched(there, f"Deal {deal.id} ({deal.title}) was changed")
    made = await _revise_once(ready, posting, ctx)
    if made.how == "planned":
        return Outcome(kind="planned", reason=f"{posting.called} would be brought up to date")
    await ctx.remember(posting.link, {**ready.remembered, postings.CONTENT: None})
    fresh = await ctx.link(postings.ENTRY_LINK, deal.id, occurrence=posting.number)
    posting = await postings.confirm(
        Posting(link=fresh or posting.link, reversal=None), ctx, is_revised=True
    )
    await show(deal, posting, ctx)
    return Outcome.written(
        f"{posting.called} brought up to date", look_again_at=postings.look_again_at(posting, ctx)
    )


async def show(deal: Deal, posting: Posting, ctx: Context) -> bool:
    """Write number and state onto the deal where fields are named for them; no amounts."""
    wanted = {
        "write_back.entry_number": posting.called.removeprefix("entry "),
        "write_back.entry_state": posting.state,
    }
    return bool(await show_on_deal(deal, wanted, posting.link, ctx))


async def find_revised(ctx: Context, reference: str) -> list[Found]:
    """Return the entry, if its lines are already those that the reference names."""
    key, _, digest = reference.partition(_MARK)
    try:
        found = await ctx.intacct.gl_batch_in_full(key)
    except NotFoundError:
        return []
    is_done = mappings.digest_of(mappings.figures_standing(found.lines)) == digest
    return [Found(key=key, name=postings.name_of(found.batch))] if is_done else []


# What is posted ----------------------------------------------------------------------------------


async def prepare(deal: Deal, amounts: DealAmounts, ctx: Context, *, number: int) -> Ready:
    """Return the entry of a deal, checked in everything that can be known before it is sent."""
    mappings.require_kept_digits(amounts.lines)
    event_at = await _event_of(deal, ctx)
    party = await party_of(deal, ctx)
    parts = await credits_of(deal, amounts, party, ctx)
    parts = await preflight.with_locations(parts, ctx)
    if ctx.settings.posting.lines == "per_deal":
        parts = mappings.merged(parts)
    await preflight.check_journal(ctx)
    offset = await preflight.check_accounts(parts, ctx)
    await preflight.check_dimensions(parts, ctx)
    place = await preflight.place_of(
        preflight.locations_of(each.dimensions for each in parts),
        event_at.astimezone(ctx.intacct.settings.zone).date(),
        amounts.lines.currency,
        ctx,
        what=f"The entry of deal {deal.id} ({deal.title})",
    )
    lines = mappings.entry_lines(
        parts,
        offset_account=offset.account_no,
        offset_requires=offset.requires,
        rates=place.rates,
    )
    values = evaluate((await ctx.mappings()).entry, party.sources(deal))
    for used in values.used:
        ctx.note("mapped", field=used.target, value=used.value, because=used.words)
    draft = GLBatchDraft(
        journal=ctx.settings.posting.journal,
        batch_on=place.day,
        batch_title=f"Deal {deal.id}",
        reference_no=ctx.reference(deal.id, posting=number),
        state="Posted" if ctx.settings.posting.state == "posted" else "Draft",
        entries=lines,
    )
    return Ready(
        deal=deal,
        draft=mappings.with_values(draft, values.values),
        entity=place.entity,
        event_at=event_at,
        remembered={
            postings.HANDED_OVER: mappings.handed_over(deal, amounts.lines),
            postings.WON_TIME: deal.won_time.isoformat() if deal.won_time else None,
            postings.EVENT_AT: event_at.isoformat(),
            postings.FIGURES: mappings.figures_written(lines),
            postings.ENTITY: place.entity,
        },
    )


async def _event_of(deal: Deal, ctx: Context) -> datetime:
    moment = await moment_of(deal, ctx)
    if moment is None:
        raise HeldError(
            f"Deal {deal.id} ({deal.title}) has no moment at which it was won or came into its "
            "stage, so its entry has no day",
            waits_for=f"deal:{deal.id}",
        )
    return moment


# Once -----------------------------------------------------------------------------------------


async def _post_once(ready: Ready, ctx: Context, *, number: int) -> Written:
    return await ctx.write_once(
        "journal_entry",
        link=postings.ENTRY_LINK,
        source_key=ready.deal.id,
        occurrence=number,
        reference=ready.reference,
        draft=mappings.draft_fields(ready.draft),
        create=lambda: postings.send(
            ready.draft,
            ctx,
            entity=ready.entity,
            control_id=ctx.control_id(ready.reference, ready.event_at),
        ),
        remember=ready.remembered,
    )


async def _posted(
    deal: Deal, amounts: DealAmounts, made: Written, ctx: Context, *, number: int
) -> Outcome:
    """Read the entry back, and tell in which state it is: never posted unless it is."""
    link = await ctx.link(postings.ENTRY_LINK, deal.id, occurrence=number)
    if link is None or link.target_key != made.key:
        raise HeldError(
            f"The entry {made.key} of deal {deal.id} is not the one that was linked before",
            waits_for=f"deal:{deal.id}",
        )
    posting = await postings.confirm(Posting(link=link, reversal=None), ctx)
    await show(deal, posting, ctx)
    words = f"{posting.called} of {amounts.lines.net:,f} {amounts.lines.currency}"
    again = postings.look_again_at(posting, ctx)
    if made.how == "created":
        return Outcome.written(f"{words} is {posting.state_words}", look_again_at=again)
    return Outcome.unchanged(f"{words} is there, {posting.state_words}", look_again_at=again)


async def _revise_once(ready: Ready, posting: Posting, ctx: Context) -> Written:
    """Replace the lines of a draft, the next time of its kind, once."""
    link = "deal:entry_revision"
    source_key = posting.link.key.source_key
    occurrence = 1
    while await ctx.link(link, source_key, occurrence=occurrence) is not None:
        occurrence += 1
    # Number, journal and state stay what they are.
    draft = structs.replace(ready.draft, journal=UNSET, reference_no=UNSET, state=UNSET)

    async def write() -> Found:
        client = ctx.intacct if posting.entity is None else ctx.intacct.at(posting.entity)
        try:
            await client.update_gl_batch(posting.key, draft)
        except InvalidRecordError as exc:
            raise HeldError(
                f"Intacct does not let {posting.called} be changed: {exc.message}",
                waits_for=f"entry:{posting.key}",
            ) from exc
        return Found(key=posting.key)

    return await ctx.write_once(
        "entry_revision",
        link=link,
        source_key=source_key,
        occurrence=occurrence,
        reference=f"{posting.key}{_MARK}{mappings.digest_of(ready.figures)}",
        draft=mappings.draft_fields(draft),
        create=write,
    )
