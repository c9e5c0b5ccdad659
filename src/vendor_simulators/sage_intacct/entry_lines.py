"""The lines of a journal entry, each checked as the ledger checks it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from vendor_simulators.sage_intacct.answers import DATA, Fault, FunctionError
from vendor_simulators.sage_intacct.company import Actor, Company, Dimension
from vendor_simulators.sage_intacct.tables import Row
from vendor_simulators.sage_intacct.values import (
    InvalidValueError,
    day_text,
    parsed,
    read_day,
    rounded,
)

_RATE_STEP = Decimal("0.0001")
_CLAIMED = frozenset({"ALLOCATION", "SPLIT", "TAXENTRIES"})
_REFUSALS: Mapping[str, str] = {  # of a dimension value that is not there
    "DEPARTMENT": "The department '{}' is invalid.",
    "LOCATION": "The location '{}' is invalid.",
    "CUSTOMER": "Customer '{}' specified is not valid.",
    "VENDOR": "Vendor '{}' specified is not valid.",
}


@dataclass
class Line:
    """One side of an entry: 1 debits, -1 credits."""

    number: int
    account: Row
    side: int
    amount: Decimal  # in the line's currency
    currency: str
    base_amount: Decimal
    entity: str
    values: dict[str, Any] = field(default_factory=dict)

    @property
    def signed(self) -> Decimal:
        """The amount, credits negative."""
        return self.side * self.amount

    @property
    def signed_base(self) -> Decimal:
        """The base amount, credits negative."""
        return self.side * self.base_amount


class LineReader:
    """Reads the lines of one entry."""

    def __init__(self, company: Company, actor: Actor, *, day: date, is_statistical: bool) -> None:
        self._company = company
        self._actor = actor
        self._day = day
        self._is_statistical = is_statistical
        self._errorno = str(company.switches["posting_errorno"])

    def read(self, given: Mapping[str, str], number: int) -> Line:
        """Return a line; refuse what the ledger would not take, naming the line."""
        try:
            return self._read(given, number)
        except FunctionError as exc:
            told = (
                Fault(fault.errorno, f"{fault.text} line no. {number}", fault.correction)
                for fault in exc.faults
            )
            raise FunctionError(*told) from exc

    def _read(self, given: Mapping[str, str], number: int) -> Line:
        claimed = sorted(_CLAIMED.intersection(path.partition(".")[0] for path in given))
        if claimed:
            raise self._refused(f"The simulator does not know {claimed[0]}")
        account = self._account(given.get("ACCOUNTNO", ""))
        side = self._side(given.get("TR_TYPE", ""))
        amount = self._amount(given)
        dimensions = dict(self._dimensions(given))
        self._check_required(account, dimensions)
        entity = self._entity(account, dimensions.get("LOCATION"))
        currency, rate, rated = self._rate(given, entity)
        values = {**dimensions, **rated, **dict(self._texts(given))}
        base = rounded(amount * rate)
        return Line(number, account, side, amount, currency, base, entity, values)

    def _account(self, number: str) -> Row:
        if not number:
            raise self._missing("ACCOUNTNO")
        table = "STATACCOUNT" if self._is_statistical else "GLACCOUNT"
        account = self._company.keyed(table, number, self._actor)
        if account is None:
            raise self._refused(f"Account {number} is not valid")
        if not account.is_active:
            raise self._refused(f"Account {number} is inactive")
        if self._company.table("CHECKINGACCOUNT").first("GLACCOUNTNO", number) is not None:
            bank = self._company.table("CHECKINGACCOUNT").where("GLACCOUNTNO", number)[0]
            told = f"The account number {number} is associated to the Bank account {bank.key}."
            raise self._refused(told)
        is_controlled = self._company.switches["subledger_control"] or account["SUBLEDGERCONTROLON"]
        if account["ALTERNATIVEACCOUNT"] != "None" and is_controlled:
            told = f"The specified GL account '{number}' is not valid. GL account is restricted by"
            raise self._refused(f"{told} {account['ALTERNATIVEACCOUNT']}.")
        return account

    def _side(self, text: str) -> int:
        if not text:
            raise self._missing("TR_TYPE")
        if text not in {"1", "-1"}:
            raise FunctionError(Fault(DATA, f"Invalid TR_TYPE '{text}', use 1 or -1"))
        return int(text)

    def _amount(self, given: Mapping[str, str]) -> Decimal:
        text = given.get("TRX_AMOUNT") or given.get("AMOUNT", "")
        if not text:
            raise self._missing("TRX_AMOUNT")
        amount = rounded(self._number("TRX_AMOUNT", text))
        switches = self._company.switches
        if amount < 0 and switches["negative_amounts"] == "refuse":
            raise self._refused(f"The amount {text} is negative")
        if amount == 0 and switches["zero_amounts"] == "refuse":
            raise self._refused("The amount of a line may not be zero")
        return amount

    def _number(self, name: str, text: str) -> Decimal:
        try:
            found: Decimal = parsed(
                self._company.definitions["GLENTRY"].fields[name], text, self._company.zone
            )
        except InvalidValueError as exc:
            raise FunctionError(Fault(DATA, f"Invalid value for {name}: {exc}")) from exc
        return found

    # Dimensions

    def _dimensions(self, given: Mapping[str, str]) -> Iterator[tuple[str, str]]:
        for dimension in self._company.dimensions:
            value = given.get(dimension.field, "")
            if value:
                self._check_value(dimension, value)
                yield dimension.field, value
        if given.get("TASKID") and not given.get("PROJECTID"):
            raise self._refused(f"Task '{given['TASKID']}' needs a project")

    def _check_value(self, dimension: Dimension, value: str) -> None:
        if dimension.is_user_defined:
            is_known = value.isdigit() and self._company.keyed(dimension.target, int(value))
            if not is_known:
                raise self._refused(f"Invalid {dimension.term} '{value}' specified.")
            return
        row = self._company.keyed(dimension.target, value, self._actor)
        if row is None or row["STATE"] in {"Submitted", "Declined"}:
            form = _REFUSALS.get(dimension.target, f"Invalid {dimension.term} '{{}}' specified.")
            raise self._refused(form.format(value))
        if not row.is_active:
            label = self._company.definitions[dimension.target].label.lower()
            raise self._refused(f"Activate the {label} {value}, then try again.")

    def _check_required(self, account: Row, dimensions: Mapping[str, str]) -> None:
        for dimension in self._company.dimensions:
            if account[dimension.switch] and dimension.field not in dimensions:
                told = f"This transaction is missing the {dimension.term} dimension for the Account"
                raise self._refused(f"{told} {account.key}")

    def _entity(self, account: Row, location: str | None) -> str:
        if not self._company.switches["multi_entity"]:
            return ""
        term = self._company.term("LOCATION")
        if location is None:
            raise self._refused(f"The account number '{account.key}' requires a {term}")
        entity = self._company.entity_of(location)
        is_outside = self._actor.entity and entity != self._actor.entity
        if not entity or is_outside:
            raise self._refused(f"The location '{location}' is invalid.")
        return entity

    # Currencies

    def _rate(self, given: Mapping[str, str], entity: str) -> tuple[str, Decimal, dict[str, Any]]:
        """Return currency and rate of a line, and what it keeps of them."""
        base = self._company.base_currency(entity)
        currency = given.get("CURRENCY", "")
        if self._is_statistical:
            return "", Decimal(1), {}
        if not self._company.switches["multi_currency"]:
            if currency not in {"", base}:
                raise self._refused(f"The currency '{currency}' is invalid.")
            return base, Decimal(1), {"CURRENCY": base, "BASECURR": base}
        if not currency:
            raise self._missing("CURRENCY")
        if currency not in self._company.ledger.currencies:
            raise self._refused(f"The currency '{currency}' is invalid.")
        kept: dict[str, Any] = {"CURRENCY": currency, "BASECURR": base}
        rate_type, said = given.get("EXCH_RATE_TYPE_ID", ""), given.get("EXCHANGE_RATE", "")
        if not rate_type and not said:
            if currency == base and self._company.switches["base_currency_rate"] == "optional":
                return currency, Decimal(1), kept
            raise self._missing("EXCH_RATE_TYPE_ID")
        rate = self._said_rate(said) if said else self._typed_rate(rate_type, currency, base)
        on = self._read_day(given.get("EXCH_RATE_DATE", ""))
        kept |= {
            "EXCHANGE_RATE": rate,
            "EXCH_RATE_TYPE_ID": rate_type or None,
            "EXCH_RATE_DATE": on,
        }
        return currency, rate, kept

    def _said_rate(self, text: str) -> Decimal:
        rate = rounded(self._number("EXCHANGE_RATE", text), _RATE_STEP)
        if rate <= 0:
            raise self._refused(f"Exchange rate {text} is not valid")
        return rate

    def _typed_rate(self, rate_type: str, currency: str, base: str) -> Decimal:
        rates = self._company.ledger.rates.get(rate_type)
        if rates is None:
            raise self._refused(f"Exchange rate type '{rate_type}' is not valid")
        if currency == base:
            return Decimal(1)
        if currency not in rates or base not in {*rates, self._company.ledger.base_currency}:
            told = f"No exchange rate from {currency} to {base} was found for {day_text(self._day)}"
            raise self._refused(told)
        return rounded(rates[currency] / rates.get(base, Decimal(1)), _RATE_STEP)

    def _read_day(self, text: str) -> date:
        try:
            return read_day(text) if text else self._day
        except InvalidValueError as exc:
            raise FunctionError(Fault(DATA, f"Invalid value for EXCH_RATE_DATE: {exc}")) from exc

    # The rest

    def _texts(self, given: Mapping[str, str]) -> Iterator[tuple[str, Any]]:
        definition = self._company.definitions["GLENTRY"]
        for path, text in given.items():
            one = definition.named(path)
            is_custom = one is not None and one.is_custom and not one.name.startswith("GLDIM")
            if one is None or not (
                is_custom or one.name in {"DESCRIPTION", "DOCUMENT", "BILLABLE"}
            ):
                continue
            if one.size is not None and len(text) > one.size:
                if self._company.switches["overlong_text"] != "cut":
                    told = f"{one.name} may have at most {one.size} characters"
                    raise FunctionError(Fault(DATA, told))
                text = text[: one.size]  # noqa: PLW2901 - the cut text goes on as the text
            try:
                yield one.name, parsed(one, text, self._company.zone)
            except InvalidValueError as exc:
                raise FunctionError(Fault(DATA, f"Invalid value for {one.name}: {exc}")) from exc

    def _missing(self, name: str) -> FunctionError:
        return FunctionError(Fault(DATA, f"Required field {name} is missing"))

    def _refused(self, text: str) -> FunctionError:
        return FunctionError(Fault(self._errorno, text))
