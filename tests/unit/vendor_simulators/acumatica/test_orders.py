from __future__ import annotations

from decimal import Decimal

import pytest


async def test_an_order_starts_on_hold_under_a_number_of_its_type(site):
    order = await site.order(await site.customer())

    assert (order["OrderNbr"], order["Status"], order["Hold"]) == ("SO004201", "On Hold", True)


async def test_a_line_takes_unit_price_warehouse_and_text_of_its_item(site):
    order = await site.order(await site.customer())

    row = {name: part.get("value") for name, part in order.content["Details"][0].items()
           if isinstance(part, dict)}  # fmt: skip
    assert (row["UOM"], row["UnitPrice"], row["WarehouseID"]) == ("EA", 1250, "MAIN")
    assert (row["LineDescription"], row["TaxCategory"]) == ("Pump 40 mm", "TAXABLE")


async def test_totals_are_computed_with_line_and_document_discount(site):
    order = await site.order(
        await site.customer(),
        {"InventoryID": "VALVE-2", "OrderQty": 3, "UnitPrice": "19.99", "ManualPrice": True,
         "DiscountPercent": 10, "ManualDiscount": True},
        {"InventoryID": "INSTALL", "OrderQty": 1, "UnitPrice": 100, "ManualPrice": True},
        DiscountDetails=[{"Type": "Document", "DiscountAmount": "7.70", "ManualDiscount": True}],
    )  # fmt: skip

    assert [row["Amount"]["value"] for row in order.content["Details"]] == [53.97, 100]
    assert order.content["Totals"]["DiscountTotal"] == {"value": 7.7}
    assert order["OrderTotal"] == 146.27


async def test_taxes_of_zone_and_category_are_added(site):
    order = await site.order(await site.customer(CustomerClass="LOCAL"))

    taxes = {
        row["TaxID"]["value"]: row["TaxAmount"]["value"] for row in order.content["TaxDetails"]
    }
    assert taxes == {"WASTATE": 162.5, "KINGCOUNTY": 90}
    assert (order["TaxTotal"], order["OrderTotal"]) == (252.5, 2752.5)


async def test_in_mode_gross_the_price_contains_the_tax(site):
    order = await site.order(
        await site.customer(TaxZone="DE"),
        {"InventoryID": "PUMP-40", "OrderQty": 1, "UnitPrice": 119, "ManualPrice": True},
        TaxCalcMode="Gross",
    )

    assert (order["OrderTotal"], order["TaxTotal"]) == (119, 19)


@pytest.mark.parametrize(("rounding", "tax"), [("document", "0.53"), ("line", "0.54")])
async def test_tax_is_rounded_once_or_per_line(site, rounding, tax):
    site.switch(tax_rounding=rounding)
    lines = [
        {"InventoryID": "PUMP-40", "OrderQty": 1, "UnitPrice": "0.93", "ManualPrice": True}
    ] * 3

    order = await site.order(await site.customer(TaxZone="DE"), *lines)

    assert order["TaxTotal"] == float(tax)


@pytest.mark.parametrize(
    ("is_manual", "replaces", "price"),
    [(False, True, 999), (False, False, 1111), (True, True, 1111)],
)
async def test_a_list_price_replaces_a_price_that_is_not_manual(site, is_manual, replaces, price):
    site.switch(list_price_replaces_price=replaces)
    await site.play("set_list_price", item="PUMP-40", price=999, currency="USD")

    order = await site.order(
        await site.customer(),
        {"InventoryID": "PUMP-40", "OrderQty": 1, "UnitPrice": 1111, "ManualPrice": is_manual},
    )

    assert order.content["Details"][0]["UnitPrice"]["value"] == price


async def test_the_customers_own_price_goes_before_the_base_price(site):
    customer_id = await site.customer()
    await site.simulator.seed(
        {
            "prices": [
                {"inventory_id": "PUMP-40", "price": "900", "currency": "USD"},
                {"inventory_id": "PUMP-40", "price": "800", "currency": "USD",
                 "customer": customer_id},
                {"inventory_id": "PUMP-40", "price": "700", "currency": "USD",
                 "customer": customer_id, "break_qty": 10},
            ]
        }
    )  # fmt: skip

    order = await site.order(
        customer_id,
        {"InventoryID": "PUMP-40", "OrderQty": 1},
        {"InventoryID": "PUMP-40", "OrderQty": 10},
    )

    assert [row["UnitPrice"]["value"] for row in order.content["Details"]] == [800, 700]


