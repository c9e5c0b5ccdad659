"""The streams: which entity, by which field it tells its changes, since which version.

The field's name differs by entity and endpoint version (the endpoints' definitions); sales
invoices tell none before 23.200.001, so receivables' view of the same documents is read there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from ml_connector.core.changes import Change, ChangePage
from ml_connector.core.errors import ContractError
from ml_connector.vendors.acumatica import odata, pages, wire
from ml_connector.vendors.acumatica.answers import http_date
from ml_connector.vendors.acumatica.endpoint import Endpoint, Query
from ml_connector.vendors.acumatica.models import record_key
from ml_connector.vendors.acumatica.pages import Cursor
from ml_connector.vendors.acumatica.profile import PROFILE
from ml_connector.vendors.acumatica.settings import Settings
from ml_connector.vendors.acumatica.versions import OLDEST, Version

_DAY_LENGTH = len("2026-01-31")


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where a stream is read."""

    entity: str
    keys: tuple[str, ...]
    changed: str
    """The field that tells the last change."""
    own_day: str | None = None
    """The field with the document's own day, by which a go-live is judged."""
    by_key: bool = True
    """Whether pages can go by key: not where a key is a label."""
    since: Version = OLDEST


_DOCUMENT = ("Type", "ReferenceNbr")

_SOURCES: Mapping[str, tuple[Source, ...]] = {
    "customers": (Source(entity="Customer", keys=("CustomerID",), changed="LastModifiedDateTime"),),
    "contacts": (Source(entity="Contact", keys=("ContactID",), changed="LastModifiedDateTime"),),
    "sales_orders": (
        Source(
            entity="SalesOrder",
            keys=("OrderType", "OrderNbr"),
            changed="LastModified",
            own_day="Date",
        ),
    ),
    "sales_invoices": (
        Source(
            entity="SalesInvoice",
            keys=_DOCUMENT,
            changed="LastModifiedDateTime",
            own_day="Date",
            by_key=False,
            since=(23, 200, 1),
        ),
        Source(
            entity="Invoice",
            keys=_DOCUMENT,
            changed="LastModifiedDateTime",
            own_day="Date",
            by_key=False,
        ),
    ),
    "invoices": (
        Source(
            entity="Invoice",
            keys=_DOCUMENT,
            changed="LastModifiedDateTime",
            own_day="Date",
            by_key=False,
        ),
    ),
    "payments": (
        Source(
            entity="Payment",
            keys=_DOCUMENT,
            changed="LastModifiedDateTime",
            own_day="ApplicationDate",
            by_key=False,
        ),
    ),
    "stock_items": (Source(entity="StockItem", keys=("InventoryID",), changed="LastModified"),),
    "non_stock_items": (
        Source(entity="NonStockItem", keys=("InventoryID",), changed="LastModifiedDateTime"),
    ),
}
"""The newest form first."""


def source_of(stream: str, version: Version) -> Source:
    """Return where a stream is read in an endpoint version.

    Raises KeyError for a stream that the profile does not name.
    """
    return next(source for source in _SOURCES[stream] if version >= source.since)


async def changes(
    endpoint: Endpoint, stream: str, *, since: datetime, page: str | None
) -> ChangePage:
    """Return one page of what changed at or after ``since``, in the order of keys."""
    source = source_of(stream, endpoint.version)
    cursor = pages.first(by_key=source.by_key) if page is None else Cursor.read(page)
    behind = pages.condition(cursor, source.keys)
    changed = odata.compare(source.changed, "ge", since)
    query = Query(
        where=changed if behind is None else odata.all_of(changed, behind),
        select=[*source.keys, source.changed, *([source.own_day] if source.own_day else [])],
        top=pages.PAGE,
        skip=cursor.skip or 0,
    )
    found = await endpoint.rows(source.entity, query)
    following = pages.following(cursor, found.rows, source.keys)
    kind = PROFILE.stream(stream).kind
    settings = endpoint.settings
    return ChangePage(
        changes=tuple(_change(row, source, kind=kind, settings=settings) for row in found.rows),
        next_page=None if following is None else following.text(),
        read_at=http_date(found.response.headers.get("date", "")) or endpoint.clock.now(),
    )


def _change(row: dict[str, Any], source: Source, *, kind: str, settings: Settings) -> Change:
    told = wire.scalar_at(row, source.changed)
    if not isinstance(told, str):
        raise ContractError(f"Acumatica's {source.entity} lacks {source.changed}")
    return Change(
        kind=kind,
        key=record_key(*(str(wire.scalar_at(row, name)) for name in source.keys)),
        changed_at=wire.moment(told),
        moment=_own_moment(row, source, settings),
    )


def _own_moment(row: dict[str, Any], source: Source, settings: Settings) -> datetime | None:
    day = wire.scalar_at(row, source.own_day) if source.own_day else None
    if not isinstance(day, str):
        return None
    return settings.end_of(date.fromisoformat(day[:_DAY_LENGTH]))
