"""Calls carry the lane of the work that makes them."""

from __future__ import annotations

import asyncio

from ml_connector.core.lanes import Lane
from ml_connector.transport.lanes import current_lane, in_lane


async def test_a_task_keeps_the_lane_in_which_it_was_started():
    async def lane_later() -> Lane:
        await asyncio.sleep(0)
        return current_lane()

    with in_lane(Lane.URGENT):
        task = asyncio.ensure_future(lane_later())

    assert await task is Lane.URGENT
    assert current_lane() is Lane.ROUTINE
