"""What the published description of the endpoint would catch, and that it is held against us."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.specifications import needed
from tests.specifications.acumatica import Sent, faults

from ml_connector.vendors.acumatica import wire
from ml_connector.vendors.acumatica.models import NonStockItem, Record, SalesOrder, StockItem
from ml_connector.vendors.acumatica.ping import RIGHTS


@pytest.fixture(autouse=True)
def _is_here() -> None:
    needed("acumatica")


def put(**fields: Any) -> Sent:
    return Sent(method="PUT", path="SalesOrder", body=json.dumps(fields).encode())


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        (put(CustomerID="C1"), "not wrapped"),
        (put(Customer={"value": "C1"}), "has no Customer"),
        (put(Details=[{"Quantity": {"value": 2}}]), "has no Quantity"),
        (put(Details=[{"OrderQty": {"value": "2"}}]), "no DecimalValue"),
        (put(Date={"value": "soon"}), "no DateTimeValue"),
        (Sent(method="PATCH", path="SalesOrder"), "no such operation"),
        (Sent(method="GET", path="SalesOrders"), "no such operation"),
        (Sent(method="GET", path="Customer", params=[("$orderby", "CustomerID")]), "no $orderby"),
        (Sent(method="GET", path="Customer", params=[("$select", "Name")]), "has no Name"),
        (
            Sent(method="GET", path="Invoice", params=[("$filter", "ExternalRef eq 'pd-1'")]),
            "has no ExternalRef",
        ),
        (Sent(method="POST", path="SalesOrder/ReleaseFromHold", body=b"{}"), "no such operation"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_request_that_the_endpoint_does_not_describe_is_a_fault(sent: Sent, words: str):
    assert words in "; ".join(faults(sent))


def test_what_is_described_is_no_fault():
    params = [("$expand", "Details,ShipToAddress"), ("$select", "OrderNbr,Details/OrderQty")]
    order = put(
        OrderType={"value": "SO"},
        Date={"value": "2026-03-10"},
        Details=[{"InventoryID": {"value": "PUMP"}, "OrderQty": {"value": 2}, "delete": True}],
    )

    assert faults(order) == []
    assert faults(Sent(method="GET", path="SalesOrder/SO/SO0042", params=params)) == []


@pytest.mark.parametrize("model", [*RIGHTS.values(), StockItem, NonStockItem, SalesOrder])
def test_every_field_that_is_read_is_described(model: type[Record]):
    chosen = ",".join(wire.selection(model, (24, 200, 1)))
    key = ",".join(model.KEYS)
    params = [("$select", chosen), ("$filter", f"{model.KEYS[0]} eq 'x'")]

    assert faults(Sent(method="GET", path=model.ENTITY, params=params)) == []
    assert faults(Sent(method="GET", path=model.ENTITY, params=[("$select", key)])) == []
