"""Bytes to models and back."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, TypeVar

import msgspec

from ml_connector.core.errors import ContractError
from ml_connector.core.secret import Secret
from ml_connector.transport.messages import Response

T = TypeVar("T")

_decoder = msgspec.json.Decoder(float_hook=Decimal)


def _reveal(value: object) -> str:
    if isinstance(value, Secret):
        return value.reveal()
    raise TypeError(f"{type(value).__name__} is nothing that Pipedrive can be sent")


_encoder = msgspec.json.Encoder(decimal_format="number", enc_hook=_reveal)


class Envelope(msgspec.Struct, frozen=True, kw_only=True):
    """What every answer is wrapped in."""

    data: Any = None
    additional_data: dict[str, Any] | None = None

    @property
    def items(self) -> list[Any]:
        """The data of a list; null is an empty one (API v1 does that)."""
        if self.data is None:
            return []
        if not isinstance(self.data, list):
            raise ContractError(f"Pipedrive answered {type(self.data).__name__}, not a list")
        return self.data

    @property
    def next_cursor(self) -> str | None:
        """The opaque cursor of the next page, or None at the end."""
        cursor = (self.additional_data or {}).get("next_cursor")
        return cursor if isinstance(cursor, str) and cursor else None


def parse(body: bytes) -> Any:
    """Return the JSON of a body; numbers with a fraction become Decimal."""
    try:
        return _decoder.decode(body)
    except msgspec.DecodeError as exc:
        raise ContractError(f"Pipedrive's answer is not JSON: {exc}") from exc


def envelope(response: Response) -> Envelope:
    """Return the answer without its wrapping."""
    try:
        return msgspec.convert(parse(response.body), Envelope)
    except msgspec.ValidationError as exc:
        raise ContractError(f"Pipedrive's answer has no known envelope: {exc}") from exc


def record(type_: type[T], data: object) -> T:
    """Return one record. Nulls count as absent, except among custom field values."""
    try:
        return msgspec.convert(_without_nulls(data), type_)
    except msgspec.ValidationError as exc:
        raise ContractError(
            f"Pipedrive's {_name(type_, data)} is not as documented: {exc}"
        ) from exc


def records(type_: type[T], items: Iterable[object]) -> tuple[T, ...]:
    """Return a list's records in the order of the answer."""
    return tuple(record(type_, item) for item in items)


def encode(draft: object) -> bytes:
    """Return the JSON of a draft: UNSET parts left out, Decimals as exact numbers."""
    return _encoder.encode(draft)


def stamp(moment: datetime) -> str:
    """Return a moment as API v2 takes it: whole seconds in UTC, rounded down.

    Fractions of a second are refused with 400 (NOTES.md, "Times").
    """
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def v1_moment(text: str) -> datetime:
    """Return the moment of an API v1 time, ``2026-10-02 09:30:10`` without its zone, UTC."""
    try:
        return datetime.fromisoformat(text).replace(tzinfo=UTC)
    except ValueError as exc:
        raise ContractError(f"{text!r} is not a time as API v1 writes them") from exc


def _without_nulls(data: object) -> object:
    if isinstance(data, dict):
        return {
            key: value if key == "custom_fields" else _without_nulls(value)
            for key, value in data.items()
            if value is not None
        }
    if isinstance(data, list):
        return [_without_nulls(item) for item in data]
    return data


def _name(type_: type, data: object) -> str:
    key = data.get("id") if isinstance(data, dict) else None
    return type_.__name__ if key is None else f"{type_.__name__} {key}"
