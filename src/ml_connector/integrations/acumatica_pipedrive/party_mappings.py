"""Organizations and persons in Acumatica's words, and what Acumatica owns in Pipedrive's.

Pure functions; customers and the reading of addresses are in `mappings.py`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import UNSET, UnsetType

from ml_connector.core.countries import UnknownCountryError, find_country
from ml_connector.core.errors import MissingMappingError
from ml_connector.core.states import STATES
from ml_connector.integrations.acumatica_pipedrive import mappings, targets
from ml_connector.integrations.acumatica_pipedrive.settings import Codes
from ml_connector.vendors.acumatica.drafts import (
    AddressDraft,
    AttributeDraft,
    BusinessAccountContactDraft,
    BusinessAccountDraft,
    ContactDraft,
)
from ml_connector.vendors.acumatica.models import Address
from ml_connector.vendors.pipedrive.drafts import AddressDraft as CRMAddressDraft
from ml_connector.vendors.pipedrive.drafts import ContactPointDraft
from ml_connector.vendors.pipedrive.models import Address as CRMAddress
from ml_connector.vendors.pipedrive.models import ContactPoint

ADDRESS_PARTS = Address.__struct_fields__
_PHONES = frozenset({"Phone", "Phone1", "Phone2"})


# To Acumatica ---------------------------------------------------------------------------------


def contact_draft(values: Mapping[str, Any], *, reference: str | UnsetType = UNSET) -> ContactDraft:
    """Return the contact that a person becomes; ``Address`` is already in Acumatica's codes."""
    draft = ContactDraft(
        first_name=values.get("FirstName", UNSET),
        last_name=values.get("LastName", UNSET),
        email=values.get("Email", UNSET),
        phone1=values.get("Phone1", UNSET),
        phone1_type=values.get("Phone1Type", UNSET),
        phone2=values.get("Phone2", UNSET),
        phone2_type=values.get("Phone2Type", UNSET),
        job_title=values.get("JobTitle", UNSET),
        contact_class=values.get("ContactClass", UNSET),
        business_account=values.get("BusinessAccount", UNSET),
        company_name=values.get("CompanyName", UNSET),
        ext_ref_nbr=reference,
        address=address_of(values),
        attributes=tuple(
            AttributeDraft(attribute_id=name.removeprefix(targets.ATTRIBUTE), value=value)
            for name, value in values.items()
            if name.startswith(targets.ATTRIBUTE)
        ),
    )
    own = {"BusinessAccount", "CompanyName"}
    further = {
        name: value
        for name, value in values.items()
        if name not in own and not name.startswith(targets.ATTRIBUTE)
    }
    return mappings.with_further(draft, further, offered=targets.CONTACT.fields)


def business_account_draft(
    values: Mapping[str, Any], *, reference: str | UnsetType = UNSET
) -> BusinessAccountDraft:
    """Return the prospect that an organization becomes, from the values of a customer."""
    contact = BusinessAccountContactDraft(
        attention=values.get("Attention", UNSET),
        email=values.get("Email", UNSET),
        phone1=values.get("Phone", UNSET),
        web=values.get("WebSite", UNSET),
    )
    return BusinessAccountDraft(
        name=values.get("CustomerName", UNSET),
        account_ref=reference,
        main_contact=contact if mappings.draft_fields(contact) else UNSET,
        main_address=address_of(values),
    )


def address_of(values: Mapping[str, Any]) -> AddressDraft | UnsetType:
    """Return the address among mapped values, parts that have none emptied."""
    parts = values.get(targets.ADDRESS)
    return UNSET if parts is None else AddressDraft(**parts)


def address_parts(draft: AddressDraft | UnsetType) -> dict[str, str | None] | None:
    """Return an address as it is compared: every part, those without a value as None."""
    if isinstance(draft, UnsetType):
        return None
    return {name: _or_none(getattr(draft, name)) for name in ADDRESS_PARTS}


