"""A deployment against the sandbox: a database of its own, and an installation in it."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg
import yaml

from benchmarks.children import running
from benchmarks.control import Control
from ml_connector.app import processes
from ml_connector.app.applying import Applying
from ml_connector.app.configuration import load
from ml_connector.app.services import Services
from ml_connector.app.settings import DeploymentSettings
from ml_connector.storage import schema
from ml_connector.storage.database import open_connection
from ml_connector.storage.embedded import EmbeddedServer
from ml_connector.storage.urls import with_database

FLOW = "acumatica_pipedrive.won_deal_to_sales_order"
WON_DEALS = ("won_deal_to_sales_order",)
_LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


class Server:
    """The embedded PostgreSQL server of a whole run, as the service starts it: fsync on."""

    def __init__(self, home: Path, url: str) -> None:
        self.home = home
        self.url = url
        self._made = 0

    async def new_database(self) -> str:
        """Return the URL of an empty database with the schema of this release."""
        self._made += 1
        name = f"benchmark_{self._made}"
        db = await open_connection(self.url)
        try:
            await db.execute(f"CREATE DATABASE {name}")
        finally:
            await db.close()
        url = with_database(self.url, name)
        await schema.migrate(url)
        return url

    async def shows(self, *settings: str) -> dict[str, str]:
        """Return the server's settings."""
        db = await open_connection(self.url)
        try:
            return {name: await db.fetchval(f"SHOW {name}") for name in settings}
        finally:
            await db.close()


@asynccontextmanager
async def embedded_server() -> AsyncIterator[Server]:
    """Run a server in a folder of its own for the length of the block."""
    with tempfile.TemporaryDirectory(prefix="ml-connector-bench-") as folder:
        home = Path(folder)
        server = EmbeddedServer(home)
        url = await server.start()
        try:
            yield Server(home, url)
        finally:
            await server.stop()


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """An installation that links the sandbox's two vendors."""

    settings: Mapping[str, Any]
    """For the service's processes."""
    url: str
    control: Control
    description: Mapping[str, Mapping[str, str]]
    webhook: Mapping[str, str]
    """Path, user and password of the address that the CRM sends to; empty without webhooks."""

    async def database(self) -> asyncpg.Connection[asyncpg.Record]:
        """Return a connection of one's own, to look with."""
        return await open_connection(self.url)


@asynccontextmanager
async def deployed(
    server: Server,
    *,
    switches: Mapping[str, Mapping[str, Any]],
    webhooks_to: int | None = None,
    erp_at_once: int = 32,
    flows: Sequence[str] = WON_DEALS,
) -> AsyncIterator[Deployment]:
    """Start the simulators and install the pair on an empty database.

    The flows are on with their schedules off: what is to be done is put into the backlog by
    webhooks or by `benchmarks.backlog`, so that the drain alone is measured.
    """
    async with AsyncExitStack() as stack:
        sandbox = await stack.enter_async_context(running("sandbox", switches=switches))
        description = await sandbox.told()
        control = await stack.enter_async_context(Control.of(description))
        url = await server.new_database()
        port = webhooks_to or 0
        settings = {
            "home": server.home,
            "database_url": url,
            "port": port,
            "public_url": f"http://127.0.0.1:{port}" if webhooks_to else None,
            "allow_private_targets": True,
            "log_level": "warning",
        }
        document = configuration(
            description, webhooks=bool(webhooks_to), erp_at_once=erp_at_once, flows=flows
        )
        webhook = await install(settings, url, document)
        yield Deployment(
            settings=settings, url=url, control=control, description=description, webhook=webhook
        )


async def install(settings: Mapping[str, Any], url: str, document: str) -> dict[str, str]:
    """Apply a configuration file; return path and guard of the webhook address, if there is one."""
    deployment = DeploymentSettings(**settings)
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        file.write(document)
        file.flush()
        loaded = load(Path(file.name))
    async with processes.services_on(deployment, url) as services:
        await services.keeping.prepare()
        await Applying(services).apply(loaded, who="benchmark")
        return await _webhook_of(services)


async def _webhook_of(services: Services) -> dict[str, str]:
    for installation in services.directory.all():
        async with services.database.transaction() as db:
            found = await services.endpoints.of_connection(
                db, installation.connections["crm"], now=services.clock.now()
            )
        for endpoint in found:
            if endpoint.guard.basic is not None:
                user, password = (each.reveal() for each in endpoint.guard.basic)
                return {"path": endpoint.path, "user": user, "password": password}
    return {}


def configuration(
    description: Mapping[str, Mapping[str, str]],
    *,
    webhooks: bool,
    erp_at_once: int,
    flows: Sequence[str] = WON_DEALS,
) -> str:
    """Return a configuration file for the sandbox."""
    crm, erp = description["pipedrive"], description["acumatica"]
    return yaml.safe_dump(
        {
            "connections": {
                "crm": {"vendor": "pipedrive", "settings": crm_settings(crm)},
                "erp": {"vendor": "acumatica", "settings": erp_settings(erp, erp_at_once)},
            },
            "installations": {
                "acme": {
                    "pair": "acumatica",
                    "crm": "crm",
                    "erp": "erp",
                    "webhooks": webhooks,
                    "provide_fields": True,
                    "flows": {
                        flow: {"on": True, "go_live": _LONG_AGO.isoformat(), "when": "events"}
                        for flow in flows
                    },
                }
            },
        }
    )


def crm_settings(crm: Mapping[str, str]) -> dict[str, Any]:
    """Return the CRM connection's settings."""
    return {"api_url": crm["url"], "api_token": crm["api_token"]}


def erp_settings(erp: Mapping[str, str], at_once: int) -> dict[str, Any]:
    """Return the ERP connection's settings."""
    return {
        "instance_url": erp["instance_url"],
        "login_mode": "oauth_password",
        "client_id": erp["client_id"],
        "client_secret": erp["client_secret"],
        "username": erp["username"],
        "password": erp["password"],
        "concurrent_requests": at_once,
    }
