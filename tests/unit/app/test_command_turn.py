import asyncio
from contextlib import AsyncExitStack
from datetime import timedelta

import pytest

from ml_connector.app.command_turn import CommandTurn
from ml_connector.core.errors import ConfigurationError, UnavailableError


async def test_many_join_at_once(tmp_path):
    async with CommandTurn(tmp_path).shared(), CommandTurn(tmp_path).shared():
        pass


async def test_who_runs_the_database_alone_keeps_others_out_until_it_ends(tmp_path):
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(CommandTurn(tmp_path).alone())
        joining = asyncio.create_task(_join(tmp_path))
        await asyncio.sleep(0.15)  # longer than it looks for its turn twice
        assert not joining.done()

    await asyncio.wait_for(joining, 5)


async def test_a_turn_that_does_not_come_is_told(tmp_path):
    impatient = CommandTurn(tmp_path, patience=timedelta(milliseconds=100))

    async with CommandTurn(tmp_path).shared():
        with pytest.raises(UnavailableError, match="another command has been using the database"):
            async with impatient.alone():
                pass


async def test_a_home_that_cannot_be_made_is_told(tmp_path):
    (tmp_path / "file").write_text("")

    with pytest.raises(ConfigurationError, match="ML_CONNECTOR_HOME must be a folder"):
        async with CommandTurn(tmp_path / "file").shared():
            pass


async def _join(home) -> None:
    async with CommandTurn(home).shared():
        pass
