from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from tests.crash import trials
from tests.crash.company import company
from tests.world.world import world


@pytest.mark.parametrize("minutes", [10, -10])
async def test_a_worker_whose_clock_is_wrong_does_no_harm_and_delays_nothing(
    minutes: int, database_url: str, tmp_path: Path
):
    async with world(database_url, tmp_path, serves=True) as made:
        await trials.clock_is_wrong(await company(made, 10), by=timedelta(minutes=minutes))
