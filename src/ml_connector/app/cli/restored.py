"""`restored`: makes a database that came from a backup safe to work on."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

import typer

from ml_connector.app.cli.confirming import confirmed
from ml_connector.app.cli.exits import Exit, UsageError, WrongError
from ml_connector.app.cli.options import AsJSON, Yes, moment_of
from ml_connector.app.cli.screen import Screen
from ml_connector.app.cli.session import Session, carry_out, session, who
from ml_connector.app.wording import duration, number
from ml_connector.sync.restoring import Restored, after_restore
from ml_connector.vault.processes import LIVE_FOR, live_processes


def restored(
    *,
    backup_age: Annotated[
        str,
        typer.Option(
            "--backup-age",
            help="How old the backup is: 2h, or when it was taken; rather too old than too young.",
        ),
    ],
    yes: Yes = False,
    as_json: AsJSON = False,
) -> None:
    """Say that the database was restored from a backup, before anything runs on it again.

    What was written to the vendors since then is searched for before anything is created, and
    every stream is read again from before the backup.
    """
    screen = Screen(as_json)

    async def work() -> Exit:
        async with session(screen, "main") as opened:
            now = opened.services.clock.now()
            age = now - moment_of(backup_age, now=now)
            if age < timedelta():
                raise UsageError(f"{backup_age!r} lies ahead; say how old the backup is")
            await _refuse_while_processes_live(opened)
            if not confirmed(screen, f"take up a backup that is {duration(age)} old", yes=yes):
                return Exit.USAGE
            async with opened.services.database.transaction() as db:
                done = await after_restore(
                    db, opened.services.integrations, backup_age=age, now=now, who=who()
                )
        _show(screen, done)
        return Exit.OK

    carry_out(screen, work)


async def _refuse_while_processes_live(opened: Session) -> None:
    """What a process has in its memory is of the time that was lost."""
    async with opened.services.database.transaction() as db:
        living = await live_processes(db)
    if living:
        names = ", ".join(str(process) for process in living)
        raise WrongError(
            f"these processes may still run on this database: {names}; stop them, and try again "
            f"{LIVE_FOR // timedelta(seconds=1)} seconds later"
        )


def _show(screen: Screen, done: Restored) -> None:
    screen.line(f"epoch {done.epoch}: the database may be worked on", "good")
    for words, count in (
        ("writes that are searched for before anything is sent", done.effects_in_doubt),
        ("records that were under way, ready again", done.runs_taken_back),
        ("streams read again from before the backup", done.polls),
    ):
        screen.entry(number(count), words)
    screen.note("connections whose login was renewed since the backup may ask for a new one")
    screen.json(done)
