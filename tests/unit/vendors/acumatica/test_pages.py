"""Paging over a list that changes between the pages."""

import random
from collections.abc import Iterable, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml_connector.core.errors import ContractError
from ml_connector.vendors.acumatica import pages
from ml_connector.vendors.acumatica.pages import Cursor

PAGE = 20


class Site:
    """A list in the order of its keys, with rows coming and going between two reads."""

    def __init__(self, keys: Iterable[str], rng: random.Random, *, shuffled: bool = False) -> None:
        self.keys = sorted(keys)
        self.rng = rng
        self.shuffled = shuffled
        self.deleted: set[str] = set()

    def read(self, cursor: Cursor, names: Sequence[str]) -> list[dict[str, Any]]:
        rows = [self.row(key) for key in self.keys]
        if self.shuffled:
            random.Random(7).shuffle(rows)
        condition = pages.condition(cursor, names)
        if condition is not None:
            (last,) = cursor.after or ()
            assert condition == f"CustomerID gt '{last}'"
            rows = [row for row in rows if row["CustomerID"]["value"] > last]
        skip = cursor.skip or 0
        return rows[skip : skip + PAGE]

    def row(self, key: str) -> dict[str, Any]:
        return {"id": f"id-{key}", "CustomerID": {"value": key}}

    def change(self, *, inserts: int, deletes: int) -> None:
        new = [f"C{self.rng.randrange(10**6):06}" for _ in range(inserts)]
        self.keys = sorted({*self.keys, *new} - self.deleted)
        for _ in range(min(deletes, len(self.keys))):
            self.deleted.add(self.keys.pop(self.rng.randrange(len(self.keys))))


def read_all(site: Site, *, by_key: bool, inserts: int = 0, deletes: int = 0) -> list[str]:
    names = ["CustomerID"]
    seen: list[str] = []
    cursor: Cursor | None = pages.first(by_key=by_key)
    while cursor is not None:
        rows = site.read(Cursor.read(cursor.text()), names)
        seen += [row["CustomerID"]["value"] for row in rows]
        cursor = pages.following(cursor, rows, names, page=PAGE)
        site.change(inserts=inserts, deletes=deletes)
        assert len(seen) < 10_000
    return seen


keys = st.sets(st.integers(0, 10**6 - 1).map(lambda n: f"C{n:06}"), max_size=150)


@given(keys=keys, by_key=st.booleans(), inserts=st.integers(0, 6), deletes=st.integers(0, 12),
       seed=st.integers())  # fmt: skip
def test_what_is_there_all_the_time_is_read(keys, by_key, inserts, deletes, seed):
    site = Site(keys, random.Random(seed))

    seen = read_all(site, by_key=by_key, inserts=inserts, deletes=deletes)

    assert keys - site.deleted <= set(seen)


@given(keys=keys)
def test_a_still_list_is_read_by_key_without_a_repeat(keys):
    seen = read_all(Site(keys, random.Random(0)), by_key=True)

    assert seen == sorted(keys)


@given(keys=keys)
def test_a_list_that_is_not_in_order_is_read_all_the_same(keys):
    seen = read_all(Site(keys, random.Random(0), shuffled=True), by_key=True)

    assert set(seen) == keys


def test_a_key_of_several_fields_is_passed_field_by_field():
    cursor = Cursor(after=("SO", "SO004211"))

    condition = pages.condition(cursor, ["OrderType", "OrderNbr"])

    assert condition == ("OrderType gt 'SO' or (OrderType eq 'SO' and OrderNbr gt 'SO004211')")


def test_a_number_as_key_stays_a_number():
    assert pages.condition(Cursor(after=(100196,)), ["ContactID"]) == "ContactID gt 100196"


def test_punctuation_is_no_proof_of_disorder():
    rows = [{"id": key, "InventoryID": {"value": key}} for key in ["-B", "#A", "(C"]]

    following = pages.following(Cursor(), rows, ["InventoryID"], page=3)

    assert following == Cursor(after=("(C",))


def test_a_list_that_does_not_move_on_is_read_by_counting():
    rows = [{"id": "1", "CustomerID": {"value": "C1"}}]

    following = pages.following(Cursor(after=("C1",)), rows, ["CustomerID"], page=1)

    assert following == Cursor(skip=0)


def test_when_no_row_of_the_last_page_comes_again_the_reading_steps_back():
    cursor = Cursor(skip=300, anchors=("gone",))
    rows = [{"id": "1", "CustomerID": {"value": "C1"}}]

    assert pages.following(cursor, rows, ["CustomerID"]) == Cursor(skip=100, anchors=("gone",))


@pytest.mark.parametrize("text", ["", "{", '{"skip": "x"}', "12"])
def test_a_foreign_cursor_is_refused(text):
    with pytest.raises(ContractError, match="not a cursor"):
        Cursor.read(text)


def test_a_row_without_its_key_is_told():
    with pytest.raises(ContractError, match="CustomerID"):
        pages.following(Cursor(), [{"id": "1", "CustomerID": {}}], ["CustomerID"], page=1)
