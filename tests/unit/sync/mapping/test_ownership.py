"""What may change on a record that was there before."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml_connector.sync.mapping import OnExisting, changes_for_existing

CRM = {"A": OnExisting.CRM_OWNS}
NEVER = {"A": OnExisting.NEVER}
VALUES = st.one_of(
    st.none(), st.text(max_size=3), st.integers(0, 2), st.booleans(), st.just(Decimal("1.0"))
)


@pytest.mark.parametrize(
    ("rules", "present", "wanted", "changes"),
    [
        ({}, None, "x", True),
        ({}, " ", "x", True),
        ({}, "y", "x", False),
        (CRM, "y", "x", True),
        (CRM, "x ", "x", False),
        (CRM, Decimal("10.00"), Decimal(10), False),
        (CRM, 0, False, True),
        (CRM, "y", None, False),
        (CRM, "y", "", False),
        (NEVER, None, "x", False),
    ],
)
def test_field_changes_only_as_its_rule_allows(rules, present, wanted, changes):
    result = changes_for_existing({"A": wanted}, {"A": present}, rules)

    assert result.changes == ({"A": wanted} if changes else {})
    assert bool(result) is changes


def test_what_is_kept_is_told_with_its_reason():
    wanted = {"A": "x", "B": "x", "C": "same"}
    present = {"A": "y", "B": "y", "C": "same"}

    result = changes_for_existing(wanted, present, NEVER)

    assert {kept.field: kept.words for kept in result.kept} == {
        "A": "it is set at creation only",
        "B": "only blanks are filled",
    }
    assert (result.kept[0].present, result.kept[0].wanted) == ("y", "x")


def test_field_that_the_record_does_not_show_counts_as_blank():
    assert changes_for_existing({"A": "x"}, {}, {}).changes == {"A": "x"}


@given(
    st.dictionaries(st.sampled_from("ABC"), VALUES),
    st.dictionaries(st.sampled_from("ABC"), VALUES),
    st.dictionaries(st.sampled_from("ABC"), st.sampled_from(OnExisting)),
)
def test_second_time_changes_nothing_and_nothing_is_ever_cleared(wanted, present, rules):
    changes = changes_for_existing(wanted, present, rules).changes

    assert all(changes[name] not in {None, ""} or changes[name] is False for name in changes)
    assert not changes_for_existing(wanted, {**present, **changes}, rules)


OWNED_BY_THE_ERP = {"A": OnExisting.ERP_OWNS}


@pytest.mark.parametrize("present", [None, "y"])
def test_field_that_the_erp_owns_is_never_written_and_says_so(present):
    result = changes_for_existing({"A": "x"}, {"A": present}, OWNED_BY_THE_ERP)

    assert not result
    assert [kept.words for kept in result.kept] == ["the ERP owns it"]


@pytest.mark.parametrize(
    ("ours", "changes", "words"),
    [
        ({"A": "y"}, True, None),
        ({"A": "z"}, False, "it was changed there since we wrote it"),
        ({}, False, "only blanks are filled"),
        (None, False, "only blanks are filled"),
    ],
)
def test_field_that_is_no_more_than_ours_follows(ours, changes, words):
    result = changes_for_existing({"A": "x"}, {"A": "y"}, {}, ours=ours)

    assert bool(result) is changes
    assert [kept.words for kept in result.kept] == ([] if words is None else [words])
