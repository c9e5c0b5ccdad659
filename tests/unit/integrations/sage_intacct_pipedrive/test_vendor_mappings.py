"""From an organization to a vendor (INT-05, M-10)."""

from __future__ import annotations

import pytest
from msgspec import UNSET

from ml_connector.core.errors import MissingMappingError
from ml_connector.integrations.sage_intacct_pipedrive import vendor_mappings
from ml_connector.vendors.pipedrive.models import Address
from ml_connector.vendors.sage_intacct.models import Contact, Vendor


def test_address_has_the_country_by_its_english_name():
    address = Address(
        value="Hafenweg 5, 20095 Hamburg, Deutschland", country="Deutschland", route="Hafenweg",
        street_number="5", locality="Hamburg", postal_code="20095",
    )  # fmt: skip

    draft = vendor_mappings.address_draft(address, {}, of="organization 5")

    assert draft is not UNSET
    assert (draft.address1, draft.city, draft.zip) == ("Hafenweg 5", "Hamburg", "20095")
    assert draft.country == "Germany"


def test_country_that_no_table_knows_is_held_with_the_way_out():
    address = Address(value="Somewhere, Ruritania", country="Ruritania")

    with pytest.raises(MissingMappingError, match=r"Ruritania.*vendors\.countries"):
        vendor_mappings.address_draft(address, {}, of="organization 5")

    draft = vendor_mappings.address_draft(address, {"ruritania": "DE"}, of="organization 5")
    assert draft is not UNSET
    assert draft.country == "Germany"


def test_address_that_says_nothing_is_not_sent():
    assert vendor_mappings.address_draft(None, {}, of="organization 5") is UNSET
    assert vendor_mappings.address_draft(Address(), {}, of="organization 5") is UNSET


@pytest.mark.parametrize("email", ["@x", "jana", "jana@nordwerk", "a b@nordwerk.example"])
def test_email_that_intacct_refuses_is_left_out_and_told(email: str):
    values, dropped = vendor_mappings.sendable({"NAME": "Nordwerk", "EMAIL1": email})

    assert (values, dropped) == ({"NAME": "Nordwerk"}, [email])


def test_email_that_intacct_takes_stays():
    values, dropped = vendor_mappings.sendable({"EMAIL1": "jana@nordwerk.example"})

    assert (values, dropped) == ({"EMAIL1": "jana@nordwerk.example"}, [])


def test_what_is_written_is_what_is_read_again():
    values = {"NAME": "Nordwerk", "TAXID": "DE1", "EMAIL1": "a@b.example", "PHONE1": "1"}
    draft = vendor_mappings.vendor_draft(values, print_as="Nordwerk")
    assert draft.display_contact is not UNSET

    vendor = Vendor(
        record_no=1, vendor_id="PD-5", name=str(draft.name), tax_id=str(draft.tax_id),
        display_contact=Contact(
            email1=str(draft.display_contact.email1), phone1=str(draft.display_contact.phone1)
        ),
    )  # fmt: skip

    present = vendor_mappings.present_values(vendor)
    assert {name: present[name] for name in values} == values
