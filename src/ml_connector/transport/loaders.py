"""Many tasks ask for one record each; few calls fetch them.

What is asked for at about the same time goes out as one call: once nothing more has come for a
few milliseconds, or the batch is full.
While a call is under way the next ones are gathered until it ends: under load the calls become
few and full by themselves, and a record that is asked for alone waits for nobody.
There is no cache: a key asked for while its batch is already under way is fetched anew, because
the answer on its way may be older than the event that asks.

Each key has its own outcome. When a batch fails for its content it is split until the bad key
stands alone; when it fails for the connection, everybody is told the same, without more calls.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Generic, TypeVar

from ml_connector.core.errors import (
    AttentionError,
    NotFoundError,
    TransientError,
    UnavailableError,
)
from ml_connector.core.lanes import Lane
from ml_connector.transport.askers import asking_for
from ml_connector.transport.lanes import current_lane

GATHER_FOR = timedelta(milliseconds=3)
_LONGEST_GATHERING = 8  # times that; runs that began together ask within this on a busy machine
_HOLD_AT_MOST = 0.25  # seconds; a slow answer must not hold up what others ask for

Key = TypeVar("Key")
Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class _Asker(Generic[Value]):
    """Somebody who waits for a record."""

    outcome: asyncio.Future[Value | None]
    context: contextvars.Context

    @property
    def waits(self) -> bool:
        """Whether it was neither told nor cancelled."""
        return not self.outcome.done()


@dataclass(slots=True, eq=False)
class _Batch(Generic[Key, Value]):
    """What is gathered for the next call."""

    lane: Lane
    context: contextvars.Context
    """Of the most urgent who asked: the call is made with their permit, lane and trace."""
    waiting: dict[Key, list[_Asker[Value]]] = field(default_factory=dict)
    timer: asyncio.TimerHandle | None = None
    rounds: int = 0
    """How often more had come when it was about to go out."""
    size: int = 0
    """How many keys it had then."""
    is_held: bool = False
    """Whether it is gathered long enough and waits for the call under way to end."""


class Loader(Generic[Key, Value]):
    """Fetches records by key in batches of at most ``largest``.

    ``fetch`` gets distinct keys and returns those that exist; a key that it leaves out is
    missing. ``what`` names the record in messages.
    """

    def __init__(
        self,
        fetch: Callable[[Sequence[Key]], Awaitable[Mapping[Key, Value]]],
        *,
        gather_for: timedelta = GATHER_FOR,
        largest: int = 100,
        what: str = "record",
    ) -> None:
        self._fetch = fetch
        self._gather_for = gather_for.total_seconds()
        self._largest = largest
        self._what = what
        self._gathering: _Batch[Key, Value] | None = None
        self._fetching: set[asyncio.Task[None]] = set()
        """The calls under way."""

    async def load(self, key: Key) -> Value:
        """Return the record; NotFoundError when there is none, or what fetching came to."""
        found = await self.find(key)
        if found is None:
            raise NotFoundError(f"{self._what} {key} does not exist (any more)")
        return found

    async def find(self, key: Key) -> Value | None:
        """Return the record, or None when there is none; raise what fetching came to."""
        loop = asyncio.get_running_loop()
        outcome: asyncio.Future[Value | None] = loop.create_future()
        batch = self._joined(loop)
        asker = _Asker(outcome, contextvars.copy_context())
        batch.waiting.setdefault(key, []).append(asker)
        if len(batch.waiting) >= self._largest:
            self._send(batch)
        return await outcome

    def _joined(self, loop: asyncio.AbstractEventLoop) -> _Batch[Key, Value]:
        lane = current_lane()
        batch = self._gathering
        if batch is None:
            batch = _Batch(lane=lane, context=contextvars.copy_context(), size=1)
            batch.timer = loop.call_later(self._gather_for, self._gathered, batch)
            self._gathering = batch
        elif lane < batch.lane:
            batch.lane, batch.context = lane, contextvars.copy_context()
        return batch

    def _gathered(self, batch: _Batch[Key, Value]) -> None:
        """Send what has been gathered, when no more comes and the call under way has ended."""
        loop = asyncio.get_running_loop()
        if len(batch.waiting) > batch.size and batch.rounds < _LONGEST_GATHERING:
            batch.size = len(batch.waiting)
            batch.rounds += 1
            batch.timer = loop.call_later(self._gather_for, self._gathered, batch)
        elif self._fetching:
            batch.is_held = True
            batch.timer = loop.call_later(_HOLD_AT_MOST, self._send, batch)
        else:
            self._send(batch)

    def _fetched(self, task: asyncio.Task[None]) -> None:
        self._fetching.discard(task)
        if self._gathering is not None and self._gathering.is_held:
            self._send(self._gathering)

    def _send(self, batch: _Batch[Key, Value]) -> None:
        if batch.timer is not None:
            batch.timer.cancel()
        if self._gathering is batch:
            self._gathering = None
        # Those who were cancelled meanwhile are not fetched for.
        wanted = [key for key in batch.waiting if any(each.waits for each in batch.waiting[key])]
        if wanted:
            # A task of its own: whoever asked first may be cancelled, the others still wait.
            task = asyncio.get_running_loop().create_task(
                self._fetch_and_tell(batch, wanted), context=batch.context
            )
            self._fetching.add(task)
            task.add_done_callback(self._fetched)

    async def _fetch_and_tell(self, batch: _Batch[Key, Value], keys: Sequence[Key]) -> None:
        askers = [each.context for key in keys for each in batch.waiting[key] if each.waits]
        try:
            with asking_for(askers):
                found = await self._fetch(keys)
        except asyncio.CancelledError:
            for key in keys:
                _cancel(batch.waiting[key])
            raise
        except Exception as exc:  # noqa: BLE001 - told to everybody who waits for these keys
            if len(keys) == 1 or _is_about_the_connection(exc):
                for key in keys:
                    _tell(batch.waiting[key], exc)
            else:
                half = len(keys) // 2
                await asyncio.gather(
                    self._fetch_and_tell(batch, keys[:half]),
                    self._fetch_and_tell(batch, keys[half:]),
                )
            return
        for key in keys:
            _tell(batch.waiting[key], found.get(key))


def _is_about_the_connection(error: Exception) -> bool:
    """Say whether every key would meet the same, so that trying them apart is waste."""
    if isinstance(error, UnavailableError):
        return error.is_connection_wide
    return isinstance(error, TransientError | AttentionError)


def _tell(waiting: Sequence[_Asker[Value]], outcome: Value | BaseException | None) -> None:
    for asker in waiting:
        if not asker.waits:  # cancelled by who waited
            continue
        if isinstance(outcome, BaseException):
            asker.outcome.set_exception(outcome)
        else:
            asker.outcome.set_result(outcome)


def _cancel(waiting: Sequence[_Asker[Value]]) -> None:
    for asker in waiting:
        asker.outcome.cancel()
