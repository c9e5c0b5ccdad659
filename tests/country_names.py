"""Write `core/country_names.tsv` again: ``python -m tests.country_names``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from babel import Locale
from babel.core import get_global
from babel.localedata import exists as has_locale

from ml_connector.core import countries

FILE = Path(countries.__file__).with_name("country_names.tsv")

# Of most of our users.
_LANGUAGES = ("en", "cs", "da", "de", "es", "fi", "fr", "it", "nb", "nl", "pl", "pt", "sv")


def listed() -> str:
    """Return the file as Babel has the names: a line for each country, its code first."""
    return "".join(
        "\t".join((iso2, *dict.fromkeys(_names(iso2)))) + "\n" for iso2 in countries.codes()
    )


def _names(iso2: str) -> Iterator[str]:
    spoken = get_global("territory_languages").get(iso2, {})
    official = (
        language
        for language, facts in spoken.items()
        if facts["official_status"] and has_locale(language)
    )
    for language in (*_LANGUAGES, *official):
        name = Locale.parse(language).territories.get(iso2)
        if name:
            yield name


if __name__ == "__main__":
    FILE.write_text(listed(), encoding="utf-8")
