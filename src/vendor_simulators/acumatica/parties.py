"""Customers, business accounts, contacts and locations."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from vendor_simulators.acumatica.bodies import Given
from vendor_simulators.acumatica.forms import Draft, Form, refuse
from vendor_simulators.acumatica.records import Record, normal
from vendor_simulators.acumatica.site import Site
from vendor_simulators.acumatica.values import ZERO

DEFAULT_CLASS = "DEFAULT"
MAIN_LOCATION = "MAIN"
_FROM_CLASS = {  # customer field: class field
    "CurrencyID": "CurrencyID",
    "EnableCurrencyOverride": "EnableCurrencyOverride",
    "Terms": "Terms",
    "TaxZone": "TaxZoneID",
    "StatementCycleID": "StatementCycleID",
    "CreditLimit": "CreditLimit",
    "ShipVia": "ShipVia",
    "ShippingTerms": "ShippingTerms",
}
_SHARED = {  # customer field: business account field
    "CustomerID": "BusinessAccountID",
    "CustomerName": "Name",
    "AccountRef": "AccountRef",
    "Status": "Status",
    "CurrencyID": "CurrencyID",
    "NoteID": "NoteID",
}
_OVERRIDES = {  # linked contact: flag for the contact, flag for its address
    "BillingContact": ("BillingContactOverride", "BillingAddressOverride"),
    "ShippingContact": ("ShippingContactOverride", "ShippingAddressOverride"),
}
_CONTACT = ("Email", "Phone1", "Phone2", "Fax", "Attention", "CompanyName", "JobTitle")
"""What a business account's main contact has of its customer's."""
_OPEN_ORDERS = frozenset({"Open", "Shipping", "Back Order", "Credit Hold"})


class CustomerForm(Form):
    """AR303000."""

    sequence = "Customer"

    def start(self, draft: Draft) -> None:
        """Take the defaults of the customer's class."""
        record, site = draft.record, self.site
        record["Status"] = "Active"
        record["NoteID"] = record.id
        record["BAccountID"] = 7000 + len(site.table("BusinessAccount"))
        record["LocationName"] = "Primary Location"
        given_class = draft.given.values.get("CustomerClass") or DEFAULT_CLASS
        held = site.table("CustomerClass").get(given_class)
        if held is not None:
            record["CustomerClass"] = held["ClassID"]
            for name, source in _FROM_CLASS.items():
                record[name] = held[source]
        contact = record.links["MainContact"] = Record(site.contract["Contact"], site.new_id())
        contact["Active"] = True
        address = contact.links["Address"] = Record(site.contract["Address"], site.new_id())
        address["Country"] = held["Country"] if held is not None else None

    def changed(self, draft: Draft) -> None:
        """Keep the header's e-mail and that of the main contact the same."""
        record = draft.record
        contact = record.links["MainContact"]
        if draft.was_given(record, "Email"):
            contact["Email"] = record["Email"]
        record["Email"] = contact["Email"]
        if not draft.was_given(contact, "CompanyName"):
            contact["CompanyName"] = record["CustomerName"]
        contact["DisplayName"] = contact["Attention"] or record["CustomerName"]

    def check(self, draft: Draft) -> None:
        """Check addresses and that the id is free, also among business accounts."""
        for contact in draft.record.links.values():
            check_address(self.site, draft, contact.links.get("Address"))
        self._check_inactive(draft)
        if draft.is_new:
            taken = self.site.table("BusinessAccount").get(draft.record["CustomerID"] or "")
            if taken is not None:
                draft.error(draft.record, "CustomerID", "The identifier is already in use.")

    def _check_inactive(self, draft: Draft) -> None:
        """Refuse to set a customer inactive that has orders under way (by a switch)."""
        record, refuses = draft.record, self.site.switches["customer_with_open_orders"] == "refuse"
        if refuses and draft.was_given(record, "Status") and record["Status"] == "Inactive":
            orders = self.site.table("SalesOrder").matching("CustomerID", record["CustomerID"])
            if any(order["Status"] in _OPEN_ORDERS for order in orders or []):
                draft.error(record, "Status", "The customer has open sales orders.")

    def committed(self, record: Record, prior: Record | None) -> None:
        """Show the customer as a business account and give it its main location."""
        site = self.site
        table = site.table("BusinessAccount")
        held = table.by_id(record.id)
        account = held.copied() if held else Record(table.entity, record.id)
        for name, target in _SHARED.items():
            account[target] = record[name]
        account["Type"] = "Customer"
        account["ClassID"] = record["CustomerClass"]
        _share_contact(site, record.links["MainContact"], account)
        site.mirror(account, record)
        if prior is None:
            location = Record(site.contract["CustomerLocation"], site.new_id())
            location["Customer"] = record["CustomerID"]
            location["LocationID"] = MAIN_LOCATION
            location["LocationName"] = record["LocationName"]
            location["Active"] = location["Default"] = True
            location["Status"] = "Active"
            location["TaxZone"] = record["TaxZone"]
            site.mirror(location, record)

    def check_deletion(self, record: Record) -> None:
        """Refuse while there are orders of the customer."""
        if self.site.table("SalesOrder").matching("CustomerID", record["CustomerID"]):
            raise refuse("The customer has sales orders and cannot be deleted.")

    def part(self, record: Record, name: str) -> Record | None:
        """Return a contact (the main one where nothing overrides it) or the credit rules."""
        if name == "CreditVerificationRules":
            return self._credit_rules(record)
        if name == "PrimaryContact":
            number = record["PrimaryContactID"]
            return None if number is None else self.site.table("Contact").get(number)
        main = record.links.get("MainContact")
        if name not in _OVERRIDES or main is None:
            return main
        contact_flag, address_flag = _OVERRIDES[name]
        own = record.links.get(name)
        if own is None:
            return main
        shown = (own if record[contact_flag] else main).copied()
        source = own if record[address_flag] else main
        if "Address" in source.links:
            shown.links["Address"] = source.links["Address"]
        return shown

    def rows(self, record: Record, name: str) -> list[Record]:
        """Return the contacts that name this customer as their account."""
        if name != "Contacts":
            return super().rows(record, name)
        linked = self.site.table("Contact").matching("BusinessAccount", record["CustomerID"])
        return [self._contact_row(contact) for contact in linked or []]

    def create_contact(self, record: Record, parameters: Mapping[str, Any]) -> None:
        """Make a contact of this customer."""
        form = self.site.forms["Contact"]
        contact = Record(form.entity, self.site.new_id())
        contact.values.update(parameters)
        contact["BusinessAccount"] = record["CustomerID"]
        contact["ContactID"] = form.number_for(contact)
        contact["Active"], contact["Status"] = True, "Active"
        self.site.commit(contact)

    def _contact_row(self, contact: Record) -> Record:
        row = Record(self.site.contract["CustomerContact"], contact.id)
        row["ContactID"] = contact["ContactID"]
        row["LastModifiedDateTime"] = contact["LastModifiedDateTime"]
        row.links["Contact"] = contact
        return row

    def _credit_rules(self, record: Record) -> Record:
        rules = Record(self.site.contract["CreditVerificationRules"], self.site.new_id())
        open_orders = open_orders_total(self.site, record)
        unreleased, owed = self.site.applications.owed_by(record["CustomerID"])
        limit: Decimal = record["CreditLimit"] or ZERO
        rules["CreditVerification"] = "Limit" if limit else "Disabled"
        rules["CreditLimit"] = limit
        rules["OpenOrdersBalance"] = open_orders
        rules["UnreleasedBalance"] = unreleased
        rules["RemainingCreditLimit"] = limit - open_orders - unreleased - owed if limit else ZERO
        return rules


