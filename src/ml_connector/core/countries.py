"""Countries and states by whatever people call them.

A country is found by its ISO codes and by its names: in English, in the languages spoken
officially in it, and in the languages of most of our users. A name that could be two countries
is none.

The names are CLDR's, through Babel, written down in `country_names.tsv`: asking Babel for them
loads 168 languages, for which a worker would stand still for a second in the midst of its work.
`python -m tests.country_names` writes the file again.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Literal

from babel import Locale
from babel.core import get_global

from ml_connector.core.errors import MissingMappingError
from ml_connector.core.states import STATES

CountryForm = Literal["iso2", "iso3", "name"]

# CLDR lists these beside ISO 3166-1: unions, unknown regions, test locales, exceptional reserves.
_NOT_ISO = frozenset(
    ["AC", "CP", "CQ", "DG", "EA", "EU", "EZ", "IC", "QO", "TA", "UN", "XA", "XB", "ZZ"]
)
# Alpha-3 codes that ISO 3166-1 has withdrawn but CLDR still resolves.
_WITHDRAWN_ISO3 = frozenset(["BUR", "DDR", "FXX", "TMP", "YMD", "ZAR"])
_OTHER_ISO3 = {"XK": "XKX"}  # CLDR's XKK is used by nobody else; banks and the EU write XKX

_ALSO_CALLED = {
    "AE": ("UAE", "Emirates"),
    "BA": ("Bosnia",),
    "BO": ("Plurinational State of Bolivia",),
    "CD": ("DR Congo", "DRC", "Democratic Republic of the Congo"),
    "CG": ("Republic of the Congo",),
    "CI": ("Ivory Coast",),
    "CV": ("Cape Verde",),
    "CZ": ("Czech Republic",),
    "FM": ("Federated States of Micronesia",),
    "GB": ("UK", "Great Britain", "Britain", "England", "Scotland", "Wales", "Northern Ireland",
           "United Kingdom of Great Britain and Northern Ireland"),
    "HK": ("Hong Kong",),
    "IE": ("Republic of Ireland", "Eire"),
    "IR": ("Islamic Republic of Iran",),
    "KP": ("Democratic People's Republic of Korea",),
    "KR": ("Republic of Korea", "Korea, Republic of"),
    "LA": ("Lao People's Democratic Republic",),
    "MD": ("Republic of Moldova",),
    "MK": ("Macedonia", "FYROM"),
    "MM": ("Burma", "Myanmar"),
    "MO": ("Macau", "Macao"),
    "NL": ("Holland", "The Netherlands"),
    "PS": ("Palestine", "State of Palestine"),
    "RU": ("Russian Federation",),
    "SK": ("Slovak Republic",),
    "SY": ("Syrian Arab Republic",),
    "SZ": ("Swaziland",),
    "TL": ("East Timor",),
    "TR": ("Turkey",),
    "TW": ("Taiwan, Province of China",),
    "TZ": ("United Republic of Tanzania",),
    "US": ("USA", "United States of America", "U.S.A.", "America"),
    "VA": ("Holy See",),
    "VE": ("Bolivarian Republic of Venezuela",),
    "VN": ("Viet Nam",),
}  # fmt: skip


class UnknownCountryError(MissingMappingError):
    """A text names no country, or could name two."""


class UnknownStateError(MissingMappingError):
    """A text names no state of a country whose states have codes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Country:
    """A country of ISO 3166-1 (and Kosovo)."""

    iso2: str
    iso3: str
    name: str
    """In English."""

    def as_form(self, form: CountryForm) -> str:
        """Return it in the form that a vendor takes."""
        match form:
            case "iso2":
                return self.iso2
            case "iso3":
                return self.iso3
            case "name":
                return self.name


def find_country(text: str, *, own: Mapping[str, str] | None = None) -> Country:
    """Return the country that a code or a name stands for.

    ``own`` is the user's table, from their words to ISO-2 codes; it goes first. Raises
    UnknownCountryError, which names the text.
    """
    wanted = _folded(text)
    for words, iso2 in (own or {}).items():
        if _folded(words) == wanted:
            return _by_iso2(iso2)
    iso2 = _index().get(wanted, "")
    if not iso2:
        raise _unknown(text)
    return _by_iso2(iso2)


def find_country_in_address(address: str, *, own: Mapping[str, str] | None = None) -> Country:
    """Return the country with which a free-text address ends.

    The last part counts as a whole, without a postal code. What may as well be a state is no
    answer: 'Atlanta, Georgia' and 'Springfield, IL 62701' are not in Georgia and Israel.
    """
    ending = _ending(address)
    if not ending or _may_be_a_state(ending):
        raise _unknown(address)
    try:
        return find_country(ending, own=own)
    except UnknownCountryError as exc:
        raise _unknown(address) from exc


