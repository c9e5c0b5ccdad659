"""Making a company of a given number of deals: mostly ordinary ones, and every odd kind."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal
from itertools import cycle, islice, product

from ml_connector.app.demo.acumatica.catalogue import (
    BRANCHES,
    COUNTRIES,
    DIGITS,
    FIRST_WORDS,
    GHOST,
    GOODS,
    PRICE_FACTORS,
    ROLES,
    SUBSCRIPTION,
    TAX_PERCENT,
    UNMAPPED,
    Country,
    Good,
)
from ml_connector.app.demo.acumatica.company import (
    Case,
    Company,
    Deal,
    KnownCustomer,
    Organization,
    Person,
)
from ml_connector.app.demo.acumatica.orders import DealDiscount, DealLine, TaxMethod

DEALS_PER_ORGANIZATION = 3
_ODD_ONCE_IN = 50  # deals; a larger company has every odd kind several times
_OF_COUNTRY = {country.code: country for country in COUNTRIES}
_GOOD_OF = {good.sku: good for good in GOODS}
_ODD = tuple(case for case in Case if case is not Case.ORDINARY)
# How the ERP knows the customers of such deals: country, and fields of the customer there.
_KNOWN_AS: Mapping[Case, tuple[str, Mapping[str, object]]] = {
    Case.KNOWN_BY_TAX_NUMBER: ("SE", {"CurrencyID": "SEK"}),
    Case.INACTIVE: ("GB", {"CurrencyID": "GBP", "Status": "Inactive"}),
    Case.OTHER_CURRENCY: ("GB", {"CustomerClass": "LOCAL"}),  # US dollars and nothing else
}
_OWN_COUNTRY = {Case.TAX_INSIDE: "DE", Case.DISCOUNTS_ON_DISCOUNTS: "US"}

_NO_ADDRESS = 0.1
_WITHOUT_EMAIL = 0.25
_WITHOUT_PERSON = 0.1
_DISCOUNTED_LINE = 0.35
_DISCOUNTED_DEAL = 0.3
_DISABLED_LINE = 0.1
_MOST_LINES = 4


def found(deals: int, *, seed: int) -> Company:
    """Return the company of ``seed`` that wins so many deals."""
    return _Founding(random.Random(f"company {seed}")).company(deals)  # noqa: S311 - a sample company


class _Founding:
    """Draws everything from one source of randomness, in a fixed order."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        names = [f"{first} {branch}" for first, branch in product(FIRST_WORDS, BRANCHES)]
        rng.shuffle(names)
        self._names = _numbered(names)
        self._organizations: list[Organization] = []
        self._persons: dict[str, list[Person]] = {}
        self._known: list[KnownCustomer] = []

    def company(self, count: int) -> Company:
        odd_ones = min(len(_ODD) * max(1, count // _ODD_ONCE_IN), count // 2)
        cases = [Case.ORDINARY] * (count - odd_ones) + list(islice(cycle(_ODD), odd_ones))
        self._rng.shuffle(cases)
        pool = [self._organization() for _ in range(max(1, round(count / DEALS_PER_ORGANIZATION)))]
        deals = [
            self._deal(number, case, self._rng.choice(pool))
            for number, case in enumerate(cases, start=1)
        ]
        return Company(
            deals=deals,
            organizations=self._organizations,
            persons=[person for several in self._persons.values() for person in several],
            known_customers=self._known,
        )

    # Parties

    def _organization(
        self, *, country: Country | None = None, vat: bool = False, known_as: str | None = None
    ) -> Organization:
        where = country or self._rng.choice(COUNTRIES)
        name = f"{next(self._names)} {where.legal_form}"
        address, state = self._address(where)
        made = Organization(
            ref=f"org-{len(self._organizations) + 1}",
            name=name,
            country=where,
            address=address,
            state=state,
            vat=self._vat(where) if vat or (where.vat_prefix and self._chance(0.5)) else None,
            known_as=known_as,
        )
        self._organizations.append(made)
        self._persons[made.ref] = [
            self._person(made, role) for role in self._rng.sample(ROLES, self._rng.randint(1, 2))
        ]
        return made

    def _person(self, organization: Organization, role: str) -> Person:
        own_name = organization.name.removesuffix(organization.country.legal_form)
        domain = f"{'-'.join(own_name.lower().split())}.example"
        return Person(
            ref=f"{organization.ref}-{role}",
            name=f"{role} of {organization.name}",
            organization=organization.ref,
            email=None
            if self._chance(_WITHOUT_EMAIL)
            else f"{role.split(maxsplit=1)[0].lower()}@{domain}",
        )

    def _address(self, country: Country) -> tuple[dict[str, str] | str | None, str | None]:
        """Return an address in one of the ways in which people enter it, and its state's code."""
        if self._chance(_NO_ADDRESS):
            return None, None
        city, postal_code, state = self._rng.choice(country.cities)
        street, number = self._rng.choice(country.streets), str(self._rng.randint(1, 120))
        first = f"{number} {street}" if country.number_first else f"{street} {number}"
        named = self._rng.choice(country.names)
        place = f"{city}, {state} {postal_code}" if state else f"{postal_code} {city}"
        text = f"{first}, {place}, {named}"
        if self._chance(0.5):
            return text, None
        parts = {
            "value": text,
            "street_number": number,
            "route": street,
            "locality": city,
            "postal_code": postal_code,
            "country": self._rng.choice((named, country.code)),
        }
        if state is None or country.state_codes is None:
            return parts, None
        return {**parts, "admin_area_level_1": state}, country.state_codes[state]

    def _vat(self, country: Country) -> str:
        return f"{country.vat_prefix or country.code}{self._rng.randint(10**8, 10**9 - 1)}"

    def _recognised(self, country: Country, **fields: object) -> Organization:
        """Return an organization that the ERP knows under another name, by its tax number."""
        ref = f"known-{len(self._known) + 1}"
        made = self._organization(country=country, vat=True, known_as=ref)
        fields = {"TaxRegistrationID": made.vat, **fields}
        name = f"{made.name.split()[0].upper()} GROUP"
        self._known.append(KnownCustomer(ref=ref, name=name, fields=fields))
        return made

    def _namesake(self) -> Organization:
        """Return an organization whose name two customers of the ERP have."""
        made = self._organization(country=_OF_COUNTRY["US"])
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
            person=self._contact(case, organization),
            currency=currency,
            lines=lines,
            discounts=discounts,
            tax_method=method,
            value=Decimal(0) if lines else self._money(Decimal(4800), currency),
        )

    def _party(self, case: Case, usual: Organization) -> Organization | None:
        if case in _KNOWN_AS:
            country, fields = _KNOWN_AS[case]
            return self._recognised(_OF_COUNTRY[country], **fields)
        if case in _OWN_COUNTRY:
            return self._organization(country=_OF_COUNTRY[_OWN_COUNTRY[case]])
        if case is Case.NAMESAKES:
            return self._namesake()
        return None if case is Case.PERSON_ALONE else usual

    def _contact(self, case: Case, organization: Organization | None) -> str | None:
        if organization is not None:
            if self._chance(_WITHOUT_PERSON):
                return None
            return self._rng.choice(self._persons[organization.ref]).ref
        visitors = self._persons.setdefault("", [])
        ref = f"visitor-{len(visitors) + 1}"
        visitors.append(Person(ref=ref, name=f"Visitor {len(visitors) + 1} of the fair",
                               organization=None, email=None))  # fmt: skip
        return ref

    def _content(
        self,
        case: Case,
        organization: Organization | None,
        currency: str,
        method: TaxMethod,
    ) -> tuple[tuple[DealLine, ...], tuple[DealDiscount, ...], TaxMethod]:
        country = organization.country if organization else _OF_COUNTRY["DE"]
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
        lines = self._lines(currency, tax)
        odd = self._odd_line(case, currency, tax)
        return ((*lines, odd) if odd else lines), self._discounts(currency), method

    def _lines(self, currency: str, tax: int) -> tuple[DealLine, ...]:
        goods = self._rng.sample(GOODS, self._rng.randint(1, _MOST_LINES))
        lines = [self._line(good, currency, tax) for good in goods]
        if self._chance(_DISABLED_LINE):
            option = self._line(self._rng.choice(GOODS), currency, tax, is_enabled=False)
            lines.append(option)
        return tuple(lines)

    def _line(self, good: Good, currency: str, tax: int, *, is_enabled: bool = True) -> DealLine:
        price = self._money(good.price, currency)
        discount, is_amount = Decimal(0), self._chance(0.3)
        # What is billed monthly is rounded monthly in the CRM, and once on an order.
        if good.sku != SUBSCRIPTION and self._chance(_DISCOUNTED_LINE):
            discount = Decimal(self._rng.choice(("5", "7.5", "10", "12.5")))
            if is_amount:
                discount = self._money(good.price / 20, currency)
        return DealLine(
            good=good,
            quantity=self._quantity(good),
            price=price,
            discount=discount,
            discount_type="amount" if is_amount else "percentage",
            tax=tax,
            is_enabled=is_enabled,
            months=12 if good.sku == SUBSCRIPTION else None,
            comments="Deliver to gate 3" if self._chance(0.1) else "",
        )

    def _odd_line(self, case: Case, currency: str, tax: int) -> DealLine | None:
        odd = {
            Case.MISSING_SKU: (GHOST, Decimal(1)),
            Case.UNMAPPED_UNIT: (UNMAPPED, Decimal(2)),
            Case.FRACTION: (_GOOD_OF["DRIVE-15"], Decimal("1.5")),
        }.get(case)
        if odd is None:
            return None
        good, quantity = odd
        price = self._money(good.price, currency)
        return DealLine(good=good, quantity=quantity, price=price, tax=tax)

    def _discounts(self, currency: str) -> tuple[DealDiscount, ...]:
        if not self._chance(_DISCOUNTED_DEAL):
            return ()
        if self._chance(0.3):
            amount = self._money(Decimal(2), currency)
            return (DealDiscount(amount=amount, type="amount"),)
        percent = Decimal(self._rng.choice(("2", "2.5", "3", "5")))
        return (DealDiscount(amount=percent, type="percentage"),)

    def _quantity(self, good: Good) -> Decimal:
        if good.is_divided:
            return Decimal(self._rng.randint(4, 100)) / 4
        return Decimal(self._rng.randint(1, 12))

    def _money(self, dollars: Decimal, currency: str) -> Decimal:
        """Return a price as a sales representative would round it, near to the listed one."""
        share = Decimal(self._rng.randint(92, 108)) / 100
        amount = dollars * PRICE_FACTORS[currency] * share
        step = Decimal(1).scaleb(-DIGITS[currency])
        return max(step, amount.quantize(step, rounding=ROUND_HALF_UP))

    def _chance(self, share: float) -> bool:
        return self._rng.random() < share


def _numbered(names: Sequence[str]) -> Iterator[str]:
    """Yield every name, then every name with a number behind it."""
    yield from names
    number = 2
    while True:
        yield from (f"{name} {number}" for name in names)
        number += 1
