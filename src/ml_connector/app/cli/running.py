"""`up`, `serve`, `work` and `migrate`: the processes of a deployment."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from ml_connector.app import processes
from ml_connector.app.cli.exits import Exit
from ml_connector.app.cli.options import AsJSON
from ml_connector.app.cli.screen import Screen
from ml_connector.app.cli.session import carry_out, command_settings, for_people
from ml_connector.app.logs import set_up_logs
from ml_connector.app.settings import DeploymentSettings, read_settings

_Process = Callable[..., Awaitable[None]]


def up() -> None:
    """Run everything in this process: database, web server, worker.

    The embedded database lies under ML_CONNECTOR_HOME (~/.ml-connector) and is brought up to
    date first. Stops cleanly on Ctrl-C and SIGTERM.
    """
    _run(processes.up, "up")


def serve() -> None:
    """Run a web server on a prepared database; any number of them.

    Prepared is a database that `up` or `migrate` has brought up to date; it waits for that.
    """
    _run(processes.serve, "serving")


def work() -> None:
    """Run a worker on a prepared database; any number of them.

    Prepared is a database that `up` or `migrate` has brought up to date; it waits for that.
    """
    _run(processes.work, "working")


def migrate(*, as_json: AsJSON = False) -> None:
    """Bring the database's schema up to this release.

    Safe at any time, also twice at once.
    """
    screen = Screen(as_json)

    async def work() -> Exit:
        revision = await processes.migrate(command_settings())
        screen.line(f"the database is at schema {revision:04}")
        screen.json({"schema": revision})
        return Exit.OK

    carry_out(screen, work)


def _run(process: _Process, words: str) -> None:
    screen = Screen()

    async def work() -> Exit:
        settings = for_people(read_settings())
        set_up_logs(settings)
        await process(settings, announce=lambda at: _announce(screen, settings, words, at))
        return Exit.OK

    carry_out(screen, work)


def _announce(screen: Screen, settings: DeploymentSettings, words: str, address: str) -> None:
    """Say that it works; whoever started it may wait for this line."""
    where = "the external database" if settings.database_url else f"home {settings.home}"
    screen.line(f"ml-connector is {words}: {address}, {where}; Ctrl-C stops it")
    screen.out.file.flush()
