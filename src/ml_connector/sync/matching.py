"""Which record of the other side is the same party as this one.

Asked in order, and the first that answers decides: the link that we keep, the external
reference that we wrote, the tax number, the number field, the e-mail domain. A name with its
country is a proposal for a person, unless automatic matching is switched on and one further
attribute agrees. What contradicts (another tax number, another country) is never taken
silently, and several are never picked from.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from ml_connector.sync.free_mail import is_free_mail

_SHORTEST_TAX_NUMBER = 6  # characters; what is shorter is a placeholder such as 0 or n/a
# VAT prefixes that are not the ISO code of their country, and prefixes without one.
_VAT_PREFIXES = {"EL": "GR", "XI": "GB"}
_VAT_COUNTRIES = frozenset(
    (
        *("AT", "BE", "BG", "CH", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GB", "GR"),
        *("HR", "HU", "IE", "IT", "LT", "LU", "LV", "MT", "NL", "NO", "PL", "PT", "RO", "SE"),
        *("SI", "SK"),
    )
)
# Words that some countries write behind the number: Norway, Switzerland.
_VAT_SUFFIX = re.compile(r"(MVA|MWST|TVA|IVA)$")


# Normal forms -----------------------------------------------------------------------------


def normal_name(name: str) -> str:
    """Return a name without case, punctuation and double spaces; the legal form stays.

    'Nord-Werk  G.m.b.H.' and 'NORD WERK GmbH' become the same; 'Nordwerk AG' does not.
    """
    text = unicodedata.normalize("NFKC", name).casefold().replace("&", " and ")
    text = re.sub(r"[.'\u2019`\u00b4]", "", text)
    return " ".join(re.sub(r"[\W_]+", " ", text).split())


@dataclass(frozen=True, slots=True)
class TaxNumber:
    """A tax number without separators and without its country."""

    number: str
    country: str | None
    """ISO-2, if it is known."""

    def agrees_with(self, other: TaxNumber) -> bool:
        """Whether both can be the same number: equal, and not of two countries."""
        is_of_one_country = None in {self.country, other.country} or self.country == other.country
        return self.number == other.number and is_of_one_country


def normal_tax_number(text: str, *, country: str | None = None) -> TaxNumber | None:
    """Return a tax number's normal form, or None for what is no number.

    ``country`` is the party's, as ISO-2: numbers are stored with its prefix and without.
    """
    plain = re.sub(r"[^0-9A-Z]", "", unicodedata.normalize("NFKC", text).upper())
    found, number = _split_prefix(plain, country)
    number = _VAT_SUFFIX.sub("", number)
    digits = sum(character.isdigit() for character in number)
    if len(number) < _SHORTEST_TAX_NUMBER or not digits or len(set(number)) == 1:
        return None
    return TaxNumber(number, found or country)


def _split_prefix(plain: str, country: str | None) -> tuple[str | None, str]:
    prefix = _VAT_PREFIXES.get(plain[:2], plain[:2])
    rest = plain[2:]
    if country is not None and prefix == country:
        return country, rest
    # Without a known country only what looks like a VAT number is taken apart: Spanish and
    # Italian numbers begin with letters of their own.
    if country is None and prefix in _VAT_COUNTRIES and sum(c.isdigit() for c in rest) >= 7:  # noqa: PLR2004 - the shortest VAT numbers have 7 or 8 digits
        return prefix, rest
    return None, plain


def email_domain(email: str) -> str | None:
    """Return the domain of a company's own e-mail address; None for a free mail provider's."""
    _, at, domain = email.strip().rpartition("@")
    domain = unicodedata.normalize("NFKC", domain).casefold().strip().rstrip(".")
    if not at or "." not in domain or is_free_mail(domain):
        return None
    try:
        return domain.encode("idna").decode()
    except UnicodeError:
        return None


# Parties ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """A customer, vendor or organization, by what it can be recognised by."""

    key: str
    name: str
    country: str | None = None
    """ISO-2."""
    external_reference: str | None = None
    tax_numbers: tuple[str, ...] = ()
    number: str | None = None
    """The one side's number as it stands on the other: a customer number field."""
    emails: tuple[str, ...] = ()
    further: Mapping[str, str] = field(default_factory=dict)
    """More that can agree: ``postal code``, ``phone``, ``website``."""
    taken_by: str | None = None
    """Which record of the other side is linked to it already."""

    @property
    def tax(self) -> tuple[TaxNumber, ...]:
        """Its tax numbers in normal form."""
        found = (normal_tax_number(text, country=self.country) for text in self.tax_numbers)
        return tuple(number for number in found if number is not None)

    @property
    def domains(self) -> frozenset[str]:
        """The domains of its own e-mail addresses."""
        found = (email_domain(email) for email in self.emails)
        return frozenset(domain for domain in found if domain is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchingRules:
    """What an installation lets decide by itself."""

    by_tax_number: bool = True
    by_number: bool = True
    by_email_domain: bool = True
    automatic_by_name: bool = False
    """A name and country that agree match, if one further attribute agrees too."""
    may_share: bool = False
    """Two records may be linked to one party: confirmed by a person."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Matched:
    """Exactly one party is the same."""

    party: Party
    by: str
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ambiguous:
    """A person has to say which: several agree, or what agrees is contradicted."""

    parties: tuple[Party, ...]
    by: str
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """The party that agrees is linked to another record already."""

    party: Party
    by: str
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """These may be the same by their names; a person confirms."""

    parties: tuple[Party, ...]
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class New:
    """None of the candidates is the same."""

    words: str


Decision: TypeAlias = Matched | Ambiguous | Taken | Proposal | New


# The decision -----------------------------------------------------------------------------


def decide(
    candidates: Sequence[Party],
    wanted: Party,
    rules: MatchingRules,
    *,
    linked_to: str | None = None,
) -> Decision:
    """Return which of the candidates is ``wanted``, or why that is for a person to say.

    ``linked_to`` is the key that our record link names; a candidate with that key is the one,
    and its absence means that the party is gone.
    """
    if linked_to is not None:
        return _by_link(candidates, wanted, linked_to)
    for by, agrees, may_decide in (
        ("external reference", _same_reference, True),
        ("tax number", _same_tax_number, rules.by_tax_number),
        ("number", _same_number, rules.by_number),
        ("e-mail domain", _same_domain, rules.by_email_domain),
    ):
        found = [each for each in candidates if may_decide and agrees(each, wanted)]
        if found:
            return _decided(found, wanted, rules, by=by)
    return _by_name(candidates, wanted, rules)


def _by_link(candidates: Sequence[Party], wanted: Party, linked_to: str) -> Decision:
    for each in candidates:
        if each.key == linked_to:
            return Matched(party=each, by="link", words=f"{wanted.name} is linked to {each.key}")
    return Ambiguous(
        parties=(),
        by="link",
        words=f"{wanted.name} is linked to {linked_to}, which is not there any more; link it anew "
        "or remove the link",
    )


def _decided(found: Sequence[Party], wanted: Party, rules: MatchingRules, *, by: str) -> Decision:
    """Match the only one that agrees, unless something else contradicts it."""
    if len(found) > 1:
        return Ambiguous(
            parties=tuple(found),
            by=by,
            words=f"{len(found)} have the {by} of {wanted.name}: {_listed(found)}; say which",
        )
    (party,) = found
    contradiction = _contradiction(party, wanted, by)
    if contradiction:
        return Ambiguous(
            parties=(party,),
            by=by,
            words=f"{_named(party)} has the {by} of {wanted.name}, but {contradiction}; say "
            "whether they are the same",
        )
    return _free(party, wanted, rules, by=by)


def _free(party: Party, wanted: Party, rules: MatchingRules, *, by: str) -> Matched | Taken:
    if party.taken_by not in {None, wanted.key} and not rules.may_share:
        return Taken(
            party=party,
            by=by,
            words=f"{_named(party)} has the {by} of {wanted.name}, but belongs to "
            f"{party.taken_by} already; merge the two, or confirm that both are this party",
        )
    return Matched(party=party, by=by, words=f"{_named(party)} has the {by} of {wanted.name}")


def _by_name(candidates: Sequence[Party], wanted: Party, rules: MatchingRules) -> Decision:
    name = normal_name(wanted.name)
    found = [
        each
        for each in candidates
        if name and normal_name(each.name) == name and not _contradiction(each, wanted, "name")
    ]
    if not found:
        return New(words=f"none of {len(candidates)} candidate(s) agrees with {wanted.name}")
    certain = [each for each in found if _agreeing_further(each, wanted)]
    if rules.automatic_by_name and len(found) == 1 and certain:
        (party,) = certain
        further = ", ".join(_agreeing_further(party, wanted))
        return _free(party, wanted, rules, by=f"name, country and {further}")
    return Proposal(
        parties=tuple(found),
        words=f"{_listed(found)} may be {wanted.name} by name; confirm or refuse",
    )


# What agrees, and what contradicts ------------------------------------------------------------


def _same_reference(party: Party, wanted: Party) -> bool:
    ours = wanted.external_reference
    return bool(ours) and party.external_reference == ours


def _same_tax_number(party: Party, wanted: Party) -> bool:
    return any(mine.agrees_with(theirs) for mine in wanted.tax for theirs in party.tax)


def _same_number(party: Party, wanted: Party) -> bool:
    """Compare the number that the one side writes on the other with that side's own key."""
    if not wanted.number or not wanted.number.strip():
        return False
    number = wanted.number.strip().casefold()
    return number in {party.key.strip().casefold(), (party.number or "").strip().casefold()}


def _same_domain(party: Party, wanted: Party) -> bool:
    """Compare domains; companies of one group share theirs, and have tax numbers of their own."""
    return bool(party.domains & wanted.domains) and not _has_other_tax_number(party, wanted)


def _has_other_tax_number(party: Party, wanted: Party) -> bool:
    return bool(party.tax and wanted.tax) and not _same_tax_number(party, wanted)


def _contradiction(party: Party, wanted: Party, by: str) -> str | None:
    """Return what speaks against two parties being the same, though ``by`` agrees."""
    if by in {"external reference", "tax number"}:
        return None  # each of them names one party by itself
    if _has_other_tax_number(party, wanted):
        return "its tax number is another"
    if by != "number" and _known_and_other(party.country, wanted.country):
        return f"it is in {party.country}, not in {wanted.country}"
    return None


def _known_and_other(one: str | None, other: str | None) -> bool:
    return one is not None and other is not None and one != other


def _agreeing_further(party: Party, wanted: Party) -> list[str]:
    """Return what agrees beside the name, where the country is known to agree too."""
    if party.country is None or party.country != wanted.country:
        return []
    return [
        what
        for what, value in wanted.further.items()
        if _pressed(value) and _pressed(party.further.get(what, "")) == _pressed(value)
    ]


def _pressed(text: str) -> str:
    return re.sub(r"[\W_]+", "", unicodedata.normalize("NFKC", text)).casefold()


def _named(party: Party) -> str:
    return f"{party.key} ({party.name})"


def _listed(parties: Sequence[Party]) -> str:
    return ", ".join(_named(party) for party in parties)
