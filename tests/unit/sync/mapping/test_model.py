"""The configuration of a mapping."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
import yaml
from pydantic import ValidationError

from ml_connector.sync.mapping import FieldRule, MappingConfig, OnExisting

TEXT = """
fields:
  Description: {template: "{deal.title} / {organization.name}", longest: 60, too_long: cut}
  CustomerOrder: deal.Purchase order
  OrderType: {from: deal.stage, table: order types, required: true}
  Terms: {from: [deal.Terms, organization.Terms], default: 30D, on_existing: never}
  Rate: {constant: 12.5}
  Since: {constant: 2026-10-01}
tables:
  order types: {entries: {Negotiation: SO, 7: QT, yes: X}}
"""


def config(text: str = TEXT) -> MappingConfig:
    return MappingConfig.model_validate(yaml.safe_load(text))


def rule(name: str) -> FieldRule:
    found = config().fields[name]
    assert found is not None
    return found


def test_path_alone_is_a_rule():
    assert rule("CustomerOrder").source == ("deal.Purchase order",)
    assert rule("OrderType").source == ("deal.stage",)
    assert rule("Terms").source == ("deal.Terms", "organization.Terms")
    assert rule("Terms").on_existing is OnExisting.NEVER
    assert rule("OrderType").on_existing is OnExisting.FILL_BLANK


def test_numbers_are_exact_and_keys_are_texts():
    assert rule("Rate").constant == Decimal("12.5")
    assert isinstance(rule("Rate").constant, Decimal)
    assert list(config().tables["order types"].entries) == ["Negotiation", "7", "yes"]


def test_version_names_the_content_however_it_is_laid_out_or_stored():
    read = yaml.safe_load(TEXT)
    turned = {key: dict(reversed(value.items())) for key, value in reversed(read.items())}
    stored = json.loads(json.dumps(config().model_dump(mode="json", by_alias=True)))

    assert MappingConfig.model_validate(turned).version == config().version
    assert MappingConfig.model_validate(stored).version == config().version
    assert config(TEXT.replace("7: QT", "7: QU")).version != config().version
    assert config(TEXT.replace("never", "fill_blank")).version != config().version


def test_version_does_not_change_between_releases():
    one = MappingConfig.model_validate({"fields": {"A": "deal.title"}})

    assert one.version == "da4f89ee5d2bd8bb"


def test_configuration_is_laid_over_the_pairs_defaults():
    defaults = MappingConfig.model_validate(
        {"fields": {"A": "deal.title", "B": "deal.value"}, "tables": {"t": {"entries": {"1": "x"}}}}
    )
    own = MappingConfig.model_validate({"fields": {"B": None, "C": "deal.id"}})

    both = own.over(defaults)

    assert {name: found is not None for name, found in both.fields.items()} == {
        "A": True,
        "B": False,
        "C": True,
    }
    assert "t" in both.tables


@pytest.mark.parametrize(
    ("text", "where", "words"),
    [
        ("fields: {A: {}}", ("fields", "A"), "give from, template, constant or default"),
        ("fields: {A: {from: deal.a, constant: 1}}", ("fields", "A"), "give one of"),
        ("fields: {A: {constant: 1, table: t}}", ("fields", "A"), "a table needs a path"),
        ("fields: {A: {form: deal.a}}", ("fields", "A", "form"), "Extra inputs"),
        ("fields: {A: {from: deal.a, longest: 0}}", ("fields", "A", "longest"), "greater than"),
        (
            "fields: {A: {from: deal.a, on_existing: x}}",
            ("fields", "A", "on_existing"),
            "fill_blank",
        ),
        ("tables: {t: {entry: {}}}", ("tables", "t", "entry"), "Extra inputs"),
    ],
)
def test_fault_names_its_place(text, where, words):
    with pytest.raises(ValidationError) as caught:
        config(text)

    faults = [fault for fault in caught.value.errors() if fault["loc"] == where]
    assert any(words in fault["msg"] for fault in faults), caught.value.errors()
