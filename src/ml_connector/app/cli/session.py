"""What a command works with, and how it is carried out: settings, database, workspace, ending."""

from __future__ import annotations

import asyncio
import getpass
import logging
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TypeVar

import structlog
import typer
import uvloop

from ml_connector.app import processes
from ml_connector.app.cli.exits import Exit, UsageError, exit_code_of, words_of
from ml_connector.app.cli.screen import Screen
from ml_connector.app.logs import set_up_logs
from ml_connector.app.services import Services
from ml_connector.app.settings import DeploymentSettings, read_settings
from ml_connector.connections.rows import ConnectionRow
from ml_connector.sync import installations
from ml_connector.sync.configuring import workspace_named
from ml_connector.sync.flow import Flow, Integration
from ml_connector.sync.installations import Installation

log = structlog.get_logger(__name__)

T = TypeVar("T")
_NOTHING_THERE = 0  # no workspace has this id


@dataclass(frozen=True, slots=True)
class Session:
    """One command in one workspace."""

    screen: Screen
    services: Services
    workspace: str
    workspace_id: int

    @property
    def settings(self) -> DeploymentSettings:
        """Return the deployment's settings."""
        return self.services.settings

    async def installed(self, name: str | None = None) -> list[Installation]:
        """Return the workspace's installations, or the one of that name."""
        async with self.services.database.transaction() as db:
            found = await installations.of_workspace(db, self.workspace_id)
        if name is None:
            return found
        chosen = [one for one in found if one.name == name]
        if not chosen:
            raise UsageError(f"there is no installation {name!r}; {_there_are(found)}")
        return chosen

    async def connections(self) -> list[ConnectionRow]:
        """Return the workspace's connections by name."""
        return await self.services.connections.accounts.list(self.workspace_id)

    async def connection(self, name: str) -> ConnectionRow:
        """Return the connection of that name."""
        rows = await self.connections()
        for row in rows:
            if row.name == name:
                return row
        known = ", ".join(row.name for row in rows) or "none yet; apply a configuration file"
        raise UsageError(f"there is no connection {name!r}; there are: {known}")

    def integration(self, installation: Installation) -> Integration:
        """Return the code of an installation's pair."""
        return self.services.integrations[installation.pair]

    async def flow(
        self, name: str, *, installation: str | None = None, pair: str | None = None
    ) -> tuple[Installation, Flow]:
        """Return the one installation that has this flow; raise UsageError for none or several."""
        candidates = [
            one
            for one in await self.installed(installation)
            if pair is None or one.pair in {pair, f"{pair}_pipedrive"}
        ]
        found = [
            (one, flow)
            for one in candidates
            for flow in self.integration(one).flows
            if name in {flow.name, self.integration(one).qualified(flow)}
        ]
        if len(found) == 1:
            return found[0]
        if found:
            names = ", ".join(one.name for one, _ in found)
            raise UsageError(
                f"several installations have the flow {name!r}: {names}; choose one with "
                "--installation"
            )
        flows = sorted({flow.name for one in candidates for flow in self.integration(one).flows})
        there_are = f"there are: {', '.join(flows)}" if flows else _there_are(candidates)
        raise UsageError(f"there is no flow {name!r}; {there_are}")

    async def qualified(self, name: str | None, *, installation: str | None) -> str | None:
        """Return a flow's name as backlog rows carry it, whichever installations have it."""
        if name is None:
            return None
        installed = await self.installed(installation)
        integrations = {one.pair: self.integration(one) for one in installed}
        for integration in integrations.values():
            for flow in integration.flows:
                if name in {flow.name, integration.qualified(flow)}:
                    return integration.qualified(flow)
        flows = sorted({flow.name for one in integrations.values() for flow in one.flows})
        there_are = f"there are: {', '.join(flows)}" if flows else _there_are(installed)
        raise UsageError(f"there is no flow {name!r}; {there_are}")


def who() -> str:
    """Return who sits at the command line, for the trail."""
    try:
        return f"{getpass.getuser()} (command line)"
    except (KeyError, OSError):  # an account without a name, as in a container
        return "command line"


@asynccontextmanager
async def session(screen: Screen, workspace: str) -> AsyncIterator[Session]:
    """Open the deployment for one command; its calls to vendors are written to the trail."""
    settings = command_settings()
    async with (
        processes.database_url_for_command(settings) as url,
        processes.services_on(settings, url) as services,
    ):
        async with services.database.transaction() as db:
            workspace_id = await workspace_named(db, workspace)
        if workspace_id is None and workspace != "main":
            raise UsageError(f"there is no workspace {workspace!r}")
        writing = asyncio.create_task(services.call_log.write_until_closed(), name="calls")
        try:
            yield Session(screen, services, workspace, workspace_id or _NOTHING_THERE)
        finally:
            services.call_log.close()
            await writing


def command_settings() -> DeploymentSettings:
    """Read the settings for a short command: its logs say only what went wrong."""
    settings = read_settings()
    if "log_level" not in settings.model_fields_set:
        settings = settings.model_copy(update={"log_level": "error"})
    set_up_logs(for_people(settings))
    return settings


def for_people(settings: DeploymentSettings) -> DeploymentSettings:
    """Return the settings with readable logs where a person reads them, unless they said."""
    if "log_format" in settings.model_fields_set or not sys.stderr.isatty():
        return settings
    return settings.model_copy(update={"log_format": "console"})


def carry_out(screen: Screen, work: Callable[[], Awaitable[Exit | None]]) -> None:
    """Run a command to its end and leave with its exit code; no error escapes as a traceback."""

    async def ended() -> Exit | None:
        return await work()

    try:
        code = uvloop.run(ended()) or Exit.OK
    except typer.Exit:
        raise
    except KeyboardInterrupt:
        screen.note("stopped", "warn")
        code = Exit.STOPPED
    except BrokenPipeError:
        raise
    except Exception as exc:
        error = _first_of(exc)
        screen.error(words_of(error))
        if logging.getLogger().isEnabledFor(logging.DEBUG):
            log.debug("command_failed", exc_info=error)
        code = exit_code_of(error)
    raise typer.Exit(int(code))


def _first_of(error: BaseException) -> BaseException:
    """Return what a group of errors is about."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def _there_are(installed: list[Installation]) -> str:
    if not installed:
        return "nothing is installed yet: apply a configuration file"
    return f"there are: {', '.join(one.name for one in installed)}"
