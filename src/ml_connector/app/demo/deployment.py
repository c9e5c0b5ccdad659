"""The service as `up` runs it, in this process: database, web server and worker of its own."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import yaml
from sqlalchemy import text

from ml_connector.app import processes
from ml_connector.app.applying import Applied, Applying
from ml_connector.app.configuration import load
from ml_connector.app.logs import set_up_logs
from ml_connector.app.sandbox_clock import set_offset
from ml_connector.app.services import Services
from ml_connector.app.settings import DeploymentSettings
from ml_connector.app.web import serving
from ml_connector.app.worker import STOP_WITHIN, Worker
from ml_connector.storage import schema
from ml_connector.sync.first_matching import FirstMatch
from ml_connector.sync.works import FlowWorks

INSTALLATION = "demo"
POLL_EVERY = timedelta(minutes=1)
_HOST = "127.0.0.1"
_WRITE_DEADLINE = 2.0  # seconds; what becomes of a lost answer is looked for soon after
_CONCURRENCY = 100
_CONFIGURATION = "configuration.yaml"
LOG = "service.log"


@dataclass(slots=True)
class Deployment:
    """The running service."""

    services: Services
    address: str
    folder: Path
    _working: asyncio.Task[None]
    _ahead: timedelta = field(default_factory=timedelta)

    async def apply(
        self, configuration: Mapping[str, Any], *, secrets: Mapping[str, str]
    ) -> Applied:
        """Apply a configuration, as `apply FILE` does; ``secrets`` are its `${env:NAME}`."""
        path = self.folder / _CONFIGURATION
        path.write_text(yaml.safe_dump(dict(configuration), sort_keys=False))
        return await Applying(self.services).apply(load(path, environment=secrets), who="demo")

    async def match_first(self, flow: str) -> None:
        """Compare both sides for the first load of a flow and confirm it, as `match` does."""
        services = self.services
        await services.directory.read()
        (installation,) = services.directory.all()
        integration = services.integrations[installation.pair]
        task = FirstMatch(
            installation=installation,
            integration=integration,
            flow=integration.flow(flow),
            who="demo",
        )
        works = FlowWorks(services.engine, services.integrations, services.open_side)
        async for _ in task.survey(works, services.database, now=services.clock.now()):
            pass
        async for _ in task.confirm(services.database, now=services.clock.now()):
            pass

    async def advance(self, by: timedelta) -> None:
        """Let business time pass at once, for every process of this deployment."""
        self._ahead += by
        async with self.services.database.transaction() as db:
            await set_offset(db, self._ahead)
        await self.services.follow_clock()

    async def rows(self, statement: str, **values: Any) -> list[Any]:
        """Ask the database; raise what ended the worker, if something did."""
        if self._working.done():
            self._working.result()
        async with self.services.database.transaction() as db:
            return list((await db.execute(text(statement), values)).all())


@asynccontextmanager
async def deployment(folder: Path) -> AsyncIterator[Deployment]:
    """Run a deployment whose data is in ``folder``, for the length of the block."""
    port = _free_port()
    settings = _settings(folder, port)
    # Left open: whatever still runs when this process ends may have something to say.
    set_up_logs(settings, stream=(folder / LOG).open("a", buffering=1))
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(processes.database_url(settings, owns=True))
        await schema.migrate(url)
        services = await stack.enter_async_context(processes.services_on(settings, url, kind="up"))
        await services.keeping.prepare()
        reading = asyncio.create_task(services.directory.keep_reading(), name="directory")
        stack.callback(reading.cancel)
        address = await stack.enter_async_context(serving(services, host=_HOST, port=port))
        worker = Worker(services)
        working = asyncio.create_task(worker.work(), name="worker")
        stack.push_async_callback(_end, worker, working)
        yield Deployment(services, address, folder, working)


async def _end(worker: Worker, working: asyncio.Task[None]) -> None:
    worker.stop()
    await asyncio.wait([working], timeout=STOP_WITHIN.total_seconds())
    working.cancel()
    await asyncio.gather(working, return_exceptions=True)


def _settings(folder: Path, port: int) -> DeploymentSettings:
    """Return settings that owe nothing to the environment: a demo touches nobody's data."""
    defaults: dict[str, Any] = {
        name: one.get_default(call_default_factory=True)
        for name, one in DeploymentSettings.model_fields.items()
    }
    return DeploymentSettings(
        **{
            **defaults,
            "home": folder,
            "host": _HOST,
            "port": port,
            "public_url": f"http://{_HOST}:{port}",
            "write_deadline_seconds": _WRITE_DEADLINE,
            "concurrency": _CONCURRENCY,
        }
    )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((_HOST, 0))
        return int(probe.getsockname()[1])
