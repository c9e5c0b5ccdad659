"""`replay`: records again, one or many; what already succeeded stays as it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from ml_connector.app.cli.confirming import confirmed
from ml_connector.app.cli.exits import Exit, UsageError, WrongError
from ml_connector.app.cli.options import AsJSON, FlowName, InstallationName, Workspace, Yes
from ml_connector.app.cli.records import STATE_WORDS
from ml_connector.app.cli.screen import Column, Screen
from ml_connector.app.cli.session import Session, carry_out, session, who
from ml_connector.app.wording import number, plural
from ml_connector.sync import looking
from ml_connector.sync.replaying import Counted, Selection, count
from ml_connector.sync.replaying import replay as replayed
from ml_connector.sync.states import RowState


def replay(
    *,
    record: Annotated[
        list[str] | None,
        typer.Option("--record", help="Id, number or name, of either side; may be repeated."),
    ] = None,
    flow: FlowName = None,
    held: Annotated[bool, typer.Option("--held", help="Those that are held.")] = False,
    dead: Annotated[bool, typer.Option("--dead", help="Those that were given up.")] = False,
    cause: Annotated[
        str | None,
        typer.Option("--cause", help="Those held for this: item:PUMP-40, or item:* for all items."),
    ] = None,
    installation: InstallationName = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count.")] = False,
    yes: Yes = False,
    workspace: Workspace = "main",
    as_json: AsJSON = False,
) -> None:
    """Run records again: counted first, then confirmed.

    Replaying what succeeded changes nothing. Conditions narrow the selection together; --held
    and --dead add up.
    """
    screen = Screen(as_json)

    async def work() -> Exit:
        async with session(screen, workspace) as opened:
            selection = await _selection(
                opened,
                records=record or [],
                flow=flow,
                is_held=held,
                is_dead=dead,
                cause=cause,
                installation=installation,
            )
            async with opened.services.database.transaction() as db:
                counted = await count(db, selection)
            total = sum(group.records for group in counted)
            _show(screen, counted)
            done = 0
            if total and not dry_run:
                if not confirmed(screen, f"replay {plural(total, 'record')}", yes=yes):
                    return Exit.USAGE
                done = await _replay(opened, selection, total)
        screen.json({"selected": total, "groups": counted, "replayed": done})
        return Exit.OK

    carry_out(screen, work)


async def _selection(
    opened: Session,
    *,
    records: Sequence[str],
    flow: str | None,
    is_held: bool,
    is_dead: bool,
    cause: str | None,
    installation: str | None,
) -> Selection:
    if not (records or flow or is_held or is_dead or cause):
        raise UsageError("say what to replay: --record, --flow, --held, --dead or --cause")
    chosen = (await opened.installed(installation))[0].id if installation else None
    qualified = await opened.qualified(flow, installation=installation)
    states = frozenset(
        state for state, is_in in ((RowState.HELD, is_held), (RowState.DEAD, is_dead)) if is_in
    )
    if cause is not None and not states:
        states = frozenset({RowState.HELD})
    ids: list[int] | None = None
    if records:
        ids = []
        async with opened.services.database.transaction() as db:
            for key in records:
                found = await looking.find(
                    db, opened.workspace_id, key, installation_id=chosen, flow=qualified
                )
                if not found:
                    raise WrongError(f"no record is known by {key!r}")
                ids += [row.id for row in found]
    return Selection(
        workspace_id=opened.workspace_id,
        states=states or frozenset(RowState),
        backlog_ids=ids,
        installation_id=chosen,
        flow=qualified,
        cause=cause,
    )


async def _replay(opened: Session, selection: Selection, total: int) -> int:
    done = 0
    now = opened.services.clock.now()
    with opened.screen.progress("replaying", total) as bar:
        async for progress in replayed(
            opened.services.database, selection, total=total, who=who(), now=now
        ):
            done = progress.done
            bar.to(done)
    opened.screen.line(
        f"{plural(done, 'record')} wanted again; `status` shows how that goes", "good"
    )
    return done


def _show(screen: Screen, counted: Sequence[Counted]) -> None:
    if not counted:
        screen.line("the selection is empty: nothing to replay")
        return
    rows = [
        (
            group.installation,
            group.flow.rpartition(".")[2],
            STATE_WORDS[group.state],
            number(group.records),
        )
        for group in counted
    ]
    columns = [
        Column("installation"),
        Column("flow"),
        Column("state"),
        Column("records", "right"),
    ]
    screen.table(columns, rows)
