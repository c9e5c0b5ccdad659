"""`held`: what waits for a person, grouped by cause, each with its way out."""

from __future__ import annotations

from collections.abc import Sequence

from ml_connector.app.cli.exits import Exit
from ml_connector.app.cli.options import AsJSON, FlowName, InstallationName, Limit, Workspace
from ml_connector.app.cli.screen import Cell, Screen
from ml_connector.app.cli.session import Session, carry_out, session
from ml_connector.app.wording import ago, due, plural
from ml_connector.sync.causes import Cause, causes
from ml_connector.sync.states import RowState

# A replay of these only meets the same again.
_LET_THROUGH_OTHERWISE = ("first_match", "brake")


def held(
    *,
    installation: InstallationName = None,
    flow: FlowName = None,
    limit: Limit = 50,
    workspace: Workspace = "main",
    as_json: AsJSON = False,
) -> None:
    """Show what records wait for, each cause with its way out.

    Held records run by themselves once their cause is put right; those that were given up wait
    for `replay`.
    """
    screen = Screen(as_json)

    async def work() -> Exit:
        async with session(screen, workspace) as opened:
            found = await _read(opened, installation, flow, limit)
            _show(opened, found)
        screen.json(
            {
                "records": sum(cause.records for cause in found),
                "causes": [
                    {
                        "installation": cause.installation,
                        "flow": cause.flow.rpartition(".")[2],
                        "state": cause.state.value,
                        "waits_for": cause.waits_for,
                        "reason": cause.reason,
                        "records": cause.records,
                        "examples": cause.examples,
                        "since": cause.oldest_at,
                        "next_look_at": cause.next_look_at,
                        "way_out": cause.way_out,
                    }
                    for cause in found
                ],
            }
        )
        return Exit.OK

    carry_out(screen, work)


async def _read(
    opened: Session, installation: str | None, flow: str | None, limit: int
) -> list[Cause]:
    chosen = (await opened.installed(installation))[0].id if installation else None
    qualified = await opened.qualified(flow, installation=installation)
    async with opened.services.database.transaction() as db:
        return await causes(
            db, opened.workspace_id, installation_id=chosen, flow=qualified, limit=limit
        )


def _show(opened: Session, found: Sequence[Cause]) -> None:
    screen, now = opened.screen, opened.services.clock.now()
    if not found:
        screen.line("nothing is held, and nothing was given up", "good")
        return
    for cause in found:
        is_held = cause.state is RowState.HELD
        screen.parts(
            Cell("held      " if is_held else "given up  ", "warn" if is_held else "bad"),
            Cell(cause.waits_for or "(no cause named)", "head"),
            f"  {plural(cause.records, 'record')} of {cause.installation}/",
            f"{cause.flow.rpartition('.')[2]}, oldest {ago(cause.oldest_at, now)}",
        )
        more = ", ..." if cause.records > len(cause.examples) else ""
        screen.entry("which", f"{', '.join(cause.examples)}{more}")
        screen.entry("why", cause.reason)
        screen.entry("way out", cause.way_out)
        if cause.next_look_at is not None:
            screen.entry("next", f"looked at again: {due(cause.next_look_at, now)}")
        if (cause.waits_for or "").partition(":")[0] in _LET_THROUGH_OTHERWISE:
            screen.line()
            continue
        selector = f"--cause {cause.waits_for}" if cause.waits_for else "--held"
        screen.entry("replay", f"ml-connector replay {selector if is_held else '--dead'}")
        screen.line()
