"""The least calls that a company's deals could cost (docs/measures.md, "Least calls").

Counted from what was seeded: reads in batches of a hundred, and what is looked for before it is
made in one query for a hundred too; one request for each entry and each vendor that is made.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ml_connector.app.demo.play import Fate
from ml_connector.app.demo.report import Least
from ml_connector.app.demo.sage_intacct.company import Case, Company
from ml_connector.app.demo.sage_intacct.seeding import ERP
from ml_connector.app.demo.simulators import CRM

_BATCH = 100
_LIST, _DEFINITIONS, _WRITE = 10, 10, 5  # tokens of one Pipedrive call
_KINDS_WITH_FIELDS = 4  # deal, organization, person, product
_SET_UP_READS = 5  # company, journals, dimensions, closed books, bank accounts


def least_calls(company: Company, *, polls: int) -> Mapping[str, Least]:
    """Return the least for each vendor; every poll that was due reads one page."""
    return {CRM: _pipedrive(company, polls), ERP: _sage_intacct(company)}


def _pipedrive(company: Company, polls: int) -> Least:
    won = [deal for deal in company.deals if deal.case is not Case.BEFORE_GO_LIVE]
    reads = (
        _batches(deal.ref for deal in won)
        + _batches(deal.organization.ref for deal in won)
        + _batches(deal.person for deal in won if deal.person)
        + _batches(deal.ref for deal in won)  # their lines
        + _batches(line.good.sku for deal in won for line in deal.lines if line.is_enabled)
    )
    discounts = sum(1 for deal in won if deal.discounts)  # read deal by deal
    shown = len(_vendors_to_be(company)) + 1  # and the one that was recognised
    reads += 2 * shown  # the won deals and the people of each, for whom there is no common list
    return Least(
        calls=reads + discounts + _KINDS_WITH_FIELDS + shown + polls,
        tokens=_LIST * (reads + discounts + polls)
        + _DEFINITIONS * _KINDS_WITH_FIELDS
        + _WRITE * shown,
    )


def _sage_intacct(company: Company) -> Least:
    posted = [deal for deal in company.deals if deal.case.fate is Fate.MOVED]
    accounts = {account for deal in posted for account, _ in deal.credits}
    vendors = _vendors_to_be(company)
    searches = (
        _batches(accounts)
        + _batches(deal.ref for deal in posted)  # by reference, right before each is sent
        + 3 * _batches(vendors)  # by id, tax number and name
    )
    session = 1
    return Least(calls=session + _SET_UP_READS + searches + len(posted) + len(vendors))


def _vendors_to_be(company: Company) -> set[str]:
    """Return the organizations that must be new vendors in the end: those with an entry."""
    return {deal.organization.ref for deal in company.deals if deal.case.fate is Fate.MOVED}


def _batches(keys: Iterable[str | None]) -> int:
    """Return in how many calls so many different records are read."""
    return -(-len(set(keys)) // _BATCH)
