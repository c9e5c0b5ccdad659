"""The note on a deal that says what became of it in the books, where one is switched on (M-11).

One note for each deal, found again by its mark and then by its link. What a person wrote into it
stays, one that was deleted is not made again, and one that says the same is not touched. Notes are
compared by their text: Pipedrive may keep other markup than was sent.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ml_connector.core.errors import NotFoundError
from ml_connector.integrations.acumatica_pipedrive.billing import Figures
from ml_connector.integrations.acumatica_pipedrive.context import Context
from ml_connector.sync.flow import Found
from ml_connector.vendors.pipedrive import notes
from ml_connector.vendors.pipedrive.drafts import NoteDraft
from ml_connector.vendors.pipedrive.models import Deal

NOTE_LINK = "deal:billing_note"
_CONTENT = "content"


async def keep(deal: Deal, figures: Figures, ctx: Context) -> bool:
    """Make the note or bring it up to date; return whether anything changed."""
    lines = _lines(figures, ctx)
    link = await ctx.link(NOTE_LINK, deal.id)
    if ctx.settings.billing.note == "off" or (link is None and not lines):
        return False
    reference = ctx.reference("billing", deal.id)
    html = notes.html_of(lines or ["Billing in Acumatica: nothing any more"], marker=reference)
    text = notes.text_of(html)
    if link is None:
        written = await ctx.write_once(
            "billing_note",
            link=NOTE_LINK,
            source_key=deal.id,
            reference=reference,
            draft={"deal": deal.id, _CONTENT: text},
            create=lambda: _create(deal.id, html, ctx),
            remember={f"note.{_CONTENT}": text},
        )
        return written.is_new
    try:
        note = await ctx.pipedrive.notes.get(int(link.target_key))
    except NotFoundError:
        return False
    if not note.active_flag:
        return False

    async def write(_changes: Mapping[str, Any]) -> None:
        await ctx.pipedrive.notes.update(note.id, NoteDraft(content=html))

    changed = await ctx.write_fields(
        side="crm",
        link=link,
        what="note",
        present={_CONTENT: notes.text_of(note.content)},
        wanted={_CONTENT: text},
        apply=write,
        on_conflict="keep",
    )
    return bool(changed)


async def find_notes(ctx: Context, reference: str) -> Sequence[Found]:
    """Return every note on the deal that carries the mark."""
    deal_id = int(reference.rpartition("-")[2])
    found = await ctx.pipedrive.notes.of_deal(deal_id)
    return [
        Found(key=str(note.id))
        for note in found
        if note.active_flag and notes.text_of(note.content).endswith(reference)
    ]


async def _create(deal_id: int, html: str, ctx: Context) -> Found:
    note = await ctx.pipedrive.notes.create(NoteDraft(content=html, deal_id=deal_id))
    return Found(key=str(note.id))


def _lines(figures: Figures, ctx: Context) -> list[str]:
    """Return what the note says, as much of it as was chosen; nothing where there is nothing."""
    if figures.invoice_status is None and figures.order_status is None:
        return []
    words = figures.invoice_status.value if figures.invoice_status else "nothing invoiced"
    lines = [f"Billing in Acumatica: {words}"]
    if figures.order_status:
        lines.append(f"Order: {figures.order_status}")
    detail = ctx.settings.billing.note
    if detail == "status":
        return lines
    for called, value in (
        ("Invoiced, with tax", figures.billed_total),
        ("Invoiced, without tax", figures.billed_net),
        ("Open, with tax", figures.open_balance),
        ("Due", figures.due_on),
        ("Overdue since", figures.overdue_since),
        ("Prepaid", figures.prepaid),
        ("Written off", figures.written_off),
        ("Remark", figures.billing_remark),
    ):
        if value is not None:
            lines.append(f"{called}: {value}")
    if detail == "documents":
        lines += figures.documents
    return lines
