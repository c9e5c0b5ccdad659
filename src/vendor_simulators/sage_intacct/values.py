"""Values as requests write them and answers show them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, tzinfo
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

from vendor_simulators.sage_intacct.definitions import Field

DATE, MOMENT = "%m/%d/%Y", "%m/%d/%Y %H:%M:%S"
CENT = Decimal("0.01")
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)")
_DAY = re.compile(r"\d{1,2}/\d{1,2}/\d{4}")


class InvalidValueError(Exception):
    """A text that is no value of its field."""


def parsed(field: Field, text: str, zone: tzinfo) -> Any:
    """Return the value that ``text`` writes, None for an empty one."""
    if text == "":
        return None
    if field.choices:
        return _choice(field, text)
    return _PARSERS.get(field.kind, _text)(text, zone)


def shown(field: Field, value: Any, zone: tzinfo, *, as_stored: bool = False) -> str:
    """Return a value as an answer writes it; ``as_stored`` shows enumerations as the database."""
    if value is None:
        return ""
    if field.choices:
        return field.choices.get(value, str(value)) if as_stored else str(value)
    if isinstance(value, bool):
        return _truth(field, value)
    if isinstance(value, Decimal):
        return number_text(value)
    if isinstance(value, datetime):
        return value.astimezone(zone).strftime(MOMENT)
    return value.strftime(DATE) if isinstance(value, date) else str(value)


def number_text(value: Decimal) -> str:
    """Return a number without trailing zeros and without an exponent."""
    return format(value.normalize(), "f") if value else "0"


def rounded(amount: Decimal, step: Decimal = CENT) -> Decimal:
    """Return an amount with two decimals, halves away from zero."""
    return amount.quantize(step, ROUND_HALF_UP)


def read_day(text: str) -> date:
    """Return the date that ``MM/DD/YYYY`` writes."""
    if not _DAY.fullmatch(text):
        raise InvalidValueError(f"{text} is not a date of the form MM/DD/YYYY")
    try:
        return datetime.strptime(text, DATE).replace(tzinfo=UTC).date()
    except ValueError as exc:
        raise InvalidValueError(f"{text} is not a date") from exc


def day_text(day: date) -> str:
    """Return a date as answers write it."""
    return day.strftime(DATE)


def _truth(field: Field, value: bool) -> str:  # noqa: FBT001 - the value is what is shown
    if field.kind == "f":
        return "T" if value else "F"
    return "true" if value else "false"


def _choice(field: Field, text: str) -> str:
    for display in field.choices:
        if text.lower() == display.lower():
            return display
    raise InvalidValueError(f"{text} is none of {', '.join(field.choices)}")


def _text(text: str, _zone: tzinfo) -> str:
    return text


def _whole(text: str, _zone: tzinfo) -> int:
    try:
        return int(text)
    except ValueError as exc:
        raise InvalidValueError(f"{text} is not a whole number") from exc


def _decimal(text: str, _zone: tzinfo) -> Decimal:
    if not _NUMBER.fullmatch(text):
        raise InvalidValueError(f"{text} is not a number")
    try:
        return Decimal(text)
    except InvalidOperation as exc:
        raise InvalidValueError(f"{text} is not a number") from exc


def _boolean(text: str, _zone: tzinfo) -> bool:
    if text.lower() in {"true", "t"}:
        return True
    if text.lower() in {"false", "f"}:
        return False
    raise InvalidValueError(f"{text} is neither true nor false")


def _moment(text: str, zone: tzinfo) -> datetime:
    day, _, clock = text.partition(" ")
    moment = datetime.combine(read_day(day), datetime.min.time())
    if clock:
        try:
            moment = datetime.strptime(text, MOMENT)  # noqa: DTZ007 - the company's zone follows
        except ValueError as exc:
            raise InvalidValueError(f"{text} is not a date and time") from exc
    return moment.replace(tzinfo=zone).astimezone(UTC)


_PARSERS: Mapping[str, Callable[[str, tzinfo], Any]] = {
    "t": _text,
    "n": _whole,
    "d": _decimal,
    "b": _boolean,
    "f": _boolean,
    "D": lambda text, _zone: read_day(text),
    "T": _moment,
}
