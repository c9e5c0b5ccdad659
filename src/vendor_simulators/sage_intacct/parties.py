"""Vendors, customers and the contacts that the system makes for them."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

from vendor_simulators.sage_intacct.answers import DATA, GENERIC, Fault, FunctionError
from vendor_simulators.sage_intacct.company import Actor, Company
from vendor_simulators.sage_intacct.countries import COUNTRIES
from vendor_simulators.sage_intacct.forms import Form
from vendor_simulators.sage_intacct.given import Given
from vendor_simulators.sage_intacct.tables import Row

_EMAIL = re.compile(r"[^@\s,;]+@[^@\s,;]+\.[^@\s,;.]+")
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._-]*")
_EMAIL_WRAPPERS = 6
_DISPLAY = "DISPLAYCONTACT"
_CONTACT_COPIES = ("CONTACTINFO", "PAYTO", "RETURNTO", "BILLTO", "SHIPTO")


class ContactForm(Form):
    """Contacts: their names are unique in the company, their e-mail addresses are looked at."""

    def read(self, given: Given, prior: Row | None = None) -> dict[str, Any]:
        """Return the values that are given, e-mail addresses and country checked."""
        values = super().read(given, prior)
        for name, label in (("EMAIL1", "Primary"), ("EMAIL2", "Secondary")):
            address = values.get(name)
            if address is not None and not _EMAIL.fullmatch(address):
                raise _illegal_email(label, address)
        self._check_country(values, is_new=prior is None)
        return values

    def _check_country(self, values: dict[str, Any], *, is_new: bool) -> None:
        country = values.get("MAILADDRESS.COUNTRY")
        code = values.get("MAILADDRESS.COUNTRYCODE")
        switches = self.company.switches
        is_listed = country is None or country in COUNTRIES.values()
        if not is_listed and switches["unknown_countries"] == "refuse":
            raise FunctionError(Fault(DATA, f"Country '{country}' is not valid."))
        if code is not None and COUNTRIES.get(code) != (country or COUNTRIES.get(code)):
            told = f"Country code '{code}' does not match the country '{country}'."
            raise FunctionError(Fault(DATA, told))
        if is_new and switches["iso_country_codes"] and (country is None) is not (code is None):
            raise FunctionError(Fault(DATA, "Country and country code are both required."))


class PartyForm(Form):
    """Vendors (``letter`` V) and customers (C)."""

    def __init__(self, company: Company, name: str, letter: str) -> None:
        super().__init__(company, name)
        self._letter = letter
        self._contacts = ContactForm(company, "CONTACT")

    def derived(self, values: dict[str, Any]) -> dict[str, Any]:
        """Return values with the defaults of a party."""
        values = super().derived(values)
        for field in self.definition.fields.values():
            if field.kind == "b" and values.get(field.name) is None:
                values[field.name] = False
        values["OBJECTRESTRICTION"] = values.get("OBJECTRESTRICTION") or "Unrestricted"
        if values.get("TOTALDUE") is None:
            values["TOTALDUE"] = Decimal(0)
        needs_approval = self.name == "VENDOR" and self.company.switches["vendor_approval"]
        values["STATE"] = "Submitted" if needs_approval else "Approved"
        if self._letter == "C":
            values["ENTITY"] = f"C{values[self.definition.key]}"
        return values

    def _create(self, given: Given, actor: Actor) -> Row:
        values = self.read(_own(given))
        key = self.definition.key
        values[key] = values.get(key) or self._next_id()
        if not _ID.fullmatch(values[key]):
            raise FunctionError(
                Fault(DATA, f"Illegal format for {self.definition.label} ID {values[key]}.")
            )
        self.require(values)
        self._check_unique(values)
        contact = self._new_contact(given, values, actor)
        values["DISPLAYCONTACTKEY"] = contact.number
        values["STATUS"] = values.get("STATUS") or "active"
        return self.company.commit(Row(self.definition, self.derived(values)), actor)

    def _update(self, row: Row, given: Given, actor: Actor) -> Row:
        contact = self.company.table("CONTACT").numbered(row["DISPLAYCONTACTKEY"])
        inner = given.below(_DISPLAY)
        if contact is not None and inner.fields:
            self._contacts.update(contact, inner, actor)
        return super()._update(row, _own(given), actor)

    def remove(self, row: Row, actor: Actor) -> None:
        """Remove a party; its contact may stay behind, and its name with it."""
        super().remove(row, actor)
        contact = self.company.table("CONTACT").numbered(row["DISPLAYCONTACTKEY"])
        if contact is not None and not self.company.switches["deleted_party_leaves_contact"]:
            self.company.remove(contact, actor)

    def _new_contact(self, given: Given, values: dict[str, Any], actor: Actor) -> Row:
        if not given.has(_DISPLAY):
            raise FunctionError(Fault(DATA, f"Required field {_DISPLAY} is missing"))
        key = values[self.definition.key]
        inner = given.below(_DISPLAY)
        named = {**inner.fields, "CONTACTNAME": f"{values['NAME']}({self._letter}{key})"}
        return self._contacts.create(Given(named), actor)

    def _next_id(self) -> str:
        if self.name not in self.company.switches["numbered"]:
            label = self.definition.label
            raise FunctionError(Fault(DATA, f"{label} ID is required."))
        while True:
            number = self.company.next_in(self.name)
            found = f"{self._letter}-{number:05d}"
            if self.company.keyed(self.name, found) is None:
                return found


def _own(given: Given) -> Given:
    """Return what is given for the party itself, not for its contact."""
    kept = {
        path: text
        for path, text in given.fields.items()
        if path.partition(".")[0] != _DISPLAY and path not in _CONTACT_COPIES
    }
    return Given(kept)


def _illegal_email(label: str, address: str) -> FunctionError:
    told = f"Illegal format for Contactversion : {label} Email Address {address}."
    around = [Fault(GENERIC, "Could not create Contactversion record!")] * (_EMAIL_WRAPPERS - 2)
    return FunctionError(Fault(DATA, told), *around)
