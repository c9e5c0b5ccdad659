"""How a document of Acumatica finds its deals, in each endpoint version and view (ACU-07)."""

from __future__ import annotations

from typing import Any

import pytest
from tests.scenarios.acumatica_pipedrive.conftest import OpenShop
from tests.scenarios.acumatica_pipedrive.ledger import Ledger, open_ledger

VERSIONS = ("22.200.001", "23.200.001", "24.200.001", "25.200.001")
LINE = {"InventoryID": "INSTALL", "Qty": 1, "UnitPrice": 70, "ManualPrice": True}


def in_version(opened: OpenShop, version: str, **acumatica: Any) -> Any:
    return open_ledger(
        opened,
        acumatica={"versions": [version], **acumatica},
        erp_settings={"endpoint_version": version},
    )


async def entered_at_receivables(ledger: Ledger, customer: str, **fields: Any) -> str:
    line = {"InventoryID": "INSTALL", "Qty": 1, "UnitPrice": 70}
    made = await ledger.shop.world.seed(
        "acumatica",
        invoices=[{"Type": "Invoice", "Customer": customer, "Details": [line], **fields}],
    )
    number = str(made["invoices"][0]["ReferenceNbr"])
    await ledger.play("release_invoice", invoice=number)
    return number


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("shows", ["released", "always"])
async def test_document_counts_once_whichever_views_show_it(
    opened: OpenShop, version: str, shows: str
):
    async with in_version(opened, version, order_invoices_in_ar=shows) as ledger:
        deal, order = await ledger.sold(1000)

        number = await ledger.invoiced(order)
        await ledger.play("pay", invoice=number, amount="400")
        await ledger.polled()

        shown = await ledger.shown(deal)
        assert shown["invoice_numbers"] == number
        assert (shown["billed_total"], shown["open_balance"]) == ("1000.00 USD", "600.00 USD")
        assert shown["last_payment"] == "400.00 USD"


@pytest.mark.parametrize("version", ["23.200.001", "24.200.001"])
async def test_direct_invoice_is_found_by_the_reference_that_its_version_has(
    opened: OpenShop, version: str
):
    async with in_version(opened, version) as ledger:
        deal, order = await ledger.sold(1000)
        carries = "ExternalRef" if version >= "24" else "CustomerOrder"
        customer = await ledger.customer_of(order)

        number = await ledger.entered(customer, **{carries: f"PD-deal-{deal}"}, Details=[LINE])
        await ledger.polled()

        assert (await ledger.shown(deal))["invoice_numbers"] == number


async def test_reference_on_a_line_counts_for_that_line_alone(opened: OpenShop):
    async with open_ledger(opened) as ledger:
        deal, order = await ledger.sold(1000)
        customer = await ledger.customer_of(order)

        lines = [{**LINE, "ExternalRef": f"pd-deal-{deal}"}, {**LINE, "UnitPrice": 30}]
        await ledger.entered(customer, Details=lines)
        await ledger.polled()

        shown = await ledger.shown(deal)
        assert shown["billed_total"] == "70.00 USD"
        assert "shared" in shown["billing_remark"]


async def test_order_that_was_typed_in_with_our_reference_leads_to_the_deal(opened: OpenShop):
    async with open_ledger(opened) as ledger:
        _, other = await ledger.sold(1000)
        deal = await ledger.shop.deal(ledger.shop.line())
        customer = await ledger.customer_of(other)
        made = await ledger.shop.world.seed(
            "acumatica",
            sales_orders=[
                {
                    "CustomerID": customer,
                    "ExternalRef": f"pd-deal-{deal}",
                    "Hold": False,
                    "Details": [
                        {"InventoryID": "PUMP", "OrderQty": 1, "UnitPrice": 55, "ManualPrice": True}
                    ],
                }
            ],
        )

        number = await ledger.invoiced(made["sales_orders"][0]["OrderNbr"])
        await ledger.polled()

        assert (await ledger.shown(deal))["invoice_numbers"] == number


@pytest.mark.parametrize("version", ["22.200.001", "24.200.001"])
async def test_invoice_entered_at_receivables_is_found_by_the_customers_order(
    opened: OpenShop, version: str
):
    async with in_version(opened, version) as ledger:
        deal, order = await ledger.sold(1000)
        customer = await ledger.customer_of(order)

        number = await entered_at_receivables(ledger, customer, CustomerOrder=f"pd-deal-{deal}")
        await ledger.play("pay", invoice=number, amount="20")
        await ledger.polled()

        shown = await ledger.shown(deal)
        assert shown["invoice_numbers"] == number
        assert (shown["open_balance"], shown["last_payment"]) == ("50.00 USD", "20.00 USD")


async def test_memo_that_names_nothing_counts_where_it_is_applied(opened: OpenShop):
    async with open_ledger(opened) as ledger:
        organization = await ledger.shop.world.organization("Nordwerk GmbH")
        first, one = await ledger.sold(600, org_id=organization)
        second, other = await ledger.sold(400, org_id=organization)
        number = await ledger.invoiced(one, other)
        await ledger.polled()

        await ledger.play("credit_memo", invoice=number, amount="100", names_orders=False)
        await ledger.polled()

        shown = [await ledger.shown(deal) for deal in (first, second)]
        assert [each["billed_total"] for each in shown] == ["540.00 USD", "360.00 USD"]


async def test_line_taken_out_of_a_draft_takes_the_invoice_off_its_deal(opened: OpenShop):
    async with open_ledger(opened) as ledger:
        organization = await ledger.shop.world.organization("Nordwerk GmbH")
        first, one = await ledger.sold(600, org_id=organization)
        second, other = await ledger.sold(400, org_id=organization)
        number = await ledger.invoiced(one, other, release=False)
        await ledger.polled()

        lines = [{"LineNbr": 2, "delete": True}]
        await ledger.changed(number, Details=lines)
        await ledger.play("release_invoice", invoice=number)
        await ledger.polled()

        assert (await ledger.shown(first))["billed_total"] == "600.00 USD"
        assert "billing_remark" not in await ledger.shown(first)
        assert "invoice_numbers" not in await ledger.shown(second)


async def test_deal_that_is_gone_is_skipped_with_the_reason(opened: OpenShop):
    async with open_ledger(opened, settings={"after": {"deleted": "leave"}}) as ledger:
        deal, order = await ledger.sold(1000)
        await ledger.shop.then(
            deal, ledger.shop.world.play("pipedrive", "delete", kind="deal", id=deal)
        )

        await ledger.invoiced(order)
        await ledger.polled()

        row = await ledger.row(deal, "deal_billing")
        assert (row.state, row.outcome) == ("done", "skipped")
        assert f"deal {deal} is deleted" in row.reason
