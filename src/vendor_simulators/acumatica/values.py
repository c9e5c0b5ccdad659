"""Wrapped values: what a request may write in ``{"value": ...}`` and how answers show it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any
from uuid import UUID

from vendor_simulators.acumatica.answers import invalid_request

_SCALE = {"d": Decimal("0.0001"), "q": Decimal("0.000001")}
_LARGEST = Decimal(10) ** 15
_US_FORMS = ("%m/%d/%Y", "%m/%d/%Y %H:%M:%S", "%m/%d/%Y %I:%M:%S %p")
ZERO = Decimal(0)


class UnreadableError(Exception):
    """A value that is not of the field's kind."""


def unwrapped(name: str, part: Any) -> Any:
    """Return the value inside ``{"value": x}``; a bare value is refused, as Acumatica does."""
    if not isinstance(part, dict):
        raise invalid_request(f"The value of {name} must be an object with a value.", name)
    return part.get("value")


def converted(kind: str, value: Any) -> Any:
    """Return ``value`` as the kind stores it, None for an empty one."""
    if value is None or value == "":
        return None
    try:
        return _CONVERTERS[kind](value)
    except (ValueError, TypeError, InvalidOperation, OverflowError) as exc:
        raise UnreadableError(f"{value!r} is no {_NAMES[kind]}") from exc


def shown(kind: str, value: Any) -> Any:
    """Return a stored value as an answer writes it."""
    if isinstance(value, datetime):
        return moment_text(value)
    if isinstance(value, date):
        return f"{value.isoformat()}T00:00:00+00:00"
    if kind in _SCALE and value == ZERO:
        return _SCALE[kind] * 0
    return value


def moment_text(moment: datetime) -> str:
    """Return a moment in UTC with up to three decimals, trailing zeros cut."""
    text = moment.strftime("%Y-%m-%dT%H:%M:%S")
    thousandths = moment.microsecond // 1000
    fraction = f".{thousandths:03d}".rstrip("0") if thousandths else ""
    return f"{text}{fraction}+00:00"


def read_moment(text: str) -> datetime:
    """Return a moment from ISO text; without an offset it counts as UTC."""
    moment = datetime.fromisoformat(text)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def read_date(text: str) -> date:
    """Return a business date; the day is the one in UTC."""
    for form in _US_FORMS:
        try:
            return datetime.strptime(text, form).replace(tzinfo=UTC).date()
        except ValueError:
            continue
    return read_moment(text).date()


def quantized(value: Decimal, kind: str = "d") -> Decimal:
    """Return a decimal with the digits that the database keeps."""
    if abs(value) >= _LARGEST:
        raise ValueError("the number is too large")
    return value.quantize(_SCALE[kind], ROUND_HALF_UP)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "True" if value else "False"
    if isinstance(value, (str, int, float, Decimal)):
        return str(value).rstrip()
    raise ValueError("no text")


def _flag(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in {"true", "false"}:
        return value.lower() == "true"
    raise ValueError("no boolean")


def _whole(value: Any) -> int:
    if isinstance(value, bool):
        raise TypeError("a boolean")
    number = Decimal(str(value))
    if number != number.to_integral_value():
        raise ValueError("not whole")
    return int(number)


def _decimal(kind: str) -> Callable[[Any], Decimal]:
    def read(value: Any) -> Decimal:
        if isinstance(value, bool):
            raise TypeError("a boolean")
        return quantized(Decimal(str(value)), kind)

    return read


def _date(value: Any) -> date:
    if isinstance(value, datetime):
        return value.date()
    return value if isinstance(value, date) else read_date(value)


def _moment(value: Any) -> datetime:
    return value if isinstance(value, datetime) else read_moment(value)


_CONVERTERS: Mapping[str, Callable[[Any], Any]] = {
    "s": _text,
    "b": _flag,
    "i": _whole,
    "d": _decimal("d"),
    "q": _decimal("q"),
    "D": _date,
    "t": _moment,
    "g": lambda value: str(UUID(value)),
}
_NAMES = {
    "s": "text",
    "b": "boolean",
    "i": "whole number",
    "d": "number",
    "q": "number",
    "D": "date",
    "t": "date and time",
    "g": "GUID",
}
