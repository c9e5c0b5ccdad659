"""Push notifications (SM302000): what changed, sent to webhook destinations with a fixed header."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import msgspec

from vendor_simulators.acumatica.records import Record
from vendor_simulators.acumatica.site import Site
from vendor_simulators.acumatica.values import moment_text
from vendor_simulators.kit import Delivery

_encode = msgspec.json.Encoder(decimal_format="number").encode
_KEY_WIDTH = 10  # characters to which keys are padded
_TICKS_PER_MICROSECOND = 10
_YEAR_ONE = datetime(1, 1, 1, tzinfo=UTC)
_SECONDS_TO_ANSWER = 10.0


@dataclass(frozen=True)
class PushQuery:
    """A generic inquiry whose results are watched."""

    name: str
    entity: str
    columns: Mapping[str, str]  # column of the inquiry: field of the entity


@dataclass(frozen=True)
class Destination:
    """A webhook destination."""

    url: str
    header_name: str
    header_value: str
    queries: tuple[PushQuery, ...]


class PushSender:
    """Turns saved records into notifications."""

    def __init__(self, site: Site, send: Callable[[Delivery], None], tenant: str) -> None:
        self._site = site
        self._send = send
        self._tenant = tenant
        self.destinations: list[Destination] = []

    def saved(self, record: Record, prior: Record | None) -> None:
        """Tell every destination that watches the record's entity."""
        if self.destinations:
            self._tell(record.entity.name, record, prior)

    def deleted(self, record: Record) -> None:
        """Tell that a record is gone."""
        self._tell(record.entity.name, None, record)

    def _tell(self, entity: str, record: Record | None, prior: Record | None) -> None:
        for destination in self.destinations:
            for query in destination.queries:
                if query.entity == entity:
                    self._deliver(destination, query, record, prior)

    def _deliver(
        self,
        destination: Destination,
        query: PushQuery,
        record: Record | None,
        prior: Record | None,
    ) -> None:
        inserted = [] if record is None else [self._row(query, record)]
        deleted = [] if prior is None else [self._row(query, prior)]
        if inserted == deleted:
            return  # nothing that the inquiry shows has changed
        now = self._site.clock.now()
        body = {
            "Inserted": inserted,
            "Deleted": deleted,
            "Query": query.name,
            "CompanyId": self._tenant,
            "Id": self._site.transaction_id,
            "TimeStamp": _ticks(now),
            "AdditionalInfo": {"PXPerformanceInfoStartTime": now.strftime("%m/%d/%Y %H:%M:%S")},
        }
        retries = self._site.switches["push_retry_seconds"]
        self._send(
            Delivery(
                event=f"push {query.entity}",
                url=destination.url,
                body=_encode(body),
                headers={
                    destination.header_name: destination.header_value,
                    "Content-Type": "application/json",
                    "Accept": "application/json",
                },
                retry_after=tuple(float(seconds) for seconds in retries),
                timeout=_SECONDS_TO_ANSWER,
            )
        )

    def _row(self, query: PushQuery, record: Record) -> dict[str, Any]:
        keys = record.entity.keys if self._site.switches["padded_push_keys"] else ()
        row: dict[str, Any] = {}
        for column, path in query.columns.items():
            value = record.at(path.split("/"))
            if isinstance(value, datetime):
                value = moment_text(value).removesuffix("+00:00")
            elif isinstance(value, date):
                value = f"{value.isoformat()}T00:00:00"
            elif path in keys and isinstance(value, str) and path == keys[-1]:
                value = value.ljust(_KEY_WIDTH)
            row[column] = value
        return row


def _ticks(moment: datetime) -> int:
    """Return .NET ticks: tenths of a microsecond since the year 1."""
    passed = moment - _YEAR_ONE
    whole = (passed.days * 86_400 + passed.seconds) * 1_000_000 + passed.microseconds
    return whole * _TICKS_PER_MICROSECOND
