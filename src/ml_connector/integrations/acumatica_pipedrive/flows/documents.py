"""The document of a deal in Acumatica: a sales order, or a sales invoice, as the user chose."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from urllib.parse import quote

from ml_connector.core.errors import NotFoundError
from ml_connector.integrations.acumatica_pipedrive import comparing
from ml_connector.integrations.acumatica_pipedrive.context import Context
from ml_connector.sync.flow import Found
from ml_connector.sync.links import RecordLink
from ml_connector.vendors.acumatica import Written
from ml_connector.vendors.acumatica.drafts import SalesInvoiceDraft, SalesOrderDraft
from ml_connector.vendors.acumatica.models import SalesInvoice, SalesOrder
from ml_connector.vendors.pipedrive.deal_lines import DealLines

CANCELED = "Canceled"  # Acumatica writes it with one l
_VOIDED = frozenset({CANCELED, "Voided"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """Sales orders or sales invoices."""

    effect: str
    """The kind of effect that makes one."""
    link: str
    """The kind of record link from a deal to one."""
    word: str
    page: str
    """The address at which a person opens one, with places for its two keys."""


ORDER = Kind(
    effect="sales_order",
    link="deal:sales_order",
    word="order",
    page="ScreenId=SO301000&OrderType={}&OrderNbr={}",
)
INVOICE = Kind(
    effect="sales_invoice",
    link="deal:sales_invoice",
    word="invoice",
    page="ScreenId=SO303000&DocType={}&RefNbr={}",
)


KINDS: Mapping[str, Kind] = {kind.link: kind for kind in (ORDER, INVOICE)}
"""Each by the kind of its record link."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A deal's document as our link knows it."""

    kind: Kind
    link: RecordLink

    @property
    def key(self) -> str:
        """Acumatica's key: ``SO/SO004211``."""
        return self.link.target_key

    @property
    def occurrence(self) -> int:
        """Which of the deal's documents it is, counted from one."""
        return self.link.key.occurrence

    @property
    def called(self) -> str:
        """What messages call it: ``order SO004211``."""
        return f"{self.kind.word} {self.link.target_name or self.link.target_key}"


def chosen_kind(ctx: Context) -> Kind:
    """Return what deals become in this installation."""
    return ORDER if ctx.settings.orders.document == "sales_order" else INVOICE


async def latest_document(deal_id: int, ctx: Context) -> Document | None:
    """Return the deal's latest document, of whichever kind deals became then."""
    found = await documents_of(deal_id, ctx)
    return found[-1] if found else None


async def documents_of(deal_id: int | str, ctx: Context) -> list[Document]:
    """Return the deal's documents, the latest last, of whichever kind deals became then."""
    every: list[Document] = []
    occurrence = 1
    while True:
        links = await asyncio.gather(
            *(ctx.link(kind.link, deal_id, occurrence=occurrence) for kind in (ORDER, INVOICE))
        )
        found = [
            Document(kind=kind, link=link)
            for kind, link in zip((ORDER, INVOICE), links, strict=True)
            if link is not None
        ]
        if not found:
            return every
        every.append(found[0])
        occurrence += 1


async def present(document: Document, ctx: Context) -> SalesOrder | SalesInvoice | None:
    """Return the document as it stands now; None for one that was deleted in Acumatica."""
    read = ctx.acumatica.sales_order if document.kind is ORDER else ctx.acumatica.sales_invoice
    try:
        return await read(document.key)
    except NotFoundError:
        return None


def is_cancelled(found: SalesOrder | SalesInvoice | None) -> bool:
    """Tell whether a document counts no more: cancelled, voided or deleted."""
    return found is None or found.status in _VOIDED


def page_of(document: Document, ctx: Context) -> str:
    """Return the address at which a person opens a document in Acumatica."""
    first, _, number = document.key.partition("/")
    query = document.kind.page.format(quote(first, safe=""), quote(number, safe=""))
    return f"{ctx.acumatica.settings.instance_url}/Main?{query}"


