"""Organizations and persons in the words of both sides."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml_connector.integrations.acumatica_pipedrive.party_mappings import (
    ADDRESS_PARTS,
    as_written,
    contact_draft,
    crm_address,
    crm_address_parts,
    crm_points,
    same_address,
    same_phone,
)
from ml_connector.integrations.acumatica_pipedrive.settings import Codes
from ml_connector.vendors.pipedrive.models import Address, ContactPoint

WORDS = st.text("abcdefgh@. ", min_size=1, max_size=6)
POINTS = st.lists(st.tuples(WORDS, st.booleans()), max_size=4)


def address(**parts: Any) -> dict[str, str | None]:
    return {name: parts.get(name) for name in ADDRESS_PARTS}


HAMBURG = address(address_line1="Hauptstraße 5", city="Hamburg", postal_code="20095", country="DE")
SEATTLE = address(
    address_line1="1 Pike St", address_line2="Suite 4", city="Seattle", state="WA",
    postal_code="98101", country="US",
)  # fmt: skip


# Lists are never shortened ----------------------------------------------------------------------


@given(points=POINTS, value=WORDS, is_phone=st.booleans())
def test_list_keeps_everything_and_has_the_value_as_its_only_first_choice(points, value, is_phone):
    present = [ContactPoint(value=text, label="home", primary=first) for text, first in points]

    made = crm_points(present, value, is_phone=is_phone)

    kept = [one.value for one in made]
    assert [text for text, _ in points] == (kept if len(kept) == len(points) else kept[1:])
    (first,) = [one for one in made if one.primary is True]
    assert first.value.strip().casefold() == value.strip().casefold() or is_phone


def test_value_that_is_in_the_list_is_put_first_with_its_own_label():
    present = [
        ContactPoint(value="a@x.example", label="work", primary=True),
        ContactPoint(value="B@x.example", label="home"),
    ]

    made = crm_points(present, "b@x.example", is_phone=False)

    assert [(one.value, one.label, one.primary) for one in made] == [
        ("a@x.example", "work", False),
        ("B@x.example", "home", True),
    ]


# Two ways of writing the same -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ("+49 40 5550-17", "0049 (40) 555017", True),
        ("+49 (0)40 555017", "+4940555017", True),
        ("040 555017", "+49 40 555017", False),
        ("555017", "555018", False),
        ("", "", False),
        ("n/a", "-", False),
    ],
)
def test_telephone_numbers_are_compared_by_their_digits(one, other, is_same):
    assert same_phone(one, other) is is_same


def test_what_is_only_written_otherwise_is_taken_as_it_stands_there():
    there = {"Phone": "0049 40 1", "Address": HAMBURG, "Email": "A@x.example"}
    here = {
        "Phone": "+49 40-1",
        "Address": HAMBURG | {"address_line1": "HAUPTSTRASSE  5"},
        "Email": "b@x.example",
    }

    assert as_written(here, there) == {**there, "Email": "b@x.example"}


def test_address_with_another_house_number_is_another_address():
    assert not same_address(HAMBURG, HAMBURG | {"address_line1": "Hauptstraße 7"})


# Back into Pipedrive ----------------------------------------------------------------------------


@pytest.mark.parametrize("there", [HAMBURG, SEATTLE])
def test_address_that_is_shown_in_pipedrive_is_read_back_as_the_same(there):
    shown = crm_address(there, None)
    read = Address(**{name: getattr(shown, name) for name in Address.__struct_fields__
                      if hasattr(shown, name)})  # fmt: skip

    assert same_address(crm_address_parts(read, Codes()) or {}, there)


def test_parts_of_an_address_that_are_not_mapped_stay():
    present = Address(value="x", sublocality="Altstadt", admin_area_level_2="Mitte", route="Alt")

    shown = crm_address(HAMBURG, present)

    assert (shown.sublocality, shown.admin_area_level_2) == ("Altstadt", "Mitte")
    assert (shown.route, shown.street_number) == ("Hauptstraße 5", None)
    assert shown.value == "Hauptstraße 5, 20095 Hamburg, Germany"


def test_address_whose_country_nobody_knows_is_not_read():
    assert crm_address_parts(Address(value="1 Nowhere Road, Atlantis"), Codes()) is None


# To Acumatica -----------------------------------------------------------------------------------


def test_contact_without_an_address_of_its_own_keeps_its_accounts():
    draft = contact_draft({"LastName": "Voss", "Attributes/VIP": "yes", "Contact.UsrA": "1"})

    assert draft.address is not None
    assert not isinstance(draft.address, dict)
    assert [one.attribute_id for one in draft.attributes] == ["VIP"]
    assert draft.custom == {"Contact.UsrA": "1"}
