"""Field values as they are kept and compared: by meaning, and exact to the digit."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec


def plain(value: Any) -> Any:
    """Return a value as JSON has it; amounts keep every digit, as text."""
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, Mapping):
        return {str(name): plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return msgspec.to_builtins(value, str_keys=True, enc_hook=str)


def same(left: Any, right: Any) -> bool:
    """Compare two field values by meaning: 5, 5.00 and "5.00" agree, and so do '' and nothing."""
    one, other = _canonical(left), _canonical(right)
    if isinstance(one, Decimal) != isinstance(other, Decimal):
        # an amount that was stored as text, beside one that was just read
        return bool(_as_decimal(one) == _as_decimal(other))
    return bool(one == other)


def _canonical(value: Any) -> Any:
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        return Decimal(value).normalize()
    if isinstance(value, str):
        return value.strip() or None
    if isinstance(value, Mapping):
        return {name: _canonical(item) for name, item in value.items()} or None
    if isinstance(value, list | tuple):
        return [_canonical(item) for item in value] or None
    return value if value is None or isinstance(value, bool) else _canonical(plain(value))


def _as_decimal(value: Any) -> Any:
    try:
        return Decimal(value) if isinstance(value, str) else value
    except InvalidOperation:
        return value
