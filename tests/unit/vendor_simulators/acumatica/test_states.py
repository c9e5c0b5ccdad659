from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

LINES = (
    {"InventoryID": "PUMP-40", "OrderQty": 2},
    {"InventoryID": "INSTALL", "OrderQty": 4, "UnitPrice": 100, "ManualPrice": True},
)


async def opened(site: Any, *lines: Any, **fields: Any) -> str:
    order = await site.order(await site.customer(), *(lines or LINES), Hold=False, **fields)
    assert order["Status"] == "Open"
    return str(order["OrderNbr"])


async def status_of(site: Any, number: str) -> str:
    return str((await site.get(f"SalesOrder/SO/{number}"))["Status"])


async def test_hold_false_releases_an_order_and_hold_true_takes_it_back(site):
    order = await site.order(await site.customer())
    key = {"OrderType": "SO", "OrderNbr": order["OrderNbr"]}

    released = await site.saved("SalesOrder", {**key, "Hold": False})
    held = await site.saved("SalesOrder", {**key, "Hold": True})

    assert (released["Status"], held["Status"]) == ("Open", "On Hold")


async def test_order_to_cash_through_the_api(site):
    number = await opened(site)
    key = {"OrderType": "SO", "OrderNbr": number}
    done = await site.run("SalesOrder/SalesOrderCreateShipment", entity=key, WarehouseID="MAIN")
    assert done.status == 204
    order = await site.get(f"SalesOrder/SO/{number}", expand="Shipments")
    shipment = order.content["Shipments"][0]["ShipmentNbr"]["value"]
    assert order["Status"] == "Shipping"

    await site.run("Shipment/ConfirmShipment", entity={"ShipmentNbr": shipment})
    assert await status_of(site, number) == "Completed"
    await site.run("Shipment/PrepareInvoice", entity={"ShipmentNbr": shipment})
    order = await site.get(f"SalesOrder/SO/{number}", expand="Shipments")
    invoice = order.content["Shipments"][0]["InvoiceNbr"]["value"]
    assert (await site.get(f"SalesInvoice/Invoice/{invoice}"))["Amount"] == 2900
    released = await site.run(
        "SalesInvoice/ReleaseSalesInvoice", entity={"Type": "Invoice", "ReferenceNbr": invoice}
    )
    assert released.status == 204

    payment = await site.saved(
        "Payment",
        {
            "CustomerID": order["CustomerID"],
            "PaymentAmount": 2900,
            "Hold": False,
            "DocumentsToApply": [{"DocType": "INV", "ReferenceNbr": invoice}],
        },
    )
    await site.run(
        "Payment/ReleasePayment",
        entity={"Type": "Payment", "ReferenceNbr": payment["ReferenceNbr"]},
    )

    paid = await site.get(f"SalesInvoice/Invoice/{invoice}", expand="ApplicationsInvoice,Details")
    assert (paid["Status"], paid["Balance"]) == ("Closed", 0)
    applied = paid.content["ApplicationsInvoice"][0]
    assert applied["AdjustingDocReferenceNbr"]["value"] == payment["ReferenceNbr"]
    assert {row["OrderNbr"]["value"] for row in paid.content["Details"]} == {number}
    history = await site.get(
        f"Payment/Payment/{payment['ReferenceNbr']}", expand="ApplicationHistory"
    )
    assert history["Status"] == "Closed"
    assert history.content["ApplicationHistory"][0]["DisplayRefNbr"]["value"] == invoice


async def test_services_alone_are_invoiced_without_a_shipment(site):
    number = await opened(site, LINES[1])

    refused = await site.run(
        "SalesOrder/SalesOrderCreateShipment", entity={"OrderType": "SO", "OrderNbr": number}
    )
    invoiced = await site.play("invoice", order=number)

    assert refused.status == 500
    assert (invoiced["Amount"], invoiced["Status"]) == (400, "Open")


async def test_an_order_without_shipping_becomes_invoiced_then_completed(site):
    customer_id = await site.customer()
    order = await site.order(customer_id, OrderType="IN", Hold=False)
    number = order["OrderNbr"]

    invoice = await site.play("invoice", order=number, type="IN", release=False)
    before = (await site.get(f"SalesOrder/IN/{number}"))["Status"]
    await site.play("release_invoice", invoice=invoice["ReferenceNbr"])

    assert (before, (await site.get(f"SalesOrder/IN/{number}"))["Status"]) == (
        "Invoiced",
        "Completed",
    )


async def test_short_stock_makes_a_back_order_that_ships_later(site):
    await site.simulator.seed(
        {"stock_items": [{"InventoryID": "RARE", "DefaultPrice": 10,
                          "WarehouseDetails": [{"WarehouseID": "MAIN", "QtyOnHand": 3}]}]}
    )  # fmt: skip
    number = await opened(site, {"InventoryID": "RARE", "OrderQty": 5})

    await site.play("ship", order=number)
    first = await status_of(site, number)
    arrived = {"WarehouseDetails": [{"WarehouseID": "MAIN", "QtyOnHand": 10}]}
    await site.play("edit", entity="StockItem", key=["RARE"], values=arrived)
    await site.play("ship", order=number)

    assert (first, await status_of(site, number)) == ("Back Order", "Completed")
    billed = [await site.play("invoice", order=number)]
    assert billed[0]["ReferenceNbr"].startswith("INV")