def find_state(text: str, *, country: str) -> str | None:
    """Return the postal code of a state or province of the US, Canada or Australia.

    None where none is named, and for other countries, whose regions have no such code.
    ``country`` is an ISO-2 code. Raises UnknownStateError, which names the text.
    """
    if country not in STATES or not text.strip():
        return None
    wanted = _folded(text.removeprefix(f"{country}-"))
    for name, code in STATES[country].items():
        if wanted in {_folded(name), _folded(code)}:
            return code
    raise UnknownStateError(
        f"{text!r} is no state or province of {_by_iso2(country).name}; correct the address, or "
        "write its code",
        waits_for=f"mapping:states:{text.strip()}",
    )


def _unknown(text: str) -> UnknownCountryError:
    return UnknownCountryError(
        f"{text!r} names no country that is known; correct the address, or add it under "
        "Mappings, countries",
        waits_for=f"mapping:countries:{text.strip()}",
    )


# Free text --------------------------------------------------------------------------------

_HAS_DIGIT = re.compile(r"\S*\d\S*")


def _ending(address: str) -> str:
    """Return the last part of an address that is more than a postal code."""
    for part in reversed(re.split(r"[,;\n]", address)):
        words = _HAS_DIGIT.sub(" ", part).strip(" .-")
        if words:
            return words
    return ""


def _may_be_a_state(text: str) -> bool:
    wanted = _folded(text)
    return any(
        wanted in {_folded(name), _folded(code)}
        for states in STATES.values()
        for name, code in states.items()
    )


# The index of names -----------------------------------------------------------------------


def _folded(text: str) -> str:
    """Return a text without what does not tell names apart: case, accents, punctuation."""
    plain = unicodedata.normalize("NFKD", text.replace("&", " and "))
    letters = "".join(mark for mark in plain if not unicodedata.combining(mark)).casefold()
    letters = letters.replace(".", "").replace("'", "").replace("\u2019", "")
    words = re.sub(r"[\W_]+", " ", letters).split()
    if words[:1] == ["the"]:
        words = words[1:]
    if len(words) > 1:  # alone it is the code of Sao Tome
        words = ["saint" if word == "st" else word for word in words]
    return " ".join(words)


@cache
def _countries() -> Mapping[str, Country]:
    names = Locale("en").territories
    by_iso2 = dict(_iso3_codes())
    return {
        iso2: Country(iso2=iso2, iso3=iso3, name=names[iso2])
        for iso2, iso3 in by_iso2.items()
        if iso2 in names and iso2 not in _NOT_ISO
    }


def codes() -> list[str]:
    """Return the ISO-2 code of every country, in order."""
    return sorted(_countries())


def _iso3_codes() -> Iterator[tuple[str, str]]:
    for alias, targets in get_global("territory_aliases").items():
        is_iso3 = len(alias) == 3 and alias.isalpha() and alias not in _WITHDRAWN_ISO3  # noqa: PLR2004 - alpha-3
        if is_iso3 and len(targets) == 1:
            yield targets[0], _OTHER_ISO3.get(targets[0], alias)


def _by_iso2(iso2: str) -> Country:
    try:
        return _countries()[iso2.upper()]
    except KeyError as exc:
        raise _unknown(iso2) from exc


@cache
def _index() -> Mapping[str, str]:
    """Return ISO-2 by folded code or name; what would mean two countries is left out.

    Codes go before names, and names that we chose before those of the languages.
    """
    index = {country.iso3.casefold(): iso2 for iso2, country in _countries().items()}
    index |= {iso2.casefold(): iso2 for iso2 in _countries()}
    index["uk"] = "GB"
    for source in (_chosen_names(), _names_in_languages()):
        found: dict[str, set[str]] = {}
        for name, iso2 in source:
            found.setdefault(_folded(name), set()).add(iso2)
        for name, meant in found.items():
            if len(meant) == 1:
                index.setdefault(name, *meant)
    return index


def _chosen_names() -> Iterator[tuple[str, str]]:
    for iso2, country in _countries().items():
        yield country.name, iso2
        yield country.name.partition(" (")[0], iso2
    for iso2, names in _ALSO_CALLED.items():
        for name in names:
            yield name, iso2


def _names_in_languages() -> Iterator[tuple[str, str]]:
    listed = resources.files(__package__).joinpath("country_names.tsv").read_text("utf-8")
    for line in listed.splitlines():
        iso2, *names = line.split("\t")
        for name in names:
            yield name, iso2
