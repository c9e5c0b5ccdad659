"""A connection's limits as all workers share them: the ledgers of `transport.leases` in rows.

A slice of a window or a lot of tokens is granted under the row's lock, for the moment of the
arithmetic. Windows run on the database's clock, budgets on business time.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert

from ml_connector.connections.tables import call_budget, call_window
from ml_connector.core.lanes import Lane
from ml_connector.transport.concurrency import Asked, Places, PlacesLedger
from ml_connector.transport.leases import (
    BudgetLedger,
    Lot,
    News,
    Seen,
    Slice,
    Spent,
    WindowLedger,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from sqlalchemy.ext.asyncio import AsyncConnection

    from ml_connector.core.clock import Clock
    from ml_connector.core.profile import Limits, Window
    from ml_connector.storage.database import Database

Answer = TypeVar("Answer")

PLACES = "places"
"""Under this name the table of windows keeps who may have how many calls under way."""


class DatabaseLeases:
    """A WindowLease over the database, for one connection."""

    def __init__(
        self, *, database: Database, connection_id: int, limits: Limits, clock: Clock
    ) -> None:
        self._database = database
        self._connection_id = connection_id
        self._windows = {window.name: window for window in limits.windows}
        self._daily_tokens = limits.daily_tokens
        self._concurrency = limits.concurrency
        self._clock = clock

    async def lease(
        self, window: str, wanted: int, *, spent: Sequence[Spent] = (), seen: Seen | None = None
    ) -> Slice:
        """Return a slice of the window."""
        return await self._in_window(
            self._windows[window],
            lambda ledger, now: ledger.grant(now, wanted, spent=spent, seen=seen),
        )

    async def lease_tokens(self, wanted: int, *, lane: Lane) -> Lot:
        """Return tokens of the day's budget."""
        now = self._clock.now()
        return await self._in_budget(lambda ledger: ledger.grant(now, wanted, lane=lane))

    async def lease_places(self, asked: Asked) -> Places:
        """Return how many calls this worker may have under way."""

        async def work(db: AsyncConnection) -> Places:
            ledger, now = await _lock_places(db, self._connection_id, self._concurrency)
            places = ledger.grant(now, asked)
            await db.execute(
                update(call_window)
                .where(_is_window(self._connection_id, PLACES))
                .values(declared=self._concurrency, ledger=msgspec.to_builtins(ledger))
            )
            return places

        return await self._database.run(work)

    async def tell(self, news: News) -> None:
        """Take over what an answer told."""
        window = self._windows.get(news.window)
        if window is not None and (news.window_limit, news.declined_for) != (None, None):
            await self._in_window(window, lambda ledger, now: _tell_window(ledger, now, news))
        if _is_about_the_budget(news):
            now = self._clock.now()
            await self._in_budget(lambda ledger: ledger.learn(now, news))

    async def _in_window(
        self, window: Window, act: Callable[[WindowLedger, float], Answer]
    ) -> Answer:
        async def work(db: AsyncConnection) -> Answer:
            ledger, now = await _lock_window(db, self._connection_id, window)
            answer = act(ledger, now)
            await db.execute(
                update(call_window)
                .where(_is_window(self._connection_id, window.name))
                .values(declared=window.calls, ledger=msgspec.to_builtins(ledger))
            )
            return answer

        return await self._database.run(work)

    async def _in_budget(self, act: Callable[[BudgetLedger], Answer]) -> Answer:
        async def work(db: AsyncConnection) -> Answer:
            ledger = await _lock_budget(db, self._connection_id, self._daily_tokens)
            answer = act(ledger)
            await _store_budget(db, self._connection_id, ledger, declared=self._daily_tokens)
            return answer

        return await self._database.run(work)


class ProbeLeases:
    """Leases for a probe: it spends past a budget that is used up, to see whether it is back.

    What its answers tell still reaches all workers.
    """

    def __init__(self, leases: DatabaseLeases, *, clock: Clock) -> None:
        self._leases = leases
        self._clock = clock
        self.lease = leases.lease
        self.lease_places = leases.lease_places
        self.tell = leases.tell

    async def lease_tokens(self, wanted: int, *, lane: Lane) -> Lot:
        """Return what is asked for; the vendor has the last word."""
        return Lot(tokens=wanted, remaining=None, limit=None, renews_at=self._clock.now())


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """The day's tokens of a connection."""

    limit: int | None
    """None while nobody has told it: then tokens are only counted."""
    used: int
    """Leased or spent; of a lot that a worker holds, the unspent part comes back."""
    renews_at: datetime
    least_urgent: Lane | None
    """Lanes up to this one may still spend; None when nothing is left."""

    @property
    def remaining(self) -> int | None:
        """Return what is left, where the limit is known."""
        if self.limit is None:
            return 0 if self.least_urgent is None else None
        return 0 if self.least_urgent is None else max(0, self.limit - self.used)


async def budgets_of(
    db: AsyncConnection, connection_ids: Sequence[int], *, now: datetime
) -> dict[int, Budget]:
    """Return the budgets of those connections that have spent tokens."""
    rows = await db.execute(
        select(call_budget).where(call_budget.c.connection_id.in_(connection_ids))
    )
    return {
        row.connection_id: _budget_of(msgspec.convert(row.ledger, BudgetLedger), now)
        for row in rows
    }


