"""Making a company of a given number of deals: mostly ordinary ones, and every odd kind."""

from __future__ import annotations

import random
from decimal import Decimal
from itertools import cycle, islice

from ml_connector.app.demo.lines import DealDiscount, DealLine, TaxMethod
from ml_connector.app.demo.parties import COUNTRY_OF, Organization, Parties
from ml_connector.app.demo.places import COUNTRIES, TAX_PERCENT
from ml_connector.app.demo.sage_intacct.catalogue import (
    CREDIT,
    GOODS,
    RENTAL,
    SUBSCRIPTION,
    TRAINING,
    UNKNOWN_CURRENCY_IN,
    Good,
)
from ml_connector.app.demo.sage_intacct.company import Case, Company, Deal, KnownVendor
from ml_connector.app.demo.selling import Selling

_ODD_ONCE_IN = 50  # deals; a larger company has every odd kind several times
_ODD = tuple(case for case in Case if case is not Case.ORDINARY)
_OWN_COUNTRY = {Case.UNKNOWN_CURRENCY: UNKNOWN_CURRENCY_IN}
_GOOD_OF = {good.sku: good for good in GOODS}

Lines = tuple[DealLine[Good], ...]


def found(deals: int, *, seed: int) -> Company:
    """Return the company of ``seed`` that wins so many deals."""
    return _Founding(random.Random(f"company {seed}")).company(deals)  # noqa: S311 - a sample company


class _Founding:
    """Draws everything from one source of randomness, in a fixed order."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        sold_to = [one for one in COUNTRIES if one.code != UNKNOWN_CURRENCY_IN]
        self._parties = Parties(rng, sold_to)
        self._selling = Selling(self._parties, GOODS, subscription=SUBSCRIPTION)

    def company(self, count: int) -> Company:
        odd_ones = min(len(_ODD) * max(1, count // _ODD_ONCE_IN), count // 2)
        cases = [Case.ORDINARY] * (count - odd_ones) + list(islice(cycle(_ODD), odd_ones))
        self._rng.shuffle(cases)
        pool = self._parties.pool(deals=count)
        deals = [
            self._deal(number, case, self._rng.choice(pool))
            for number, case in enumerate(cases, start=1)
        ]
        recognised = self._parties.organization(country=COUNTRY_OF["SE"], vat=True)
        namesake = self._parties.organization(country=COUNTRY_OF["DE"], vat=True)
        return Company(
            deals=deals,
            organizations=self._parties.organizations,
            persons=self._parties.persons,
            known_vendors=(
                KnownVendor(
                    vendor_id="V-1001",
                    name=f"{recognised.name.split()[0].upper()} GROUP",
                    vat=recognised.vat or "",
                ),
                KnownVendor(vendor_id="V-1002", name=namesake.name, vat="DE111111111"),
            ),
            recognised=recognised.ref,
            namesake=namesake.ref,
        )

    def _deal(self, number: int, case: Case, usual: Organization) -> Deal:
        organization = usual
        if case in _OWN_COUNTRY:
            organization = self._parties.organization(country=COUNTRY_OF[_OWN_COUNTRY[case]])
        currency = organization.currency
        tax = TAX_PERCENT[organization.country.code]
        lines, discounts, method = self._content(case, currency, tax)
        return Deal(
            ref=f"deal-{number}",
            title=f"{lines[0].good.name} for {organization.name}",
            case=case,
            organization=organization,
            person=self._parties.contact(organization),
            currency=currency,
            lines=lines,
            discounts=discounts,
            tax_method=method,
        )

    def _content(
        self, case: Case, currency: str, tax: int
    ) -> tuple[Lines, tuple[DealDiscount, ...], TaxMethod]:
        drive, panel, fitting = (_GOOD_OF[sku] for sku in ("DRIVE-07", "PANEL-A4", "FITTING"))
        match case:
            case Case.TAX_INSIDE:
                return (_one(drive, "714", tax=19), _one(fitting, "476", tax=19)), (), "inclusive"
            case Case.THREE_EQUAL:
                fifty_off = DealDiscount(amount=Decimal(50), type="amount")
                return tuple(_one(panel, "50") for _ in range(3)), (fifty_off,), "exclusive"
            case Case.TRADE_IN:
                return (_one(drive, "418"), _one(CREDIT, "-75")), (), "exclusive"
            case Case.WORTH_NOTHING:
                return (_one(panel, "0"),), (), "exclusive"
        method: TaxMethod = self._rng.choice(("exclusive", "exclusive", "inclusive", "none"))
        lines = self._selling.lines(currency, tax if method != "none" else 0)
        odd = {Case.MAPPED_LATER: TRAINING, Case.INACTIVE_ACCOUNT: RENTAL}.get(case)
        if odd is not None:
            price = str(self._parties.money(odd.price, currency))
            lines = (*lines, _one(odd, price, tax=tax if method != "none" else 0))
        return lines, self._selling.discounts(currency), method


def _one(good: Good, price: str, *, tax: int = 0) -> DealLine[Good]:
    return DealLine(good=good, quantity=Decimal(1), price=Decimal(price), tax=tax)
