"""What changed, in order of change.

Deleted deals come in the stream of deals: a list by every status shows them for 30 days, with
the moment of deletion as their moment of change. Archived deals are in a list of their own and
therefore a stream of their own (`profile.py`). Organizations, persons and products disappear
from their lists when they are deleted: only a webhook, or a read that finds nothing, tells.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from ml_connector.core.changes import Change, ChangePage
from ml_connector.core.clock import Clock
from ml_connector.core.errors import ContractError
from ml_connector.transport.messages import Response
from ml_connector.vendors.pipedrive import wire
from ml_connector.vendors.pipedrive.api import API, Params
from ml_connector.vendors.pipedrive.by_ids import EVERY_STATUS
from ml_connector.vendors.pipedrive.models import Deal, LogEntry, Organization, Person, Product
from ml_connector.vendors.pipedrive.pages import LARGEST_PAGE, page_params, pages

ChangingRecord = Deal | Organization | Person | Product


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stream:
    kind: str
    path: str
    operation: str
    type_: type[ChangingRecord]
    params: Params = ()


_STREAMS: Mapping[str, _Stream] = {
    "deals": _Stream(
        kind="deal",
        path="deals",
        operation="deals.list",
        type_=Deal,
        params=(("status", EVERY_STATUS),),
    ),
    "archived_deals": _Stream(
        kind="deal", path="deals/archived", operation="deals.archived", type_=Deal
    ),
    "organizations": _Stream(
        kind="organization",
        path="organizations",
        operation="organizations.list",
        type_=Organization,
    ),
    "persons": _Stream(kind="person", path="persons", operation="persons.list", type_=Person),
    "products": _Stream(kind="product", path="products", operation="products.list", type_=Product),
}


async def read(
    api: API, stream: str, *, since: datetime, page: str | None, clock: Clock
) -> ChangePage:
    """Return one page of a stream, oldest change first."""
    source = _STREAMS[stream]
    params = [
        *source.params,
        ("updated_since", wire.stamp(since)),
        ("sort_by", "update_time"),
        ("sort_direction", "asc"),
    ]
    answer = await api.call(
        "GET",
        source.path,
        operation=source.operation,
        params=page_params(params, LARGEST_PAGE, page),
    )
    found = wire.envelope(answer)
    return ChangePage(
        changes=tuple(_change(source, item) for item in found.items),
        next_page=found.next_cursor,
        read_at=_read_at(answer, clock),
    )


async def changelog(api: API, path: str, record_id: int) -> tuple[LogEntry, ...]:
    """Return a record's changes field by field: an API v1 list with a v2 cursor."""
    path_of_log = f"{path}/{record_id}/changelog"
    found = pages(api, path_of_log, operation=f"{path}.changelog", version="v1")
    return tuple([_entry(item) async for page in found for item in page.items])


def _change(source: _Stream, item: object) -> Change:
    record = wire.record(source.type_, item)
    changed_at = record.update_time or record.add_time
    if changed_at is None:
        raise ContractError(f"Pipedrive's {source.kind} {record.id} has no update_time")
    return Change(
        kind=source.kind,
        key=str(record.id),
        changed_at=changed_at,
        moment=record.won_time if isinstance(record, Deal) else None,
        is_deleted=record.is_gone if isinstance(record, Deal) else record.is_deleted,
    )


def _read_at(answer: Response, clock: Clock) -> datetime:
    """Return the vendor's clock: the Date header, which its front servers always send."""
    date = answer.headers.get("date")
    if date is None:
        return clock.now()
    try:
        return parsedate_to_datetime(date).astimezone(UTC)
    except ValueError:
        return clock.now()


def _entry(item: Any) -> LogEntry:
    if isinstance(item, dict) and isinstance(item.get("time"), str):
        item = item | {"time": wire.v1_moment(item["time"])}
    return wire.record(LogEntry, item)
