"""Storing deliveries: once each, with the work they give rise to, many in one commit."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from ml_connector.core.lanes import Lane
from ml_connector.core.webhooks import WebhookEvent
from ml_connector.sync import backlog
from ml_connector.sync.flow import Integration, Sighting
from ml_connector.sync.installations import Installation
from ml_connector.sync.interest import ended_causes, wanted_by
from ml_connector.sync.rows import Wanted


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One verified request."""

    workspace_id: int
    connection_id: int
    endpoint_id: int
    raw_body: bytes
    events: tuple[WebhookEvent, ...]
    received_at: datetime
    unreadable: str | None = None
    """Why the body could not be read, if so; it is kept all the same."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a delivery."""

    is_repeat: bool
    raised: int
    """Backlog rows that now have something to do."""


# All keys of all deliveries in one sorted statement; those that come back are new.
_REMEMBER = text(
    """
    INSERT INTO webhook_delivery (connection_id, delivery_key, received_at)
    SELECT DISTINCT ON (k.connection_id, k.delivery_key) k.*
    FROM unnest(CAST(:connection_ids AS bigint[]), CAST(:delivery_keys AS text[]),
                CAST(:received_ats AS timestamptz[])) AS k (connection_id, delivery_key, at)
    ORDER BY k.connection_id, k.delivery_key
    ON CONFLICT DO NOTHING
    RETURNING connection_id, delivery_key
    """
)

_STORE = text(
    """
    INSERT INTO webhook_inbox (received_at, workspace_id, connection_id, endpoint_id, raw_body,
                               records, correlation_id, detail)
    SELECT d.received_at, d.workspace_id, d.connection_id, d.endpoint_id, d.raw_body,
           string_to_array(d.records, E'\\n'), d.correlation_id, d.detail
    FROM unnest(
        CAST(:received_ats AS timestamptz[]), CAST(:workspace_ids AS bigint[]),
        CAST(:connection_ids AS bigint[]), CAST(:endpoint_ids AS bigint[]),
        CAST(:raw_bodies AS bytea[]), CAST(:records AS text[]), CAST(:correlation_ids AS text[]),
        CAST(:details AS jsonb[])
    ) AS d (received_at, workspace_id, connection_id, endpoint_id, raw_body, records,
            correlation_id, detail)
    """
)

