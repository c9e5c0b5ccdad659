"""`keys`: the master keys, under which every secret is sealed."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

import typer

from ml_connector.app import processes
from ml_connector.app.cli.exits import EXIT_CODES, Exit, UsageError, WrongError
from ml_connector.app.cli.options import AsJSON
from ml_connector.app.cli.screen import Cell, Column, Screen
from ml_connector.app.cli.session import Session, carry_out, command_settings, session
from ml_connector.app.wording import number, plural
from ml_connector.vault.keyring import (
    Keyring,
    ensure_key_file,
    keep_newest_key_only,
    new_master_key,
    put_key_first,
)
from ml_connector.vault.processes import LiveProcess, live_processes
from ml_connector.vault.rotation import Progress, count_by_key, rotate

_PATIENCE = timedelta(seconds=15)  # a process reads its key file again every 5 s


def commands() -> typer.Typer:
    """Return the group."""
    group = typer.Typer(
        no_args_is_help=True,
        help="Master keys: new, list, rotate. They live outside the database and its backups.",
        epilog=EXIT_CODES,
    )
    group.command("new", epilog=EXIT_CODES)(new)
    group.command("list", epilog=EXIT_CODES)(list_)
    group.command("rotate", epilog=EXIT_CODES)(rotate_)
    return group


def new(*, as_json: AsJSON = False) -> None:
    """Make a master key.

    With a key file it is put first there, and running processes take it up by themselves. With
    ML_CONNECTOR_MASTER_KEYS it is printed, to be put in front of the list of every process.
    """
    screen = Screen(as_json)

    async def work() -> Exit:
        settings = command_settings()
        key = new_master_key()
        key_id = Keyring.from_text(key).newest.id
        if settings.master_keys is not None:
            screen.line(key)
            screen.note(
                "add it to ML_CONNECTOR_MASTER_KEYS of every process as the last one and restart "
                "them; then put it first, restart them again, and run `ml-connector keys rotate`"
            )
            screen.json({"id": key_id, "key": key})
            return Exit.OK
        file = processes.key_file_of(settings)
        settings.home.mkdir(mode=0o700, parents=True, exist_ok=True)
        ensure_key_file(file)
        put_key_first(file, key)
        screen.line(f"key {key_id} stands first in {file}", "good")
        screen.line("next: ml-connector keys rotate")
        screen.json({"id": key_id, "file": str(file)})
        return Exit.OK

    carry_out(screen, work)


def list_(*, as_json: AsJSON = False) -> None:
    """List the keys by id: what each seals, and which processes hold it. No key is shown."""
    screen = Screen(as_json)

    async def work() -> Exit:
        async with session(screen, "main") as opened:
            async with opened.services.database.transaction() as db:
                sealed = await count_by_key(db)
                living = await live_processes(db)
            _show(opened, sealed, living)
        return Exit.OK

    carry_out(screen, work)


def rotate_(
    *,
    drop_old: Annotated[
        bool, typer.Option("--drop-old", help="Then take the old keys out of the key file.")
    ] = False,
    as_json: AsJSON = False,
) -> None:
    """Wrap every secret with the newest key, while everything runs.

    Refuses while a live process lacks that key. Can be stopped and started again.
    """
    screen = Screen(as_json)

    async def work() -> Exit:
        async with session(screen, "main") as opened:
            services = opened.services
            if drop_old and services.settings.master_keys is not None:
                raise UsageError(
                    "the keys are in ML_CONNECTOR_MASTER_KEYS: take the old ones out there"
                )
            with screen.progress("wrapping secrets anew") as bar:

                def report(progress: Progress) -> None:
                    bar.to(progress.done, total=progress.total)

                done = await rotate(
                    services.database, services.keyring, report=report, patience=_PATIENCE
                )
            if drop_old:
                await _refuse_while_old_keys_are_used(opened)
                keep_newest_key_only(processes.key_file_of(services.settings))
        key_id = services.keyring.newest.id
        screen.line(
            f"{plural(done.done, 'secret')} wrapped anew; all are under key {key_id}", "good"
        )
        if not drop_old and len(services.keyring.ids) > 1:
            screen.line("the old keys may go now: keys rotate --drop-old, or out of the variable")
        screen.json({"key": key_id, "wrapped": done.done, "dropped_old": drop_old})
        return Exit.OK

    carry_out(screen, work)


async def _refuse_while_old_keys_are_used(opened: Session) -> None:
    """Look once more before a key goes that nothing could bring back."""
    newest = opened.services.keyring.newest.id
    async with opened.services.database.transaction() as db:
        sealed = await count_by_key(db)
        living = await live_processes(db)
    late = [str(each) for each in living if each.key_ids[:1] != (newest,)]
    if late:
        raise WrongError(f"{', '.join(late)} still seals with an old key; try again in a moment")
    if sealed.keys() - {newest}:
        raise WrongError("something was sealed with an old key meanwhile; rotate again")


def _show(opened: Session, sealed: dict[str, int], living: list[LiveProcess]) -> None:
    screen, ring = opened.screen, opened.services.keyring
    ids = [*ring.ids, *sorted(sealed.keys() - set(ring.ids))]
    rows = [
        (
            key_id,
            Cell("newest: seals", "good") if key_id == ring.newest.id else _kind(key_id, ring),
            number(sealed.get(key_id, 0)),
            ", ".join(str(each) for each in living if key_id in each.key_ids) or "-",
        )
        for key_id in ids
    ]
    columns = [
        Column("key"),
        Column("use"),
        Column("secrets", "right"),
        Column("held by", folds=True),
    ]
    screen.table(columns, rows)
    screen.json(
        {
            "keys": [
                {
                    "id": key_id,
                    "is_newest": key_id == ring.newest.id,
                    "is_known": key_id in ring.ids,
                    "secrets": sealed.get(key_id, 0),
                    "processes": [str(each) for each in living if key_id in each.key_ids],
                }
                for key_id in ids
            ]
        }
    )


def _kind(key_id: str, ring: Keyring) -> Cell:
    return Cell("opens only") if key_id in ring.ids else Cell("MISSING here", "bad")
