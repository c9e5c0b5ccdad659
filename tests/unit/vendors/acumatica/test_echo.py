from decimal import Decimal

import pytest

from ml_connector.vendors.acumatica import bodies
from ml_connector.vendors.acumatica.drafts import SalesOrderDraft, SalesOrderLineDraft
from ml_connector.vendors.acumatica.echo import Difference, differences

NEWEST = (24, 200, 1)


def field(value: object) -> dict[str, object]:
    return {} if value is None else {"value": value}


@pytest.mark.parametrize(
    ("sent", "returned"),
    [
        ("cust01", "CUST01"),
        ("PUMP-40", "PUMP-40   "),
        (Decimal("7.5"), Decimal("7.5000")),
        (Decimal(2), 2),
        (True, True),
        (None, None),
        ("", None),
        ("2026-03-10", "2026-03-10T00:00:00+00:00"),
        (5, "5"),
        ("a\nb", "a\r\nb"),
    ],
)
def test_the_same_value_in_another_form_is_no_difference(sent, returned):
    assert not differences({"X": {"value": sent}}, {"X": field(returned)})


@pytest.mark.parametrize(
    ("sent", "returned", "shown"),
    [
        ("Acme", None, None),
        ("Acme", "Acm", "Acm"),
        (Decimal("7.5"), Decimal("7.4"), "7.4"),
        (True, False, "False"),
        (None, "still there", "still there"),
        (False, None, None),
    ],
)
def test_a_dropped_or_changed_field_is_told(sent, returned, shown):
    (found,) = differences({"X": {"value": sent}}, {"X": field(returned)})

    assert found == Difference(path="X", sent=str(sent) if sent is not None else "", returned=shown)


def test_fields_of_linked_records_and_custom_fields_are_compared():
    sent = {
        "FinancialSettings": {"Owner": {"value": "EP2"}},
        "custom": {"Document": {"UsrA": {"type": "CustomStringField", "value": "1"}}},
    }

    found = differences(sent, {"id": "1"})

    assert [one.path for one in found] == ["FinancialSettings/Owner", "custom/Document/UsrA"]


def test_new_rows_are_compared_with_the_last_ones_in_order():
    draft = SalesOrderDraft(
        details=(
            SalesOrderLineDraft(id="r1", order_qty=Decimal(5)),
            SalesOrderLineDraft(inventory_id="B", order_qty=Decimal(1)),
            SalesOrderLineDraft(inventory_id="C", order_qty=Decimal(1)),
            SalesOrderLineDraft(id="r0", delete=True),
        )
    )
    returned = {
        "Details": [
            {"id": "r9", "InventoryID": field("Z"), "OrderQty": field(9)},
            {"id": "r1", "InventoryID": field("A"), "OrderQty": field(5)},
            {"id": "n1", "InventoryID": field("B"), "OrderQty": field(1)},
            {"id": "n2", "InventoryID": field("C"), "OrderQty": field(0)},
        ]
    }

    found = differences(bodies.body_of(draft, NEWEST), returned)

    assert [(one.path, one.returned) for one in found] == [("Details[2]/OrderQty", "0")]


def test_rows_that_are_missing_from_the_answer_are_dropped():
    draft = SalesOrderDraft(details=(SalesOrderLineDraft(inventory_id="B"),))

    found = differences(bodies.body_of(draft, NEWEST), {"Details": []})

    assert [(one.path, one.returned) for one in found] == [("Details[0]/InventoryID", None)]
