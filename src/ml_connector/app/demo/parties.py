"""Organizations and people of the demos, drawn from one source of randomness."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from itertools import product

from ml_connector.app.demo.places import (
    BRANCHES,
    COUNTRIES,
    DIGITS,
    FIRST_WORDS,
    PRICE_FACTORS,
    ROLES,
    Country,
)

COUNTRY_OF = {country.code: country for country in COUNTRIES}
_DEALS_OF_ONE = 3
_NO_ADDRESS = 0.1
_WITHOUT_EMAIL = 0.25
_WITHOUT_PERSON = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Organization:
    """A customer to be, or one that the ERP knows."""

    ref: str
    name: str
    country: Country
    address: dict[str, str] | str | None
    """In parts, as free text, or not entered."""
    state: str | None
    """The code that its customer must have."""
    vat: str | None = None
    known_as: str | None = None
    """The known customer that it must be recognised as."""

    @property
    def currency(self) -> str:
        """What it is invoiced in."""
        return self.country.currency


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody at a customer, by role."""

    ref: str
    name: str
    organization: str | None
    email: str | None


class Parties:
    """Draws parties, each with another name."""

    def __init__(self, rng: random.Random, countries: Sequence[Country] = COUNTRIES) -> None:
        self.rng = rng
        self.organizations: list[Organization] = []
        self._countries = countries
        names = [f"{first} {branch}" for first, branch in product(FIRST_WORDS, BRANCHES)]
        rng.shuffle(names)
        self._names = _numbered(names)
        self._persons_of: dict[str, list[Person]] = {}

    @property
    def persons(self) -> list[Person]:
        """Everybody."""
        return [person for several in self._persons_of.values() for person in several]

    def organization(
        self, *, country: Country | None = None, vat: bool = False, known_as: str | None = None
    ) -> Organization:
        """Return a new organization with its people."""
        where = country or self.rng.choice(self._countries)
        name = f"{next(self._names)} {where.legal_form}"
        address, state = self._address(where)
        made = Organization(
            ref=f"org-{len(self.organizations) + 1}",
            name=name,
            country=where,
            address=address,
            state=state,
            vat=self._vat(where) if vat or (where.vat_prefix and self.chance(0.5)) else None,
            known_as=known_as,
        )
        self.organizations.append(made)
        self._persons_of[made.ref] = [
            self._person(made, role) for role in self.rng.sample(ROLES, self.rng.randint(1, 2))
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
            if self.chance(_WITHOUT_EMAIL)
            else f"{role.split(maxsplit=1)[0].lower()}@{domain}",
        )

    def _address(self, country: Country) -> tuple[dict[str, str] | str | None, str | None]:
        """Return an address in one of the ways in which people enter it, and its state's code."""
        if self.chance(_NO_ADDRESS):
            return None, None
        city, postal_code, state = self.rng.choice(country.cities)
        street, number = self.rng.choice(country.streets), str(self.rng.randint(1, 120))
        first = f"{number} {street}" if country.number_first else f"{street} {number}"
        named = self.rng.choice(country.names)
        place = f"{city}, {state} {postal_code}" if state else f"{postal_code} {city}"
        text = f"{first}, {place}, {named}"
        if self.chance(0.5):
            return text, None
        parts = {
            "value": text,
            "street_number": number,
            "route": street,
            "locality": city,
            "postal_code": postal_code,
            "country": self.rng.choice((named, country.code)),
        }
        if state is None or country.state_codes is None:
            return parts, None
        return {**parts, "admin_area_level_1": state}, country.state_codes[state]

    def _vat(self, country: Country) -> str:
        return f"{country.vat_prefix or country.code}{self.rng.randint(10**8, 10**9 - 1)}"

    def pool(self, *, deals: int) -> list[Organization]:
        """Return the organizations that ordinary deals are with."""
        return [self.organization() for _ in range(max(1, round(deals / _DEALS_OF_ONE)))]

    def contact(self, organization: Organization) -> str | None:
        """Return the ref of somebody there, or of nobody."""
        if self.chance(_WITHOUT_PERSON):
            return None
        return self.rng.choice(self._persons_of[organization.ref]).ref

    def visitor(self) -> str:
        """Return the ref of somebody new who works nowhere."""
        visitors = self._persons_of.setdefault("", [])
        number = len(visitors) + 1
        ref = f"visitor-{number}"
        visitors.append(
            Person(ref=ref, name=f"Visitor {number} of the fair", organization=None, email=None)
        )
        return ref

    def money(self, dollars: Decimal, currency: str) -> Decimal:
        """Return a price as a sales representative would round it, near to the listed one."""
        share = Decimal(self.rng.randint(92, 108)) / 100
        amount = dollars * PRICE_FACTORS[currency] * share
        step = Decimal(1).scaleb(-DIGITS[currency])
        return max(step, amount.quantize(step, rounding=ROUND_HALF_UP))

    def chance(self, share: float) -> bool:
        """Draw whether something happens."""
        return self.rng.random() < share


def _numbered(names: Sequence[str]) -> Iterator[str]:
    """Yield every name, then every name with a number behind it."""
    yield from names
    number = 2
    while True:
        yield from (f"{name} {number}" for name in names)
        number += 1
