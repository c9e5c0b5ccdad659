"""Runs of one process that seek the same counterpart."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from tests.engine_support.pair import toy

from ml_connector.sync.links import LinkKey

KEY = LinkKey(installation_id=1, kind="organization:customer", source_key="5512")


async def test_the_first_goes_alone_and_the_others_go_on_together_after_it(database):
    engine = (await toy(database, write_deadline=timedelta(seconds=1))).engine
    inside = asyncio.Event()
    log: list[tuple[int, object]] = []

    async def run(number: int) -> None:
        async with engine.turn(KEY) as is_first:
            log.append((number, is_first))
            if is_first:
                await inside.wait()
                log.append((number, "made it"))

    first = asyncio.create_task(run(1))
    await asyncio.sleep(0)
    others = [asyncio.create_task(run(number)) for number in (2, 3)]
    await asyncio.sleep(0)
    assert log == [(1, True)]
    inside.set()
    await asyncio.gather(first, *others)

    assert log == [(1, True), (1, "made it"), (2, False), (3, False)]


async def test_a_first_that_fails_lets_the_others_go_on(database):
    engine = (await toy(database)).engine

    with pytest.raises(ValueError, match="no customer"):
        async with engine.turn(KEY):
            raise ValueError("no customer")

    async with engine.turn(KEY) as is_first:
        assert is_first
