"""Paging by record number.

Each page of the gateway is a new query, and without an order rows come in any: an offset would
lose what is added or deleted meanwhile. So a page is what lies behind the last one's highest
record number; rows that come and go elsewhere shift nothing.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import datetime

from ml_connector.core.errors import ContractError
from ml_connector.vendors.sage_intacct import queries, wire
from ml_connector.vendors.sage_intacct.gateway import Gateway
from ml_connector.vendors.sage_intacct.queries import Query
from ml_connector.vendors.sage_intacct.wire import Row


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Rows of one page."""

    rows: list[Row]
    next_after: int | None
    """The record number behind which the next page begins; None at the end."""
    read_at: datetime
    """The gateway's clock, or ours where it does not tell."""


async def page(gateway: Gateway, query: Query, *, after: int | None = None) -> Page:
    """Return the rows behind a record number, or the first ones."""
    asked = query
    if after is not None:
        behind = queries.after(query.order_by, after)
        where = behind if query.where is None else queries.all_of(query.where, behind)
        asked = replace(query, where=where)
    if gateway.entity_id is None:
        asked = replace(asked, shows_private=True)
    result = await gateway.ask(asked.function())
    rows = wire.rows(result)
    last = _last(rows, query, after=after)
    is_more = bool(rows) and wire.remaining(result) > 0
    return Page(
        rows=rows,
        next_after=last if is_more else None,
        read_at=result.read_at or gateway.clock.now(),
    )


async def all_rows(gateway: Gateway, query: Query) -> AsyncIterator[Row]:
    """Yield every row of a query, in the order of record numbers."""
    after: int | None = None
    while True:
        found = await page(gateway, query, after=after)
        for row in found.rows:
            yield row
        if found.next_after is None:
            return
        after = found.next_after


def record_no(row: Row, name: str = queries.RECORD_NO) -> int:
    """Return a row's record number."""
    told = row.get(name, "")
    if not told.isdigit():
        raise ContractError(f"Intacct tells {told!r} as a record number")
    return int(told)


def _last(rows: list[Row], query: Query, *, after: int | None) -> int | None:
    """Return the last record number; they must rise, else the next page would leave rows out."""
    last = after
    for row in rows:
        number = record_no(row, query.order_by)
        if last is not None and number <= last:
            raise ContractError(
                f"Intacct lists {query.object_name} {number} behind {last}: the order that was "
                "asked for was not kept, so what is behind it is not known"
            )
        last = number
    return last