class BusinessAccountForm(Form):
    """CR303000: prospects, and customers seen from the CRM side."""

    sequence = "Customer"

    def start(self, draft: Draft) -> None:
        """Begin as a prospect."""
        record = draft.record
        record["Status"], record["Type"] = "Active", "Prospect"
        record["NoteID"] = record.id

    def check(self, draft: Draft) -> None:
        """Check the address."""
        check_address(self.site, draft, draft.record.links.get("MainAddress"))

    def committed(self, record: Record, prior: Record | None) -> None:
        """Carry a change on to the customer that the account is."""
        held = self.site.table("Customer").by_id(record.id)
        if held is None:
            return
        customer = held.copied()
        for name, source in _SHARED.items():
            customer[name] = record[source]
        _take_contact(record, customer)
        self.site.mirror(customer, record)

    def rows(self, record: Record, name: str) -> list[Record]:
        """Return contacts and orders of the account."""
        number = record["BusinessAccountID"]
        if name == "Contacts":
            found = self.site.table("Contact").matching("BusinessAccount", number)
            return [_as_row(self.site, "BusinessAccountContact", row) for row in found or []]
        if name == "Orders":
            found = self.site.table("SalesOrder").matching("CustomerID", number)
            return [_as_row(self.site, "BusinessAccountOrder", row) for row in found or []]
        return super().rows(record, name)

    def convert(self, record: Record, _parameters: Mapping[str, Any]) -> None:
        """Make the prospect a customer with the same number."""
        site = self.site
        if site.table("Customer").by_id(record.id) is not None:
            raise refuse("The business account is a customer already.")
        form = site.forms["Customer"]
        customer = Record(form.entity, record.id)
        body = _plain_given(form, {"CustomerName": record["Name"]})
        draft = Draft(customer, body, None)
        form.start(draft)
        customer["BAccountID"] = record["BAccountID"]
        for name, source in _SHARED.items():
            customer[name] = record[source] or customer[name]
        _take_contact(record, customer)
        site.commit(customer)


