"""Values of a target worked out from the records of the other side."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from tests.unit.sync.mapping.catalogues import PO, RECORDS, TERMS, compiled

from ml_connector.core.errors import HeldError, MissingMappingError
from ml_connector.sync.mapping import evaluate

TYPES = {"types": {"entries": {"Negotiation": "QT"}}}


def values(config: Any, **changes: Any) -> dict[str, Any]:
    records = {**RECORDS, **changes}
    return dict(evaluate(compiled(config), records).values)


def deal(**changes: Any) -> dict[str, Any]:
    return {**RECORDS["deal"], **changes}


def one(rule: Any, *, to: str = "Description", tables: Any = None, **changes: Any) -> Any:
    config = {"fields": {to: rule}, "tables": tables or {}}
    return values(config, **changes).get(to)


@pytest.mark.parametrize(
    ("to", "rule", "expected"),
    [
        ("Description", "deal.title", "Conveyor"),
        ("CustomerOrder", "deal.Purchase order", "PO-9981"),
        ("Description", "deal.owner.name", "Rep One"),
        ("Description", "organization.name", "Nordwerk GmbH"),
        ("Email", "person.emails", "jana@nordwerk.example"),
        ("Email", "person.emails.value", "jana@nordwerk.example"),
        ("Email", "person.emails[first]", "old@nordwerk.example"),
        ("Email", "person.emails[last].value", "jana@nordwerk.example"),
        ("Email", "person.emails[5]", None),
        ("TermsID", "organization.Terms", "30D"),
        ("Description", "organization.Terms", "Net 30"),
        ("Description", "deal.Labels", "Hot, VIP"),
        ("Tags", "deal.Labels", ("Hot", "VIP")),
        ("Description", {"template": "{deal.title} ({organization.Terms})"}, "Conveyor (Net 30)"),
        ("Description", {"template": "{{fixed}}"}, "{fixed}"),
        ("Hold", {"constant": False}, False),
        ("Description", {"constant": "x"}, "x"),
    ],
)
def test_field_gets_its_value(to, rule, expected):
    assert one(rule, to=to) == expected


def test_first_of_several_paths_with_a_value_counts():
    rule = {"from": ["deal.Purchase order", "deal.title"]}

    assert one(rule) == "PO-9981"
    assert one(rule, deal=deal(**{PO: "  "})) == "Conveyor"


def test_amount_with_its_currency_is_its_amount():
    budget = {"value": Decimal("9.999"), "currency": "EUR"}

    assert one("deal.Budget", to="Budget", deal=deal(budget=budget)) == Decimal("10.00")
    assert one("deal.Budget.currency", deal=deal(budget=budget)) == "EUR"


def test_moment_becomes_a_day_in_the_rules_zone():
    late = deal(won_time=datetime(2026, 10, 31, 23, 30, tzinfo=UTC))
    rule = {"from": "deal.won_time", "zone": "Europe/Oslo"}

    assert one(rule, to="Requested", deal=late) == date(2026, 11, 1)


def test_field_without_a_value_is_not_named_or_has_its_default():
    empty = deal(**{PO: None})

    assert values({"fields": {"CustomerOrder": "deal.Purchase order"}}, deal=empty) == {}
    rule = {"from": "deal.Purchase order", "default": "none"}
    assert one(rule, to="CustomerOrder", deal=empty) == "none"


def test_template_with_nothing_in_its_places_has_no_value():
    rule = {"template": "Ref: {deal.Purchase order}", "default": "x"}

    assert one(rule, deal=deal(**{PO: None})) == "x"


def test_record_that_is_not_there_has_no_values():
    rule = {"template": "{deal.title} / {organization.name}"}

    assert one(rule, organization=None) == "Conveyor /"


# Tables -------------------------------------------------------------------------------------


def test_table_goes_by_id_and_by_label():
    rule = {"from": "deal.stage", "table": "types"}
    by_id = {"types": {"entries": {"7": "SO"}}}

    assert one(rule, to="OrderType", tables=by_id) == "SO"
    assert one(rule, to="OrderType", tables=TYPES, deal=deal(stage_id=5)) == "QT"


def test_table_over_plain_text_goes_by_what_is_meant():
    rule = {"from": "organization.name", "table": "t"}
    tables = {"t": {"entries": {"nordwerk  gmbh": "NW"}}}

    assert one(rule, to="OrderType", tables=tables) == "NW"


def test_missing_entry_says_which_to_add_and_waits_for_it():
    with pytest.raises(MissingMappingError) as caught:
        one({"from": "deal.stage", "table": "types"}, to="OrderType", tables=TYPES)

    assert caught.value.message == (
        "Pipedrive stage 7 (Contract) has no Acumatica order type; add one under Mappings"
    )
    assert caught.value.waits_for == "mapping:types:7"


def test_choice_that_its_field_no_longer_lists_is_named_by_its_id():
    with pytest.raises(MissingMappingError, match="Pipedrive stage 70 has no") as caught:
        one(
            {"from": "deal.stage", "table": "types"},
            to="OrderType",
            tables=TYPES,
            deal=deal(stage_id=70),
        )

    assert caught.value.waits_for == "mapping:types:70"


def test_fallback_stands_for_all_others():
    tables = {"types": {"entries": {"Negotiation": "QT"}, "fallback": "SO"}}

    assert one({"from": "deal.stage", "table": "types"}, to="OrderType", tables=tables) == "SO"


def test_empty_entry_means_no_value():
    tables = {"t": {"entries": {"Contract": ""}, "fallback": "SO"}}
    rule = {"from": "deal.stage", "table": "t"}

    assert one(rule, to="OrderType", tables=tables) is None
    with pytest.raises(HeldError):
        one({**rule, "required": True}, to="OrderType", tables=tables)


def test_choices_with_the_same_entry_agree():
    tables = {"t": {"entries": {"VIP": "V", "Hot": "V"}}}

    assert one({"from": "deal.Labels", "table": "t"}, to="OrderType", tables=tables) == "V"


def test_one_of_several_choices_with_an_entry_counts_and_two_are_held():
    rule = {"from": "deal.Labels", "table": "t"}

    assert one(rule, to="OrderType", tables={"t": {"entries": {"VIP": "V"}}}) == "V"
    with pytest.raises(HeldError, match="deal 4711 has several Labels with an entry in 't': 1, 3"):
        one(rule, to="OrderType", tables={"t": {"entries": {"VIP": "V", "Hot": "H"}}})


# What holds a record --------------------------------------------------------------------------


def test_required_value_names_the_field_and_the_record_and_waits_for_the_record():
    rule = {"from": ["deal.Purchase order", 'deal."Ref. no"'], "required": True}

    with pytest.raises(HeldError) as caught:
        one(rule, to="CustomerOrder", deal=deal(**{PO: ""}))

    assert caught.value.message == (
        "Pipedrive deal 4711 has no Purchase order or Ref. no for customer's order number, which "
        "the Acumatica sales order must have; fill it in, or give the mapping a default"
    )
    assert caught.value.waits_for == "deal:4711"


def test_required_value_of_another_record_waits_for_that_one():
    with pytest.raises(HeldError, match="Pipedrive organization 88 has no Terms") as caught:
        one(
            {"from": "organization.Terms", "required": True},
            to="TermsID",
            organization={**RECORDS["organization"], TERMS: None},
        )

    assert caught.value.waits_for == "organization:88"


def test_required_value_of_a_record_that_is_not_there_says_so():
    config = {
        "fields": {
            "Description": "deal.title",
            "TermsID": {"from": "organization.Terms", "required": True},
        }
    }

    with pytest.raises(HeldError, match="There is no organization, and so no Terms") as caught:
        values(config, organization=None)

    assert caught.value.waits_for == "deal:4711"


def test_value_that_does_not_fit_names_both_fields_and_the_record():
    with pytest.raises(HeldError) as caught:
        one("deal.title", deal=deal(title="A very long title of a deal"))

    assert caught.value.message == (
        "Acumatica sales order, description: Title of Pipedrive deal 4711 is 27 characters long, "
        "and 20 fit; shorten it, or set too_long: cut"
    )
    assert caught.value.waits_for == "deal:4711"


def test_template_that_does_not_fit_is_held_or_cut():
    rule = {"template": "{deal.title} / {organization.name}"}

    with pytest.raises(HeldError, match="the text made by its template is 24 characters long"):
        one(rule)
    assert one({**rule, "too_long": "cut"}) == "Conveyor / Nordwerk"


# Why this value -------------------------------------------------------------------------------


def test_every_value_tells_where_it_came_from():
    config = {
        "fields": {
            "Description": "deal.title",
            "OrderType": {"from": "deal.stage", "table": "types"},
            "TermsID": {"from": "deal.Purchase order", "default": "PRE"},
            "Hold": {"constant": True},
            "Email": {"template": "{person.name}"},
            "Budget": {"from": "deal.value"},
        },
        "tables": {"types": {"fallback": "SO"}},
    }

    mapped = evaluate(compiled(config), {**RECORDS, "deal": deal(**{PO: None})})

    assert {used.target: used.words for used in mapped.used} == {
        "Description": "deal.title is Conveyor",
        "OrderType": "deal.stage 7 (Contract) by the fallback of 'types'",
        "TermsID": "default",
        "Hold": "constant",
        "Email": "template",
    }
    assert mapped.version == compiled(config).version
