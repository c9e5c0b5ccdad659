"""Notes: escaped, below their size, and known by what they say."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ml_connector.vendors.pipedrive.notes import html_of, text_of

lines = st.lists(st.text("ab<>&;/\"' é中"), max_size=8)


@given(lines=lines)
def test_note_has_no_markup_but_its_own_and_says_its_lines(lines: list[str]):
    html = html_of(lines, marker="pd-billing-42")

    said = text_of(html)
    assert said.endswith("pd-billing-42")
    for line in lines:
        assert " ".join(line.split()) in said


def test_note_stays_below_its_size_and_counts_what_is_left_out():
    html = html_of(["Head", *("x" * 90 for _ in range(100))], marker="mark", longest=2000)

    assert len(html) <= 2000
    left = 100 - html.count("<li>" + "x" * 90)
    assert f"{left} more lines" in html


def test_text_is_the_same_whatever_markup_is_kept():
    assert text_of("<p><b>Open</b></p><ul><li>a &amp; b</li></ul>") == text_of(
        "<div><strong>Open</strong>\n</div><div>a &amp; b\n</div>"
    )