async def test_cancelling_and_reopening(site):
    number = await opened(site)
    key = {"OrderType": "SO", "OrderNbr": number}

    await site.run("SalesOrder/CancelSalesOrder", entity=key)
    cancelled = await status_of(site, number)
    await site.run("SalesOrder/ReopenSalesOrder", entity=key)

    assert (cancelled, await status_of(site, number)) == ("Canceled", "Open")


@pytest.mark.parametrize("step", ["ship", "prepay"])
async def test_cancelling_is_refused_after_a_shipment_or_a_payment(site, step):
    number = await opened(site)
    if step == "ship":
        await site.play("ship", order=number, confirm=False)
    else:
        await site.play("prepay", order=number, amount=100)

    refused = await site.run(
        "SalesOrder/CancelSalesOrder", entity={"OrderType": "SO", "OrderNbr": number}
    )

    assert refused.status == 500


async def test_a_prepayment_shows_on_the_order(site):
    number = await opened(site)

    await site.play("prepay", order=number, amount=100)

    order = await site.get(f"SalesOrder/SO/{number}", expand="Payments,Totals")
    assert order.content["Payments"][0]["AppliedToOrder"] == {"value": 100}
    assert order.content["Totals"]["UnpaidBalance"] == {"value": 2800}


async def invoiced(site: Any, **fields: Any) -> str:
    number = await opened(site, **fields)
    await site.play("ship", order=number)
    return str((await site.play("invoice", order=number))["ReferenceNbr"])


async def balance(site: Any, invoice: str) -> tuple[str, float]:
    answer = await site.get(f"SalesInvoice/Invoice/{invoice}")
    return answer["Status"], answer["Balance"]


async def test_part_payment_credit_memo_write_off_and_void(site):
    invoice = await invoiced(site)

    paid = await site.play("pay", invoice=invoice, amount=900)
    assert await balance(site, invoice) == ("Open", 2000)
    await site.play("credit_memo", invoice=invoice, amount=500)
    assert await balance(site, invoice) == ("Open", 1500)
    await site.play("void_payment", payment=paid["ReferenceNbr"])
    assert await balance(site, invoice) == ("Open", 2400)
    await site.play("write_off", invoice=invoice)

    assert await balance(site, invoice) == ("Closed", 0)


async def test_a_credit_memo_shows_on_invoice_and_payment_forms(site):
    invoice = await invoiced(site)

    memo = await site.play("credit_memo", invoice=invoice, amount=500)

    number = memo["ReferenceNbr"]
    assert (await site.get(f"Invoice/Credit Memo/{number}"))["Amount"] == 500
    assert (await site.get(f"Payment/Credit Memo/{number}"))["AppliedToDocuments"] == 500
    shown = await site.get(f"SalesInvoice/Invoice/{invoice}", expand="ApplicationsCreditMemo")
    assert shown.content["ApplicationsCreditMemo"][0]["ReferenceNbr"]["value"] == number


async def test_a_cancelled_invoice_is_due_no_more_and_reversed_by_a_memo(site):
    invoice = await invoiced(site)

    await site.play("cancel_invoice", invoice=invoice)

    assert await balance(site, invoice) == ("Canceled", 0)
    memos = site.simulator.records("sales_invoice", {"Type": "Credit Memo"})
    assert [memo["Status"] for memo in memos] == ["Closed"]


@pytest.mark.parametrize("moves", [True, False])
async def test_a_payment_moves_the_invoices_timestamp_or_not(site, moves):
    invoice = await invoiced(site)
    site.switch(payment_moves_invoice_timestamp=moves)
    path = f"SalesInvoice/Invoice/{invoice}"
    before = (await site.get(path))["LastModifiedDateTime"]
    await site.play("advance_numbering", sequence="Payment", last="000900")
    site.clock.advance(timedelta(minutes=1))

    await site.play("pay", invoice=invoice, amount=1)

    assert ((await site.get(path))["LastModifiedDateTime"] > before) is moves


async def test_documents_of_orders_show_in_receivables_once_released(site):
    number = await opened(site, LINES[1])
    draft = await site.play("invoice", order=number, release=False)
    path = f"Invoice/Invoice/{draft['ReferenceNbr']}"

    hidden = await site.get(path)
    await site.play("release_invoice", invoice=draft["ReferenceNbr"])
    shown = await site.get(path, expand="Details")

    assert (hidden.status, shown["Amount"]) == (500, 400)
    assert shown.content["Details"][0]["InventoryID"]["value"] == "INSTALL"


