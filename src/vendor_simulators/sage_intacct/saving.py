"""The functions `create`, `update` and `delete`, and the older ones for journal entries."""

from __future__ import annotations

from collections.abc import Mapping

from vendor_simulators.sage_intacct.answers import FunctionError, business
from vendor_simulators.sage_intacct.company import Actor, Company
from vendor_simulators.sage_intacct.definitions import Definition
from vendor_simulators.sage_intacct.elements import Element, child, children, element, leaf, text_of
from vendor_simulators.sage_intacct.forms import AccountForm, Form
from vendor_simulators.sage_intacct.given import Given, from_element
from vendor_simulators.sage_intacct.journal_entries import JournalEntryForm
from vendor_simulators.sage_intacct.parties import ContactForm, PartyForm
from vendor_simulators.sage_intacct.queries import known_object
from vendor_simulators.sage_intacct.rights import Rights
from vendor_simulators.sage_intacct.sessions import Caller
from vendor_simulators.sage_intacct.tables import Row

_INVALID_ACTION = "BL03002129"
# What the older function calls a field of an entry and of its lines.
_OLD_HEAD = {
    "journalid": "JOURNAL",
    "description": "BATCH_TITLE",
    "referenceno": "REFERENCENO",
    "sourceentity": "BASELOCATION_NO",
}
_OLD_LINE = {
    "amount": "TRX_AMOUNT",
    "glaccountno": "ACCOUNTNO",
    "document": "DOCUMENT",
    "memo": "DESCRIPTION",
    "locationid": "LOCATION",
    "departmentid": "DEPARTMENT",
    "customerid": "CUSTOMERID",
    "vendorid": "VENDORID",
    "employeeid": "EMPLOYEEID",
    "projectid": "PROJECTID",
    "itemid": "ITEMID",
    "classid": "CLASSID",
    "contractid": "CONTRACTID",
    "warehouseid": "WAREHOUSEID",
    "currency": "CURRENCY",
    "exchratetype": "EXCH_RATE_TYPE_ID",
    "exchrate": "EXCHANGE_RATE",
}