Streams = Callable[[int, str], str | None]
"""``(connection_id, kind)`` to the name of the stream that this kind of record belongs to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inbox:
    """Takes deliveries of all connections of a process."""

    integrations: Mapping[str, Integration]
    installations_of: Callable[[int], Sequence[Installation]]
    stream_of: Streams

    async def take(self, db: AsyncConnection, deliveries: Sequence[Delivery]) -> Sequence[Taken]:
        """Store new deliveries and raise what they are about, in this transaction."""
        new_keys = await self._remember(db, deliveries)
        is_new = [_claims(delivery, new_keys) for delivery in deliveries]
        fresh = [item for item, new in zip(deliveries, is_new, strict=True) if new]
        if fresh:
            await db.execute(_STORE, _store_columns(fresh))
        wanted: list[list[Wanted]] = [
            list(self._wanted(item)) if new else []
            for item, new in zip(deliveries, is_new, strict=True)
        ]
        await backlog.capture(db, [row for rows in wanted for row in rows])
        await self._wake(db, fresh)
        return [
            Taken(is_repeat=not new, raised=len(rows))
            for new, rows in zip(is_new, wanted, strict=True)
        ]

    async def _remember(
        self, db: AsyncConnection, deliveries: Sequence[Delivery]
    ) -> set[tuple[int, str]]:
        keyed = [
            (delivery.connection_id, key, delivery.received_at)
            for delivery in deliveries
            for key in _keys(delivery)
        ]
        rows = await db.execute(
            _REMEMBER,
            {
                "connection_ids": [item[0] for item in keyed],
                "delivery_keys": [item[1] for item in keyed],
                "received_ats": [item[2] for item in keyed],
            },
        )
        return {(row.connection_id, row.delivery_key) for row in rows}

    async def _wake(self, db: AsyncConnection, deliveries: Sequence[Delivery]) -> None:
        """Wake what is held for a record that has changed."""
        ended: dict[int, set[str]] = {}
        for delivery in deliveries:
            for event in delivery.events:
                stream = self.stream_of(delivery.connection_id, event.kind)
                found = ended_causes(
                    self.installations_of(delivery.connection_id),
                    self.integrations,
                    connection_id=delivery.connection_id,
                    stream=stream or "",
                    sightings=_sightings(event),
                )
                for number, causes in found.items():
                    ended.setdefault(number, set()).update(causes)
        if ended:
            now = max(delivery.received_at for delivery in deliveries)
            await backlog.wake_ended(db, ended, now=now)

    def _wanted(self, delivery: Delivery) -> list[Wanted]:
        installed = self.installations_of(delivery.connection_id)
        wanted: list[Wanted] = []
        for event in delivery.events:
            stream = self.stream_of(delivery.connection_id, event.kind)
            if stream is None:
                continue
            wanted.extend(
                wanted_by(
                    installed,
                    self.integrations,
                    connection_id=delivery.connection_id,
                    stream=stream,
                    sightings=_sightings(event),
                    now=delivery.received_at,
                    lane=Lane.EVENT,
                    trigger=_trigger(event, delivery),
                )
            )
        return wanted


def _sightings(event: WebhookEvent) -> list[Sighting]:
    """A merge concerns both records: the one that is gone and the one that stays."""
    seen = [
        Sighting(
            kind=event.kind,
            key=event.key,
            changed_at=event.changed_at,
            moment=event.moment,
            is_deleted=event.action in {"deleted", "merged"},
        )
    ]
    if event.merged_into is not None:
        seen.append(Sighting(kind=event.kind, key=event.merged_into, changed_at=None, moment=None))
    return seen


def _trigger(event: WebhookEvent, delivery: Delivery) -> dict[str, Any]:
    return {
        "by": "webhook",
        "action": event.action,
        **_merge(event),
        "delivery": event.delivery_keys[0] if event.delivery_keys else None,
        "correlation_id": event.correlation_id,
        "received_at": delivery.received_at.isoformat(),
        "happened_at": event.happened_at.isoformat() if event.happened_at else None,
    }


def _merge(event: WebhookEvent) -> dict[str, str]:
    """Return which record went into which: both are told the same."""
    if event.merged_into is not None:
        return {"merged_from": event.key, "merged_into": event.merged_into}
    if event.merged_from is not None:
        return {"merged_from": event.merged_from, "merged_into": event.key}
    return {}


def _keys(delivery: Delivery) -> list[str]:
    """Each event's own key; a correlation is shared by events that are not repeats."""
    return [event.delivery_keys[0] for event in delivery.events if event.delivery_keys]


def _claims(delivery: Delivery, new_keys: set[tuple[int, str]]) -> bool:
    """Tell whether a delivery brings anything new, and take its keys from the later ones."""
    keys = {(delivery.connection_id, key) for key in _keys(delivery)}
    if not keys:
        return True
    is_new = not keys.isdisjoint(new_keys)
    new_keys -= keys
    return is_new


def _store_columns(deliveries: Sequence[Delivery]) -> dict[str, Any]:
    return {
        "received_ats": [item.received_at for item in deliveries],
        "workspace_ids": [item.workspace_id for item in deliveries],
        "connection_ids": [item.connection_id for item in deliveries],
        "endpoint_ids": [item.endpoint_id for item in deliveries],
        "raw_bodies": [item.raw_body for item in deliveries],
        "records": [
            "\n".join(f"{event.kind}/{event.key}" for event in item.events) for item in deliveries
        ],
        "correlation_ids": [
            next((event.correlation_id for event in item.events), None) for item in deliveries
        ],
        "details": [_detail(item) for item in deliveries],
    }


def _detail(delivery: Delivery) -> str:
    detail = {
        "events": [
            {"kind": event.kind, "key": event.key, "action": event.action, "attempt": event.attempt}
            for event in delivery.events
        ],
        "unreadable": delivery.unreadable,
    }
    return msgspec.json.encode(detail).decode()
