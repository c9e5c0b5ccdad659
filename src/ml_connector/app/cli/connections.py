"""`connections`: the accounts at vendors; whether they are right, logging in, pausing."""

from __future__ import annotations

import asyncio
import sys
import webbrowser
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Annotated, Any
from urllib.parse import urlsplit

import typer

from ml_connector.app.cli.exits import EXIT_CODES, Exit, UsageError
from ml_connector.app.cli.options import AsJSON, Workspace, moment_of
from ml_connector.app.cli.screen import Cell, Column, Screen, Style
from ml_connector.app.cli.session import Session, carry_out, session, who
from ml_connector.app.push_addresses import push_address
from ml_connector.app.wording import ago, duration, number
from ml_connector.audit import trail
from ml_connector.connections.budgets import Budget, budgets_of
from ml_connector.connections.callback import finish_with, local_callback
from ml_connector.connections.consent import GOOD_FOR, Consents
from ml_connector.connections.ping import PingReport
from ml_connector.connections.rows import ConnectionRow
from ml_connector.connections.states import State

Name = Annotated[str, typer.Argument(help="The connection's name.")]

_NOT_REACHED = {"address", "certificate"}
_STYLES: Mapping[State, Style] = {
    State.READY: "good",
    State.PAUSED: "warn",
    State.EXHAUSTED: "warn",
}


def commands() -> typer.Typer:
    """Return the group."""
    group = typer.Typer(
        no_args_is_help=True,
        help="Accounts at vendors: list, ping, consent, push, pause, resume.",
        epilog=EXIT_CODES,
    )
    for name, function in (
        ("list", list_),
        ("ping", ping),
        ("consent", consent),
        ("push", push),
        ("pause", pause),
        ("resume", resume),
    ):
        group.command(name, epilog=EXIT_CODES)(function)
    return group


def list_(*, workspace: Workspace = "main", as_json: AsJSON = False) -> None:
    """List the connections with state and budget."""
    screen = Screen(as_json)

    async def work() -> Exit:
        async with session(screen, workspace) as opened:
            rows = await opened.connections()
            budgets = await _budgets(opened, rows)
            show_connections(opened, rows, budgets)
            if not rows:
                screen.line("no connections yet: apply a configuration file")
            screen.json(
                {"connections": [connection_json(row, budgets.get(row.id)) for row in rows]}
            )
        return Exit.OK

    carry_out(screen, work)


def ping(
    *,
    name: Annotated[
        str | None, typer.Argument(help="The connection's name; all of them without one.")
    ] = None,
    all_: Annotated[bool, typer.Option("--all", help="All connections.")] = False,
    workspace: Workspace = "main",
    as_json: AsJSON = False,
) -> None:
    """Look at real systems: address, login, version or tenant, and each right that flows need.

    Nothing is written there. Exit code 1 if anything is wrong, 3 if nothing worse than that a
    system could not be reached.
    """
    screen = Screen(as_json)

    async def work() -> Exit:
        if name is not None and all_:
            raise UsageError("name one connection, or give --all, not both")
        async with session(screen, workspace) as opened:
            rows = [await opened.connection(name)] if name else await opened.connections()
            if not rows:
                raise UsageError("there are no connections yet; apply a configuration file")
            with screen.progress(f"pinging {', '.join(row.name for row in rows)}"):
                reports = await asyncio.gather(*(_ping(opened, row) for row in rows))
        for report in reports:
            _show_report(screen, report)
        screen.json(
            {
                "is_good": all(report.is_good for report in reports),
                "connections": [_report_json(report) for report in reports],
            }
        )
        return _code(reports)

    carry_out(screen, work)


def consent(
    *,
    name: Name,
    redirect_uri: Annotated[
        str | None,
        typer.Option(
            "--redirect-uri",
            help="As registered at the vendor: http://127.0.0.1:PORT/PATH. Without it, any port.",
        ),
    ] = None,
    browser: Annotated[bool, typer.Option(help="Open the address in a browser.")] = True,
    workspace: Workspace = "main",
    as_json: AsJSON = False,
) -> None:
    """Log in by OAuth consent: a person opens an address and agrees, and it comes back here."""
    screen = Screen(as_json)

    async def work() -> Exit:
        port, path = _callback_of(redirect_uri)
        async with session(screen, workspace) as opened:
            row = await opened.connection(name)
            services = opened.services
            consents = Consents(
                connections=services.connections,
                database=services.database,
                keyring=services.keyring,
                clock=services.clock,
            )
            async with local_callback(port=port, path=path) as callback:
                started = await consents.start(
                    workspace_id=row.workspace_id,
                    connection_id=row.id,
                    redirect_uri=callback.redirect_uri,
                )
                _send(screen, started.url, opens=browser)
                answer = await callback.answer(state=started.state, within=GOOD_FOR)
                after = await finish_with(consents, answer)
            await _note(opened, after, "connection_consented")
        screen.line(f"{name} is logged in", "good")
        screen.json(connection_json(after, None))
        return Exit.OK

    carry_out(screen, work)


