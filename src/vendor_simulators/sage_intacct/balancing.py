"""Whether an entry balances, by currency and by entity, and when its day is closed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from decimal import Decimal

from vendor_simulators.sage_intacct.answers import Fault, FunctionError
from vendor_simulators.sage_intacct.company import Company
from vendor_simulators.sage_intacct.entry_lines import Line
from vendor_simulators.sage_intacct.values import day_text


def check_balance(company: Company, lines: Sequence[Line], source_entity: str) -> None:
    """Refuse lines that do not balance.

    Entities may differ from one another when the entry names the one that pays for the others.
    """
    differences: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    totals: dict[str, Decimal] = defaultdict(Decimal)
    for line in lines:
        differences[line.entity, line.currency] += line.signed
        totals[line.currency] += line.signed
    open_ones = [entity for (entity, _), amount in differences.items() if amount]
    if any(totals.values()) or (open_ones and not source_entity):
        entity = next(iter(open_ones), "")
        raise FunctionError(
            Fault(
                str(company.switches["posting_errorno"]),
                f"Transactions do not balance for {company.term('LOCATION')} {entity},",
                error_id="GL-1009",
                message_id="IA.TRANSACTIONS_DO_NOT_BALANCE_FOR",
            )
        )


def settle_rounding(lines: Sequence[Line]) -> None:
    """Put what rounding to the base currency left over on the last line of each entity.

    The amounts balance in the lines' currency; converted line by line they may miss by cents.
    """
    by_entity: dict[str, list[Line]] = defaultdict(list)
    for line in lines:
        by_entity[line.entity].append(line)
    for members in by_entity.values():
        is_even = sum((line.signed for line in members), Decimal(0)) == 0
        left = sum((line.signed_base for line in members), Decimal(0))
        if is_even and left:
            members[-1].base_amount -= members[-1].side * left


def check_open(company: Company, day: date, entities: Iterable[str]) -> None:
    """Refuse a day on which the books of any of the entities are closed."""
    for entity in sorted(set(entities) | {""}):
        closed = company.closed_through(entity)
        if closed is not None and day <= closed:
            raise FunctionError(
                Fault(_errorno(company), _closed_text(company, day, entity, closed))
            )


def _errorno(company: Company) -> str:
    return str(company.switches["posting_errorno"])


def _closed_text(company: Company, day: date, entity: str, closed: date) -> str:
    first_open = closed + timedelta(days=1)
    if company.switches["closed_period_text"] == "short":
        return f"Date must be on or after {first_open.strftime('%m/%d/%y')}"
    return (
        f"Your transaction date ({day_text(day)}) is within a period that's been closed. You can "
        "add, modify, or delete a transaction only if the date of that transaction is within a "
        "period that's open. Enter a date that occurs on or after the date of the relevant "
        f"entity, listed below. {entity or 'Top level'}: {day_text(first_open)}"
    )