@pytest.mark.parametrize(
    ("switch", "field", "copied"),
    [
        ("copy_customer_order", "CustomerOrder", True),
        ("copy_customer_order", "CustomerOrder", False),
        ("copy_external_ref", "ExternalRef", True),
        ("copy_external_ref", "ExternalRef", False),
    ],
)
async def test_references_are_copied_from_order_to_invoice_or_not(site, switch, field, copied):
    site.switch(**{switch: copied})

    invoice = await invoiced(site, CustomerOrder="PO-1", ExternalRef="pd-deal-1")

    assert field in (await site.get(f"SalesInvoice/Invoice/{invoice}")).content
    assert bool((await site.get(f"SalesInvoice/Invoice/{invoice}"))[field]) is copied


async def test_a_held_invoice_is_balanced_by_taking_hold_off_and_then_released(site):
    site.switch(new_invoices_on_hold=True)
    number = await opened(site, LINES[1])
    draft = await site.play("invoice", order=number, release=False)
    key = {"Type": "Invoice", "ReferenceNbr": draft["ReferenceNbr"]}

    refused = await site.run("SalesInvoice/ReleaseSalesInvoice", entity=key)
    balanced = await site.saved("SalesInvoice", {**key, "Hold": False})
    released = await site.run("SalesInvoice/ReleaseSalesInvoice", entity=key)

    assert (draft["Status"], refused.status) == ("On Hold", 500)
    assert (balanced["Status"], released.status) == ("Balanced", 204)


async def test_a_direct_invoice_of_services_is_made_and_one_of_stock_needs_a_location(site):
    customer_id = await site.customer()
    service = {"InventoryID": "INSTALL", "Qty": 2, "UnitPrice": 50, "ManualPrice": True}

    made = await site.saved(
        "SalesInvoice", {"CustomerID": customer_id, "Details": [service], "Hold": False}
    )
    refused = await site.put(
        "SalesInvoice",
        {"CustomerID": customer_id, "Details": [{"InventoryID": "PUMP-40", "Qty": 1}]},
    )

    assert (made["Status"], made["Amount"], made["ReferenceNbr"]) == ("Balanced", 100, "INV000041")
    assert refused.content["Details"][0]["Location"]["error"] == "'Location' cannot be empty."


async def test_a_receivables_invoice_uses_its_own_field_names(site):
    customer_id = await site.customer()

    made = await site.saved(
        "Invoice",
        {
            "Customer": customer_id,
            "Hold": False,
            "Details": [{"InventoryID": "INSTALL", "Qty": 1, "UnitPrice": 10}],
        },
    )
    key = {"Type": "Invoice", "ReferenceNbr": made["ReferenceNbr"]}
    await site.run("Invoice/ReleaseInvoice", entity=key)
    await site.play("pay", invoice=made["ReferenceNbr"])

    paid = await site.get(f"Invoice/Invoice/{made['ReferenceNbr']}", expand="ApplicationsDefault")
    assert (paid["Status"], paid["Terms"], paid["PostPeriod"]) == ("Closed", "NET30", "032026")
    assert paid.content["ApplicationsDefault"][0]["AmountPaid"] == {"value": 10}


async def test_a_document_dated_in_a_closed_period_is_refused(site):
    await site.play("close_period", date="2026-03-01")
    customer_id = await site.customer()

    refused = await site.put("SalesInvoice", {"CustomerID": customer_id, "Date": "2026-02-01"})

    assert "closed" in refused.content["Date"]["error"]


@pytest.mark.parametrize(
    ("amount", "text"), [(9999, "greater than"), (1, "belongs to another customer")]
)
async def test_a_payment_that_does_not_fit_its_document_is_refused(site, amount, text):
    invoice = await invoiced(site)
    other = await site.customer()
    owner = site.simulator.records("sales_invoice", {})[0]["CustomerID"]
    body = {
        "CustomerID": owner if amount > 1 else other,
        "PaymentAmount": amount,
        "DocumentsToApply": [{"DocType": "Invoice", "ReferenceNbr": invoice, "AmountPaid": amount}],
    }

    refused = await site.put("Payment", body)

    errors = [
        part["error"]
        for part in refused.content["DocumentsToApply"][0].values()
        if isinstance(part, dict) and "error" in part
    ]
    assert refused.status == 422
    assert any(text in error for error in errors)


async def test_two_shipments_make_two_invoices_that_add_up_to_the_order(site):
    stock = {"WarehouseDetails": [{"WarehouseID": "MAIN", "QtyOnHand": 3}]}
    item = {"InventoryID": "RARE", "DefaultPrice": 10, **stock}
    await site.simulator.seed({"stock_items": [item]})
    number = await opened(
        site,
        {"InventoryID": "RARE", "OrderQty": 5},
        LINES[1],
        DiscountDetails=[{"DiscountAmount": 45}],
    )
    amounts = []
    for _ in range(2):
        await site.play("ship", order=number)
        amounts.append((await site.play("invoice", order=number))["Amount"])
        stock["WarehouseDetails"][0]["QtyOnHand"] = 10
        await site.play("edit", entity="StockItem", key=["RARE"], values=stock)

    order = await site.get(f"SalesOrder/SO/{number}", expand="Totals,Shipments")
    assert sum(amounts) == order["OrderTotal"] == 405
    assert order.content["Totals"]["UnbilledAmount"] == {"value": 0}
    assert len({row["InvoiceNbr"]["value"] for row in order.content["Shipments"]}) == 2
