"""Which records are an installation's own, and the words where they are not."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from ml_connector.sync.mapping import Field, FieldCatalogue, Kind, MappingFaultsError
from ml_connector.sync.scope import (
    Refusal,
    ScopeConfig,
    before_go_live,
    compile_scope,
    made_by_another,
)

GO_LIVE = datetime(2026, 10, 1, 12, tzinfo=UTC)
MOMENTS = st.datetimes(timezones=st.just(UTC))
SOURCES = {
    "deal": FieldCatalogue(
        side="Pipedrive",
        record="deal",
        fields=(
            Field(
                key="pipeline_id",
                name="Pipeline",
                kind=Kind.CHOICE,
                options={"1": "Sales", "2": "Service", "3": "Service"},
            ),
            Field(
                key="label_ids",
                name="Labels",
                kind=Kind.CHOICES,
                options={"5": "Hot", "6": "No ERP"},
            ),
            Field(key="value", name="Value", kind=Kind.DECIMAL),
            Field(key="won_time", name="Won time", kind=Kind.MOMENT),
            Field(key="k1", name="Country"),
            Field(key="budget", name="Budget", kind=Kind.PARTS),
        ),
    )
}
DEAL: dict[str, Any] = {
    "id": 4711,
    "pipeline_id": 1,
    "label_ids": (5,),
    "value": Decimal("1800.00"),
    "won_time": datetime(2026, 10, 2, 9, 30, tzinfo=UTC),
    "k1": "Norway",
    "budget": {"value": Decimal(10), "currency": "EUR"},
}


def refusal(config: dict[str, Any], **changes: Any) -> Refusal | None:
    scope = compile_scope(ScopeConfig.model_validate(config), sources=SOURCES)
    return scope.refusal({"deal": {**DEAL, **changes}})


# Go-live --------------------------------------------------------------------------------------


def test_record_of_before_the_go_live_stays_out_and_says_why():
    refused = before_go_live(GO_LIVE - timedelta(seconds=1), go_live_at=GO_LIVE, what="won")

    assert refused is not None
    assert str(refused) == (
        "it was won at 2026-10-01 11:59:59 UTC, before this flow went live at "
        "2026-10-01 12:00:00 UTC; older records move in a backfill only"
    )


@given(MOMENTS, MOMENTS)
def test_own_moment_alone_decides(moment, go_live_at):
    refused = before_go_live(moment, go_live_at=go_live_at, what="won")

    assert (refused is None) is (moment >= go_live_at)


def test_day_of_the_go_live_is_in_and_the_day_before_is_out():
    assert before_go_live(date(2026, 10, 1), go_live_at=GO_LIVE, what="documented") is None
    assert before_go_live(date(2026, 9, 30), go_live_at=GO_LIVE, what="documented") is not None


def test_record_without_its_moment_stays_out():
    refused = before_go_live(None, go_live_at=GO_LIVE, what="won")

    assert refused is not None
    assert "no moment at which it was won" in refused.words


def test_without_a_go_live_everything_is_in():
    assert before_go_live(None, go_live_at=None, what="won") is None


# Made by another --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("made_by", "accepted", "is_out"),
    [
        (None, (), False),
        ("visma", (), True),
        ("acumatica", (), False),
        ("visma", ("visma",), False),
        ("oracle", ("visma",), True),
    ],
)
def test_what_another_installation_made_starts_nothing_unless_chosen(made_by, accepted, is_out):
    refused = made_by_another(made_by, installation="acumatica", accepted=accepted)

    assert (refused is not None) is is_out
    assert refused is None or f"made by the installation {made_by}" in refused.words


# The configured scope ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"pipelines": ["Sales"]},
        {"pipelines": [1, 2]},
        {"pipelines": "sales"},
        {"labels": ["Hot", "No ERP"]},
        {"without_labels": ["No ERP"]},
        {"where": [{"field": "deal.Country", "is": "norway"}]},
        {"where": [{"field": "deal.Country", "is_not": "Sweden"}]},
        {"where": [{"field": "deal.Country", "any_of": ["Sweden", "Norway"]}]},
        {"where": [{"field": "deal.Country", "none_of": ["Sweden"]}]},
        {"where": [{"field": "deal.Country", "contains": "ORW"}]},
        {"where": [{"field": "deal.Country", "is_set": True}]},
        {"where": [{"field": "deal.value", "at_least": 1800}]},
        {"where": [{"field": "deal.value", "at_most": 1800.5}]},
        {"where": [{"field": "deal.won_time", "at_least": "2026-10-02"}]},
        {"where": [{"field": "deal.budget", "at_least": 10}]},
        {"pipelines": [1], "labels": ["Hot"], "where": [{"field": "deal.value", "at_least": 1}]},
    ],
)
def test_record_within_the_scope_goes_through(config):
    assert refusal(config) is None


@pytest.mark.parametrize(
    ("config", "changes", "rule", "words"),
    [
        (
            {"pipelines": ["Sales"]},
            {"pipeline_id": 2},
            "scope.pipelines",
            "its Pipeline is Service; the scope asks for: Pipeline any of Sales",
        ),
        (
            {"labels": ["Hot"]},
            {"label_ids": ()},
            "scope.labels",
            "its Labels is empty; the scope asks for: Labels any of Hot",
        ),
        (
            {"without_labels": ["No ERP"]},
            {"label_ids": (5, 6)},
            "scope.without_labels",
            "its Labels is Hot, No ERP; the scope asks for: Labels none of No ERP",
        ),
        (
            {"where": [{"field": "deal.Country", "is": "Norway"}]},
            {"k1": None},
            "scope.where.0",
            "its Country is empty; the scope asks for: Country is Norway",
        ),
        (
            {"where": [{"field": "deal.Country", "is_set": False}]},
            {},
            "scope.where.0",
            "its Country is Norway; the scope asks for: Country is not set",
        ),
        (
            {"where": [{"field": "deal.value", "at_least": 2000}]},
            {},
            "scope.where.0",
            "its Value is 1800.00; the scope asks for: Value at least 2000",
        ),
        (
            {"where": [{"field": "deal.Country", "at_least": 2000}]},
            {},
            "scope.where.0",
            "its Country is Norway; the scope asks for: Country at least 2000",
        ),
        (
            {"where": [{"field": "deal.won_time", "at_least": 2000}]},
            {},
            "scope.where.0",
            "its Won time is 2026-10-02T09:30:00+00:00; the scope asks for: Won time at least 2000",
        ),
    ],
)
def test_record_outside_says_what_stopped_it_and_what_would_let_it_through(
    config, changes, rule, words
):
    refused = refusal(config, **changes)

    assert refused is not None
    assert refused.rule == rule
    assert str(refused) == words


def test_first_rule_that_stops_a_record_is_told():
    refused = refusal({"pipelines": ["Sales"], "labels": ["No ERP"]}, pipeline_id=2)

    assert refused is not None
    assert refused.rule == "scope.pipelines"


@pytest.mark.parametrize(
    ("config", "fault"),
    [
        (
            {"pipelines": ["Sails"]},
            "scope.pipelines: 'Sails' is no choice of Pipeline; did you mean",
        ),
        ({"pipelines": ["Service"]}, "is the name of several: 2, 3; give the id"),
        (
            {"where": [{"field": "deal.x", "is": 1}]},
            "scope.where.0: 'deal.x': Pipedrive deal has no",
        ),
        ({"where": [{"field": "deal.value", "at_least": "much"}]}, "neither a number nor a day"),
        ({"where": [{"field": "deal.value", "at_least": "NaN"}]}, "has no order"),
    ],
)
def test_name_that_means_nothing_or_several_is_refused_with_its_place(config, fault):
    with pytest.raises(MappingFaultsError) as caught:
        refusal(config)

    assert fault in caught.value.message


@pytest.mark.parametrize(
    "condition",
    [
        {"field": "deal.a"},
        {"field": "deal.a", "is": 1, "is_not": 2},
        {"is": 1},
        {"field": "a", "eq": 1},
    ],
)
def test_condition_makes_exactly_one_comparison(condition):
    with pytest.raises(ValidationError):
        ScopeConfig.model_validate({"where": [condition]})