class Saving:
    """Carries writes out."""

    def __init__(self, company: Company, rights: Rights) -> None:
        self._company = company
        self._rights = rights
        self.entries = JournalEntryForm(company)
        self._forms: Mapping[str, Form] = {
            "VENDOR": PartyForm(company, "VENDOR", "V"),
            "CUSTOMER": PartyForm(company, "CUSTOMER", "C"),
            "CONTACT": ContactForm(company, "CONTACT"),
            "GLACCOUNT": AccountForm(company, "GLACCOUNT"),
            "STATACCOUNT": AccountForm(company, "STATACCOUNT"),
            "GLBATCH": self.entries,
        }

    def form(self, definition: Definition) -> Form:
        """Return the form of an object."""
        return self._forms.get(definition.name) or Form(self._company, definition.name)

    def create(self, caller: Caller, asked: Element) -> list[Element]:
        """Make every object inside; those before one that fails stay, and are told."""
        made: list[Row] = []
        for one in children(asked):
            try:
                definition = self._writable(str(one.tag), caller, "Add")
                with self._company.savepoint():
                    row = self.form(definition).create(from_element(one), caller.actor)
            except FunctionError as exc:
                raise FunctionError(*exc.faults, data=_told(made)) from exc
            made.append(row)
        return [_told(made)]

    def update(self, caller: Caller, asked: Element) -> list[Element]:
        """Change every object inside, each found by its record number or its key."""
        changed: list[Row] = []
        for one in children(asked):
            try:
                definition = self._writable(str(one.tag), caller, "Edit")
                given = from_element(one)
                row = self._named(definition, given, caller.actor)
                with self._company.savepoint():
                    row = self.form(definition).update(row, given, caller.actor)
            except FunctionError as exc:
                raise FunctionError(*exc.faults, data=_told(changed)) from exc
            changed.append(row)
        return [_told(changed)]

    def delete(self, caller: Caller, asked: Element) -> list[Element]:
        """Remove the records with the record numbers given."""
        definition = self._writable(text_of(asked, "object"), caller, "Delete")
        for key in text_of(asked, "keys").split(","):
            number = key.strip()
            found = None
            if number.isdigit():
                found = self._company.table(definition.name).numbered(int(number))
            if found is None or not self._company.can_see(found, caller.actor):
                raise self._not_found(definition, number, "delete")
            with self._company.savepoint():
                self.form(definition).remove(found, caller.actor)
        return []

    def create_gl_transaction(self, caller: Caller, asked: Element) -> list[Element]:
        """Post a journal entry by the older function, whose answer is its key."""
        self._rights.check(caller, self._company.definitions["GLBATCH"], "Add")
        fields = {new: text_of(asked, old) for old, new in _OLD_HEAD.items()}
        fields["BATCH_DATE"] = _old_day(child(asked, "datecreated"))
        fields["REVERSEDATE"] = _old_day(child(asked, "reversedate"))
        entries = child(asked, "gltransactionentries")
        lines = tuple(_old_line(one) for one in children(entries)) if entries is not None else ()
        given = Given({name: text for name, text in fields.items() if text}, lines)
        with self._company.savepoint():
            row = self.entries.create(given, caller.actor)
        return [leaf("key", str(row.number))]

    def delete_gl_transaction(self, caller: Caller, asked: Element) -> list[Element]:
        """Delete a journal entry by the older function."""
        definition = self._company.definitions["GLBATCH"]
        self._rights.check(caller, definition, "Delete")
        key = asked.get("key", "")
        found = self._company.table("GLBATCH").numbered(int(key)) if key.isdigit() else None
        if found is None or not self._company.can_see(found, caller.actor):
            raise self._not_found(definition, key, "delete")
        with self._company.savepoint():
            self.entries.remove(found, caller.actor)
        return []

    def _writable(self, name: str, caller: Caller, right: str) -> Definition:
        definition = known_object(self._company, name)
        self._rights.check(caller, definition, right)
        if not definition.is_writable:
            told = f"{definition.plural} cannot be changed through this function"
            raise business(told, errorno=_INVALID_ACTION)
        return definition

    def _named(self, definition: Definition, given: Given, actor: Actor) -> Row:
        number, key = given.fields.get("RECORDNO", ""), given.fields.get(definition.key.upper(), "")
        table = self._company.table(definition.name)
        found = table.numbered(int(number)) if number.isdigit() else None
        if found is None and key and not number:
            value = (
                int(key) if key.isdigit() and definition.fields[definition.key].kind == "n" else key
            )
            found = table.first(definition.key, value)
        if found is None or not self._company.can_see(found, actor):
            raise self._not_found(definition, number or key, "update")
        return found

    def _not_found(self, definition: Definition, key: str, what: str) -> FunctionError:
        return business(f"Cannot find {definition.name.lower()} with key '{key}' to {what}.")


def _told(rows: list[Row]) -> Element:
    return element(
        "data", *(_identity(row) for row in rows), listtype="objects", count=str(len(rows))
    )


def _identity(row: Row) -> Element:
    definition = row.definition
    made = element(definition.name.lower(), leaf("RECORDNO", str(row.number)))
    if definition.key != "RECORDNO":
        made.append(leaf(definition.key, str(row.key)))
    return made


def _old_line(one: Element) -> dict[str, str]:
    line = {new: text for old, new in _OLD_LINE.items() if (text := text_of(one, old))}
    side = text_of(one, "trtype").lower()
    line["TR_TYPE"] = {"debit": "1", "credit": "-1"}.get(side, side)
    day = _old_day(child(one, "exchratedate"))
    return {**line, "EXCH_RATE_DATE": day} if day else line


def _old_day(day: Element | None) -> str:
    if day is None:
        return ""
    year, month, number = (text_of(day, part) for part in ("year", "month", "day"))
    return f"{month.zfill(2)}/{number.zfill(2)}/{year}"