def push(
    *,
    name: Annotated[str, typer.Argument(help="The connection's name.")],
    rotate: Annotated[
        bool, typer.Option("--rotate", help="Another value; the one before is good for a day.")
    ] = False,
    workspace: Workspace = "main",
    as_json: AsJSON = False,
) -> None:
    """Show what an administrator enters at a vendor so that it pushes what happens.

    The value of the header is the only guard of the address. It is shown once, when the address
    is made or with --rotate. Pushes only make a look earlier; polling goes on.
    """
    screen = Screen(as_json)

    async def work() -> Exit:
        async with session(screen, workspace) as opened:
            row = await opened.connection(name)
            found = await push_address(opened.services, row, rotate=rotate, who=who())
        value = found.header_value.reveal() if found.header_value is not None else None
        screen.line(f"{row.name}: {found.destination.where}", "head")
        screen.entry("address", found.url)
        screen.entry("header", found.destination.header)
        screen.entry("value", value or "as it was shown; --rotate makes another")
        for ending, columns in found.destination.queries.items():
            screen.entry("inquiry", f"... {ending}: with {', '.join(columns)}")
        screen.json(
            {
                "connection": row.name,
                "address": found.url,
                "header": found.destination.header,
                "value": value,
                "queries": {name: list(each) for name, each in found.destination.queries.items()},
            }
        )
        return Exit.OK

    carry_out(screen, work)


def pause(
    *,
    name: Name,
    reason: Annotated[str, typer.Option("--reason", help="Why; it is shown.")] = "paused",
    until: Annotated[
        str | None, typer.Option("--until", help="Resume by itself then: 2026-11-21T06:00Z.")
    ] = None,
    workspace: Workspace = "main",
    as_json: AsJSON = False,
) -> None:
    """Stop all work on a connection; its records wait and lose no attempt."""
    screen = Screen(as_json)

    async def work() -> Exit:
        async with session(screen, workspace) as opened:
            row = await opened.connection(name)
            now = opened.services.clock.now()
            moment = moment_of(until, now=now) if until is not None else None
            if moment is not None and moment <= now:
                raise UsageError(f"{until} is past; name a moment to come")
            after = await opened.services.connections.health.pause(
                workspace_id=row.workspace_id, connection_id=row.id, reason=reason, until=moment
            )
            await _note(opened, after, "connection_paused", reason=reason)
        words = f" until {moment:%Y-%m-%d %H:%M}Z" if moment else ""
        screen.line(f"{name} is paused{words}; `connections resume {name}` ends it", "warn")
        screen.json(connection_json(after, None))
        return Exit.OK

    carry_out(screen, work)


def resume(*, name: Name, workspace: Workspace = "main", as_json: AsJSON = False) -> None:
    """End a pause; a connection in trouble is looked at again at once instead."""
    screen = Screen(as_json)

    async def work() -> Exit:
        async with session(screen, workspace) as opened:
            row = await opened.connection(name)
            after = await opened.services.connections.health.resume(
                workspace_id=row.workspace_id, connection_id=row.id
            )
            await _note(opened, after, "connection_resumed")
        screen.line(f"{name} is {_state(after)}", _STYLES.get(after.state, "bad"))
        screen.json(connection_json(after, None))
        return Exit.OK if after.is_ready else Exit.WRONG

    carry_out(screen, work)


def show_connections(
    opened: Session, rows: Sequence[ConnectionRow], budgets: dict[int, Budget]
) -> None:
    """Show connections as a table, each trouble with its reason below it."""
    if not rows:
        return
    now = opened.services.clock.now()
    lines = [
        (
            row.name,
            row.vendor,
            Cell(_state(row), _STYLES.get(row.state, "bad")),
            duration(now - row.state_since),
            _budget(budgets.get(row.id)),
            Cell(_reason(row, opened), "" if row.is_ready else "warn"),
        )
        for row in rows
    ]
    columns = [
        Column("connection"),
        Column("vendor"),
        Column("state"),
        Column("for", "right"),
        Column("tokens left today", "right"),
        Column("reason", folds=True),
    ]
    opened.screen.table(columns, lines)


