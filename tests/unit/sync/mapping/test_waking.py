"""Which holds a change of a mapping ends."""

from __future__ import annotations

from typing import Any

from tests.unit.sync.mapping.catalogues import compiled

from ml_connector.sync.mapping import CompiledMapping, Woken, woken_by


def mapping(table: dict[str, Any], **rule: Any) -> CompiledMapping:
    rules = {"from": "deal.stage", "table": "types", **rule}
    return compiled({"fields": {"OrderType": rules}, "tables": {"types": table}})


EMPTY = mapping({})


def test_new_entry_wakes_what_waits_for_it_by_id_and_by_label():
    assert woken_by(EMPTY, mapping({"entries": {"5": "SO"}})) == Woken(
        causes=frozenset({"mapping:types:5"})
    )
    assert woken_by(EMPTY, mapping({"entries": {"Contract": "SO"}})).causes == {
        "mapping:types:7",
        "mapping:types:9",
    }


def test_new_fallback_wakes_everything_that_waits_for_the_table():
    assert woken_by(EMPTY, mapping({"fallback": "SO"})).prefixes == {"mapping:types:"}
    assert woken_by(mapping({"fallback": "SO"}), mapping({"fallback": "QT"})) == Woken()


def test_changed_or_removed_entry_wakes_nothing():
    before = mapping({"entries": {"5": "SO", "7": "SO"}})

    assert woken_by(before, mapping({"entries": {"5": "QT"}})) == Woken()


def test_changed_rule_wakes_all_that_the_mapping_held():
    assert woken_by(EMPTY, mapping({}, default="SO")).all_held
    assert woken_by(None, EMPTY).all_held
