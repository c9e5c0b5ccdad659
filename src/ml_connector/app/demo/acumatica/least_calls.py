"""The least calls and tokens that a company's deals could cost (docs/measures.md, "Least calls").

Counted from what was seeded: reads in batches of a hundred, every search that keeps a record
from being made twice, one call for each thing that is made or changed. All at once, nothing
failing, nothing asked twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ml_connector.app.demo.acumatica.catalogue import MISSING_SKU
from ml_connector.app.demo.acumatica.company import Case, Company, Deal
from ml_connector.app.demo.play import Fate
from ml_connector.app.demo.report import Least

_BATCH = 100
_LIST, _DEFINITIONS, _WRITE = 10, 10, 5  # tokens of one Pipedrive call
_KINDS_WITH_FIELDS = 4  # deal, organization, person, product

# Held before their lines are looked at: nobody could order them.
_WITHOUT_PARTY = frozenset({Case.PERSON_ALONE})
# Held for a line of theirs: their customer is not looked for.
_STOPPED_AT_A_LINE = frozenset({Case.MISSING_SKU, Case.UNMAPPED_UNIT, Case.FRACTION})


def least_calls(company: Company, *, polls: int) -> Mapping[str, Least]:
    """Return the least for each vendor; every poll that was due reads one page."""
    return {"pipedrive": _pipedrive(company, polls), "acumatica": _acumatica(company)}


def _pipedrive(company: Company, polls: int) -> Least:
    won = [deal for deal in company.deals if deal.case.fate is not Fate.LEFT_ALONE]
    priced = [deal for deal in won if deal.case not in _WITHOUT_PARTY]
    reads = (
        _batches(deal.ref for deal in won)
        + _batches(deal.organization.ref for deal in won if deal.organization)
        + _batches(deal.person for deal in won if deal.person)
        + _batches(deal.ref for deal in priced)  # their lines
        + _batches(line.good.sku for deal in priced for line in deal.lines if line.is_enabled)
    )
    discounts = sum(1 for deal in priced if deal.discounts)  # read deal by deal
    shown = len(company.of_fate(Fate.MOVED)) + len(company.customers_to_be)
    return Least(
        calls=reads + discounts + _KINDS_WITH_FIELDS + shown + polls,
        tokens=_LIST * (reads + discounts + polls)
        + _DEFINITIONS * _KINDS_WITH_FIELDS
        + _WRITE * shown,
    )


def _acumatica(company: Company) -> Least:
    ordered = company.of_fate(Fate.MOVED)
    new = [one for one in company.customers_to_be if one.known_as is None]
    recognised = [one for one in company.customers_to_be if one.known_as is not None]
    looked_for = [
        deal.organization
        for deal in company.deals
        if deal.organization is not None
        and deal.case.fate is not Fate.LEFT_ALONE
        and deal.case not in _STOPPED_AT_A_LINE
    ]
    searches = (
        _batches(one.ref for one in looked_for)  # by our reference
        + _batches(one.ref for one in looked_for)  # by name
        + _batches(one.vat for one in looked_for if one.vat)
        + _batches(one.ref for one in new)  # right before each is made
        + _batches(deal.ref for deal in ordered)  # the same for orders
    )
    effects = len(new) + len(ordered) + 2 * len(recognised)  # those are read in full and filled in
    token = 1
    return Least(calls=searches + _items(company) + effects + token)


def _items(company: Company) -> int:
    """Return the calls for items: stock items first, what is none of them after, conversions."""
    lines = [
        line
        for deal in company.deals
        if deal.case.fate is not Fate.LEFT_ALONE and deal.case not in _WITHOUT_PARTY
        for line in deal.lines
        if line.is_enabled
    ]
    others = {line.good.sku for line in lines if not line.good.is_stock}
    others |= {MISSING_SKU} & {line.good.sku for line in lines}
    others |= {deal.order_lines[0].sku for deal in _without_products(company)}
    converted = {line.good.sku for line in lines if line.good.units_in_one is not None}
    stock = {line.good.sku for line in lines} | others
    return _batches(stock) + _batches(others) + len(converted)


def _without_products(company: Company) -> list[Deal]:
    return [deal for deal in company.of_fate(Fate.MOVED) if not deal.lines]


def _batches(keys: Iterable[str | None]) -> int:
    """Return in how many calls so many different records are read."""
    return -(-len(set(keys)) // _BATCH)
