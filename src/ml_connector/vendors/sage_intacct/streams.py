"""The streams: which object, and which day of its own a go-live is judged by.

All tell their last change in WHENMODIFIED, to the second and without a zone. Pages go by record
number, so a pass may repeat rows and misses none. Deletions are not told: a read that finds
nothing does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from ml_connector.core.changes import Change, ChangePage
from ml_connector.core.errors import ContractError
from ml_connector.vendors.sage_intacct import pages, queries, wire
from ml_connector.vendors.sage_intacct.gateway import Gateway
from ml_connector.vendors.sage_intacct.profile import PROFILE
from ml_connector.vendors.sage_intacct.queries import RECORD_NO, Query
from ml_connector.vendors.sage_intacct.settings import Settings
from ml_connector.vendors.sage_intacct.wire import Row

CHANGED = "WHENMODIFIED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where a stream is read."""

    object_name: str
    key: str
    own_day: str | None = None
    """The field with the document's own day."""


_SOURCES: Mapping[str, Source] = {
    "vendors": Source(object_name="VENDOR", key="VENDORID"),
    "customers": Source(object_name="CUSTOMER", key="CUSTOMERID"),
    "gl_batches": Source(object_name="GLBATCH", key=RECORD_NO, own_day="BATCH_DATE"),
}


async def changes(
    gateway: Gateway, stream: str, *, since: datetime, page: str | None
) -> ChangePage:
    """Return one page of what changed at or after ``since``, in the order of record numbers."""
    source = _SOURCES[stream]
    settings = gateway.settings
    own = (source.own_day,) if source.own_day else ()
    query = Query(
        object_name=source.object_name,
        select=tuple(dict.fromkeys((RECORD_NO, source.key, CHANGED, *own))),
        where=queries.compare(
            CHANGED, "greaterthanorequalto", wire.stamp_text(since, settings.audit_zone)
        ),
    )
    found = await pages.page(gateway, query, after=_after(page))
    kind = PROFILE.stream(stream).kind
    return ChangePage(
        changes=tuple(_change(row, source, kind=kind, settings=settings) for row in found.rows),
        next_page=None if found.next_after is None else str(found.next_after),
        read_at=found.read_at,
    )


def _after(page: str | None) -> int | None:
    if page is None:
        return None
    if not page.isdigit():
        raise ContractError(f"{page!r} is not a cursor of this vendor")
    return int(page)


def _change(row: Row, source: Source, *, kind: str, settings: Settings) -> Change:
    key, changed = row.get(source.key, ""), row.get(CHANGED, "")
    if not (key and changed):
        raise ContractError(f"Intacct's {source.object_name} lacks {source.key} or {CHANGED}")
    return Change(
        kind=kind,
        key=key,
        changed_at=wire.stamp(changed, settings.audit_zone),
        moment=_own_moment(row, source, settings),
    )


def _own_moment(row: Row, source: Source, settings: Settings) -> datetime | None:
    """Return the end of the document's own day where the company is.

    A document has a day and no time. It counts as old only when the whole day lies before the
    go-live, so that nothing of the go-live's own day is left out.
    """
    told = row.get(source.own_day, "") if source.own_day else ""
    if not told:
        return None
    next_day = wire.day(told) + timedelta(days=1)
    return datetime.combine(next_day, time(), tzinfo=settings.zone) - timedelta(microseconds=1)
