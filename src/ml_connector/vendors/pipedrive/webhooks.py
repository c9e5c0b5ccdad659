"""Pipedrive's webhooks: who sent it, and what happened.

Pipedrive itself guards a delivery with HTTP Basic only, in either format, and signs nothing
(NOTES.md, "Webhooks"). A signature is checked for a sender in between that adds one: the hex
HMAC-SHA256 of the raw body in ``X-Pipedrive-Signature``.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Literal

import msgspec

from ml_connector.core.secret import Secret
from ml_connector.core.webhooks import (
    Guard,
    WebhookEvent,
    WebhookRefusedError,
    WebhookUnreadableError,
)
from ml_connector.transport.vendor import Webhooks
from ml_connector.vendors.pipedrive.models import Moment

SIGNATURE_HEADER = "x-pipedrive-signature"

Action = Literal["created", "changed", "deleted", "merged"]
_ACTIONS: Mapping[str, Action] = {
    "create": "created",
    "change": "changed",
    "delete": "deleted",
    "added": "created",
    "updated": "changed",
    "deleted": "deleted",
    "merged": "merged",
}
_WITH_LIST_DATA = "user"
"""Events of this entity carry a list and other ids; none of our flows reads users."""


def verify(body: bytes, headers: Mapping[str, str], guard: Guard) -> None:
    """Let through what passes the guard, or the one before the last rotation.

    Looks at bytes only: nothing is parsed. Every comparison takes the same time whether it
    fails early or late.
    """
    if guard.is_open:
        raise WebhookRefusedError("this address has no guard, and nothing is let through")
    why = _fault(body, headers, guard)
    if why is None:
        return
    previous = guard.previous
    if previous is None or previous.is_open or _fault(body, headers, previous) is not None:
        raise WebhookRefusedError(why)


def read(
    body: bytes,
    headers: Mapping[str, str],  # noqa: ARG001 - as all vendors'; Pipedrive's tell nothing
) -> tuple[WebhookEvent, ...]:
    """Return what happened, from either format."""
    try:
        whole = msgspec.json.decode(body)
    except msgspec.DecodeError as exc:
        raise WebhookUnreadableError(f"the body is not JSON: {exc}") from exc
    if not isinstance(whole, dict) or not isinstance(whole.get("meta"), dict):
        raise WebhookUnreadableError("the body has no meta block")
    # Format 2.0 names itself in its meta block; 1.0 has ``v`` and an ``event``.
    read_format = _read_v1 if "event" in whole or "v" in whole["meta"] else _read_v2
    try:
        return read_format(whole)
    except msgspec.ValidationError as exc:
        raise WebhookUnreadableError(f"the body is not as documented: {exc}") from exc


WEBHOOKS = Webhooks(verify=verify, read=read)


# --- the guard -------------------------------------------------------------------------------


def _fault(body: bytes, headers: Mapping[str, str], guard: Guard) -> str | None:
    """Return what does not pass; every kind that is set must."""
    if guard.basic is not None and not _is_basic(headers.get("authorization", ""), guard.basic):
        return "user name and password are missing or wrong"
    if guard.signature_key is not None and not _is_signed(
        body, headers.get(SIGNATURE_HEADER, ""), guard.signature_key
    ):
        return "the signature is missing or wrong"
    if guard.header is not None:
        name, value = guard.header
        if not value.matches(headers.get(name.lower(), "")):
            return f"the header {name} is missing or wrong"
    return None


def _is_basic(authorization: str, expected: tuple[Secret, Secret]) -> bool:
    scheme, _, encoded = authorization.partition(" ")
    try:
        pair = base64.b64decode(encoded.strip(), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return False
    user, _, password = pair.partition(":")
    # Both are compared in any case, so that the time does not tell which of them is wrong.
    is_user, is_password = expected[0].matches(user), expected[1].matches(password)
    return scheme.lower() == "basic" and is_user and is_password


def _is_signed(body: bytes, signature: str, key: Secret) -> bool:
    """Compare with the HMAC over the very bytes received, in the spellings that occur."""
    given = signature.strip().removeprefix("sha256=").encode()
    digest = hmac.new(key.reveal().encode(), body, hashlib.sha256).digest()
    as_hex = hmac.compare_digest(digest.hex().encode(), given.lower())
    as_base64 = hmac.compare_digest(base64.b64encode(digest), given)
    return as_hex or as_base64


# --- format 2.0 ------------------------------------------------------------------------------


class _MetaV2(msgspec.Struct, frozen=True, kw_only=True):
    """Ids are texts here, and numbers in the data."""

    id: str | int
    action: str
    entity: str
    entity_id: str | int | None = None
    correlation_id: str | None = None
    timestamp: str | int | float | None = None
    attempt: int = 1
    merged_to_id: str | int | None = None
    merged_from_id: str | int | None = None


class _Times(msgspec.Struct, frozen=True, kw_only=True):
    update_time: Moment | None = None
    won_time: Moment | None = None


def _read_v2(whole: dict[str, Any]) -> tuple[WebhookEvent, ...]:
    meta = msgspec.convert(whole["meta"], _MetaV2)
    if meta.entity == _WITH_LIST_DATA:
        return ()
    key = _key_v2(meta, whole)
    times = _times(whole.get("data"), meta.entity)
    action: Action = "merged" if meta.merged_to_id is not None else _action(meta.action)
    return (
        WebhookEvent(
            kind=meta.entity,
            key=key,
            action=action,
            delivery_keys=_delivery_keys_v2(meta, key),
            changed_at=times.update_time,
            happened_at=_moment(meta.timestamp),
            moment=times.won_time,
            merged_into=None if meta.merged_to_id is None else str(meta.merged_to_id),
            merged_from=None if meta.merged_from_id is None else str(meta.merged_from_id),
            correlation_id=meta.correlation_id,
            attempt=meta.attempt,
        ),
    )


def _key_v2(meta: _MetaV2, whole: dict[str, Any]) -> str:
    if meta.entity_id is not None:
        return str(meta.entity_id)
    for record in (whole.get("data"), whole.get("previous")):
        if isinstance(record, dict) and record.get("id") is not None:
            return str(record["id"])
    raise WebhookUnreadableError(f"the event of a {meta.entity} names no record")


def _delivery_keys_v2(meta: _MetaV2, key: str) -> tuple[str, ...]:
    """Return the event's own id, and the change that it is about.

    The correlation id alone is no key: one merge or bulk edit has one for several records.
    """
    own = f"v2:{meta.id}"
    if meta.correlation_id is None:
        return (own,)
    return own, f"v2:{meta.correlation_id}:{meta.entity}:{key}:{meta.action}"


def _times(data: object, entity: str) -> _Times:
    """Return the record's own times; a deletion carries none."""
    if not isinstance(data, dict):
        return _Times()
    told = {name: data.get(name) for name in ("update_time", "won_time")}
    times = msgspec.convert(told, _Times)
    return times if entity == "deal" else _Times(update_time=times.update_time)