def present_address(address: Address | None) -> dict[str, str | None] | None:
    """Return the parts of an address that is there; None where there is none.

    A country alone comes from the customer's class.
    """
    if address is None or not (address.address_line1 or address.city or address.postal_code):
        return None
    return {name: getattr(address, name) or None for name in ADDRESS_PARTS}


def _or_none(value: Any) -> Any:
    return None if value is UNSET else value


# Two ways of writing the same -------------------------------------------------------------------


def as_written(wanted: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``wanted`` in the other's spelling where both say the same.

    A telephone number with other separators and an address in other case are no differences.
    """
    return {
        name: other[name] if name in other and _is_same(name, value, other[name]) else value
        for name, value in wanted.items()
    }


def _is_same(name: str, one: Any, other: Any) -> bool:
    if one is None or other is None:
        return False
    if name in _PHONES:
        return same_phone(str(one), str(other))
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return same_address(one, other)
    return False


def same_phone(one: str, other: str) -> bool:
    """Tell whether two ways of writing a telephone number mean the same one.

    Separators do not count, and neither does 00 for +.
    """
    return bool(_digits(one)) and _digits(one) == _digits(other)


def same_address(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Tell whether two addresses differ in case, spaces and punctuation only."""
    return all(_pressed(one.get(name)) == _pressed(other.get(name)) for name in ADDRESS_PARTS)


def _digits(text: str) -> str:
    plain = re.sub(r"[^\d+]", "", text.replace("(0)", ""))
    return re.sub(r"^00", "+", plain)


def _pressed(text: str | None) -> str:
    return " ".join(re.sub(r"[\W_]+", " ", text or "").casefold().split())


# To Pipedrive -----------------------------------------------------------------------------------


def crm_points(
    present: Sequence[ContactPoint], value: str, *, is_phone: bool
) -> tuple[ContactPointDraft, ...]:
    """Return a list of e-mail addresses or numbers with ``value`` as its first choice.

    The list is never shortened: whatever else stands in it stays.
    """

    def is_it(point: ContactPoint) -> bool:
        if is_phone:
            return same_phone(point.value, value)
        return point.value.strip().casefold() == value.strip().casefold()

    known = [is_it(point) for point in present]
    chosen = known.index(True) if True in known else None
    points = [
        ContactPointDraft(value=point.value, label=point.label or UNSET, primary=number == chosen)
        for number, point in enumerate(present)
    ]
    if chosen is None:
        points.insert(0, ContactPointDraft(value=value, primary=True))
    return tuple(points)


def crm_address(address: Mapping[str, str | None], present: CRMAddress | None) -> CRMAddressDraft:
    """Return an address of Acumatica for Pipedrive; parts that are not mapped stay.

    Pipedrive empties every part that is not sent.
    """
    country = _country_name(address["country"])
    state = _state_name(address["state"], address["country"])
    town = " ".join(part for part in (address["postal_code"], address["city"]) if part)
    lines = (address["address_line1"], address["address_line2"], town, state, country)
    return CRMAddressDraft(
        value=", ".join(part for part in lines if part),
        country=country,
        admin_area_level_1=state,
        admin_area_level_2=present.admin_area_level_2 if present else None,
        locality=address["city"],
        sublocality=present.sublocality if present else None,
        route=address["address_line1"],
        street_number=None,
        subpremise=address["address_line2"],
        postal_code=address["postal_code"],
    )


def crm_address_parts(present: CRMAddress | None, codes: Codes) -> dict[str, str | None] | None:
    """Return Pipedrive's address in Acumatica's codes; None where it cannot be read so."""
    try:
        return address_parts(mappings.address_draft(present, of="the organization", codes=codes))
    except MissingMappingError:
        return None


def _country_name(code: str | None) -> str | None:
    if not code:
        return None
    try:
        return find_country(code).name
    except UnknownCountryError:
        return code


def _state_name(code: str | None, country: str | None) -> str | None:
    """Return a state by its name where we know it, for people to read."""
    if not code:
        return None
    named = STATES.get(country or "", {})
    return next((name for name, own in named.items() if own == code.upper()), code)
