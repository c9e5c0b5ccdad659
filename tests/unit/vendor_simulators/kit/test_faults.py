from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vendor_simulators.kit import Effect, FaultBook, Match, Rule, Storm

OPERATIONS = ["PUT SalesOrder", "GET Customer", "POST deals"]


def decisions(seed: int, calls: list[str]) -> dict[str, list[str | None]]:
    book = FaultBook("acumatica", seed)
    book.start_storm(Storm(probability=0.3))
    made: dict[str, list[str | None]] = {}
    for operation in calls:
        effect = book.for_call("PUT", "/x", operation, b"")
        made.setdefault(operation, []).append(None if effect is None else effect.kind)
    return made


@given(calls=st.lists(st.sampled_from(OPERATIONS), max_size=60), seed=st.integers(0, 5))
def test_a_seed_decides_alike_in_whatever_order_the_operations_mix(calls, seed):
    assert decisions(seed, calls) == decisions(seed, sorted(calls))


def test_another_seed_makes_another_storm():
    calls = OPERATIONS * 100

    assert decisions(1, calls) != decisions(2, calls)


def test_a_storm_hits_about_as_often_as_it_says():
    kinds = Counter(decisions(3, ["PUT SalesOrder"] * 4000)["PUT SalesOrder"])

    assert 1000 < 4000 - kinds[None] < 1400
    assert set(kinds) - {None} == set(Storm().kinds)


def test_a_rule_hits_so_many_times_after_the_first_ones():
    book = FaultBook("acumatica", 0)
    book.add(Rule(effect=Effect(kind="reset"), skip=1, times=2))

    hits = [book.for_call("GET", "/x", "x", b"") is not None for _ in range(5)]

    assert hits == [False, True, True, False, False]


@pytest.mark.parametrize(
    ("match", "fits"),
    [
        (Match(), True),
        (Match(method="put", path=r"/Sales\w+\?"), True),
        (Match(method="GET"), False),
        (Match(operation="^PUT Cust"), False),
        (Match(body="deal-42"), True),
        (Match(body="deal-43"), False),
        (Match(webhook=".*"), False),
    ],
)
def test_every_given_part_of_a_match_must_fit(match, fits):
    target = "/entity/SalesOrder?$top=1"

    assert match.fits_call("PUT", target, "PUT SalesOrder", b'"deal-42"') is fits


def test_a_webhook_rule_touches_deliveries_only():
    book = FaultBook("pipedrive", 0)
    book.add(Rule(effect=Effect(kind="lose"), match=Match(webhook="^change")))

    assert book.for_delivery("change.deal") is not None
    assert book.for_delivery("create.deal") is None
    assert book.for_call("GET", "/change", "change", b"") is None


def test_clearing_ends_rules_and_storm_and_keeps_the_counts():
    book = FaultBook("pipedrive", 0)
    book.add(Rule(effect=Effect(kind="reset")))
    book.start_storm("hurricane")
    book.count("search_lag")

    book.clear()

    assert book.for_call("GET", "/", "x", b"") is None
    assert book.injected == {"search_lag": 1}
