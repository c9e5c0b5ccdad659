from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vendor_simulators.acumatica.filters import compile_filter
from vendor_simulators.acumatica.records import Record, Table
from vendor_simulators.acumatica.site import CONTRACT

ENTITY = CONTRACT["SalesOrder"]


async def customers(site: Any, condition: str) -> int:
    answer = await site.get("Customer", filter=condition, select="CustomerID")
    assert answer.status == 200, answer.content
    return len(answer.content)


@pytest.fixture
async def books(site):
    await site.customer(
        CustomerName="O'Brien & Sons",
        AccountRef="pd-org-1",
        MainContact={"Email": "info@obrien.example"},
    )
    await site.customer(CustomerName="Acme", AccountRef="pd-org-2", CreditLimit=500)
    return site


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        ("AccountRef eq 'pd-org-1'", 1),
        ("AccountRef eq 'PD-ORG-1 '", 1),
        ("AccountRef eq 'pd-org-1' or AccountRef eq 'pd-org-2'", 2),
        ("(AccountRef eq 'pd-org-1' or AccountRef eq 'x') and CustomerName eq 'Acme'", 0),
        ("AccountRef eq 'x' or AccountRef eq 'pd-org-1' and CreditLimit eq 0M", 1),
        ("CustomerName eq 'O''Brien & Sons'", 1),
        ("substringof('brien', CustomerName)", 1),
        ("startswith(CustomerName,'ac') eq true", 1),
        ("endswith(CustomerName, 'sons')", 1),
        ("MainContact/Email eq 'info@obrien.example'", 1),
        ("CreditLimit gt 499.5M", 1),
        ("CreditLimit ge 500", 1),
        ("ApplyOverdueCharges eq false", 2),
        ("LastModifiedDateTime ge datetimeoffset'2026-03-02T12:00:00.000+00:00'", 2),
        ("LastModifiedDateTime ge datetimeoffset'2026-03-02'", 2),
        ("LastModifiedDateTime lt datetimeoffset'2026-03-02T13:00:00+02:00'", 0),
        ("CustomerID gt 'C001001'", 1),
        ("AccountRef ne 'pd-org-1'", 1),
        ("TaxZone eq null", 2),
        ("not (AccountRef eq 'pd-org-1')", 1),
    ],
)
async def test_conditions(books, condition, found):
    assert await customers(books, condition) == found


@pytest.mark.parametrize(
    "condition",
    [
        "ApplyOverdueCharges eq 'false'",
        "CreditLimit eq '500'",
        "AccountRef eq 5",
        "LastModifiedDateTime ge '2026-03-02'",
        "Nonsense eq 'x'",
        "AccountRef eq",
        "AccountRef like 'x'",
        "LastModifiedDateTime ge datetimeoffset'2026-03-02T12:00:00.000 00:00'",
    ],
)
async def test_what_does_not_fit_is_500(books, condition):
    answer = await books.get("Customer", filter=condition)

    assert answer.status == 500
    assert answer.exception_type == "ODataException"


async def test_types_that_do_not_fit_are_named(books):
    answer = await books.get("Customer", filter="ApplyOverdueCharges eq 'false'")

    assert "Edm.Boolean" in answer.text
    assert "Edm.String" in answer.text


async def test_user_defined_fields_are_written_read_and_found(site):
    await site.simulator.seed(
        {"custom_fields": [{"entity": "SalesOrder", "view": "Document", "field": "AttributeDEAL"}]}
    )
    customer_id = await site.customer()
    body = {
        "CustomerID": {"value": customer_id},
        "custom": {"Document": {"AttributeDEAL": {"type": "CustomStringField", "value": "42"}}},
    }
    await site.call("PUT", "SalesOrder", body)

    answer = await site.get(
        "SalesOrder",
        filter="cf.String(f='Document.AttributeDEAL') eq '42'",
        custom="Document.AttributeDEAL",
    )

    assert answer.content[0]["custom"] == {
        "Document": {"AttributeDEAL": {"type": "CustomStringField", "value": "42"}}
    }


values = st.text(st.characters(codec="ascii", min_codepoint=32), max_size=6)


@given(stored=st.lists(values, max_size=8), wanted=st.lists(values, min_size=1, max_size=4))
def test_an_index_finds_what_a_scan_finds(stored, wanted):
    table = Table(ENTITY, ("ExternalRef",))
    for number, reference in enumerate(stored):
        record = Record(ENTITY, f"{number:036d}")
        record["OrderType"], record["OrderNbr"] = "SO", f"SO{number:04d}"
        record["ExternalRef"] = reference.rstrip() or None
        table.commit(record)
    literals = [reference.replace("'", "''") for reference in wanted]
    text = " or ".join(f"ExternalRef eq '{literal}'" for literal in literals)

    condition = compile_filter(text, ENTITY, CONTRACT, 24)
    candidates = condition.candidates(table)

    assert candidates is not None
    scanned = [record.id for record in table if condition.test(record)]
    assert [record.id for record in candidates if condition.test(record)] == scanned
