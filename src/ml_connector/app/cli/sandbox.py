"""`sandbox`: the vendors' simulators on this machine, and a configuration that leads to them."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import asyncpg
import structlog
import typer
from sqlalchemy.exc import SQLAlchemyError

from ml_connector.app.cli.exits import Exit, UsageError
from ml_connector.app.cli.options import AsJSON
from ml_connector.app.cli.screen import Column, Screen
from ml_connector.app.cli.session import carry_out, command_settings
from ml_connector.app.exporting import as_yaml
from ml_connector.app.sandbox_clock import read_offset, set_offset
from ml_connector.app.settings import DeploymentSettings
from ml_connector.core.errors import ConnectorError
from ml_connector.storage.database import Database
from ml_connector.storage.embedded import join
from vendor_simulators.kit.sandbox import Sandbox

log = structlog.get_logger(__name__)

_NOT_THERE = (
    ConnectorError,
    OSError,
    SQLAlchemyError,
    asyncpg.InterfaceError,
    asyncpg.PostgresError,
)
_FOLLOW_EVERY = 0.25  # seconds
_LOOK_EVERY = 5.0  # seconds; for a deployment that began after the clock was moved
_SAME = timedelta(milliseconds=500)  # clocks closer than this are not set
_OWNER_ONLY = 0o600

_HEADER = """\
# The simulators of `ml-connector sandbox`, as it was started with {command}.
#   ml-connector apply {name} --yes
#   ml-connector up
"""


def sandbox(
    *,
    port: Annotated[
        int,
        typer.Option("--port", min=0, max=65_500, help="Of the control API; 0 picks free ports."),
    ] = 9400,
    host: Annotated[str, typer.Option("--host", help="Address to listen on.")] = "127.0.0.1",
    seed: Annotated[int, typer.Option("--seed", help="Repeats what is random.")] = 0,
    write_config: Annotated[
        Path | None,
        typer.Option("--write-config", help="Write a configuration for `apply` to this file."),
    ] = None,
    as_json: AsJSON = False,
) -> None:
    """Run the vendors' simulators on this machine.

    Records, faults and the clock are moved through a control API; Ctrl-C ends it.

    With --json, one line with every address and credential is printed once they accept calls.
    """
    screen = Screen(as_json)

    async def work() -> Exit:
        settings = command_settings()
        stopping = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stopping.set)
        try:
            running = await _started(host, port, seed)
        except OSError as exc:
            raise UsageError(
                f"the sandbox cannot use port {port} of {host} or one of those after it: "
                f"{exc.strerror or exc}; choose another with --port, or 0 for free ones"
            ) from exc
        following = asyncio.create_task(_follow(running, settings), name="clock")
        try:
            described = running.describe()
            if write_config is not None:
                _write(write_config, described, port)
            _announce(screen, described, write_config)
            await stopping.wait()
        finally:
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)
            await running.stop()
        return Exit.OK

    carry_out(screen, work)


def configuration_for(described: Mapping[str, Mapping[str, str]]) -> dict[str, Any]:
    """Return a configuration that leads to these simulators."""
    crm, erp = described["pipedrive"], described["acumatica"]
    return {
        "sandbox": True,
        "connections": {
            "crm": {
                "vendor": "pipedrive",
                "settings": {
                    "api_url": crm["url"],
                    "oauth_url": crm["oauth_url"],
                    "api_token": crm["api_token"],
                },
            },
            "erp": {
                "vendor": "acumatica",
                "settings": {
                    "instance_url": erp["instance_url"],
                    "endpoint_version": erp["endpoint_version"],
                    "login_mode": "oauth_password",
                    "client_id": erp["client_id"],
                    "client_secret": erp["client_secret"],
                    "username": erp["username"],
                    "password": erp["password"],
                },
            },
        },
        "installations": {
            "acme": {
                "pair": "acumatica",
                "crm": "crm",
                "erp": "erp",
                "webhooks": True,
                "provide_fields": True,
                "flows": {"won_deal_to_sales_order": {"on": True, "when": {"every": "1m"}}},
            }
        },
    }


async def _started(host: str, port: int, seed: int) -> Sandbox:
    sandbox = Sandbox(seed=seed)
    try:
        await sandbox.open(host=host, port=port)
    except BaseException:
        await sandbox.stop()
        raise
    return sandbox


def _write(path: Path, described: Mapping[str, Mapping[str, str]], port: int) -> None:
    text = as_yaml(configuration_for(described))
    header = _HEADER.format(command=f"--port {port}", name=path.name)
    try:
        path.touch(mode=_OWNER_ONLY)
        path.write_text(header + text, "utf-8")
    except OSError as exc:
        raise UsageError(f"{path} cannot be written: {exc.strerror}") from exc


def _announce(
    screen: Screen, described: Mapping[str, Mapping[str, str]], written: Path | None
) -> None:
    rows = [
        (vendor, name, value)
        for vendor, block in described.items()
        for name, value in block.items()
    ]
    screen.table([Column("vendor"), Column("what"), Column("value", folds=True)], rows)
    if written is not None:
        screen.line(f"configuration written to {written}")
        screen.line(f"next: ml-connector apply {written} --yes && ml-connector up")
    screen.line("the sandbox accepts calls; Ctrl-C stops it", "good")
    screen.out.file.flush()
    screen.json(described)


async def _follow(sandbox: Sandbox, settings: DeploymentSettings) -> None:
    """Keep the clock of this machine's sandbox deployment set as the simulators' is.

    A jump made through the control API reaches both sides so. A deployment that is no sandbox's
    is left alone.
    """
    set_to: timedelta | None = None
    looked_at = 0.0
    while True:
        await asyncio.sleep(_FOLLOW_EVERY)
        ahead = sandbox.clock.now() - datetime.now(UTC)
        now = time.monotonic()
        if set_to is not None and abs(ahead - set_to) <= _SAME and now - looked_at < _LOOK_EVERY:
            continue
        looked_at = now
        try:
            await _set_clock(settings, ahead)
        except _NOT_THERE as exc:
            # no deployment runs, or one that is about to begin or to end
            log.debug("sandbox_clock_not_set", reason=str(exc))
        else:
            set_to = ahead


async def _set_clock(settings: DeploymentSettings, ahead: timedelta) -> None:
    url = settings.database_url.reveal() if settings.database_url else None
    database = await Database.connect(
        url or await join(settings.home, patience=timedelta()), pool_size=1
    )
    try:
        async with database.transaction() as db:
            present = await read_offset(db)
            if present is not None and abs(present - ahead) > _SAME:
                await set_offset(db, ahead)
    finally:
        await database.close()