class ContactForm(Form):
    """CR302000."""

    sequence = "Contact"

    def number_for(self, record: Record) -> Any:
        """Return the next number; contacts count in whole numbers."""
        return int(super().number_for(record))

    def start(self, draft: Draft) -> None:
        """Begin active."""
        record = draft.record
        record["Active"], record["Status"], record["Type"] = True, "Active", "Contact"
        record["NoteID"] = record.id

    def changed(self, draft: Draft) -> None:
        """Compose the names; an account's contact lives at the account unless overridden."""
        record = draft.record
        names = [name for name in (record["LastName"], record["FirstName"]) if name]
        record["DisplayName"] = record["FullName"] = ", ".join(names) or None
        if draft.was_given(record, "Active"):
            record["Status"] = "Active" if record["Active"] else "Inactive"
        account = self._account_of(record)
        before = draft.original["BusinessAccount"] if draft.original is not None else None
        if before is not None and before != record["BusinessAccount"]:
            self._leave(before, draft)
        if account is not None:
            record["CompanyName"] = record["CompanyName"] or account["Name"]
            if not record["OverrideAccountAddress"] and "MainAddress" in account.links:
                record.links["Address"] = account.links["MainAddress"].copied()

    def part(self, record: Record, name: str) -> Record | None:
        """Return the account's address, as it is now, unless the contact has one of its own."""
        account = self._account_of(record)
        if name == "Address" and account is not None and not record["OverrideAccountAddress"]:
            return account.links.get("MainAddress") or super().part(record, name)
        return super().part(record, name)

    def committed(self, record: Record, prior: Record | None) -> None:
        """Let the account before forget its primary contact (by a switch)."""
        before = prior["BusinessAccount"] if prior is not None else None
        if before is None or before == record["BusinessAccount"]:
            return
        held = self.site.table("Customer").get(before)
        is_primary = held is not None and held["PrimaryContactID"] == record["ContactID"]
        if held is not None and is_primary and self.site.switches["primary_contact_leaves"]:
            customer = held.copied()
            customer["PrimaryContactID"] = None
            self.site.commit(customer)

    def _leave(self, before: str, draft: Draft) -> None:
        """Take the company's name off a contact that goes to another account (by a switch)."""
        account = self.site.table("BusinessAccount").get(before)
        is_its_name = account is not None and draft.record["CompanyName"] == account["Name"]
        takes = self.site.switches["moved_contact_company"] == "account"
        if takes and is_its_name and not draft.was_given(draft.record, "CompanyName"):
            draft.record["CompanyName"] = None

    def _account_of(self, record: Record) -> Record | None:
        return self.site.table("BusinessAccount").get(record["BusinessAccount"] or "")

    def check(self, draft: Draft) -> None:
        """Check the address."""
        check_address(self.site, draft, draft.record.links.get("Address"))


def check_address(site: Site, draft: Draft, address: Record | None) -> None:
    """Note an unknown state; countries are checked as a list."""
    if address is None or not address["State"]:
        return
    states = site.codes.states.get(address["Country"] or "")
    if states is not None and normal(address["State"]) not in states:
        draft.error(address, "State", "'State' cannot be found in the system.")


def open_orders_total(site: Site, customer: Record) -> Decimal:
    """Return the sum of the customer's orders that are under way."""
    orders = site.table("SalesOrder").matching("CustomerID", customer["CustomerID"]) or []
    return sum((order["OrderTotal"] for order in orders if order["Status"] in _OPEN_ORDERS), ZERO)


def _share_contact(site: Site, contact: Record, account: Record) -> None:
    target = account.links.setdefault(
        "MainContact", Record(site.contract["BusinessAccountMainContact"], site.new_id())
    )
    for name in _CONTACT:
        target[name] = contact[name]
    target["Web"] = contact["WebSite"]
    if "Address" in contact.links:
        account.links["MainAddress"] = contact.links["Address"].copied()


def _take_contact(account: Record, customer: Record) -> None:
    """Show a business account's contact and address on the customer: they are the same ones."""
    contact = customer.links["MainContact"]
    held = account.links.get("MainContact")
    if held is not None:
        for name in _CONTACT:
            contact[name] = held[name]
        contact["WebSite"] = held["Web"]
    if "MainAddress" in account.links:
        contact.links["Address"] = account.links["MainAddress"].copied()
    customer["Email"] = contact["Email"]


def _as_row(site: Site, entity: str, record: Record) -> Record:
    row = Record(site.contract[entity], record.id)
    for name in row.values:
        if name in record.values:
            row[name] = record[name]
    return row


def _plain_given(form: Form, values: dict[str, Any]) -> Given:
    given = Given(form.entity)
    given.values.update(values)
    return given
