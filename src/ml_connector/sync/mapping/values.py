"""A value of one side as the type that a field of the other side has."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import ROUND_HALF_UP, Decimal, localcontext
from enum import Enum
from typing import Any
from zoneinfo import ZoneInfo

from ml_connector.sync.mapping.fields import Field, Kind, did_you_mean, folded
from ml_connector.sync.mapping.ownership import is_blank

_NUMBER = re.compile(r"[+-]?\d{1,30}(\.\d{1,30})?")
_LONGEST_NUMBER = 30  # digits on either side of the point
_PRECISION = 80  # digits while rounding; above both sides together
_TRUE = frozenset({"true", "yes", "y", "1", "on"})
_FALSE = frozenset({"false", "no", "n", "0", "off"})


class ConversionError(ValueError):
    """A value cannot be what a field holds; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """How a value is shaped for its field."""

    trim: bool = True
    longest: int | None = None
    may_cut: bool = False
    digits: int | None = None
    zone: ZoneInfo | None = None


PLAIN = Form()


def convert(value: Any, target: Field, *, form: Form = PLAIN, source: Field | None = None) -> Any:
    """Return ``value`` as what ``target`` holds, or None where nothing is left of it.

    ``source`` is the field it came from: a choice of it is written by its label. Raises
    ConversionError.
    """
    if target.kind is Kind.PARTS:  # an address goes over with its parts
        return None if is_blank(value) else value
    plain = _labelled(_plain(value), source)
    if is_blank(plain):
        return None
    if target.kind not in _WHOLE:
        plain = _one(plain)
    return _CONVERSIONS[target.kind](plain, target, form)


def key_of(value: Any) -> str:
    """Return a value as the key under which a table has it."""
    plain = _plain(value)
    return shown(plain).strip() if not isinstance(plain, Mapping) else ""


def shown(value: Any) -> str:
    """Return a value as people write it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Decimal):
        return f"{value:f}" if _is_written_out(value) else str(value)
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, tuple | list):
        return ", ".join(shown(_plain(item)) for item in value)
    return str(value)


def _is_written_out(number: Decimal) -> bool:
    """Whether a number is one that people write with all its digits, not an exponent."""
    return number.is_finite() and abs(number.adjusted()) <= _LONGEST_NUMBER


def _plain(value: Any) -> Any:
    """Return what stands in the middle of a value with parts: an address' text, a choice's id."""
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Mapping):
        for part in ("value", "id", "name"):
            if part in value:
                return _plain(value[part])
    if isinstance(value, tuple | list):
        return tuple(_plain(item) for item in value)
    return value


def _labelled(value: Any, source: Field | None) -> Any:
    """Return a choice by its label: the other side knows nothing of the ids of this one."""
    if source is None or not source.options or isinstance(value, bool):
        return value
    if isinstance(value, tuple | list):
        return tuple(_labelled(item, source) for item in value)
    return source.options.get(shown(value), value)


def _one(value: Any) -> Any:
    """Return the only one of a list; a record or several values are no single value."""
    if isinstance(value, tuple | list):
        if len(value) > 1:
            raise ConversionError(f"has several values: {shown(value)}")
        return _one(value[0])
    if isinstance(value, Mapping):
        raise ConversionError("is a whole record; name one of its fields")
    return value


def _text(value: Any, target: Field, form: Form) -> str | None:
    text = shown(value if isinstance(value, tuple | list) else _one(value))
    if form.trim:
        text = text.strip()
    longest = min((n for n in (form.longest, target.longest) if n is not None), default=None)
    if longest is None or len(text) <= longest:
        return text or None
    if not form.may_cut:
        raise ConversionError(
            f"is {len(text)} characters long, and {longest} fit; shorten it, or set too_long: cut"
        )
    cut = text[:longest]
    return cut.rstrip() if form.trim else cut


def _decimal(value: Any, target: Field, form: Form) -> Decimal:
    digits = form.digits if form.digits is not None else target.digits
    number = _number(value)
    if digits is None:
        return number
    with localcontext() as context:
        context.prec = _PRECISION
        return number.quantize(Decimal(1).scaleb(-digits), rounding=ROUND_HALF_UP)


def _integer(value: Any, _target: Field, _form: Form) -> int:
    number = _number(value)
    if number != number.to_integral_value():
        raise ConversionError(f"is {shown(value)!r}, which is no whole number")
    return int(number)


def _number(value: Any) -> Decimal:
    if isinstance(value, Decimal) and _is_written_out(value):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return Decimal(value)
    if isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
        return Decimal(value.strip())
    raise ConversionError(f"is {shown(value)!r}, which is no number (as 1234.50)")


def _boolean(value: Any, _target: Field, _form: Form) -> bool:
    word = folded(shown(value))
    if word in _TRUE | _FALSE:
        return word in _TRUE
    raise ConversionError(f"is {shown(value)!r}, which is neither yes nor no")


def _date(value: Any, _target: Field, form: Form) -> date:
    if isinstance(value, datetime):
        return value.astimezone(form.zone or UTC).date()
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(str(value).strip())
    except ValueError as exc:
        raise ConversionError(f"is {shown(value)!r}, which is no day (as 2026-10-31)") from exc


def _moment(value: Any, _target: Field, form: Form) -> datetime:
    moment = value
    if not isinstance(value, date):
        try:
            moment = datetime.fromisoformat(str(value).strip())
        except ValueError as exc:
            raise ConversionError(
                f"is {shown(value)!r}, which is no moment (as 2026-10-31T12:00:00Z)"
            ) from exc
    if not isinstance(moment, datetime):  # a day begins at midnight
        moment = datetime.combine(moment, time())
    return moment if moment.tzinfo else moment.replace(tzinfo=form.zone or UTC)


def _choice(value: Any, target: Field, _form: Form) -> str:
    text = shown(value).strip()
    if not target.options or text in target.options:
        return text
    named = [key for key, label in target.options.items() if folded(label) == folded(text)]
    if len(named) == 1:
        return named[0]
    near = did_you_mean(text, [*target.options.values(), *target.options])
    raise ConversionError(f"is {text!r}, which is no choice of {target.called}{near}")


def _choices(value: Any, target: Field, form: Form) -> tuple[str, ...]:
    each = value if isinstance(value, tuple | list) else (value,)
    return tuple(_choice(_one(item), target, form) for item in each)


def _as_it_is(value: Any, _target: Field, _form: Form) -> Any:
    return value


_WHOLE = frozenset({Kind.TEXT, Kind.CHOICES, Kind.PARTS, Kind.ANY})

_CONVERSIONS: Mapping[Kind, Callable[[Any, Field, Form], Any]] = {
    Kind.TEXT: _text,
    Kind.DECIMAL: _decimal,
    Kind.INTEGER: _integer,
    Kind.BOOLEAN: _boolean,
    Kind.DATE: _date,
    Kind.MOMENT: _moment,
    Kind.CHOICE: _choice,
    Kind.CHOICES: _choices,
    Kind.PARTS: _as_it_is,
    Kind.ANY: _as_it_is,
}
