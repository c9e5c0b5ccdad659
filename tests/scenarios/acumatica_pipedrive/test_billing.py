"""What a deal shows of its documents in Acumatica (ACU-07, M-06)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from tests.scenarios.acumatica_pipedrive.conftest import OpenShop
from tests.scenarios.acumatica_pipedrive.ledger import Ledger, open_ledger


@pytest.fixture
async def ledger(opened: OpenShop) -> AsyncIterator[Ledger]:
    async with open_ledger(opened) as made:
        yield made


@pytest.fixture
async def referring(opened: OpenShop) -> AsyncIterator[Ledger]:
    """A ledger whose sales invoices have an ExternalRef; older ones: test_billing_traced.py."""
    async with open_ledger(opened, erp_settings={"endpoint_version": "24.200.001"}) as made:
        yield made


async def test_invoice_made_later_from_the_order_is_shown_on_its_deal(ledger: Ledger):
    deal, order = await ledger.sold(1000)

    number = await ledger.invoiced(order)
    await ledger.polled()

    shown = await ledger.shown(deal)
    assert shown["invoice_numbers"] == number
    assert shown["invoice_status"] == "Open"
    assert shown["billed_total"] == shown["open_balance"] == "1000.00 USD"


async def test_invoice_over_two_deals_counts_on_each_by_its_lines_and_is_marked_shared(
    ledger: Ledger,
):
    organization = await ledger.shop.world.organization("Nordwerk GmbH")
    first, one = await ledger.sold(600, org_id=organization)
    second, other = await ledger.sold(400, org_id=organization)

    number = await ledger.invoiced(one, other)
    await ledger.play("pay", invoice=number, amount="500")
    await ledger.polled()

    shown = [await ledger.shown(deal) for deal in (first, second)]
    assert [each["open_balance"] for each in shown] == ["300.00 USD", "200.00 USD"]
    assert [each["billed_total"] for each in shown] == ["600.00 USD", "400.00 USD"]
    assert [each["last_payment"] for each in shown] == ["300.00 USD", "200.00 USD"]
    assert all("shared" in each["billing_remark"] for each in shown)
    assert {each["invoice_status"] for each in shown} == {"Partly paid"}


async def test_cents_of_a_shared_invoice_add_up_exactly(ledger: Ledger):
    organization = await ledger.shop.world.organization("Nordwerk GmbH")
    sold = [await ledger.sold(10, org_id=organization) for _ in range(3)]

    number = await ledger.invoiced(*(order for _, order in sold))
    await ledger.play("pay", invoice=number, amount="10")
    await ledger.polled()

    opens = [(await ledger.shown(deal))["open_balance"] for deal, _ in sold]
    assert sorted(opens) == ["6.66 USD", "6.67 USD", "6.67 USD"]


async def test_invoice_that_is_not_released_counts_nothing_and_is_named_so(ledger: Ledger):
    deal, order = await ledger.sold(1000)

    number = await ledger.invoiced(order, release=False)
    await ledger.polled()

    shown = await ledger.shown(deal)
    assert shown["billed_total"] == shown["open_balance"] == "0.00 USD"
    assert shown["invoice_status"] == "Not released"
    assert shown["invoice_numbers"] == f"{number} (not released)"


async def test_invoice_that_is_not_released_is_left_out_where_the_user_chose_so(opened: OpenShop):
    async with open_ledger(opened, settings={"billing": {"unreleased": "leave_out"}}) as ledger:
        deal, order = await ledger.sold(1000)

        number = await ledger.invoiced(order, release=False)
        await ledger.polled()
        before = await ledger.shown(deal)
        await ledger.play("release_invoice", invoice=number)
        await ledger.polled()

        assert "invoice_status" not in before
        assert "billed_total" not in before
        assert (await ledger.shown(deal))["billed_total"] == "1000.00 USD"


async def test_voided_invoice_is_gone_from_the_deal(ledger: Ledger):
    deal, order = await ledger.sold(1000)
    number = await ledger.invoiced(order)
    await ledger.polled()

    await ledger.has_status(number, "Voided")
    await ledger.polled()

    shown = await ledger.shown(deal)
    assert not {"billed_total", "open_balance", "invoice_numbers", "ageing"} & shown.keys()


async def test_draft_that_was_deleted_leaves_the_deal_at_the_next_slow_look(ledger: Ledger):
    deal, order = await ledger.sold(1000)
    number = await ledger.invoiced(order, release=False)
    await ledger.polled()

    await ledger.play("delete", entity="SalesInvoice", key=["Invoice", number])
    await ledger.jumped(timedelta(hours=25))

    assert "invoice_numbers" not in await ledger.shown(deal)


@pytest.mark.parametrize("applied", [True, False])
async def test_credit_memo_subtracts_whether_it_is_applied_or_not(ledger: Ledger, applied: bool):
    deal, order = await ledger.sold(1000)
    number = await ledger.invoiced(order)

    memo = await ledger.play("credit_memo", invoice=number, amount="250", apply=applied)
    await ledger.polled()

    shown = await ledger.shown(deal)
    assert shown["billed_total"] == shown["open_balance"] == "750.00 USD"
    assert shown["invoice_status"] == "Open"
    assert f"{memo['ReferenceNbr']} (credit memo)" in shown["invoice_numbers"]


async def test_canceled_invoice_leaves_together_with_the_memo_that_canceled_it(ledger: Ledger):
    deal, order = await ledger.sold(1000)
    number = await ledger.invoiced(order)
    await ledger.polled()

    await ledger.play("cancel_invoice", invoice=number)
    await ledger.polled()

    assert not {"billed_total", "invoice_numbers"} & (await ledger.shown(deal)).keys()


async def test_several_invoices_of_one_deal_add_up(referring: Ledger):
    deal, order = await referring.sold(1000)
    customer = await referring.customer_of(order)
    await referring.invoiced(order)
    line = {"InventoryID": "INSTALL", "Qty": 1, "UnitPrice": 50, "ManualPrice": True}
    await referring.entered(customer, ExternalRef=f"pd-deal-{deal}", Details=[line])

    await referring.polled()

    shown = await referring.shown(deal)
    assert shown["billed_total"] == "1050.00 USD"
    assert shown["invoice_numbers"].count(",") == 1


@pytest.mark.parametrize("moves", [True, False], ids=["moves the invoice", "moves nothing"])
async def test_partial_then_full_payment(opened: OpenShop, moves: bool):
    switches = {"payment_moves_invoice_timestamp": moves}
    async with open_ledger(opened, acumatica=switches) as ledger:
        deal, order = await ledger.sold(1000)
        number = await ledger.invoiced(order)
        await ledger.polled()

        await ledger.play("pay", invoice=number, amount="400")
        await ledger.polled()
        partly = await ledger.shown(deal)
        await ledger.play("pay", invoice=number)
        await ledger.polled()

        paid = await ledger.shown(deal)
        assert (partly["invoice_status"], partly["open_balance"]) == ("Partly paid", "600.00 USD")
        assert partly["last_payment"] == "400.00 USD"
        assert (paid["invoice_status"], paid["open_balance"]) == ("Paid", "0.00 USD")
        assert paid["last_payment"] == "600.00 USD"
        assert paid["last_payment_on"] == ledger.today().isoformat()
        assert not {"due_on", "ageing"} & paid.keys()


@pytest.mark.parametrize("moves", [True, False], ids=["moves the invoice", "moves nothing"])
async def test_voided_payment_opens_its_invoice_again(opened: OpenShop, moves: bool):
    switches = {"payment_moves_invoice_timestamp": moves}
    async with open_ledger(opened, acumatica=switches) as ledger:
        deal, order = await ledger.sold(1000)
        number = await ledger.invoiced(order)
        payment = await ledger.play("pay", invoice=number)
        await ledger.polled()

        await ledger.play("void_payment", payment=payment["ReferenceNbr"])
        await ledger.polled()

        shown = await ledger.shown(deal)
        assert (shown["invoice_status"], shown["open_balance"]) == ("Open", "1000.00 USD")
        assert "last_payment" not in shown


async def test_prepayment_of_the_order_is_named_and_not_called_paid(ledger: Ledger):
    deal, order = await ledger.sold(1000)

    await ledger.play("prepay", order=order, amount="300")
    await ledger.polled()
    before = await ledger.shown(deal)
    await ledger.invoiced(order)
    await ledger.polled()

    shown = await ledger.shown(deal)
    assert before["prepaid"] == shown["prepaid"] == "300.00 USD"
    assert "invoice_status" not in before
    assert (shown["invoice_status"], shown["open_balance"]) == ("Open", "1000.00 USD")


async def test_write_off_is_named_and_not_called_paid(ledger: Ledger):
    deal, order = await ledger.sold(1000)
    number = await ledger.invoiced(order)

    await ledger.play("write_off", invoice=number)
    await ledger.polled()

    shown = await ledger.shown(deal)
    assert (shown["invoice_status"], shown["written_off"]) == ("Written off", "1000.00 USD")
    assert "last_payment" not in shown


async def test_rest_that_was_written_off_after_a_payment_is_told_apart(ledger: Ledger):
    deal, order = await ledger.sold(1000)
    number = await ledger.invoiced(order)

    await ledger.play("pay", invoice=number, amount="990")
    await ledger.play("write_off", invoice=number)
    await ledger.polled()

    shown = await ledger.shown(deal)
    assert (shown["invoice_status"], shown["written_off"]) == (
        "Paid, rest written off",
        "10.00 USD",
    )


async def test_order_status_follows_the_order(ledger: Ledger):
    deal, order = await ledger.sold(1000)
    await ledger.polled()
    first = await ledger.shown(deal)

    await ledger.play("cancel_order", order=order)
    await ledger.polled()

    assert first["order_status"] == "Open"
    assert (await ledger.shown(deal))["order_status"] == "Cancelled"


async def test_documents_in_another_currency_are_named_and_not_added(referring: Ledger):
    deal, order = await referring.sold(1000)
    customer = await referring.customer_of(order)
    await referring.invoiced(order)
    line = {"InventoryID": "INSTALL", "Qty": 1, "UnitPrice": 70, "ManualPrice": True}
    foreign = await referring.entered(
        customer, Currency="EUR", ExternalRef=f"pd-deal-{deal}", Details=[line]
    )

    await referring.polled()

    shown = await referring.shown(deal)
    assert shown["billed_total"] == "1000.00 USD"
    assert f"{foreign} is in EUR and not in the sums: 70.00 EUR" in shown["billing_remark"]


async def test_totals_say_whether_they_hold_tax(opened: OpenShop):
    has_reference = {"endpoint_version": "24.200.001"}  # older ones: test_billing_traced.py
    async with open_ledger(opened, erp_settings=has_reference) as ledger:
        deal, order = await ledger.sold(1000)
        customer = await ledger.customer_of(order)
        line = {"InventoryID": "INSTALL", "Qty": 1, "UnitPrice": 100, "ManualPrice": True}
        await ledger.entered(
            customer, ExternalRef=f"pd-deal-{deal}", Details=[line], TaxTotal=19, Amount=119,
            Balance=119,
        )  # fmt: skip
        await ledger.polled()

        shown = await ledger.shown(deal)
        names = {field["field_name"] for field in await ledger.shop.records("pipedrive", "fields")}
        assert (shown["billed_total"], shown["billed_net"]) == ("119.00 USD", "100.00 USD")
        assert {"ERP invoiced, with tax", "ERP invoiced, without tax"} <= names


async def test_document_that_belongs_to_no_deal_is_skipped_with_the_reason(ledger: Ledger):
    _, order = await ledger.sold(1000)
    customer = await ledger.customer_of(order)
    line = {"InventoryID": "INSTALL", "Qty": 1, "UnitPrice": 70, "ManualPrice": True}

    number = await ledger.entered(customer, Details=[line])
    await ledger.polled()

    row = await ledger.row(f"Invoice/{number}")
    assert (row.state, row.outcome) == ("done", "skipped")
    assert "belongs to no deal" in row.reason


async def test_document_dated_before_the_go_live_stays_out(referring: Ledger):
    deal, order = await referring.sold(1000)
    customer = await referring.customer_of(order)
    line = {"InventoryID": "INSTALL", "Qty": 1, "UnitPrice": 70, "ManualPrice": True}
    yesterday = (referring.today() - timedelta(days=2)).isoformat()

    number = await referring.entered(
        customer, Date=yesterday, ExternalRef=f"pd-deal-{deal}", Details=[line]
    )
    payment = await referring.play("pay", invoice=number)
    await referring.polled()

    assert "invoice_numbers" not in await referring.shown(deal)
    assert (await referring.row(f"Payment/{payment['ReferenceNbr']}")).state == "done"
    assert "stays out" in (await referring.row(f"Invoice/{number}")).reason


async def test_nothing_is_written_when_nothing_changed(ledger: Ledger):
    _, order = await ledger.sold(1000)
    await ledger.play("pay", invoice=await ledger.invoiced(order), amount="400")
    await ledger.polled()
    last = [await ledger.shop.last_call(vendor) for vendor in ("pipedrive", "acumatica")]

    for _ in range(3):
        await ledger.shop.world.jump(timedelta(minutes=2))
        await ledger.polled()

    assert await ledger.shop.writes("pipedrive", since=last[0]) == []
    assert await ledger.shop.writes("acumatica", since=last[1]) == []


async def test_our_writes_onto_deals_cause_no_order_work(ledger: Ledger):
    deal, order = await ledger.sold(1000)
    await ledger.invoiced(order)
    last = await ledger.shop.last_call()

    await ledger.polled()
    row = await ledger.shop.settled(deal)

    assert (row.state, row.outcome) == ("done", "unchanged")
    assert await ledger.shop.writes("acumatica", since=last) == []
    assert len(await ledger.shop.orders()) == 1
