"""Each key has its own outcome, and the calls are as few as they can be."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml_connector.core.errors import (
    AuthenticationError,
    InvalidRecordError,
    NotFoundError,
    UnavailableError,
)
from ml_connector.core.lanes import Lane
from ml_connector.core.permits import WritePermit, current_permit, writing
from ml_connector.transport.askers import current_askers
from ml_connector.transport.lanes import current_lane, in_lane
from ml_connector.transport.loaders import Loader

SOON = timedelta(milliseconds=1)


class Records:
    """Has even keys, lacks odd ones, and refuses any batch with a bad one."""

    def __init__(self, bad: frozenset[int] = frozenset()) -> None:
        self.bad = bad
        self.calls: list[list[int]] = []
        self.error: Exception | None = None

    async def fetch(self, keys: Sequence[int]) -> Mapping[int, str]:
        self.calls.append(list(keys))
        await asyncio.sleep(0)
        if self.error is not None:
            raise self.error
        if self.bad & set(keys):
            raise InvalidRecordError("one of these ids is not an id")
        return {key: f"record {key}" for key in keys if key % 2 == 0}


@given(
    keys=st.lists(st.integers(0, 30), min_size=1, max_size=60),
    bad=st.frozensets(st.integers(0, 30), max_size=3),
    largest=st.integers(1, 12),
)
def test_each_key_has_its_own_outcome_with_the_fewest_calls(keys, bad, largest):
    records = Records(bad)

    async def ask_all() -> list[object]:
        loader = Loader(records.fetch, largest=largest, gather_for=SOON)
        return await asyncio.gather(*map(loader.load, keys), return_exceptions=True)

    outcomes = asyncio.run(ask_all())

    for key, outcome in zip(keys, outcomes, strict=True):
        if key in bad:
            assert isinstance(outcome, InvalidRecordError)
        elif key % 2:
            assert isinstance(outcome, NotFoundError)
        else:
            assert outcome == f"record {key}"
    assert all(len(call) <= largest for call in records.calls)
    if not bad & set(keys):
        assert len(records.calls) == _fewest(keys, largest)


def _fewest(keys: Sequence[int], largest: int) -> int:
    """Count the full batches; a key asked for again after its batch was full opens another."""
    calls, batch = 0, set[int]()
    for key in keys:
        batch.add(key)
        if len(batch) == largest:
            calls, batch = calls + 1, set()
    return calls + bool(batch)


async def test_find_returns_none_for_a_missing_record():
    loader = Loader(Records().fetch, what="deal")

    assert await loader.find(1) is None
    with pytest.raises(NotFoundError, match="deal 3 does not exist"):
        await loader.load(3)


@pytest.mark.parametrize("error", [UnavailableError("down"), AuthenticationError("revoked")])
async def test_a_failure_of_the_connection_fails_all_with_one_call(error):
    records = Records()
    records.error = error
    loader = Loader(records.fetch)

    outcomes = await asyncio.gather(*map(loader.load, range(10)), return_exceptions=True)

    assert outcomes == [error] * 10
    assert len(records.calls) == 1


async def test_nothing_is_cached_and_a_batch_under_way_is_not_joined():
    release = asyncio.Event()
    calls: list[list[int]] = []

    async def fetch(keys: Sequence[int]) -> Mapping[int, int]:
        calls.append(list(keys))
        mine = len(calls)
        await release.wait()
        return dict.fromkeys(keys, mine)

    loader = Loader(fetch, largest=1)
    first = asyncio.ensure_future(loader.load(4))
    await asyncio.sleep(0)
    second = asyncio.ensure_future(loader.load(4))
    await asyncio.sleep(0)
    release.set()

    assert (await first, await second) == (1, 2)
    assert await loader.load(4) == 3


async def test_one_who_gives_up_does_not_take_the_others_along():
    records = Records()
    loader = Loader(records.fetch, gather_for=SOON)
    first, second, third = (asyncio.ensure_future(loader.load(key)) for key in (2, 4, 6))
    await asyncio.sleep(0)

    first.cancel()

    assert await second == "record 4"
    assert await third == "record 6"
    assert records.calls == [[4, 6]]


async def test_one_who_gives_up_while_the_call_is_under_way_does_not_end_it():
    started, release = asyncio.Event(), asyncio.Event()

    async def fetch(keys: Sequence[int]) -> Mapping[int, int]:
        started.set()
        await release.wait()
        return {key: key for key in keys}

    loader = Loader(fetch, gather_for=SOON)
    first, second = (asyncio.ensure_future(loader.load(key)) for key in (1, 2))
    await started.wait()

    first.cancel()
    release.set()

    assert await second == 2


async def test_the_call_is_made_in_the_context_of_the_most_urgent():
    who: ContextVar[str] = ContextVar("who")
    seen: list[tuple[Lane, str, str]] = []

    async def fetch(keys: Sequence[int]) -> Mapping[int, int]:
        held = current_permit()
        seen.append((current_lane(), who.get(), held.purpose if held else ""))
        return {key: key for key in keys}

    loader = Loader(fetch, gather_for=SOON)

    async def ask(name: str, lane: Lane) -> None:
        who.set(name)
        with in_lane(lane), writing(WritePermit(not_after=0, purpose=name)):
            await loader.load(ord(name))

    await asyncio.gather(ask("a", Lane.BULK), ask("b", Lane.EVENT), ask("c", Lane.ROUTINE))

    assert seen == [(Lane.EVENT, "b", "b")]


async def test_what_is_asked_for_while_a_call_is_under_way_goes_out_together_when_it_ends():
    started, release = asyncio.Event(), asyncio.Event()
    calls: list[list[int]] = []

    async def fetch(keys: Sequence[int]) -> Mapping[int, int]:
        calls.append(list(keys))
        started.set()
        await release.wait()
        return {key: key for key in keys}

    loader = Loader(fetch, gather_for=SOON)
    asked = [asyncio.ensure_future(loader.load(1))]
    await started.wait()
    for key in (2, 3):
        asked.append(asyncio.ensure_future(loader.load(key)))
        await asyncio.sleep(5 * SOON.total_seconds())
    release.set()

    assert await asyncio.gather(*asked) == [1, 2, 3]
    assert calls == [[1], [2, 3]]


async def test_a_slow_call_holds_up_the_next_for_a_moment_only():
    started, never = asyncio.Event(), asyncio.Event()

    async def fetch(keys: Sequence[int]) -> Mapping[int, int]:
        started.set()
        if keys == [1]:
            await never.wait()
        return {key: key for key in keys}

    loader = Loader(fetch, gather_for=SOON)
    slow = asyncio.ensure_future(loader.load(1))
    await started.wait()

    async with asyncio.timeout(5):
        assert await loader.load(2) == 2

    assert not slow.done()
    slow.cancel()
    never.set()


async def test_call_is_made_for_all_whose_keys_it_carries_and_a_half_for_those_of_its_own():
    name: ContextVar[str] = ContextVar("name")
    made_for: list[list[str]] = []
    records = Records(bad=frozenset({8}))

    async def fetch(keys: Sequence[int]) -> Mapping[int, str]:
        made_for.append(sorted(asker[name] for asker in current_askers()))
        return await records.fetch(keys)

    loader = Loader(fetch, gather_for=SOON)

    async def ask(who: str, key: int) -> None:
        name.set(who)
        await asyncio.gather(loader.find(key), return_exceptions=True)

    await asyncio.gather(ask("a", 2), ask("b", 2), ask("c", 8))

    assert made_for == [["a", "b", "c"], ["a", "b"], ["c"]]
    assert current_askers() == ()
