"""Paths and templates."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.sync.mapping.catalogues import PO, SOURCES

from ml_connector.sync.mapping.paths import (
    MOST_PLACES,
    PathError,
    Reference,
    Step,
    read_template,
    resolve_path,
)


def resolve(text: str) -> Reference:
    return resolve_path(text, SOURCES)


@pytest.mark.parametrize(
    ("text", "source", "steps"),
    [
        ("deal.title", "deal", (Step("title"),)),
        ("deal.Purchase order", "deal", (Step(PO),)),
        ('deal."Ref. no"', "deal", (Step("k-dot"),)),
        ("deal.owner.name", "deal", (Step("owner"), Step("name"))),
        ("person.emails[primary]", "person", (Step("emails", "primary"),)),
        ("person.emails[1].value", "person", (Step("emails", "1"), Step("value"))),
        ("deal.raw.anything.at all", "deal", (Step("raw"), Step("anything"), Step("at all"))),
        ("deal.raw[0]", "deal", (Step("raw", "0"),)),
    ],
)
def test_path_leads_to_its_field(text, source, steps):
    reference = resolve(text)

    assert (reference.source, reference.steps) == (source, steps)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is no path"),
        ("deal", "names a whole record"),
        ("deal.", "is no path"),
        ("deal..title", "is no path"),
        ("deals.title", "there is no source 'deals'; did you mean 'deal'"),
        ("zebra.title", "it begins with one of deal, organization, person"),
        ("deal.Titel", "did you mean 'Title'"),
        ("deal.Region", "name one by its key"),
        ("deal.title.length", "'Title' has no parts"),
        ("deal.title[0]", "'Title' is no list"),
        ("person.emails[]", "cannot follow"),
        ("person.emails[second]", "cannot follow"),
        ("deal.Ref. no", "has no field 'Ref'"),
        ("deal.owner.nmae", "'Owner' has no field 'nmae'; did you mean"),
        ("deal.raw.a.b.c.d.e.f", "longer than 6 steps"),
    ],
)
def test_path_that_leads_nowhere_says_what_would_be_right(text, words):
    with pytest.raises(PathError, match=words):
        resolve(text)


def test_template_is_text_with_places():
    template = read_template('{{{deal.title}}} / {deal."Ref. no"}', resolve)

    shown = [part if isinstance(part, str) else part.text for part in template.parts]
    assert shown == ["{", "deal.title", "}", " / ", 'deal."Ref. no"']


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{deal.title", "without its other half"),
        ("deal.title}", "without its other half"),
        ("{}", "is no path"),
        ("{deal.titel}", "did you mean"),
        ("x" * 1001, "at most 1000 characters"),
        ("{deal.title}" * (MOST_PLACES + 1), "at most 20 places"),
    ],
)
def test_template_is_bounded_and_says_what_is_wrong(text, words):
    with pytest.raises(PathError, match=words):
        read_template(text, resolve)


@given(st.text(max_size=80))
def test_any_text_is_a_path_or_refused(text):
    for read in (resolve, lambda it: read_template(it, resolve)):
        try:
            read(text)
        except PathError as error:
            assert str(error)  # noqa: PT017 - either outcome is right