async def test_an_automatic_discount_applies_unless_the_line_is_manual(site):
    await site.simulator.seed({"discounts": [{"percent": 20, "inventory_id": "PUMP-40"}]})

    order = await site.order(
        await site.customer(),
        {"InventoryID": "PUMP-40", "OrderQty": 1},
        {"InventoryID": "PUMP-40", "OrderQty": 1, "ManualDiscount": True},
    )

    assert [row["Amount"]["value"] for row in order.content["Details"]] == [1000, 1250]


async def test_an_automatic_document_discount_can_be_kept_off(site):
    await site.simulator.seed(
        {"discounts": [{"percent": 10, "level": "Document", "least_amount": 1000}]}
    )
    customer_id = await site.customer()

    given = await site.order(customer_id)
    kept_off = await site.order(customer_id, DisableAutomaticDiscountUpdate=True)

    assert (given["OrderTotal"], kept_off["OrderTotal"]) == (2250, 2500)


async def test_a_foreign_order_takes_prices_at_the_rate(site):
    order = await site.order(await site.customer(), CurrencyID="EUR")

    price = Decimal(str(order.content["Details"][0]["UnitPrice"]["value"]))
    assert price == (1250 / Decimal("1.08")).quantize(Decimal("0.000001"))
    assert order["BaseCurrencyID"] == "USD"


@pytest.mark.parametrize(
    ("line", "field", "text"),
    [
        ({"InventoryID": "OLDPUMP"}, "InventoryID", "No Sales"),
        ({"InventoryID": "PUMP-40", "OrderQty": "1.5"}, "OrderQty", "not divisible"),
        ({"InventoryID": "PUMP-40", "OrderQty": -1}, "OrderQty", "greater than or equal"),
        ({"InventoryID": "PUMP-40", "UOM": "HOUR"}, "UOM", "'UOM' cannot be found"),
        ({"InventoryID": "PUMP-40", "UOM": "NOSUCH"}, "UOM", "'UOM' cannot be found"),
        ({"InventoryID": "PUMP-40", "WarehouseID": "NOSUCH"}, "WarehouseID", "'Warehouse' cannot"),
        ({"InventoryID": "PUMP-40", "WarehouseID": None}, "WarehouseID", "cannot be empty"),
        ({"InventoryID": "PUMP-40", "UnitPrice": -1, "ManualPrice": True}, "UnitPrice", "greater"),
        ({"InventoryID": "PUMP-40", "DiscountPercent": 101}, "DiscountPercent", "less than"),
        ({"InventoryID": "PUMP-40", "TaxCategory": "NOSUCH"}, "TaxCategory", "'Tax Category'"),
        ({"OrderQty": 1}, "InventoryID", "cannot be empty"),
    ],
)
async def test_a_line_that_the_form_refuses_is_a_field_error(site, line, field, text):
    customer_id = await site.customer()

    answer = await site.put("SalesOrder", {"CustomerID": customer_id, "Details": [line]})

    assert answer.status == 422
    assert text in answer.content["Details"][0][field]["error"]


async def test_a_unit_with_a_conversion_is_taken_and_priced(site):
    order = await site.order(
        await site.customer(), {"InventoryID": "VALVE-2", "OrderQty": 1, "UOM": "BOX"}
    )

    assert order.content["Details"][0]["UnitPrice"]["value"] == 895


@pytest.mark.parametrize(
    ("fields", "field", "text"),
    [
        ({"CurrencyID": "EUR"}, "CurrencyID", "cannot be overridden"),
        ({"CurrencyID": "XXX"}, "CurrencyID", "'Currency' cannot be found"),
        ({"OrderType": "ZZ"}, "OrderType", "'Order Type' cannot be found"),
        ({"LocationID": "NOSUCH"}, "LocationID", "'Location' cannot be found"),
        ({"ShipVia": "NOSUCH"}, "ShipVia", "'Ship Via' cannot be found"),
        ({"Branch": "NOSUCH"}, "Branch", "'Branch' cannot be found"),
        ({"CustomerID": None}, "CustomerID", "cannot be empty"),
    ],
)
async def test_a_header_that_the_form_refuses_is_a_field_error(site, fields, field, text):
    customer_id = await site.customer(CustomerClass="LOCAL")

    answer = await site.put("SalesOrder", {"CustomerID": customer_id, **fields})

    assert answer.status == 422
    assert text in answer.content[field]["error"]


