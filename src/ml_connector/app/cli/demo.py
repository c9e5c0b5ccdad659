"""`demo`: a realistic company's deals through the whole service, against the simulators."""

from __future__ import annotations

import asyncio
import signal
from typing import Annotated, Literal

import typer

from ml_connector.app.cli.demo_report import Progress, show, show_the_way, show_title
from ml_connector.app.cli.exits import Exit, UsageError
from ml_connector.app.cli.options import AsJSON
from ml_connector.app.cli.screen import Screen
from ml_connector.app.cli.session import carry_out
from ml_connector.app.demo.report import DemoOptions
from ml_connector.app.demo.running import PLAYS
from ml_connector.app.demo.running import demo as running_demo


def demo(
    *,
    pair: Annotated[str, typer.Option("--pair", help="Which pair: the ERP's name.")] = "acumatica",
    deals: Annotated[int, typer.Option("--deals", min=1, help="How many deals there are.")] = 50,
    faults: Annotated[
        Literal["none", "storm"],
        typer.Option("--faults", help="Let vendors and network fail on the way, or not."),
    ] = "none",
    seed: Annotated[
        int, typer.Option("--seed", help="The same seed: the same company, the same storm.")
    ] = 1,
    keep: Annotated[bool, typer.Option("--keep", help="Leave it running at the end.")] = False,
    as_json: AsJSON = False,
) -> None:
    """Win deals in a sandbox, move them, and compare the books of both sides.

    Everything it needs is started and ended by it; nothing of yours is touched. Exit code 1 if
    any order is lost, doubled or wrong.
    """
    screen = Screen(as_json)
    options = DemoOptions(pair=pair, deals=deals, faults=faults, seed=seed)

    async def work() -> Exit:
        if pair not in PLAYS:
            raise UsageError(
                f"there is no demo of the pair {pair!r}; there are: {', '.join(PLAYS)}"
            )
        show_title(screen, options)
        with Progress(screen) as progress:
            async with running_demo(options, progress) as finished:
                show(screen, finished)
                if keep:
                    show_the_way(screen, finished)
                    await _until_stopped()
        return Exit.OK if finished.report.is_clean else Exit.WRONG

    carry_out(screen, work)


async def _until_stopped() -> None:
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    await stopping.wait()