def connection_json(row: ConnectionRow, budget: Budget | None) -> dict[str, Any]:
    """Return a connection for programs, without its settings."""
    return {
        "name": row.name,
        "vendor": row.vendor,
        "state": row.state.value,
        "reason": row.state_reason,
        "since": row.state_since,
        "until": row.paused_until,
        "budget": None
        if budget is None
        else {
            "limit": budget.limit,
            "used": budget.used,
            "remaining": budget.remaining,
            "renews_at": budget.renews_at,
            "least_urgent_lane": _lane(budget),
        },
        "last_ping": row.ping,
    }


async def _budgets(opened: Session, rows: Sequence[ConnectionRow]) -> dict[int, Budget]:
    async with opened.services.database.transaction() as db:
        ids = [row.id for row in rows]
        return await budgets_of(db, ids, now=opened.services.clock.now())


async def _ping(opened: Session, row: ConnectionRow) -> PingReport:
    needs = dict.fromkeys(
        need
        for installation in await opened.installed()
        for role, number_ in installation.connections.items()
        if number_ == row.id
        for flow in opened.integration(installation).flows
        if flow.name in installation.flows and installation.flows[flow.name].is_on
        for need in flow.needs.get(role, ())
    )
    return await opened.services.pings.ping(
        workspace_id=row.workspace_id, connection_id=row.id, needs=list(needs)
    )


def _show_report(screen: Screen, report: PingReport) -> None:
    good = report.is_good
    screen.parts(
        Cell("ok     " if good else "wrong  ", "good" if good else "bad"),
        Cell(report.row.name, "head"),
        f"  {report.row.vendor}, {report.elapsed_ms:.0f} ms",
    )
    lines = [
        (
            Cell("ok", "good") if line.is_good else Cell("wrong", "bad"),
            line.check,
            line.subject,
            "" if line.round_trip_ms is None else f"{line.round_trip_ms:.0f} ms",
            line.message,
        )
        for line in report.lines
    ]
    columns = [
        Column(""),
        Column("check"),
        Column("of"),
        Column("took", "right"),
        Column("found", folds=True),
    ]
    screen.table(columns, lines, indent=2)


def _report_json(report: PingReport) -> dict[str, Any]:
    row = report.row
    return {
        "name": row.name,
        "vendor": row.vendor,
        "state": row.state.value,
        **report.as_json(),
    }


def _code(reports: Sequence[PingReport]) -> Exit:
    bad = {line.check for report in reports for line in report.lines if not line.is_good}
    if not bad:
        return Exit.OK
    return Exit.UNREACHABLE if bad <= _NOT_REACHED else Exit.WRONG


def _callback_of(redirect_uri: str | None) -> tuple[int, str]:
    if redirect_uri is None:
        return 0, "/callback"
    parts = urlsplit(redirect_uri)
    if parts.scheme != "http" or parts.hostname != "127.0.0.1" or not parts.port:
        raise UsageError(
            f"{redirect_uri!r} does not come back to this command; register and give "
            "http://127.0.0.1:PORT/PATH"
        )
    return parts.port, parts.path or "/"


def _send(screen: Screen, url: str, *, opens: bool) -> None:
    """Show the address and open it where a person sits."""
    minutes = GOOD_FOR // timedelta(minutes=1)
    screen.err.print("Open this address and agree:", soft_wrap=True)
    screen.err.print(f"  {url}", soft_wrap=True)
    screen.note(f"waiting up to {minutes} minutes for the answer")
    if opens and sys.stderr.isatty():
        webbrowser.open(url)


async def _note(opened: Session, row: ConnectionRow, event: str, **detail: str) -> None:
    entry = trail.Entry(
        at=opened.services.clock.now(),
        workspace_id=row.workspace_id,
        connection_id=row.id,
        event=event,
        who=who(),
        detail={"connection": row.name, **detail},
    )
    async with opened.services.database.transaction() as db:
        await trail.write(db, [entry])


def _state(row: ConnectionRow) -> str:
    return row.state.value.replace("_", " ")


def _reason(row: ConnectionRow, opened: Session) -> str:
    if row.is_ready:
        return ""
    until = row.paused_until
    again = f"; tried again {ago(until, opened.services.clock.now())}" if until else ""
    return f"{row.state_reason or 'no reason was given'}{again}"


def _lane(budget: Budget) -> str | None:
    return budget.least_urgent.name.lower() if budget.least_urgent is not None else None


def _budget(budget: Budget | None) -> str:
    if budget is None:
        return "-"
    if budget.limit is None:
        return f"{number(budget.used)} used"
    return f"{number(budget.remaining)} of {number(budget.limit)}"
