"""A small CRM and a small ERP to map between."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ml_connector.sync.mapping import (
    CompiledMapping,
    Field,
    FieldCatalogue,
    Kind,
    MappingConfig,
    compile_mapping,
)

PO = "0a1b2c3d4e5f60718293a4b5c6d7e8f901234567"
TERMS = "1122334455667788990011223344556677889900"

CONTACT_POINT = (
    Field(key="value", name="value"),
    Field(key="label", name="label"),
    Field(key="primary", name="primary", kind=Kind.BOOLEAN),
)


def deal_fields(*, purchase_order: str = "Purchase order") -> tuple[Field, ...]:
    return (
        Field(key="id", name="ID", kind=Kind.INTEGER),
        Field(key="title", name="Title"),
        Field(key="value", name="Value", kind=Kind.DECIMAL),
        Field(key="won_time", name="Won time", kind=Kind.MOMENT),
        Field(key="expected_close_date", name="Expected close date", kind=Kind.DATE),
        Field(
            key="stage_id",
            name="Stage",
            title="stage",
            kind=Kind.CHOICE,
            options={"5": "Negotiation", "7": "Contract", "9": "Contract"},
        ),
        Field(
            key="label_ids",
            name="Labels",
            kind=Kind.CHOICES,
            options={"1": "Hot", "2": "Cold", "3": "VIP"},
        ),
        Field(key="owner", name="Owner", kind=Kind.PARTS, parts=OWNER),
        Field(key=PO, name=purchase_order),
        Field(key="k-one", name="Region"),
        Field(key="k-two", name="Region"),
        Field(key="k-dot", name="Ref. no"),
        Field(key="budget", name="Budget", kind=Kind.PARTS, parts=MONEY),
        Field(key="raw", name="Raw", kind=Kind.ANY),
    )


OWNER = (
    Field(key="id", name="ID", kind=Kind.INTEGER),
    Field(key="name", name="Name"),
    Field(key="email", name="Email"),
)
MONEY = (
    Field(key="value", name="Amount", kind=Kind.DECIMAL),
    Field(key="currency", name="Currency"),
)

DEAL = FieldCatalogue(side="Pipedrive", record="deal", fields=deal_fields())
ORGANIZATION = FieldCatalogue(
    side="Pipedrive",
    record="organization",
    fields=(
        Field(key="id", name="ID", kind=Kind.INTEGER),
        Field(key="name", name="Name"),
        Field(key=TERMS, name="Terms", kind=Kind.CHOICE, options={"31": "Net 30", "32": "Prepaid"}),
    ),
)
PERSON = FieldCatalogue(
    side="Pipedrive",
    record="person",
    fields=(
        Field(key="id", name="ID", kind=Kind.INTEGER),
        Field(key="name", name="Name"),
        Field(key="emails", name="Emails", kind=Kind.PARTS, is_list=True, parts=CONTACT_POINT),
    ),
)
ORDER = FieldCatalogue(
    side="Acumatica",
    record="sales_order",
    fields=(
        Field(key="Description", name="description", longest=20),
        Field(key="CustomerOrder", name="customer's order number", longest=10),
        Field(key="OrderType", name="order type", options={}, kind=Kind.CHOICE),
        Field(
            key="TermsID",
            name="terms",
            kind=Kind.CHOICE,
            options={"30D": "Net 30", "PRE": "Prepaid"},
        ),
        Field(key="Requested", name="requested date", kind=Kind.DATE),
        Field(key="Budget", name="budget", kind=Kind.DECIMAL, digits=2),
        Field(key="Hold", name="hold", kind=Kind.BOOLEAN),
        Field(key="Email", name="e-mail"),
        Field(key="Tags", name="tags", kind=Kind.CHOICES),
        Field(key="OrderNbr", name="order number", is_writable=False),
    ),
)
SOURCES: Mapping[str, FieldCatalogue] = {
    "deal": DEAL,
    "organization": ORGANIZATION,
    "person": PERSON,
}

RECORDS: Mapping[str, Mapping[str, Any]] = {
    "deal": {
        "id": 4711,
        "title": "Conveyor",
        "stage_id": 7,
        "label_ids": (1, 3),
        "owner": {"id": 2001, "name": "Rep One", "email": "rep@acme.example"},
        PO: "PO-9981",
    },
    "organization": {"id": 88, "name": "Nordwerk GmbH", TERMS: 31},
    "person": {
        "id": 310,
        "name": "Jana Voss",
        "emails": (
            {"value": "old@nordwerk.example", "primary": False},
            {"value": "jana@nordwerk.example", "primary": True},
        ),
    },
}


def compiled(config: Mapping[str, Any], **more: Any) -> CompiledMapping:
    """Return a mapping of the small CRM to the small ERP."""
    facts: dict[str, Any] = {"sources": SOURCES, "target": ORDER, **more}
    return compile_mapping(MappingConfig.model_validate(config), **facts)