async def test_an_order_type_may_demand_the_customers_order_number(site):
    await site.simulator.seed({"order_types": [{"code": "PO", "requires_customer_order": True}]})
    customer_id = await site.customer()

    refused = await site.put("SalesOrder", {"CustomerID": customer_id, "OrderType": "PO"})
    taken = await site.order(customer_id, OrderType="PO", CustomerOrder="7781")

    assert "CustomerOrder" in refused.content
    assert taken["OrderNbr"] == "SO004201"


@pytest.mark.parametrize(
    ("status", "answer"), [("Inactive", 422), ("On Hold", 422), ("One-Time", 200)]
)
async def test_the_customers_status_is_checked(site, status, answer):
    customer_id = await site.customer()
    await site.play("set_customer_status", customer=customer_id, status=status)

    assert (await site.put("SalesOrder", {"CustomerID": customer_id})).status == answer


async def test_credit_hold_catches_an_order_when_it_leaves_hold(site):
    customer_id = await site.customer(CreditLimit=1000)
    order = await site.order(customer_id, Hold=False)

    released = await site.run(
        "SalesOrder/ReleaseFromCreditHoldSalesOrder",
        entity={"OrderType": "SO", "OrderNbr": order["OrderNbr"]},
    )
    status = (await site.get(f"SalesOrder/SO/{order['OrderNbr']}"))["Status"]

    assert (order["Status"], order["CreditHold"]) == ("Credit Hold", True)
    assert (released.status, status) == (204, "Open")


async def test_ship_to_address_is_dropped_without_the_override_flag(site):
    customer_id = await site.customer(
        MainContact={"Address": {"City": "Kirkland", "Country": "US"}}
    )
    address = {"City": "Seattle", "Country": "US"}

    dropped = await site.saved(
        "SalesOrder",
        {"CustomerID": customer_id, "ShipToAddress": address},
        expand="ShipToAddress",
    )
    kept = await site.saved(
        "SalesOrder",
        {"CustomerID": customer_id, "ShipToAddress": address, "ShipToAddressOverride": True},
        expand="ShipToAddress",
    )

    assert dropped.content["ShipToAddress"]["City"]["value"] == "Kirkland"
    assert kept.content["ShipToAddress"]["City"]["value"] == "Seattle"


async def test_a_finished_order_cannot_be_edited(site):
    order = await site.order(await site.customer())
    await site.play("complete_order", order=order["OrderNbr"])
    body = {"OrderType": "SO", "OrderNbr": order["OrderNbr"], "Description": "late"}

    refused = await site.put("SalesOrder", body)
    site.switch(closed_documents="ignore")
    ignored = await site.put("SalesOrder", body)

    assert refused.status == 500
    assert (ignored.status, ignored.content["Description"]) == (200, {})


async def test_the_business_date_and_terms_set_date_and_due_date(site):
    customer_id = await site.customer()

    answer = await site.put(
        "SalesOrder",
        {"CustomerID": customer_id},
        headers={"PX-CbApiBusinessDate": "2026-01-31"},
        expand="FinancialSettings",
    )

    assert answer["Date"] == "2026-01-31T00:00:00+00:00"
    assert answer.content["FinancialSettings"]["DueDate"]["value"] == "2026-03-02T00:00:00+00:00"


async def test_contact_and_salesperson_must_exist(site):
    customer_id = await site.customer()
    contact = await site.saved("Contact", {"LastName": "Doe", "BusinessAccount": customer_id})

    refused = await site.put(
        "SalesOrder",
        {
            "CustomerID": customer_id,
            "ContactID": "999999",
            "Commissions": {"DefaultSalesperson": "NOSUCH"},
        },
    )
    taken = await site.put(
        "SalesOrder",
        {
            "CustomerID": customer_id,
            "ContactID": str(contact["ContactID"]),
            "Commissions": {"DefaultSalesperson": "sp0001"},
        },
        expand="Commissions",
    )

    assert "'Contact' cannot be found" in refused.content["ContactID"]["error"]
    assert "'Salesperson ID'" in refused.content["Commissions"]["DefaultSalesperson"]["error"]
    assert taken.content["Commissions"]["DefaultSalesperson"] == {"value": "SP0001"}