async def forget_exhaustion(db: AsyncConnection, connection_id: int, *, now: datetime) -> None:
    """Begin the new day's budget: the vendor has just answered although we counted it out."""
    row = (
        await db.execute(
            select(call_budget.c.ledger)
            .where(call_budget.c.connection_id == connection_id)
            .with_for_update()
        )
    ).one_or_none()
    if row is None:
        return
    ledger = msgspec.convert(row.ledger, BudgetLedger)
    if _budget_of(ledger, now).least_urgent is None:
        fresh = BudgetLedger(limit=ledger.limit)
        fresh.grant(now, 0, lane=Lane.URGENT)  # names the day's end
        await _store_budget(db, connection_id, fresh)


def _budget_of(ledger: BudgetLedger, now: datetime) -> Budget:
    today = copy.copy(ledger)
    today.grant(now, 0, lane=Lane.URGENT)  # begins a new day, if it is one
    open_lanes = [lane for lane in Lane if copy.copy(today).grant(now, 1, lane=lane).tokens]
    return Budget(
        limit=today.limit,
        used=ledger.used if today.renews_at == ledger.renews_at else 0,
        renews_at=today.renews_at,
        least_urgent=max(open_lanes, default=None),
    )


def _tell_window(ledger: WindowLedger, now: float, news: News) -> None:
    if news.window_limit is not None:
        ledger.limit_is(news.window_limit)
    if news.declined_for is not None:
        ledger.declined(now, news.declined_for)


def _is_about_the_budget(news: News) -> bool:
    return news.unspent_tokens > 0 or any(
        each is not None for each in (news.daily_limit, news.daily_remaining, news.daily_renews_at)
    )


async def _lock_window(
    db: AsyncConnection, connection_id: int, window: Window
) -> tuple[WindowLedger, float]:
    """Return the window's ledger and the database's clock, read once the row is ours."""
    fresh = WindowLedger.of(window)
    row = await _lock_ledger(db, connection_id, window.name, declared=window.calls, fresh=fresh)
    ledger = msgspec.convert(row.ledger, WindowLedger, strict=False)
    if ledger.seconds != window.seconds:
        ledger = fresh  # a release that knows the vendor's window better
    elif row.declared != window.calls:
        ledger.limit_is(window.calls)
    return ledger, float(row.now)


async def _lock_places(
    db: AsyncConnection, connection_id: int, highest: int
) -> tuple[PlacesLedger, float]:
    """Return who has how many places and the database's clock, read once the row is ours."""
    fresh = PlacesLedger.of(highest)
    row = await _lock_ledger(db, connection_id, PLACES, declared=highest, fresh=fresh)
    ledger = msgspec.convert(row.ledger, PlacesLedger, strict=False)
    ledger.highest_is(highest)
    return ledger, float(row.now)


async def _lock_ledger(
    db: AsyncConnection, connection_id: int, name: str, *, declared: int, fresh: msgspec.Struct
) -> Any:
    """Return a ledger's row, made from ``fresh`` where there is none."""
    locked = (
        select(call_window.c.ledger, call_window.c.declared)
        .where(_is_window(connection_id, name))
        .with_for_update()
        .cte("locked")
        .prefix_with("MATERIALIZED", dialect="postgresql")
    )
    now = func.extract("epoch", func.clock_timestamp())
    statement = select(locked.c.ledger, locked.c.declared, now.label("now"))
    row = (await db.execute(statement)).one_or_none()
    if row is None:
        await db.execute(
            insert(call_window)
            .values(
                connection_id=connection_id,
                window_name=name,
                declared=declared,
                ledger=msgspec.to_builtins(fresh),
            )
            .on_conflict_do_nothing()
        )
        row = (await db.execute(statement)).one()
    return row


def _is_window(connection_id: int, name: str) -> Any:
    return (call_window.c.connection_id == connection_id) & (call_window.c.window_name == name)


async def _lock_budget(
    db: AsyncConnection, connection_id: int, daily_tokens: int | None
) -> BudgetLedger:
    statement = (
        select(call_budget.c.ledger, call_budget.c.declared)
        .where(call_budget.c.connection_id == connection_id)
        .with_for_update()
    )
    row = (await db.execute(statement)).one_or_none()
    if row is None:
        await db.execute(
            insert(call_budget)
            .values(
                connection_id=connection_id,
                declared=daily_tokens,
                ledger=msgspec.to_builtins(BudgetLedger(limit=daily_tokens)),
            )
            .on_conflict_do_nothing()
        )
        row = (await db.execute(statement)).one()
    ledger = msgspec.convert(row.ledger, BudgetLedger)
    if row.declared != daily_tokens:
        ledger.limit = daily_tokens
    return ledger


async def _store_budget(
    db: AsyncConnection, connection_id: int, ledger: BudgetLedger, **declared: int | None
) -> None:
    await db.execute(
        update(call_budget)
        .where(call_budget.c.connection_id == connection_id)
        .values(ledger=msgspec.to_builtins(ledger), **declared)
    )