# --- format 1.0 ------------------------------------------------------------------------------


class _MetaV1(msgspec.Struct, frozen=True, kw_only=True):
    """Ids are numbers here."""

    id: int | str
    action: str
    object: str
    timestamp: int | None = None
    timestamp_micro: int | None = None
    webhook_id: int | str | None = None


def _read_v1(whole: dict[str, Any]) -> tuple[WebhookEvent, ...]:
    meta = msgspec.convert(whole["meta"], _MetaV1)
    if meta.object == _WITH_LIST_DATA:
        return ()
    current = whole.get("current")
    times = _times(_aware(current) if isinstance(current, dict) else None, meta.object)
    retry = whole.get("retry")
    return (
        WebhookEvent(
            kind=meta.object,
            key=str(meta.id),
            # The event of a merge names the record that stays; the other's is a deletion.
            action="changed" if meta.action == "merged" else _action(meta.action),
            delivery_keys=_delivery_keys_v1(meta),
            changed_at=times.update_time,
            happened_at=_happened_v1(meta),
            moment=times.won_time,
            attempt=retry + 1 if isinstance(retry, int) else 1,
        ),
    )


def _delivery_keys_v1(meta: _MetaV1) -> tuple[str, ...]:
    """Return the change itself, to the microsecond: this format has no event id.

    Without the microseconds there is nothing to tell two changes apart, and so no key.
    """
    if meta.timestamp_micro is None:
        return ()
    return (f"v1:{meta.object}:{meta.id}:{meta.action}:{meta.timestamp_micro}",)


def _happened_v1(meta: _MetaV1) -> datetime | None:
    if meta.timestamp_micro is not None:
        return datetime.fromtimestamp(meta.timestamp_micro / 1_000_000, UTC)
    return _moment(meta.timestamp)


def _aware(current: Mapping[str, Any]) -> dict[str, Any]:
    """Return the times of a flat record as format 2.0 writes them: they are UTC unsaid."""
    told = {name: current.get(name) for name in ("update_time", "won_time")}
    return {
        name: f"{text.replace(' ', 'T')}Z" if isinstance(text, str) and " " in text else text
        for name, text in told.items()
        if text
    }


def _action(word: str) -> Action:
    action = _ACTIONS.get(word)
    if action is None:
        raise WebhookUnreadableError(f"the action {word!r} is not documented")
    return action


def _moment(stamp: str | float | None) -> datetime | None:
    if isinstance(stamp, int | float):
        return datetime.fromtimestamp(stamp, UTC)
    return None if stamp is None else msgspec.convert(stamp, Moment)
