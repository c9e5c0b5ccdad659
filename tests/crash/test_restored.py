from __future__ import annotations

from pathlib import Path

from tests.crash import trials
from tests.crash.company import company
from tests.world.world import world


async def test_what_was_done_after_the_backup_is_found_and_not_done_again(
    database_url: str, tmp_path: Path
):
    async with world(database_url, tmp_path, serves=True) as made:
        await trials.backup_is_restored(await company(made, 12))
