"""Bytes and values: JSON with exact amounts, the two time formats, cursors."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import msgspec

Row = dict[str, Any]
Amount = int | Decimal

_RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|[+-]\d\d:\d\d)")
_V1_TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_PLAIN_NUMBER = re.compile(r"-?\d+(\.\d+)?")


def tidy(amount: Amount) -> Amount:
    """Return ``amount`` as JavaScript would print it: 12 for 12.0, 12.5 for 12.50."""
    if isinstance(amount, int):
        return amount
    whole = amount.to_integral_value()
    return int(whole) if whole == amount else amount.normalize()


def _decimal(text: str) -> Amount:
    return tidy(Decimal(text))


_ENCODER = msgspec.json.Encoder(decimal_format="number")
_DECODER = msgspec.json.Decoder(float_hook=_decimal)


def encode(content: Any) -> bytes:
    """Return ``content`` as JSON; amounts become plain numbers without binary noise."""
    return _ENCODER.encode(content)


def decode(body: bytes) -> Any:
    """Return parsed JSON; fractions are Decimal. Raises msgspec.DecodeError."""
    return _DECODER.decode(body)


def rounded(amount: Amount, places: int) -> Amount:
    """Return ``amount`` rounded half up to ``places`` decimals."""
    step = Decimal(1).scaleb(-places)
    return tidy(Decimal(amount).quantize(step, rounding=ROUND_HALF_UP))


def number_in(text: Any) -> Amount | None:
    """Return the number that v1 would read from a number or a numeric text, if any."""
    if isinstance(text, bool):
        return None
    if isinstance(text, (int, Decimal)):
        return text
    if isinstance(text, float):
        return _decimal(repr(text))
    if isinstance(text, str) and _PLAIN_NUMBER.fullmatch(text.strip()):
        return _decimal(text.strip())
    return None


def v2_time(moment: datetime) -> str:
    """Return whole seconds in RFC 3339 with Z; such texts sort like the moments."""
    return moment.astimezone(UTC).isoformat(timespec="seconds")[:19] + "Z"


def v1_time(text: str | None) -> str | None:
    """Return a v2 time in v1's form."""
    return None if text is None else f"{text[:10]} {text[11:19]}"


def moment_of(text: str) -> datetime:
    """Return the moment that a v2 time names."""
    return datetime.fromisoformat(text)


def read_v2_time(text: object) -> str | None:
    """Return a moment in v2's form, or None if v2 would not accept the text.

    Fractions of a second and a space in place of the T are refused, as live accounts do.
    """
    if not isinstance(text, str) or not _RFC3339.fullmatch(text):
        return None
    return _as_v2(text)


def read_any_time(text: object) -> str | None:
    """Return a moment in v2's form from v2's or v1's, or None."""
    if not isinstance(text, str):
        return None
    if _V1_TIME.fullmatch(text):
        return _as_v2(f"{text[:10]}T{text[11:]}Z")
    if _DATE.fullmatch(text):
        return _as_v2(f"{text}T00:00:00Z")
    return read_v2_time(text)


def is_date(text: object) -> bool:
    """Say whether ``text`` is a date written YYYY-MM-DD."""
    if not isinstance(text, str) or not _DATE.fullmatch(text):
        return False
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _as_v2(text: str) -> str | None:
    try:
        return v2_time(datetime.fromisoformat(text))
    except ValueError:
        return None


def write_cursor(*, field: str, value: Any, direction: str, record_id: Any) -> str:
    """Return the marker of the first item of the next page, as Pipedrive publishes them."""
    marker = {"field": field, "fieldValue": value, "sortDirection": direction, "id": record_id}
    return base64.urlsafe_b64encode(encode(marker)).decode().rstrip("=")


def read_cursor(text: str) -> Mapping[str, Any] | None:
    """Return what a cursor says, or None if it is none of ours."""
    try:
        marker = decode(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (binascii.Error, ValueError, msgspec.DecodeError):
        return None
    wanted = {"field", "fieldValue", "sortDirection", "id"}
    return marker if isinstance(marker, dict) and wanted <= marker.keys() else None
