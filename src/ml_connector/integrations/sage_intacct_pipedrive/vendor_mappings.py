"""From an organization to a vendor: pure functions, both names side by side."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from msgspec import UNSET, UnsetType

from ml_connector.core.countries import (
    UnknownCountryError,
    find_country,
    find_country_in_address,
    find_state,
)
from ml_connector.core.errors import MissingMappingError
from ml_connector.sync.matching import Party
from ml_connector.vendors.pipedrive.models import Address, Organization
from ml_connector.vendors.sage_intacct.drafts import ContactDraft, MailAddressDraft, VendorDraft
from ml_connector.vendors.sage_intacct.models import Vendor

_CONTACT: Mapping[str, str] = {
    "FIRSTNAME": "first_name",
    "LASTNAME": "last_name",
    "EMAIL1": "email1",
    "PHONE1": "phone1",
    "URL1": "url1",
}
_RECORD: Mapping[str, str] = {
    "NAME": "name",
    "TAXID": "tax_id",
    "COMMENTS": "comments",
    "TERMNAME": "term_name",
    "CURRENCY": "currency",
}
# Intacct refuses a whole vendor for an address that it does not take; this is its form, roughly.
_EMAIL = re.compile(r"[^@\s,;<>]+@[^@\s,;<>.]+(\.[^@\s,;<>.]+)+")


def sendable(values: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Return the values that Intacct takes, and the e-mail addresses that were left out."""
    dropped = [
        str(values[name])
        for name in ("EMAIL1",)
        if values.get(name) and not _EMAIL.fullmatch(str(values[name]))
    ]
    return {name: value for name, value in values.items() if str(value) not in dropped}, dropped


def vendor_draft(
    values: Mapping[str, Any], *, print_as: str, address: MailAddressDraft | UnsetType = UNSET
) -> VendorDraft:
    """Return what is to be written of a vendor; ``print_as`` goes with every contact."""
    contact = {_CONTACT[name]: value for name, value in values.items() if name in _CONTACT}
    record = {_RECORD[name]: value for name, value in values.items() if name in _RECORD}
    further = {
        name: value
        for name, value in values.items()
        if name not in _CONTACT and name not in _RECORD
    }
    has_contact = bool(contact) or "NAME" in values or address is not UNSET
    return VendorDraft(
        **record,
        display_contact=ContactDraft(print_as=print_as, mail_address=address, **contact)
        if has_contact
        else UNSET,
        fields=further,
    )


def present_values(vendor: Vendor) -> dict[str, Any]:
    """Return a vendor's fields by their names as targets."""
    contact = vendor.display_contact
    return {
        **{name: getattr(vendor, attribute) for name, attribute in _RECORD.items()},
        **{name: getattr(contact, attribute) for name, attribute in _CONTACT.items()},
    }


def address_draft(
    address: Address | None, own: Mapping[str, str], *, of: str
) -> MailAddressDraft | UnsetType:
    """Return an address with Intacct's English name of its country.

    Raises MissingMappingError for a country that no table knows.
    """
    if address is None or not (address.value or address.country):
        return UNSET
    try:
        country = (
            find_country(address.country, own=own)
            if address.country
            else find_country_in_address(address.value or "", own=own)
        )
    except UnknownCountryError as exc:
        raise MissingMappingError(
            f"The address of {of}: {exc.message} (in the settings: vendors.countries)",
            waits_for=exc.waits_for,
        ) from exc
    street = " ".join(each for each in (address.route, address.street_number) if each)
    region = address.admin_area_level_1 or ""
    return MailAddressDraft(
        address1=street or (address.value or "").split(",")[0].strip() or UNSET,
        address2=address.subpremise or UNSET,
        city=address.locality or UNSET,
        state=find_state(region, country=country.iso2) or region or UNSET,
        zip=address.postal_code or UNSET,
        country=country.name,
    )


# Recognising ------------------------------------------------------------------------------------


def wanted_party(
    organization: Organization,
    *,
    reference: str,
    tax_number: str | None,
    phone: str | None,
    own: Mapping[str, str],
) -> Party:
    """Return an organization by what its vendor can be recognised by."""
    address = organization.address
    further = {
        "postal code": (address.postal_code if address else None) or "",
        "phone": phone or "",
        "website": organization.website or "",
    }
    return Party(
        key=str(organization.id),
        name=organization.name,
        country=_country_of(address.country or address.value if address else None, own),
        external_reference=reference,
        tax_numbers=(tax_number,) if tax_number else (),
        further={name: value for name, value in further.items() if value},
    )


def vendor_party(vendor: Vendor, *, taken_by: str | None) -> Party:
    """Return a vendor by what it can be recognised by."""
    contact = vendor.display_contact
    address = contact.mail_address
    further = {"postal code": address.zip, "phone": contact.phone1, "website": contact.url1}
    return Party(
        key=vendor.vendor_id,
        name=vendor.name or "",
        country=_country_of(address.country_code or address.country, {}),
        external_reference=vendor.vendor_id,
        tax_numbers=(vendor.tax_id,) if vendor.tax_id else (),
        emails=(contact.email1,) if contact.email1 else (),
        further={name: value for name, value in further.items() if value},
        taken_by=taken_by,
    )


def _country_of(text: str | None, own: Mapping[str, str]) -> str | None:
    if not text:
        return None
    for find in (find_country, find_country_in_address):
        try:
            return find(text, own=own).iso2
        except UnknownCountryError:
            continue
    return None
