"""`demo`: a realistic company's deals through the whole service, against the simulators."""

from __future__ import annotations

from importlib import import_module
from typing import Annotated, Literal

import typer

from ml_connector.app.cli.exits import Exit, UsageError
from ml_connector.app.cli.options import AsJSON
from ml_connector.app.cli.screen import Screen
from ml_connector.app.cli.session import carry_out


def demo(
    *,
    pair: Annotated[str, typer.Option("--pair", help="Which pair: the ERP's name.")] = "acumatica",
    deals: Annotated[int, typer.Option("--deals", min=1, help="How many deals are won.")] = 50,
    faults: Annotated[
        Literal["none", "storm"],
        typer.Option("--faults", help="Let vendors and network fail on the way, or not."),
    ] = "none",
    seed: Annotated[int, typer.Option("--seed", help="Repeats a storm.")] = 1,
    keep: Annotated[bool, typer.Option("--keep", help="Leave it running at the end.")] = False,
    as_json: AsJSON = False,
) -> None:
    """Win deals in a sandbox, move them, and compare the books of both sides.

    Exit code 1 if any order is lost, doubled or wrong.
    """
    screen = Screen(as_json)

    async def work() -> Exit:
        try:
            found = import_module("ml_connector.app.demo.run")
        except ModuleNotFoundError as exc:
            raise UsageError(f"this installation has no demo: {exc}") from exc
        options = found.DemoOptions(
            pair=pair, deals=deals, faults=faults, seed=seed, keep=keep, as_json=as_json
        )
        report = await found.run(options, screen.err)
        screen.json(report.as_json())
        return Exit.OK if report.is_good else Exit.WRONG

    carry_out(screen, work)
