"""Making a company of a given number of deals: mostly ordinary ones, and every odd kind."""

from __future__ import annotations

import random
from collections.abc import Mapping
from decimal import Decimal
from itertools import cycle, islice

from ml_connector.app.demo.acumatica.catalogue import GHOST, GOODS, SUBSCRIPTION, UNMAPPED, Good
from ml_connector.app.demo.acumatica.company import Case, Company, Deal, KnownCustomer
from ml_connector.app.demo.lines import DealDiscount, DealLine, TaxMethod
from ml_connector.app.demo.parties import COUNTRY_OF, Organization, Parties
from ml_connector.app.demo.places import TAX_PERCENT, Country
from ml_connector.app.demo.selling import Selling

_ODD_ONCE_IN = 50  # deals; a larger company has every odd kind several times
_GOOD_OF = {good.sku: good for good in GOODS}
_ODD = tuple(case for case in Case if case is not Case.ORDINARY)
# How the ERP knows the customers of such deals: country, and fields of the customer there.
_KNOWN_AS: Mapping[Case, tuple[str, Mapping[str, object]]] = {
    Case.KNOWN_BY_TAX_NUMBER: ("SE", {"CurrencyID": "SEK"}),
    Case.INACTIVE: ("GB", {"CurrencyID": "GBP", "Status": "Inactive"}),
    Case.OTHER_CURRENCY: ("GB", {"CustomerClass": "LOCAL"}),  # US dollars and nothing else
}
_OWN_COUNTRY = {Case.TAX_INSIDE: "DE", Case.DISCOUNTS_ON_DISCOUNTS: "US"}


def found(deals: int, *, seed: int) -> Company:
    """Return the company of ``seed`` that wins so many deals."""
    return _Founding(random.Random(f"company {seed}")).company(deals)  # noqa: S311 - a sample company


class _Founding:
    """Draws everything from one source of randomness, in a fixed order."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._parties = Parties(rng)
        self._selling = Selling(self._parties, GOODS, subscription=SUBSCRIPTION)
        self._known: list[KnownCustomer] = []

    def company(self, count: int) -> Company:
        odd_ones = min(len(_ODD) * max(1, count // _ODD_ONCE_IN), count // 2)
        cases = [Case.ORDINARY] * (count - odd_ones) + list(islice(cycle(_ODD), odd_ones))
        self._rng.shuffle(cases)
        pool = self._parties.pool(deals=count)
        deals = [
            self._deal(number, case, self._rng.choice(pool))
            for number, case in enumerate(cases, start=1)
        ]
        return Company(
            deals=deals,
            organizations=self._parties.organizations,
            persons=self._parties.persons,
            known_customers=self._known,
        )

    # Parties

    def _recognised(self, country: Country, **fields: object) -> Organization:
        """Return an organization that the ERP knows under another name, by its tax number."""
        ref = f"known-{len(self._known) + 1}"
        made = self._parties.organization(country=country, vat=True, known_as=ref)
        fields = {"TaxRegistrationID": made.vat, **fields}
        name = f"{made.name.split()[0].upper()} GROUP"
        self._known.append(KnownCustomer(ref=ref, name=name, fields=fields))
        return made

    def _namesake(self) -> Organization:
        """Return an organization whose name two customers of the ERP have."""
        made = self._parties.organization(country=COUNTRY_OF["US"])
        for _ in range(2):
            ref = f"known-{len(self._known) + 1}"
            fields = {"CurrencyID": made.currency}
            self._known.append(KnownCustomer(ref=ref, name=made.name, fields=fields))
        return made

    # Deals

    def _deal(self, number: int, case: Case, usual: Organization) -> Deal:
        organization = self._party(case, usual)
        currency = organization.currency if organization else "EUR"
        method: TaxMethod = self._rng.choice(("exclusive", "exclusive", "inclusive", "none"))
        lines, discounts, method = self._content(case, organization, currency, method)
        return Deal(
            ref=f"deal-{number}",
            title=f"{lines[0].good.name if lines else 'Frame contract'} for "
            f"{organization.name if organization else 'a visitor of the fair'}",
            case=case,
            organization=organization,
            person=self._contact(organization),
            currency=currency,
            lines=lines,
            discounts=discounts,
            tax_method=method,
            value=Decimal(0) if lines else self._parties.money(Decimal(4800), currency),
        )

    def _party(self, case: Case, usual: Organization) -> Organization | None:
        if case in _KNOWN_AS:
            country, fields = _KNOWN_AS[case]
            return self._recognised(COUNTRY_OF[country], **fields)
        if case in _OWN_COUNTRY:
            return self._parties.organization(country=COUNTRY_OF[_OWN_COUNTRY[case]])
        if case is Case.NAMESAKES:
            return self._namesake()
        return None if case is Case.PERSON_ALONE else usual

    def _contact(self, organization: Organization | None) -> str | None:
        parties = self._parties
        return parties.visitor() if organization is None else parties.contact(organization)

    def _content(
        self,
        case: Case,
        organization: Organization | None,
        currency: str,
        method: TaxMethod,
    ) -> tuple[tuple[DealLine[Good], ...], tuple[DealDiscount, ...], TaxMethod]:
        country = organization.country if organization else COUNTRY_OF["DE"]
        tax = TAX_PERCENT[country.code] if method != "none" else 0
        drive, panel, kit = (_GOOD_OF[sku] for sku in ("DRIVE-07", "PANEL-A4", "#12-796524"))
        match case:
            case Case.NO_PRODUCTS:
                return (), (), method
            case Case.DISCOUNTS_ON_DISCOUNTS:
                first = DealLine(
                    good=panel, quantity=Decimal(3), price=Decimal("19.99"), discount=Decimal(10)
                )
                second = DealLine(good=drive, quantity=Decimal(1), price=Decimal(100))
                five = DealDiscount(amount=Decimal(5), type="percentage")
                return (first, second), (five,), "exclusive"
            case Case.TAX_INSIDE:
                only = DealLine(good=kit, quantity=Decimal(3), price=Decimal("9.99"), tax=19)
                return (only,), (), "inclusive"
        lines = self._selling.lines(currency, tax)
        odd = self._odd_line(case, currency, tax)
        return ((*lines, odd) if odd else lines), self._selling.discounts(currency), method

    def _odd_line(self, case: Case, currency: str, tax: int) -> DealLine[Good] | None:
        odd = {
            Case.MISSING_SKU: (GHOST, Decimal(1)),
            Case.UNMAPPED_UNIT: (UNMAPPED, Decimal(2)),
            Case.FRACTION: (_GOOD_OF["DRIVE-15"], Decimal("1.5")),
        }.get(case)
        if odd is None:
            return None
        good, quantity = odd
        price = self._parties.money(good.price, currency)
        return DealLine(good=good, quantity=quantity, price=price, tax=tax)
