"""Taking an entry back: a posted one is reversed by an entry of its own, a draft is deleted.

Each is an effect of its own, so that a lost answer or a crash never does it twice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ml_connector.core.errors import HeldError, InvalidRecordError, NotFoundError
from ml_connector.integrations.sage_intacct_pipedrive import mappings
from ml_connector.integrations.sage_intacct_pipedrive.context import REVERSAL, Context
from ml_connector.integrations.sage_intacct_pipedrive.flows import postings, preflight
from ml_connector.integrations.sage_intacct_pipedrive.flows.postings import Posting, Standing
from ml_connector.sync.flow import Found
from ml_connector.vendors import sage_intacct
from ml_connector.vendors.sage_intacct.drafts import GLBatchDraft, Scalar, reversal_of

CHANGED, ENDED, DELETED = "changed", "ended", "deleted"
"""Why an entry was taken back."""
_REMOVED = "#removed"  # behind an entry's key, in references of effects


async def take_back(there: Standing, ctx: Context, *, what: str, because: str) -> None:
    """Take an entry back that nobody changed since we wrote it. Raises HeldError for others."""
    posting, state = there.posting, there.entry.batch.state
    postings.require_untouched(there, what)
    if state in postings.POSTED:
        await _reverse(there, ctx, because=because)
    elif state not in postings.EDITABLE:
        raise HeldError(
            f"{what}, but its {posting.called} is {state} in Intacct and can be neither changed "
            "nor reversed now; it goes on once the entry is posted or declined",
            waits_for=f"entry:{posting.key}",
        )
    elif because == DELETED:
        raise HeldError(
            f"{what}, but its {posting.called} stands in Intacct as a draft; delete the draft "
            "there, because a deletion in Pipedrive deletes nothing in Intacct",
            waits_for=f"entry:{posting.key}",
        )
    else:
        await remove_draft(posting, ctx, because=because)


async def remove_draft(posting: Posting, ctx: Context, *, because: str) -> None:
    """Delete a draft of ours; one that is gone already is taken as deleted."""

    async def delete() -> Found:
        try:
            await _client(posting, ctx).delete_gl_batch(posting.key)
        except NotFoundError:
            ctx.note("draft_was_gone", entry=posting.key)
        except InvalidRecordError as exc:
            raise _refused(posting, "deleted", exc) from exc
        return Found(key=posting.key)

    await ctx.write_once(
        "draft_removal",
        link=postings.REVERSAL_LINK,
        source_key=posting.link.key.source_key,
        occurrence=posting.number,
        reference=f"{posting.key}{_REMOVED}",
        draft={"deleted": posting.called},
        create=delete,
        remember={postings.BECAUSE: because},
    )


async def find_removed(ctx: Context, reference: str) -> Sequence[Found]:
    """Return the entry's key, if the entry is not there any more."""
    key = reference.removesuffix(_REMOVED)
    try:
        await ctx.intacct.gl_batch(key)
    except NotFoundError:
        return [Found(key=key)]
    return []


async def _reverse(there: Standing, ctx: Context, *, because: str) -> None:
    posting = there.posting
    draft, entity = await _reversal(there, ctx)
    reference = str(draft.reference_no)
    await ctx.write_once(
        "reversal",
        link=postings.REVERSAL_LINK,
        source_key=posting.link.key.source_key,
        occurrence=posting.number,
        reference=reference,
        draft=mappings.draft_fields(draft),
        create=lambda: postings.send(
            draft, ctx, entity=entity, control_id=ctx.control_id(reference, posting.event_at)
        ),
        remember={postings.BECAUSE: because},
    )


async def _reversal(there: Standing, ctx: Context) -> tuple[GLBatchDraft, str | None]:
    """Return the entry with its sides swapped, on its own day or the first open one after it.

    Its lines take the rate of the first entry's day, so that both come to nothing in the books'
    own currency too.
    """
    posting, batch = there.posting, there.entry.batch
    if batch.batch_on is None:
        raise HeldError(
            f"The {posting.called} has no day in Intacct, so its reversal has none",
            waits_for=f"entry:{posting.key}",
        )
    place = await preflight.place_of(
        preflight.locations_of(line.dimensions for line in there.entry.lines),
        batch.batch_on,
        await _currency(there, ctx),
        ctx,
        what=f"The reversal of {posting.called}",
    )
    rates: Mapping[str, Scalar] = {}
    if place.rates is not None:
        rates = {"EXCH_RATE_DATE": batch.batch_on, "EXCH_RATE_TYPE_ID": place.rates.rate_type}
    draft = reversal_of(
        there.entry,
        journal=batch.journal or ctx.settings.posting.journal,
        batch_on=place.day,
        batch_title=f"Reversal of {batch.batch_title or posting.called}"[:80],
        reference_no=ctx.reference(
            posting.link.key.source_key, posting=posting.number, ending=REVERSAL
        ),
        state="Posted" if ctx.settings.posting.state == "posted" else "Draft",
        rates=rates,
    )
    return draft, place.entity


async def _currency(there: Standing, ctx: Context) -> str:
    """Return the currency of an entry's lines, which tell none in a company with one alone."""
    told = next((line.currency for line in there.entry.lines if line.currency), None)
    remembered = there.posting.link.written.get(postings.HANDED_OVER) or {}
    company = await ctx.intacct.definitions.company()
    return str(told or remembered.get("currency") or company.base_currency)


def _client(posting: Posting, ctx: Context) -> sage_intacct.Client:
    return ctx.intacct if posting.entity is None else ctx.intacct.at(posting.entity)


def _refused(posting: Posting, how: str, exc: InvalidRecordError) -> HeldError:
    return HeldError(
        f"Intacct does not let {posting.called} be {how}: {exc.message}",
        waits_for=f"entry:{posting.key}",
    )
