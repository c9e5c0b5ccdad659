from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from ml_connector.core.errors import ConfigurationError
from ml_connector.core.money import Money
from ml_connector.vendors.pipedrive.custom_fields import FieldSet, base_key, is_key
from ml_connector.vendors.pipedrive.models import FieldDefinition, FieldOption

BALANCE = "9f8e7d6c5b4a39281706f5e4d3c2b1a098765432"
STATUS = "1122334455667788990011223344556677889900"
DUE = "00112233445566778899aabbccddeeff00112233"


def custom(key: str, name: str, kind: str, *options: FieldOption) -> FieldDefinition:
    return FieldDefinition(
        field_code=key, field_name=name, field_type=kind, options=options, is_custom_field=True
    )


TITLE = FieldDefinition(field_code="title", field_name="Title", field_type="varchar")
OPEN = FieldOption(id=31, label="Open")
FIELDS = FieldSet(
    "deal",
    [
        TITLE,
        custom(BALANCE, "Invoice balance", "monetary"),
        custom(STATUS, "Billing status", "enum", OPEN, FieldOption(id=32, label="Paid")),
        custom(DUE, "Due", "date"),
    ],
)


def test_finds_a_key_by_its_name_and_takes_a_key_as_it_is():
    assert FIELDS.key("Invoice balance") == BALANCE
    assert FIELDS.key(BALANCE) == BALANCE


def test_unknown_name_is_a_configuration_error_that_waits_for_it():
    with pytest.raises(ConfigurationError, match="no deal field 'Invoice blance'") as caught:
        FIELDS.key("Invoice blance")

    assert caught.value.waits_for == "pipedrive_field:deal:Invoice blance"


def test_name_of_two_fields_is_refused_with_both_keys():
    twice = FieldSet("deal", [custom(DUE, "Due", "date"), custom(STATUS, "Due", "varchar")])

    with pytest.raises(ConfigurationError, match=f"{DUE}, {STATUS}"):
        twice.key("Due")


def test_name_that_is_the_key_of_a_built_in_field_is_refused_too():
    alike = FieldSet("deal", [TITLE, custom(DUE, "title", "varchar")])

    with pytest.raises(ConfigurationError, match=f"title, {DUE}"):
        alike.key("title")


def test_built_in_field_is_not_written_as_a_custom_one():
    with pytest.raises(ConfigurationError, match="built-in"):
        FIELDS.write({"Title": "x"})


def test_reads_and_writes_by_name():
    sent = FIELDS.write(
        {
            "Invoice balance": Money(Decimal("12480.25"), "EUR"),
            "Billing status": "Open",
            DUE: date(2026, 11, 2),
        }
    )

    assert sent == {
        BALANCE: {"value": Decimal("12480.25"), "currency": "EUR"},
        STATUS: 31,
        DUE: "2026-11-02",
    }
    assert FIELDS.read(sent, "Billing status") == OPEN
    assert FIELDS.read_webhook({STATUS: {"type": "enum", "id": 31}}, "Billing status") == OPEN
    assert FIELDS.read_v1({STATUS: "31"}, "Billing status") == OPEN


def test_changes_since_an_earlier_reading_are_told_by_key():
    later = FieldSet(
        "deal",
        [
            TITLE,
            custom(BALANCE, "Open balance", "monetary"),
            custom(STATUS, "Billing status", "enum", OPEN, FieldOption(id=33, label="Void")),
            custom("f" * 40, "New", "varchar"),
        ],
    )

    changes = later.changes_since(FIELDS)

    assert [(a.field_name, b.field_name) for a, b in changes.renamed] == [
        ("Invoice balance", "Open balance")
    ]
    assert [each.field_name for each in changes.added] == ["New"]
    assert [each.field_name for each in changes.removed] == ["Due"]
    assert [a.field_code for a, _ in changes.choices] == [STATUS]
    assert changes.retyped == ()


def test_no_change_is_false():
    assert not FIELDS.changes_since(FIELDS)


def test_built_in_fields_are_no_changes():
    assert not FIELDS.changes_since(FieldSet("deal", [*FIELDS.definitions[1:]]))


@pytest.mark.parametrize(
    ("flat", "base"),
    [
        (f"{BALANCE}_currency", BALANCE),
        (f"{BALANCE}_timezone_id", BALANCE),
        (f"{BALANCE}_admin_area_level_1", BALANCE),
        (BALANCE, BALANCE),
        ("org_id", "org_id"),
        (f"{BALANCE}_elsewhere", f"{BALANCE}_elsewhere"),
    ],
)
def test_parts_of_a_flat_value_belong_to_its_field(flat, base):
    assert base_key(flat) == base


@pytest.mark.parametrize("text", ["title", BALANCE.upper(), BALANCE[:-1], f"{BALANCE}0"])
def test_other_texts_are_no_keys(text):
    assert not is_key(text)
