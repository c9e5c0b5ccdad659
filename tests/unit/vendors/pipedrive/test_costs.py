from __future__ import annotations

import re
from pathlib import Path

import pytest

import ml_connector.vendors.pipedrive as package
from ml_connector.vendors.pipedrive.costs import OPERATIONS, cost_of, needed_scope

SOURCE = Path(package.__file__).parent


@pytest.mark.parametrize(
    ("operation", "tokens"),
    [
        ("deals.get", 1),
        ("deals.list", 10),
        ("deals.archived", 20),
        ("deals.update", 5),
        ("deals.delete", 3),
        ("organizations.search", 20),
        ("pipelines.list", 5),
        ("deal_products.create_many", 25),
        ("users.me", 2),
        ("webhooks.create", 10),
        ("persons.merge", 40),
        ("oauth.refresh_token", 0),
    ],
)
def test_tokens_are_the_documented_ones(operation, tokens):
    assert cost_of(operation).tokens == tokens


def test_search_counts_in_both_windows_and_a_read_in_one():
    assert cost_of("deals.search").windows == ("burst", "search")
    assert cost_of("deals.get").windows == ("burst",)


def test_needed_scope_is_the_least_one():
    assert needed_scope("deals.get") == "deals:read"
    assert needed_scope("deals.update") == "deals:full"
    assert needed_scope("users.me") is None


def test_every_operation_named_in_the_client_has_a_cost():
    named = {
        name
        for file in SOURCE.glob("*.py")
        for name in re.findall(r'operation="([a-z_.0-9]+)"', file.read_text())
        if not name.startswith("oauth.")
    }

    assert named
    assert named <= OPERATIONS.keys()
