"""Countries and states by what people call them."""

from __future__ import annotations

import pytest
from babel import Locale
from hypothesis import given
from hypothesis import strategies as st
from tests import country_names

from ml_connector.core.countries import (
    UnknownCountryError,
    UnknownStateError,
    _countries,
    find_country,
    find_country_in_address,
    find_state,
)
from ml_connector.core.errors import MissingMappingError
from ml_connector.core.states import STATES


def test_all_of_iso_3166_and_kosovo_are_known():
    assert len(_countries()) == 250
    assert all(len(country.iso3) == 3 for country in _countries().values())
    assert len({country.iso3 for country in _countries().values()}) == 250


def test_the_names_written_down_are_those_of_the_library():
    assert country_names.FILE.read_text("utf-8") == country_names.listed()


@pytest.mark.parametrize(
    ("text", "iso2"),
    [
        ("NO", "NO"),
        ("nor", "NO"),
        ("Norway", "NO"),
        (" norge ", "NO"),
        ("Deutschland", "DE"),
        ("Allemagne", "DE"),
        ("DEU", "DE"),
        ("U.S.A.", "US"),
        ("The United States of America", "US"),
        ("UK", "GB"),
        ("Scotland", "GB"),
        ("the Netherlands", "NL"),
        ("Nederland", "NL"),
        ("\u65e5\u672c", "JP"),
        ("Espan\u0303a", "ES"),
        ("Cote d'Ivoire", "CI"),
        ("C\u00f4te d\u2019Ivoire", "CI"),
        ("Saint Lucia", "LC"),
        ("Bosnia and Herzegovina", "BA"),
        ("Czech Republic", "CZ"),
        ("Turkey", "TR"),
        ("Myanmar", "MM"),
        ("Hong Kong", "HK"),
        ("Georgia", "GE"),
        ("XKX", "XK"),
        ("\ufeff\uff33\uff25", "SE"),
    ],
)
def test_country_is_found_by_code_and_by_name(text, iso2):
    assert find_country(text).iso2 == iso2


@pytest.mark.parametrize("text", ["", "Absurdistan", "EU", "ZZ", "Kongo", "SUN", "DDR", "12345"])
def test_unknown_or_ambiguous_country_is_named_and_waits_for_a_mapping(text):
    with pytest.raises(UnknownCountryError) as caught:
        find_country(text)

    assert repr(text) in caught.value.message
    assert caught.value.waits_for == f"mapping:countries:{text}"
    assert isinstance(caught.value, MissingMappingError)


def test_own_table_goes_first():
    own = {"Zentrale": "CH", "Norge": "SE"}

    assert find_country("zentrale", own=own).iso2 == "CH"
    assert find_country("Norge", own=own).iso2 == "SE"
    with pytest.raises(UnknownCountryError, match="'QQ'"):
        find_country("x", own={"x": "QQ"})


def test_country_is_given_in_the_form_that_a_vendor_takes():
    country = find_country("Norge")

    assert [country.as_form(form) for form in ("iso2", "iso3", "name")] == ["NO", "NOR", "Norway"]


@given(st.sampled_from(sorted(_countries())))
def test_every_form_of_a_country_leads_back_to_it(iso2):
    country = find_country(iso2)

    assert find_country(country.iso3) == country
    assert find_country(country.name) == country
    assert find_country(country.name.upper()) == country


@pytest.mark.parametrize("language", ["de", "fr", "es", "nb", "sv", "nl"])
def test_names_in_our_users_languages_lead_back(language):
    names = Locale(language).territories
    for iso2 in _countries():
        try:
            found = find_country(names[iso2])
        except UnknownCountryError:
            continue  # a name shared by two
        assert found.iso2 == iso2


# Free text ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "iso2"),
    [
        ("Hafenstrasse 12, 20457 Hamburg, Germany", "DE"),
        ("Karl Johans gate 1\n0154 Oslo\nNorge", "NO"),
        ("1 Main Street, Springfield, IL 62701, USA", "US"),
        ("10 Downing Street, London, SW1A 2AA, UK", "GB"),
        ("Hamburg, Germany, 20457", "DE"),
        ("Rue 1; 1000 Bruxelles; Belgique.", "BE"),
        ("Germany", "DE"),
    ],
)
def test_country_is_the_last_part_of_an_address(address, iso2):
    assert find_country_in_address(address).iso2 == iso2


@pytest.mark.parametrize(
    "address",
    [
        "Atlanta, Georgia",
        "Springfield, IL 62701",
        "San Francisco, CA",
        "20457 Hamburg, DE",
        "Perth, WA 6000",
        "Hafenstrasse 12, 20457 Hamburg",
        "Newark, New Jersey",
        "",
        "12345",
    ],
)
def test_address_that_ends_in_no_certain_country_is_named(address):
    with pytest.raises(UnknownCountryError) as caught:
        find_country_in_address(address)

    assert repr(address) in caught.value.message


def test_own_words_end_an_address_too():
    assert find_country_in_address("Weg 1, Absurdistan", own={"Absurdistan": "AT"}).iso2 == "AT"


@given(st.text(max_size=60))
def test_any_text_is_a_country_or_named_as_unknown(text):
    try:
        told = find_country_in_address(text).iso2
    except UnknownCountryError as error:
        told = error.message

    assert told in _countries() or repr(text) in told


# States -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "country", "code"),
    [
        ("California", "US", "CA"),
        ("ca", "US", "CA"),
        ("US-CA", "US", "CA"),
        ("Washington, D.C.", "US", "DC"),
        ("Washington", "US", "WA"),
        ("Qu\u00e9bec", "CA", "QC"),
        ("Nouvelle-\u00c9cosse", "CA", "NS"),
        ("new south wales", "AU", "NSW"),
        ("WA", "AU", "WA"),
        ("Hamburg", "DE", None),
    ],
)
def test_state_is_found_by_code_and_by_name(text, country, code):
    assert find_state(text, country=country) == code


def test_unknown_state_is_named():
    with pytest.raises(UnknownStateError, match="'Bavaria' is no state or province of United"):
        find_state("Bavaria", country="US")


def test_tables_are_whole():
    assert {country: len(set(states.values())) for country, states in STATES.items()} == {
        "US": 56,
        "CA": 13,
        "AU": 8,
    }


def test_an_address_without_a_state_has_none():
    assert find_state("", country="US") is None
    assert find_state(" ", country="CA") is None
