"""What follows when a deal changes after its entry was made (M-01, INT-07).

A draft is updated, or deleted; what is posted is reversed by an entry of its own, and posted anew
under the next number. What finance changed or took back is left to finance. A deal edit that
alters nothing of the entry makes no call to Intacct.
"""

from __future__ import annotations

from dataclasses import replace

from ml_connector.core.errors import HeldError
from ml_connector.integrations.from_pipedrive.amounts import amounts_of
from ml_connector.integrations.from_pipedrive.taking_up import why_not_now
from ml_connector.integrations.sage_intacct_pipedrive import mappings
from ml_connector.integrations.sage_intacct_pipedrive.context import Context
from ml_connector.integrations.sage_intacct_pipedrive.flows import postings, taking_back
from ml_connector.integrations.sage_intacct_pipedrive.flows.post_entry import (
    hand_over,
    revise,
    show,
)
from ml_connector.integrations.sage_intacct_pipedrive.flows.postings import Posting, Standing
from ml_connector.integrations.sage_intacct_pipedrive.settings import AfterEnd
from ml_connector.sync.flow import Outcome
from ml_connector.vendors.pipedrive.models import Deal


async def deal_is_gone(deal_key: str, ctx: Context) -> Outcome:
    """Follow a deal that was deleted or merged into another."""
    posting = await postings.latest(deal_key, ctx)
    if posting is None:
        return Outcome.skipped(f"deal {deal_key} no longer exists and had no entry")
    what = f"deal {deal_key} was deleted"
    return await _ended(ctx.settings.after.deleted, what, posting, ctx, because=taking_back.DELETED)


async def follow(deal: Deal, posting: Posting, ctx: Context) -> Outcome:
    """Decide about a deal that has an entry."""
    turned = await _turned(deal, ctx)
    if turned is not None:
        rule, what, because = turned
        return await _ended(rule, what, posting, ctx, because=because)
    if posting.reversal is not None:
        return await _posted_anew(deal, posting, ctx)
    if not posting.is_confirmed:
        posting = await postings.confirm(posting, ctx)
    posting = await postings.with_fresh_state(posting, ctx)
    if _was_won_again(deal, posting):
        posting = await _still_there(deal, posting, ctx)
    return await _compared(deal, posting, ctx)


# The deal's end -----------------------------------------------------------------------------


async def _turned(deal: Deal, ctx: Context) -> tuple[AfterEnd, str, str] | None:
    """Return the rule for a deal that is no longer handed over, what happened, and how it counts.

    A deal that is won counts, in whatever stage it was when it was won.
    """
    after = ctx.settings.after
    if deal.is_gone:
        return after.deleted, f"deal {deal.id} was deleted", taking_back.DELETED
    if deal.status == "lost":
        return after.lost, f"deal {deal.id} is lost", taking_back.ENDED
    if deal.status == "won" or await why_not_now(deal, ctx) is None:
        return None
    return after.reopened, f"deal {deal.id} is open again", taking_back.ENDED


async def _ended(
    rule: AfterEnd, what: str, posting: Posting, ctx: Context, *, because: str
) -> Outcome:
    """Hold, leave or take back the entry of a deal that came to an end."""
    if posting.reversal is not None:
        return Outcome.unchanged(f"{what}, and its {posting.called} is taken back")
    if rule == "leave":
        ctx.note("entry_left_alone", entry=posting.key, because=what)
        return Outcome.unchanged(f"{what}; {posting.called} is left as it is")
    found = await postings.present(posting, ctx)
    if found is None or postings.is_taken_back(found.batch):
        if found is None and rule == "reverse" and posting.state in postings.EDITABLE:
            # It may be our own deleting, whose answer was lost.
            await taking_back.remove_draft(posting, ctx, because=because)
        return Outcome.unchanged(f"{what}, and its {posting.called} counts no more")
    if rule == "hold":
        raise HeldError(
            f"{_sentence(what)}, but its {posting.called} stands in Intacct as "
            f"{found.batch.state}; put one of them right, then replay",
            waits_for=f"entry:{posting.key}",
        )
    there = Standing(posting=posting, entry=found)
    await taking_back.take_back(there, ctx, what=_sentence(what), because=because)
    if ctx.plan is not None:
        return Outcome(kind="planned", reason=f"{what}; {posting.called} would be taken back")
    return Outcome.written(f"{what}; its {posting.called} was taken back")


async def _posted_anew(deal: Deal, posting: Posting, ctx: Context) -> Outcome:
    """Post anew for a deal whose entry we took back."""
    because = posting.reversal.written.get(postings.BECAUSE) if posting.reversal else None
    rule = ctx.settings.after.won_again_after_reversed
    if because != taking_back.CHANGED and rule == "hold":
        raise HeldError(
            f"Deal {deal.id} ({deal.title}) counts again, but its {posting.called} was taken "
            "back; let such deals have a new entry (after.won_again_after_reversed: new), or post "
            "it by hand",
            waits_for=f"entry:{posting.key}",
        )
    return await hand_over(deal, ctx, number=posting.number + 1)


# Won again, with its entry standing -----------------------------------------------------------


def _was_won_again(deal: Deal, posting: Posting) -> bool:
    before = posting.link.written.get(postings.WON_TIME)
    return bool(before and deal.won_time and deal.won_time.isoformat() != before)


async def _still_there(deal: Deal, posting: Posting, ctx: Context) -> Posting:
    """A deal that was won again never binds silently to an entry that somebody took back."""
    await postings.standing(posting, ctx)
    state = {postings.WON_TIME: deal.won_time.isoformat() if deal.won_time else None}
    await ctx.remember(posting.link, state)
    link = replace(posting.link, written={**posting.link.written, **state})
    return replace(posting, link=link)


# Changed --------------------------------------------------------------------------------------


async def _compared(deal: Deal, posting: Posting, ctx: Context) -> Outcome:
    """Follow a change of what went into the entry, as the user chose."""
    before = posting.link.written[postings.HANDED_OVER]
    amounts = await amounts_of(deal, ctx)
    words = mappings.difference_words(before, mappings.handed_over(deal, amounts.lines))
    if not words:
        return await _unchanged(deal, posting, ctx)
    what = f"deal {deal.id} was changed after its entry was made ({words})"
    rule = ctx.settings.after.changed
    if rule == "leave":
        ctx.note("entry_left_alone", entry=posting.key, because=what)
        return Outcome.unchanged(f"{what}; {posting.called} is left as it is")
    if rule == "hold":
        raise HeldError(
            f"{_sentence(what)}, but its {posting.called} stands in Intacct as {posting.state}; "
            "put one of them right, then replay",
            waits_for=f"deal:{deal.id}",
        )
    there = await postings.standing(posting, ctx)
    if there.entry.batch.state in postings.EDITABLE and not amounts.lines.is_zero:
        return await revise(deal, amounts, there, ctx)
    return await hand_over(deal, ctx, number=posting.number + 1, instead_of=there)


async def _unchanged(deal: Deal, posting: Posting, ctx: Context) -> Outcome:
    again = postings.look_again_at(posting, ctx)
    if await show(deal, posting, ctx):
        return Outcome.written(f"{posting.called} shown on the deal", look_again_at=again)
    words = f"{posting.called} is {posting.state_words}, and the deal says the same"
    return Outcome.unchanged(words, look_again_at=again)


def _sentence(words: str) -> str:
    return words[:1].upper() + words[1:]
