"""One commit for many: what is submitted at about the same time shares a transaction.

A durable commit costs a wait for the disk, however little it writes. Gathering makes one
multi-row statement and one wait out of many, and each submitter is answered only after the
commit that holds its item. While one group commits, the next gathers.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Generic, TypeVar

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from ml_connector.storage.database import Database, is_database_away

Item = TypeVar("Item")
Result = TypeVar("Result")

# Measured on two cores: what comes while a group commits makes groups large enough by itself.
# Waiting besides only adds to every answer: 128 submitters at once had 59,000 items a second
# committed without a wait, 44,000 with 1 ms and 25,000 with 3 ms; one transaction each made 4,000.
GATHER_FOR = timedelta(0)
LARGEST = 200
_CROWD = 32  # items that wait: enough for a group of their own beside the one that commits

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class _Waiting(Generic[Item, Result]):
    item: Item
    key: Any
    since: float
    answer: asyncio.Future[Result]


class CommitGroup(Generic[Item, Result]):
    """Gathers items and carries them out together, in one transaction.

    ``carry_out`` writes all items with multi-row statements and returns one result for each, in
    their order. It may run more than once for an item, each time in a fresh transaction; a
    transaction that fails leaves nothing behind. Items come sorted by ``sort_key``, so that two
    processes take their row locks in the same order. ``is_one_statement`` says that ``carry_out``
    is a single statement, which is a transaction by itself. With ``at_once`` above 1 a crowd that
    waits is committed beside the group under way, so that this process and the server both work.
    """

    def __init__(
        self,
        database: Database,
        carry_out: Callable[[AsyncConnection, Sequence[Item]], Awaitable[Sequence[Result]]],
        *,
        name: str,
        sort_key: Callable[[Item], Any],
        gather_for: timedelta = GATHER_FOR,
        largest: int = LARGEST,
        is_one_statement: bool = False,
        at_once: int = 1,
    ) -> None:
        self.name = name
        self._run = database.run_statement if is_one_statement else database.run
        self._carry_out = carry_out
        self._sort_key = sort_key
        self._gather_for = gather_for
        self._largest = largest
        self._waiting: list[_Waiting[Item, Result]] = []
        self._is_full = asyncio.Event()
        self._is_closed = False
        self._at_once = at_once
        self._committers: set[asyncio.Task[None]] = set()

    async def submit(self, item: Item) -> Result:
        """Return the result of ``item`` once the transaction that wrote it has committed.

        An item whose submitter is cancelled before its group begins is left out; afterwards it
        is carried out like the others.
        """
        if self._is_closed:
            raise RuntimeError(f"the commit group {self.name} is closed")
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Result] = loop.create_future()
        waiting = _Waiting(item, self._sort_key(item), loop.time(), answer)
        self._waiting.append(waiting)
        if len(self._waiting) >= self._largest:
            self._is_full.set()
        busy = len(self._committers)
        if not busy or (busy < self._at_once and len(self._waiting) >= _CROWD):
            committer = asyncio.create_task(self._commit_all(), name=f"commit-{self.name}")
            self._committers.add(committer)
        return await answer

    async def close(self) -> None:
        """Let what has been gathered finish, and take no more."""
        self._is_closed = True
        self._is_full.set()
        await asyncio.shield(asyncio.gather(*self._committers))

    async def _commit_all(self) -> None:
        """Commit group after group until nothing waits."""
        try:
            while self._waiting:
                await self._gather()
                group = self._take_group()
                if group:
                    await self._commit(group)
        finally:
            # Here and not in a callback of the task: whoever submits next must not count on it.
            self._committers.difference_update({asyncio.current_task()})
            # Only a cancelled committer (the loop ends) leaves anybody waiting.
            for waiting in self._waiting:
                waiting.answer.cancel()
            self._waiting.clear()

    async def _gather(self) -> None:
        if len(self._waiting) >= self._largest or self._is_closed:
            return
        self._is_full.clear()
        # What came while the group before was committing has waited already.
        until = self._waiting[0].since + self._gather_for.total_seconds()
        await asyncio.sleep(0)  # at least those who are ready to submit now
        try:
            async with asyncio.timeout_at(until):
                await self._is_full.wait()
        except TimeoutError:
            return  # the usual end of gathering

    def _take_group(self) -> list[_Waiting[Item, Result]]:
        taken = self._waiting[: self._largest]
        del self._waiting[: self._largest]
        group = [waiting for waiting in taken if not waiting.answer.done()]
        group.sort(key=lambda waiting: waiting.key)
        return group

    async def _commit(self, group: Sequence[_Waiting[Item, Result]]) -> None:
        try:
            results = await self._write([waiting.item for waiting in group])
        except Exception as exc:  # noqa: BLE001 - handed on to the submitters, each its own
            if len(group) == 1 or is_database_away(exc):
                # A lost connection says nothing about the commit: writing the items once more
                # could write them twice, and the server would be away for each of them.
                for waiting in group:
                    _refuse(waiting, exc)
                return
            log.info("commit_group_split", group=self.name, items=len(group), error=repr(exc))
            for waiting in group:
                await self._commit([waiting])
        except BaseException:
            for waiting in group:
                waiting.answer.cancel()
            raise
        else:
            for waiting, result in zip(group, results, strict=True):
                if not waiting.answer.done():
                    waiting.answer.set_result(result)

    async def _write(self, items: Sequence[Item]) -> Sequence[Result]:
        async def work(db: AsyncConnection) -> Sequence[Result]:
            results = await self._carry_out(db, items)
            if len(results) != len(items):
                raise RuntimeError(
                    f"the commit group {self.name} got {len(results)} results "
                    f"for {len(items)} items"
                )
            return results

        return await self._run(work)


def _refuse(waiting: _Waiting[Any, Any], error: Exception) -> None:
    if not waiting.answer.done():
        waiting.answer.set_exception(error)
