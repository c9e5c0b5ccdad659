"""Mappings against the fields of both sides."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from tests.unit.sync.mapping.catalogues import DEAL, ORDER, PO, SOURCES, compiled, deal_fields

from ml_connector.core.errors import ConfigurationError
from ml_connector.sync.mapping import (
    Field,
    FieldUse,
    MappingConfig,
    MappingFaultsError,
    OnExisting,
    compile_mapping,
)

RENAMED = {
    **SOURCES,
    "deal": dataclasses.replace(DEAL, fields=deal_fields(purchase_order="Customer PO")),
}
CONFIG = {"fields": {"CustomerOrder": "deal.Purchase order"}}


def faults_of(config: Any) -> list[str]:
    with pytest.raises(MappingFaultsError) as caught:
        compiled(config)
    return [str(fault) for fault in caught.value.faults]


def test_unknown_field_with_a_table_is_told_as_an_unknown_field():
    found = faults_of(
        {
            "fields": {"CustomerOrder": {"from": "deal.Purchse order", "table": "orders"}},
            "tables": {"orders": {"entries": {"A": "B"}}},
        }
    )

    assert len(found) == 1
    assert "Pipedrive deal has no field 'Purchse order'" in found[0]


def test_mapping_knows_its_version_ownership_and_the_fields_it_depends_on():
    config = {
        "fields": {
            "customer's order number": {"from": "deal.Purchase order", "on_existing": "crm_owns"},
            "Description": {"template": "{deal.title} / {organization.name}"},
        }
    }

    mapping = compiled(config)

    assert mapping.version == MappingConfig.model_validate(config).version
    assert mapping.ownership == {
        "CustomerOrder": OnExisting.CRM_OWNS,
        "Description": OnExisting.FILL_BLANK,
    }
    assert mapping.uses == {
        FieldUse("Acumatica", "sales_order", "CustomerOrder", "CustomerOrder"),
        FieldUse("Acumatica", "sales_order", "Description", "Description"),
        FieldUse("Pipedrive", "deal", PO, "CustomerOrder"),
        FieldUse("Pipedrive", "deal", "title", "Description"),
        FieldUse("Pipedrive", "organization", "name", "Description"),
    }


@pytest.mark.parametrize(
    ("config", "fault"),
    [
        (
            {"fields": {"Desription": "deal.title"}},
            (
                "fields.Desription: Acumatica sales order has no field 'Desription'; did you mean "
                "'description'?"
            ),
        ),
        (
            {
                "fields": {"Description": {"from": "deal.Nowhere", "table": "words"}},
                "tables": {"words": {"entries": {"A": "B"}}},
            },
            (
                "fields.Description.from: 'deal.Nowhere': Pipedrive deal has no field 'Nowhere'; "
                "did you mean 'Owner'?"
            ),
        ),
        (
            {"fields": {"OrderNbr": "deal.title"}},
            "fields.OrderNbr: Acumatica does not let order number be written",
        ),
        (
            {"fields": {"Description": "deal.title", "description": "deal.title"}},
            "fields.description: is the same field as 'Description'",
        ),
        (
            {"fields": {"Description": "deal.Region"}},
            (
                "fields.Description.from: 'deal.Region': Pipedrive deal has 2 fields called "
                "'Region'; "
                "name one by its key (k-one, k-two)"
            ),
        ),
        (
            {"fields": {"Description": {"template": "{deal.titel}"}}},
            (
                "fields.Description.template: 'deal.titel': Pipedrive deal has no field 'titel'; "
                "did you mean 'Title'?"
            ),
        ),
        (
            {"fields": {"TermsID": {"constant": "60D"}}},
            "fields.TermsID.constant: is '60D', which is no choice of terms; did you mean '30D'?",
        ),
        (
            {"fields": {"Budget": {"from": "deal.Value", "default": "none"}}},
            "fields.Budget.default: is 'none', which is no number (as 1234.50)",
        ),
        (
            {"fields": {"Description": {"from": "deal.title", "longest": 60}}},
            "fields.Description.longest: Acumatica takes 20 characters",
        ),
        (
            {"fields": {"Requested": {"from": "deal.won_time", "zone": "Oslo"}}},
            "fields.Requested.zone: 'Oslo' is no time zone; name it as Europe/Oslo",
        ),
        (
            {
                "fields": {"OrderType": {"from": "deal.stage", "table": "type"}},
                "tables": {"types": {}},
            },
            "fields.OrderType.table: there is no table 'type'; did you mean 'types'?",
        ),
        (
            {
                "fields": {"OrderType": {"from": "deal.stage", "table": "types"}},
                "tables": {"types": {"entries": {"Contrat": "SO"}}},
            },
            (
                "tables.types.entries.Contrat: 'Contrat' is no choice of stage; did you mean "
                "'Contract'?"
            ),
        ),
        (
            {
                "fields": {"TermsID": {"from": "organization.Terms", "table": "terms"}},
                "tables": {"terms": {"entries": {"Net 30": "31D"}, "fallback": "X"}},
            },
            "tables.terms.fallback: is 'X', which is no choice of terms",
        ),
    ],
)
def test_fault_names_its_place_and_what_would_be_right(config, fault):
    assert fault in faults_of(config)


def test_all_faults_are_told_together():
    faults = faults_of({"fields": {"A": "deal.title", "Description": "deal.titel"}})

    assert len(faults) == 2
    assert issubclass(MappingFaultsError, ConfigurationError)


def test_field_taken_away_is_no_fault():
    assert compiled({"fields": {"Description": None}}).rules == ()


def test_renamed_field_is_followed_by_its_key_and_told():
    before = compiled(CONFIG)

    with pytest.raises(MappingFaultsError):
        compiled(CONFIG, sources=RENAMED)
    after = compiled(CONFIG, sources=RENAMED, pins=before.pins)

    assert after.rules[0].sources[0].field.key == PO
    assert after.notices == (
        (
            "'deal.Purchase order' is now called 'Customer PO' in Pipedrive; it is still "
            f"read by its key {PO}"
        ),
    )
    assert after.pins == before.pins
    assert before.notices == ()


def test_new_field_that_takes_an_old_name_is_not_mistaken_for_it():
    fields = (*deal_fields(purchase_order="Customer PO"), Field(key="new", name="Purchase order"))
    sources = {**SOURCES, "deal": dataclasses.replace(DEAL, fields=fields)}

    after = compiled(CONFIG, sources=sources, pins=compiled(CONFIG).pins)

    assert after.rules[0].sources[0].field.key == PO
    assert len(after.notices) == 1


def test_deleted_field_is_a_fault_under_its_own_name():
    fields = tuple(each for each in DEAL.fields if each.key != PO)
    sources = {**SOURCES, "deal": dataclasses.replace(DEAL, fields=fields)}

    with pytest.raises(MappingFaultsError, match="no field 'Purchase order'"):
        compiled(CONFIG, sources=sources, pins=compiled(CONFIG).pins)


def test_template_follows_a_renamed_field_too():
    config = {"fields": {"Description": {"template": "{deal.Purchase order}"}}}

    after = compiled(config, sources=RENAMED, pins=compiled(config).pins)

    assert len(after.notices) == 1


def test_table_by_label_covers_all_choices_of_that_label_and_an_id_goes_before():
    mapping = compile_mapping(
        MappingConfig.model_validate(
            {
                "fields": {"OrderType": {"from": "deal.stage", "table": "types"}},
                "tables": {"types": {"entries": {"9": "QT", "contract": "SO"}}},
            }
        ),
        sources=SOURCES,
        target=ORDER,
    )

    table = mapping.rules[0].table
    assert table is not None
    assert table.entries == {"7": "SO", "9": "QT"}