async def create(
    draft: SalesOrderDraft | SalesInvoiceDraft, lines: DealLines, ctx: Context
) -> Found:
    """Create a document; it stays on hold where its total is not the deal's."""
    written: Written[SalesOrder] | Written[SalesInvoice]
    if isinstance(draft, SalesOrderDraft):
        written = await ctx.acumatica.create_sales_order(draft)
    else:
        _note_what_gives_way(draft, ctx)
        written = await ctx.acumatica.create_sales_invoice(draft)
    for difference in written.differences:
        ctx.note(
            "field_not_taken_over",
            field=difference.path,
            sent=difference.sent,
            returned=difference.returned,
        )
    await require_same_total(written.record, lines, ctx)
    return found_of(written.record)


def _note_what_gives_way(draft: SalesInvoiceDraft, ctx: Context) -> None:
    """Before 24.200.001 our reference stands in the customer's order number, the only place."""
    if draft.customer_order and not ctx.acumatica.has_invoice_reference:
        ctx.note(
            "field_not_taken_over",
            field="CustomerOrder",
            sent=draft.customer_order,
            returned=draft.external_ref,
        )


async def check_found(
    document: Document, found: SalesOrder | SalesInvoice, lines: DealLines, ctx: Context
) -> None:
    """Check the total of a document that was found: an earlier attempt got no answer of it."""
    net = comparing.net_total(found)
    if net is None or net == lines.net:
        return
    _tell_difference(found, net, lines, ctx)

    async def hold(_changes: Mapping[str, Any]) -> None:
        await _put_on_hold(found, ctx)

    await ctx.write_fields(
        side="erp",
        link=document.link,
        what="document",
        present={"hold": bool(found.hold)},
        wanted={"hold": True},
        apply=hold,
        on_conflict="overwrite",
    )


async def require_same_total(
    document: SalesOrder | SalesInvoice, lines: DealLines, ctx: Context
) -> None:
    """Report a document whose net total is not the deal's, and put it on hold (M-02)."""
    net = comparing.net_total(document)
    if net is None or net == lines.net:
        return
    if not document.hold:
        await _put_on_hold(document, ctx)
    _tell_difference(document, net, lines, ctx)


def _tell_difference(
    document: SalesOrder | SalesInvoice, net: Decimal, lines: DealLines, ctx: Context
) -> None:
    words = (
        f"{_called(document)} comes to {net:f} {lines.currency} without tax in Acumatica, the deal "
        f"to {lines.net:f}; it stays on hold: look at freight, discounts and price lists"
    )
    ctx.note("totals_differ", document=document.key, erp=net, deal=lines.net)
    ctx.tell("difference", f"document:{document.key}", words)


async def _put_on_hold(document: SalesOrder | SalesInvoice, ctx: Context) -> None:
    if isinstance(document, SalesOrder):
        await ctx.acumatica.hold_sales_order(document)
    else:
        await ctx.acumatica.update_sales_invoice(document, SalesInvoiceDraft(hold=True))


def _called(document: SalesOrder | SalesInvoice) -> str:
    word = "Order" if isinstance(document, SalesOrder) else "Invoice"
    return f"{word} {found_of(document).name}"


def found_of(document: SalesOrder | SalesInvoice) -> Found:
    """Return a document as record links carry it."""
    if isinstance(document, SalesOrder):
        return Found(key=document.key, name=document.order_nbr)
    return Found(key=document.key, name=document.reference_nbr)


async def find_orders(ctx: Context, reference: str) -> Sequence[Found]:
    """Return every order that carries a reference."""
    found = await ctx.acumatica.find_sales_orders(external_ref=reference)
    return [found_of(order) for order in found]


async def find_invoices(ctx: Context, reference: str) -> Sequence[Found]:
    """Return every sales invoice that carries a reference."""
    found = await ctx.acumatica.find_sales_invoices(external_ref=reference)
    return [found_of(invoice) for invoice in found]
