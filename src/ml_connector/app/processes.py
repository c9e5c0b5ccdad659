"""The processes of a deployment: `up` is everything in one, `serve` and `work` any number."""

from __future__ import annotations

import asyncio
import os
import random
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from importlib.metadata import version
from typing import Any

import structlog

from ml_connector.app.pairs import INTEGRATIONS, VENDORS
from ml_connector.app.services import Catalogue, Services
from ml_connector.app.settings import DeploymentSettings
from ml_connector.app.web import serving
from ml_connector.app.worker import STOP_WITHIN, Worker
from ml_connector.core import crash
from ml_connector.storage import schema
from ml_connector.storage.database import Database
from ml_connector.storage.embedded import EmbeddedServer, join
from ml_connector.vault.keyring import Keyring, ensure_key_file
from ml_connector.vault.processes import Presence
from ml_connector.vault.rotation import sealed_tables

log = structlog.get_logger()

_KEY_FILE = "master.key"


@asynccontextmanager
async def database_url(settings: DeploymentSettings, *, owns: bool) -> AsyncIterator[str]:
    """Yield the database's URL; with ``owns``, run the embedded server for as long."""
    if settings.database_url is not None:
        yield settings.database_url.reveal()
    elif owns:
        server = EmbeddedServer(settings.home)
        yield await server.start()
        await server.stop()
    else:
        yield await join(settings.home)


def keyring_of(settings: DeploymentSettings) -> Keyring:
    """Return the master keys: from the environment, or from the key file under HOME."""
    if settings.master_keys is not None:
        return Keyring.from_text(settings.master_keys.reveal())
    settings.home.mkdir(mode=0o700, parents=True, exist_ok=True)
    return ensure_key_file(settings.home / _KEY_FILE)


@asynccontextmanager
async def services_on(
    settings: DeploymentSettings, url: str, *, kind: str | None = None
) -> AsyncIterator[Services]:
    """Open the parts of one process; ``kind`` announces it as a long-lived one."""
    async with AsyncExitStack() as stack:
        database = await Database.connect(url, pool_size=settings.database_connections)
        keyring = keyring_of(settings)
        services = Services(
            settings,
            database=database,
            keyring=keyring,
            catalogue=Catalogue(vendors=VENDORS, integrations=INTEGRATIONS),
            rng=random.Random(),  # noqa: S311 - jitter, nothing secret
        )
        stack.push_async_callback(services.close)
        await services.follow_clock()
        await services.directory.read()
        if kind is not None:
            presence = await Presence.announce(
                database,
                keyring,
                kind=kind,
                release=version("ml-connector"),
                sealed_tables=sealed_tables(),
            )
            stack.push_async_callback(presence.leave)
            beating = asyncio.create_task(presence.keep(), name="presence")
            stack.callback(beating.cancel)
        yield services


async def up(
    settings: DeploymentSettings, *, announce: Callable[[str], None] = lambda _: None
) -> None:
    """Run database, web server and worker in this process until it is told to stop."""
    async with database_url(settings, owns=True) as url:
        await schema.migrate(url)
        await _run(settings, url, kind="up", serves=True, works=True, announce=announce)


async def serve(settings: DeploymentSettings, *, announce: Callable[[str], None]) -> None:
    """Run a web server on a database that others have migrated."""
    async with database_url(settings, owns=False) as url:
        await _run(settings, url, kind="serve", serves=True, works=False, announce=announce)


async def work(settings: DeploymentSettings, *, announce: Callable[[str], None]) -> None:
    """Run a worker on a database that others have migrated."""
    async with database_url(settings, owns=False) as url:
        await _run(settings, url, kind="work", serves=False, works=True, announce=announce)


async def migrate(settings: DeploymentSettings) -> int:
    """Bring the schema up to this release; return its revision."""
    async with database_url(settings, owns=False) as url:
        return await schema.migrate(url)


async def _run(
    settings: DeploymentSettings,
    url: str,
    *,
    kind: str,
    serves: bool,
    works: bool,
    announce: Callable[[str], None],
) -> None:
    install_crash_hook(settings)
    stopping = _stop_signals()
    async with AsyncExitStack() as stack:
        services = await stack.enter_async_context(services_on(settings, url, kind=kind))
        await schema.wait_for_schema(services.database)
        await services.keep_partitions()
        reading = asyncio.create_task(services.directory.keep_reading(), name="directory")
        stack.callback(reading.cancel)
        watching = asyncio.create_task(schema.watch_schema(services.database), name="schema")
        stack.callback(watching.cancel)
        address = "no web server"
        if serves:
            address = await stack.enter_async_context(
                serving(services, host=settings.host, port=settings.port)
            )
        worker = Worker(services) if works else None
        working = asyncio.create_task(worker.work(), name="worker") if worker else None
        log.info("process_started", kind=kind, address=address, pid=os.getpid())
        announce(address)
        await _until_stopped(stopping, watching, working)
        if worker is not None and working is not None:
            worker.stop()
            await _ended(working)
        log.info("process_stopped", kind=kind)


async def _until_stopped(
    stopping: asyncio.Event,
    watching: asyncio.Task[schema.SchemaError],
    working: asyncio.Task[None] | None,
) -> None:
    """Wait for a signal, for a schema that this release does not know, or for a failure."""
    signals = asyncio.create_task(stopping.wait(), name="signals")
    waits: set[asyncio.Task[Any]] = {signals, watching}
    if working is not None:
        waits.add(working)
    done, _ = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    for task in done:
        task.result()


async def _ended(working: asyncio.Task[None]) -> None:
    """Give runs their time to come to an end; others take over what does not."""
    try:
        async with asyncio.timeout(STOP_WITHIN.total_seconds()):
            await asyncio.shield(working)
    except TimeoutError:
        log.warning("runs_left_to_others")
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)


def _stop_signals() -> asyncio.Event:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    return stopping


def install_crash_hook(settings: DeploymentSettings) -> None:
    """Kill or stop this process at a numbered point, where a test asks for it."""
    if settings.crash_at is None:
        return
    wanted, _, rest = settings.crash_at.partition(":")
    count, _, name = rest.partition(":")
    number = signal.Signals[f"SIG{name or 'KILL'}"]
    left = int(count or 1)

    def hook(point: str) -> None:
        nonlocal left
        if point != wanted:
            return
        left -= 1
        if left == 0:
            os.kill(os.getpid(), number)

    crash.install(hook)
