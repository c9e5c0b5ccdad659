"""How records of an object are made, changed and removed; most objects need nothing more."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vendor_simulators.sage_intacct.answers import (
    DATA,
    DUPLICATE,
    GENERIC,
    Fault,
    FunctionError,
    business,
    wrapped,
)
from vendor_simulators.sage_intacct.company import Actor, Company
from vendor_simulators.sage_intacct.definitions import Definition, Field
from vendor_simulators.sage_intacct.given import Given
from vendor_simulators.sage_intacct.tables import Row
from vendor_simulators.sage_intacct.values import InvalidValueError, parsed


class Form:
    """Makes, changes and removes records of one object."""

    def __init__(self, company: Company, name: str) -> None:
        self.company = company
        self.name = name

    @property
    def definition(self) -> Definition:
        """The object as it is now, custom fields included."""
        return self.company.definitions[self.name]

    def create(self, given: Given, actor: Actor) -> Row:
        """Make a record; raise FunctionError when something is wrong with it."""
        try:
            return self._create(given, actor)
        except FunctionError as exc:
            raise wrapped(exc, *self.creation_wrappers(given)) from exc

    def update(self, row: Row, given: Given, actor: Actor) -> Row:
        """Change a record; what is not given stays."""
        try:
            return self._update(row, given, actor)
        except FunctionError as exc:
            told = Fault(GENERIC, f"Could not update {self.definition.label} record!")
            raise wrapped(exc, told) from exc

    def remove(self, row: Row, actor: Actor) -> None:
        """Remove a record that nothing else uses."""
        user = self._user_of(row)
        if user:
            raise business(
                f"Cannot delete {self.definition.label} {row.key}: it is used by {user}."
            )
        self.company.remove(row, actor)

    def creation_wrappers(self, given: Given) -> tuple[Fault, ...]:
        """Return the generic errors that follow the cause of a refused creation."""
        return (Fault(GENERIC, f"Could not create {self.definition.label} record!"),)

    def _create(self, given: Given, actor: Actor) -> Row:
        values = self.read(given)
        self.require(values)
        self._check_unique(values)
        if "STATUS" in self.definition.fields and values.get("STATUS") is None:
            values["STATUS"] = "active"
        return self.company.commit(Row(self.definition, self.derived(values)), actor)

    def _update(self, row: Row, given: Given, actor: Actor) -> Row:
        values = self.read(given.without("RECORDNO"), prior=row)
        merged = {**row.values, **values}
        self.require(merged)
        return self.company.commit(row.changed(**self.derived(merged)), actor)

    # Fields

    def read(self, given: Given, prior: Row | None = None) -> dict[str, Any]:
        """Return the values that are given, each checked against its field."""
        values: dict[str, Any] = {}
        for path, text in given.fields.items():
            field = self.definition.named(path)
            if field is None:
                self._refuse_unknown(path)
                continue
            if field.is_read_only or self._stays(text, prior):
                continue
            values[field.name] = self.value(field, text)
            self._check_immutable(field, values[field.name], prior)
        return values

    def value(self, field: Field, text: str) -> Any:
        """Return the value of a field; refuse one that is too long, unreadable or unknown."""
        if field.size is not None and len(text) > field.size:
            if self.company.switches["overlong_text"] != "cut":
                told = f"{field.name} may have at most {field.size} characters"
                raise FunctionError(Fault(DATA, told))
            text = text[: field.size]
        try:
            value = parsed(field, text, self.company.zone)
        except InvalidValueError as exc:
            raise FunctionError(Fault(DATA, f"Invalid value for {field.name}: {exc}")) from exc
        if field.target and value is not None:
            self._check_target(field, value)
        if field.name == "CURRENCY" and value is not None:
            self._check_currency(value)
        return value

    def require(self, values: Mapping[str, Any]) -> None:
        """Refuse a record that lacks a required field."""
        for field in self.definition.fields.values():
            if field.is_required and values.get(field.name) is None:
                raise FunctionError(Fault(DATA, f"Required field {field.name} is missing"))

    def derived(self, values: dict[str, Any]) -> dict[str, Any]:
        """Return values with the fields that follow from others."""
        fields = self.definition.fields
        if "PARENTID" in fields:
            parent = self._of(self.name, values.get("PARENTID"))
            self._set(values, "PARENTKEY", parent and parent.number)
            self._set(values, "PARENTNAME", parent and parent["NAME"])
        if self.name == "PROJECT":
            customer = self._of("CUSTOMER", values.get("CUSTOMERID"))
            department = self._of("DEPARTMENT", values.get("DEPARTMENTID"))
            self._set(values, "CUSTOMERNAME", customer and customer["NAME"])
            self._set(values, "DEPARTMENTNAME", department and department["TITLE"])
        return values

    def _of(self, name: str, key: Any) -> Row | None:
        return None if key is None else self.company.keyed(name, key)

    def _set(self, values: dict[str, Any], name: str, value: Any) -> None:
        if name in self.definition.fields:
            values[name] = value

    def _stays(self, text: str, prior: Row | None) -> bool:
        return not text and prior is not None and self.company.switches["empty_element"] != "clears"

    def _refuse_unknown(self, path: str) -> None:
        if self.company.switches["unknown_fields"] == "refuse":
            raise FunctionError(Fault(DATA, f"{path} is not a field of {self.definition.label}"))

    def _check_immutable(self, field: Field, value: Any, prior: Row | None) -> None:
        if prior is not None and field.is_immutable and value != prior[field.name]:
            raise FunctionError(Fault(DATA, f"{field.name} cannot be changed"))

    def _check_target(self, field: Field, value: Any) -> None:
        if self.company.keyed(field.target, value) is None:
            label = self.company.definitions[field.target].label.lower()
            raise business(f"The {label} '{value}' is invalid.")

    def _check_currency(self, value: str) -> None:
        if value not in self.company.ledger.currencies:
            raise business(f"The currency '{value}' is invalid.")

    def _check_unique(self, values: Mapping[str, Any]) -> None:
        key = values.get(self.definition.key)
        if key is not None and self.company.keyed(self.name, key) is not None:
            raise already_exists(self.definition, key)

    def _user_of(self, row: Row) -> str:
        """Return what uses a record, in words; empty when nothing does."""
        for dimension in self.company.dimensions:
            if dimension.target != self.name:
                continue
            key = str(row.key)
            for line in self.company.table("GLENTRY"):
                if line[dimension.field] == key:
                    return f"journal entry {line['BATCHNO']}"
        return ""


class AccountForm(Form):
    """General ledger accounts, which have a refusal of their own for a taken number."""

    def derived(self, values: dict[str, Any]) -> dict[str, Any]:
        """Return values with the defaults of an account."""
        defaults = {
            "ACCOUNTTYPE": "balancesheet",
            "NORMALBALANCE": "debit",
            "CLOSINGTYPE": "non-closing account",
            "ALTERNATIVEACCOUNT": "None",
        }
        for name, default in defaults.items():
            values[name] = values.get(name) or default
        for field in self.definition.fields.values():
            if field.kind == "b" and values.get(field.name) is None:
                values[field.name] = False
        return values

    def _check_unique(self, values: Mapping[str, Any]) -> None:
        number = values.get("ACCOUNTNO")
        taken = any(
            self.company.keyed(name, number) is not None for name in ("GLACCOUNT", "STATACCOUNT")
        )
        if taken:
            raise FunctionError(
                Fault(
                    GENERIC,
                    "Duplicate account number",
                    correction="Enter a unique account number.",
                    error_id="GL-0493",
                    message_id="IA.DUPLICATE_ACCOUNT_NUMBER",
                )
            )

    def _user_of(self, row: Row) -> str:
        for line in self.company.table("GLENTRY"):
            if line["ACCOUNTNO"] == row.key:
                return f"journal entry {line['BATCHNO']}"
        return ""


def already_exists(definition: Definition, key: Any) -> FunctionError:
    """Return the refusal of a key that is taken; the two spaces are the vendor's."""
    text = f"Another {definition.label} with the given value(s) {key}  already exists"
    return business(text, correction="Use a unique value instead.", errorno=DUPLICATE)
