"""Tables that stand in the documents are those of the code."""

from __future__ import annotations

import pytest
from tests.documents.pages import name_of, pages
from tests.documents.tables import TABLES, current, names_in

_USED = {name for page in pages() for name in names_in(page.read_text("utf-8"))}


@pytest.mark.parametrize("page", pages(), ids=name_of)
def test_tables_of_a_page_are_as_the_code_has_them(page):
    text = page.read_text("utf-8")

    assert current(text) == text, "bring it up to date: python -m tests.documents"


def test_every_table_is_shown_somewhere():
    assert set(TABLES) == _USED
