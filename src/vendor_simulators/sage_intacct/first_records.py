"""What the company has before anything is seeded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any


def _account(number: str, title: str, kind: str, normal: str, **more: Any) -> dict[str, Any]:
    closing = "closing account" if kind == "incomestatement" else "non-closing account"
    return {
        "ACCOUNTNO": number,
        "TITLE": title,
        "ACCOUNTTYPE": kind,
        "NORMALBALANCE": normal,
        "CLOSINGTYPE": closing,
        **more,
    }


_BALANCE, _INCOME = "balancesheet", "incomestatement"

FIRST_RECORDS: Mapping[str, Sequence[Mapping[str, Any]]] = {
    "LOCATIONENTITY": (
        {"LOCATIONID": "E100", "NAME": "Brightwell US", "CURRENCY": "USD", "FIRSTMONTH": 1},
        {"LOCATIONID": "E200", "NAME": "Brightwell West", "CURRENCY": "USD", "FIRSTMONTH": 1},
    ),
    "LOCATION": (
        {"LOCATIONID": "L110", "NAME": "Portland", "PARENTID": "E100"},
        {"LOCATIONID": "L210", "NAME": "Seattle", "PARENTID": "E200"},
    ),
    "GLACCOUNT": (
        _account("1000", "Cash in bank", _BALANCE, "debit"),
        _account("1150", "Unbilled revenue", _BALANCE, "debit"),
        _account("1160", "Revenue clearing", _BALANCE, "debit"),
        _account(
            "1200",
            "Accounts receivable",
            _BALANCE,
            "debit",
            ALTERNATIVEACCOUNT="Receivables account",
        ),
        _account("1900", "Due from entities", _BALANCE, "debit"),
        _account(
            "2000", "Accounts payable", _BALANCE, "credit", ALTERNATIVEACCOUNT="Payables account"
        ),
        _account("2400", "Deferred revenue", _BALANCE, "credit"),
        _account("3900", "Retained earnings", _BALANCE, "credit"),
        _account("4000", "Licence revenue", _INCOME, "credit"),
        _account("4010", "Service revenue", _INCOME, "credit"),
        _account("4020", "Hardware revenue", _INCOME, "credit"),
        _account("4900", "Discounts given", _INCOME, "debit"),
        _account("6000", "Office expense", _INCOME, "debit"),
    ),
    "STATACCOUNT": (_account("9000", "Headcount", _BALANCE, "debit"),),
    "CHECKINGACCOUNT": (
        {"BANKACCOUNTID": "BANK1", "BANKNAME": "First Bank", "GLACCOUNTNO": "1000"},
    ),
    "JOURNAL": (
        {"SYMBOL": "GJ", "TITLE": "General journal"},
        {"SYMBOL": "SJ", "TITLE": "Sales journal"},
        {"SYMBOL": "OLD", "TITLE": "Old journal", "STATUS": "inactive"},
    ),
    "STATJOURNAL": ({"SYMBOL": "STJ", "TITLE": "Statistical journal"},),
    "GAAPADJJRNL": ({"SYMBOL": "GADJ", "TITLE": "GAAP adjustments"},),
    "VENDTYPE": ({"NAME": "Supplier"}, {"NAME": "Pipedrive customer"}),
    "CUSTTYPE": ({"NAME": "Direct"},),
    "APTERM": ({"NAME": "N30"}, {"NAME": "N60"}),
    "ARTERM": ({"NAME": "N30"}, {"NAME": "N60"}),
    "DEPARTMENT": (
        {"DEPARTMENTID": "SALES", "TITLE": "Sales"},
        {"DEPARTMENTID": "SERV", "TITLE": "Services"},
    ),
    "CLASS": (
        {"CLASSID": "NEW", "NAME": "New business"},
        {"CLASSID": "REP", "NAME": "Repeat business"},
    ),
    "ITEM": (
        {"ITEMID": "SKU-1", "NAME": "Licence", "ITEMTYPE": "Non-Inventory"},
        {"ITEMID": "SKU-2", "NAME": "Consulting day", "ITEMTYPE": "Non-Inventory"},
    ),
}
FIRST_RATES: Mapping[str, Mapping[str, Decimal]] = {
    "Intacct Daily Rate": {
        "EUR": Decimal("1.0850"),
        "GBP": Decimal("1.2700"),
        "CAD": Decimal("0.7350"),
        "JPY": Decimal("0.0067"),
    }
}
