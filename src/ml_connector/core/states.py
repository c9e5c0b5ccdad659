"""Codes of states and provinces, for the countries where ERPs ask for the postal code of one.

ISO 3166-2, without the country's prefix: the two or three letters that stand on an envelope.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

_UNITED_STATES = """
AL Alabama; AK Alaska; AZ Arizona; AR Arkansas; CA California; CO Colorado; CT Connecticut;
DE Delaware; DC District of Columbia; FL Florida; GA Georgia; HI Hawaii; ID Idaho; IL Illinois;
IN Indiana; IA Iowa; KS Kansas; KY Kentucky; LA Louisiana; ME Maine; MD Maryland;
MA Massachusetts; MI Michigan; MN Minnesota; MS Mississippi; MO Missouri; MT Montana;
NE Nebraska; NV Nevada; NH New Hampshire; NJ New Jersey; NM New Mexico; NY New York;
NC North Carolina; ND North Dakota; OH Ohio; OK Oklahoma; OR Oregon; PA Pennsylvania;
RI Rhode Island; SC South Carolina; SD South Dakota; TN Tennessee; TX Texas; UT Utah; VT Vermont;
VA Virginia; WA Washington; WV West Virginia; WI Wisconsin; WY Wyoming;
AS American Samoa; GU Guam; MP Northern Mariana Islands; PR Puerto Rico; VI U.S. Virgin Islands;
DC Washington, D.C.; DC Washington DC
"""

_CANADA = """
AB Alberta; BC British Columbia; MB Manitoba; NB New Brunswick; NL Newfoundland and Labrador;
NT Northwest Territories; NS Nova Scotia; NU Nunavut; ON Ontario; PE Prince Edward Island;
QC Quebec; SK Saskatchewan; YT Yukon; BC Colombie-Britannique; NB Nouveau-Brunswick;
NL Terre-Neuve-et-Labrador; NL Newfoundland; NS Nouvelle-Ecosse;
PE Ile-du-Prince-Edouard; NT Territoires du Nord-Ouest; YT Yukon Territory
"""

_AUSTRALIA = """
ACT Australian Capital Territory; NSW New South Wales; NT Northern Territory; QLD Queensland;
SA South Australia; TAS Tasmania; VIC Victoria; WA Western Australia
"""


def _table(text: str) -> Mapping[str, str]:
    rows = (row.strip().split(maxsplit=1) for row in text.split(";"))
    return MappingProxyType({name: code for code, name in rows})


STATES: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {"US": _table(_UNITED_STATES), "CA": _table(_CANADA), "AU": _table(_AUSTRALIA)}
)
"""Code by name, by the country's ISO-2 code."""
