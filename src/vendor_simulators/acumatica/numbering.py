"""Numbering sequences: the next number of customers, orders, invoices and so on."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

# Sequence: the last number given out. The digits at the end count up, their width stays.
STARTS: Mapping[str, str] = {
    "Customer": "C001000",
    "Contact": "100000",
    "SalesOrder": "SO004200",
    "Shipment": "000100",
    "SalesInvoice": "INV000040",
    "Invoice": "AR000100",
    "CreditMemo": "CRM000010",
    "Payment": "000500",
    "StockItem": "ITEM0000",
    "NonStockItem": "SERV0000",
}
# Entities whose key a person types in unless the site says otherwise.
MANUAL = frozenset({"StockItem", "NonStockItem"})
NEW = "<NEW>"


class Numbering:
    """Gives out numbers; a sequence may be manual, so that a key must be sent."""

    def __init__(self, settings: Callable[[], Mapping[str, str]]) -> None:
        self._settings = settings
        self._last = dict(STARTS)

    def is_manual(self, sequence: str) -> bool:
        """Say whether keys of the sequence are typed in."""
        default = "manual" if sequence in MANUAL else "auto"
        return self._settings().get(sequence, default) == "manual"

    def next(self, sequence: str) -> str:
        """Return the next number."""
        self._last[sequence] = number = _following(self._last.get(sequence, "000000"))
        return number

    def advance(self, sequence: str, last: str) -> None:
        """Let the sequence go on after ``last``."""
        self._last[sequence] = last


def _following(number: str) -> str:
    found = re.fullmatch(r"(.*?)(\d+)", number)
    if found is None:
        return f"{number}1"
    prefix, digits = found.groups()
    return f"{prefix}{int(digits) + 1:0{len(digits)}d}"
