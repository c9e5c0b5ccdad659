"""A won deal becomes a sales order (or a sales invoice) of its customer (ACU-04, ACU-05)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ml_connector.core.errors import NotFoundError
from ml_connector.integrations.acumatica_pipedrive import comparing, mappings
from ml_connector.integrations.acumatica_pipedrive.context import Context
from ml_connector.integrations.acumatica_pipedrive.fields import Mappings
from ml_connector.integrations.acumatica_pipedrive.flows import (
    after_hand_over,
    documents,
    merged_deals,
)
from ml_connector.integrations.acumatica_pipedrive.flows.documents import Document
from ml_connector.integrations.acumatica_pipedrive.flows.ensure_customer import (
    DealCustomer,
    ensure_customer,
)
from ml_connector.integrations.acumatica_pipedrive.flows.order_lines import (
    net_lines_of,
    order_lines_of,
)
from ml_connector.integrations.acumatica_pipedrive.flows.parties import party_of
from ml_connector.integrations.acumatica_pipedrive.flows.write_back import (
    plan_on_deal,
    show_on_deal,
)
from ml_connector.integrations.acumatica_pipedrive.mappings import OrderLine
from ml_connector.integrations.from_pipedrive.taking_up import why_not
from ml_connector.sync.flow import Outcome
from ml_connector.sync.mapping.evaluation import evaluate
from ml_connector.sync.writing_once import Written
from ml_connector.vendors.acumatica.drafts import SalesInvoiceDraft, SalesOrderDraft
from ml_connector.vendors.pipedrive.deal_lines import DealLines
from ml_connector.vendors.pipedrive.models import Deal


async def run(deal_key: str, ctx: Context) -> Outcome:
    """Create the document of a won deal, unless it is there already."""
    await merged_deals.take_over(ctx)
    try:
        deal = await ctx.pipedrive.deal(int(deal_key))
    except NotFoundError:
        return await after_hand_over.deal_is_gone(deal_key, ctx)
    ctx.also_known_as(deal.title)
    document = await documents.latest_document(deal.id, ctx)
    if document is not None:
        return await after_hand_over.follow(deal, document, ctx, hand_over=hand_over)
    if (refusal := await why_not(deal, ctx)) is not None:
        return Outcome.skipped(refusal)
    return await hand_over(deal, ctx, occurrence=1)


async def hand_over(deal: Deal, ctx: Context, *, occurrence: int) -> Outcome:
    """Make customer and document, and show both in Pipedrive."""
    compiled = await ctx.mappings()
    wanted = compiled.order_states.wanted(deal)
    if wanted is not None and wanted.state == "cancelled":
        return Outcome.skipped(f"{wanted.because}, where orders are cancelled; it gets none")
    await merged_deals.require_no_order_of_gone(deal, ctx)
    party = await party_of(deal, ctx)
    amounts = await net_lines_of(deal, ctx, with_installments=True)
    lines = await order_lines_of(amounts, party.sources(deal), compiled.line, ctx)
    values = evaluate(compiled.order, party.sources(deal))
    customer = await ensure_customer(deal, party, compiled.customer, ctx)
    for used in values.used:
        ctx.note("mapped", field=used.target, value=used.value, because=used.words)
    orders = ctx.settings.orders
    ready = _Ready(
        deal=deal,
        amounts=amounts,
        lines=lines,
        values=values.values,
        customer=customer,
        on_hold=customer.needs_hold or (wanted.state == "hold" if wanted else orders.on_hold),
    )
    made = await _make_once(ready, compiled, ctx, occurrence=occurrence)
    kind = documents.chosen_kind(ctx)
    link = await ctx.link(kind.link, deal.id, occurrence=occurrence)
    if link is not None:
        document = Document(kind=kind, link=link)
        if made.how == "found":
            found = await documents.present(document, ctx)
            if found is None or documents.is_cancelled(found):
                return await after_hand_over.found_cancelled(
                    deal, document, ctx, hand_over=hand_over
                )
            await documents.check_found(document, found, amounts, ctx)
        await show_on_deal(deal, document, ctx)
    name = f"{kind.word} {made.name or made.key}"
    if made.how == "created":
        return Outcome.written(f"{name} created for {customer.name}")
    if made.how == "planned":
        await plan_on_deal(deal, kind.word, ctx)
        reason = f"an {kind.word} for {customer.name} would be created"
        return Outcome(kind="planned", reason=reason)
    return Outcome.unchanged(f"{name} is there")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ready:
    """Everything that the document of a deal is made from."""

    deal: Deal
    amounts: DealLines
    lines: list[OrderLine]
    values: Mapping[str, Any]
    customer: DealCustomer
    on_hold: bool


async def _make_once(
    ready: _Ready, compiled: Mappings, ctx: Context, *, occurrence: int
) -> Written:
    deal, kind = ready.deal, documents.chosen_kind(ctx)
    reference = ctx.reference("deal", deal.id, occurrence=occurrence)
    draft = _draft(ready, reference, ctx)
    followed = after_hand_over.followed_values(compiled, deal)
    return await ctx.write_once(
        kind.effect,
        link=kind.link,
        source_key=deal.id,
        occurrence=occurrence,
        reference=reference,
        draft=mappings.draft_fields(draft),
        create=lambda: documents.create(draft, ready.amounts, ctx),
        remember=after_hand_over.state_of(
            deal,
            comparing.handed_over(deal, ready.amounts, followed),
            customer=ready.customer.key,
            on_hold=ready.on_hold,
            for_customer=ready.customer.needs_hold,
            lines=comparing.lines_as_written(draft.details)
            if isinstance(draft, SalesOrderDraft)
            else [],
        ),
    )


def _draft(ready: _Ready, reference: str, ctx: Context) -> SalesOrderDraft | SalesInvoiceDraft:
    orders, customer = ctx.settings.orders, ready.customer
    note = mappings.document_note(ready.amounts)
    if orders.document == "sales_invoice":
        return mappings.sales_invoice_draft(
            ready.values,
            ready.lines,
            customer_id=customer.key,
            currency=ready.amounts.currency,
            reference=reference,
            on_hold=ready.on_hold,
            keeps_price=orders.keep_agreed_price,
            note=note,
        )
    return mappings.sales_order_draft(
        ready.values,
        ready.lines,
        order_type=orders.order_type,
        customer_id=customer.key,
        currency=ready.amounts.currency,
        reference=reference,
        on_hold=ready.on_hold,
        keeps_price=orders.keep_agreed_price,
        note=note,
        codes=ctx.settings.codes,
    )
