"""The processes of a deployment: `up` is everything in one, `serve` and `work` any number."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeVar

import structlog

from ml_connector.app.command_turn import CommandTurn
from ml_connector.app.garbage import collect_seldom
from ml_connector.app.pairs import INTEGRATIONS, VENDORS
from ml_connector.app.services import Catalogue, Services
from ml_connector.app.settings import DeploymentSettings
from ml_connector.app.worker import STOP_WITHIN, Worker
from ml_connector.core import crash
from ml_connector.core.errors import ConfigurationError
from ml_connector.storage import schema
from ml_connector.storage.database import Database, is_database_away
from ml_connector.storage.embedded import EmbeddedServer, join
from ml_connector.storage.ownership import NotRunningError
from ml_connector.vault.keyring import Keyring, ensure_key_file
from ml_connector.vault.processes import Presence
from ml_connector.vault.rotation import sealed_tables

log = structlog.get_logger()

T = TypeVar("T")

_KEY_FILE = "master.key"
_LOOK_AGAIN = 0.1  # seconds
_CLOCK_EVERY = 0.5  # seconds


@asynccontextmanager
async def database_url(settings: DeploymentSettings, *, owns: bool) -> AsyncIterator[str]:
    """Yield the database's URL; with ``owns``, run the embedded server for as long."""
    if settings.database_url is not None:
        yield settings.database_url.reveal()
    elif owns:
        server = EmbeddedServer(settings.home)
        async with CommandTurn(settings.home).shared():
            url = await server.start()
        try:
            yield url
        finally:
            await server.stop()
    else:
        async with CommandTurn(settings.home).shared():
            url = await join(settings.home)
        yield url


@asynccontextmanager
async def database_url_for_command(settings: DeploymentSettings) -> AsyncIterator[str]:
    """Yield the database's URL for one command.

    Where no process runs the embedded server, the command runs it itself for as long, and
    brings its schema up to date first: it may be the first command of all.
    """
    if settings.database_url is not None:
        yield settings.database_url.reveal()
        return
    turn = CommandTurn(settings.home)
    while True:
        async with turn.shared():
            url = await _joined(settings)
            if url is not None:
                yield url
                return
        async with turn.alone():
            if await _joined(settings) is not None:
                continue  # `up` began between the two: join it, and let others do so too
            server = EmbeddedServer(settings.home)
            url = await server.start()
            try:
                await schema.migrate(url)
                yield url
            finally:
                await server.stop()
            return


async def _joined(settings: DeploymentSettings) -> str | None:
    try:
        return await join(settings.home)
    except NotRunningError:
        return None


def keyring_of(settings: DeploymentSettings) -> Keyring:
    """Return the master keys: from the environment, or from the key file under HOME."""
    if settings.master_keys is not None:
        return Keyring.from_text(settings.master_keys.reveal())
    settings.home.mkdir(mode=0o700, parents=True, exist_ok=True)
    return ensure_key_file(key_file_of(settings))


def key_file_of(settings: DeploymentSettings) -> Path:
    """Return where the master keys are, if no variable holds them."""
    return settings.home / _KEY_FILE


@asynccontextmanager
async def services_on(
    settings: DeploymentSettings, url: str, *, kind: str | None = None
) -> AsyncIterator[Services]:
    """Open the parts of one process; ``kind`` announces it as a long-lived one.

    A long-lived process waits for its database and for a schema that fits; any other raises
    SchemaError soon.
    """
    async with AsyncExitStack() as stack:
        database = await _connected(settings, url, waits=kind is not None)
        stack.push_async_callback(database.close)
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
            await _announce(stack, services, kind)
            collect_seldom()
        yield services


async def _connected(settings: DeploymentSettings, url: str, *, waits: bool) -> Database:
    """Open the database once it answers and its schema fits."""
    told = False
    while True:
        try:
            database = await Database.connect(url, pool_size=settings.database_connections)
        except Exception as exc:
            if not waits or not is_database_away(exc):
                raise
            if not told:
                log.warning("database_awaited", reason=str(exc))
                told = True
            await asyncio.sleep(_LOOK_AGAIN)
        else:
            break
    try:
        if waits:
            await schema.wait_for_schema(database)
        else:
            await schema.check_schema(database)
    except BaseException:
        await database.close()
        raise
    return database


async def _announce(stack: AsyncExitStack, services: Services, kind: str) -> None:
    """Enter this process into the register for as long as ``stack`` is open."""
    settings = services.settings
    presence = await Presence.announce(
        services.database,
        services.keyring,
        kind=kind,
        release=version("ml-connector"),
        sealed_tables=sealed_tables(),
    )
    stack.push_async_callback(presence.leave)
    # Keys in the environment cannot change under a running process; those in the file can.
    reread = None if settings.master_keys is not None else lambda: keyring_of(settings)
    beating = asyncio.create_task(presence.keep(reread=reread), name="presence")
    stack.callback(beating.cancel)


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
    async with database_url_for_command(settings) as url:
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
        services = await _unless_stopped(
            stack.enter_async_context(services_on(settings, url, kind=kind)), stopping
        )
        if services is None:
            return
        await services.keeping.prepare()
        reading = asyncio.create_task(services.directory.keep_reading(), name="directory")
        stack.callback(reading.cancel)
        if not works:  # a worker does it by itself
            following = asyncio.create_task(_keep_following_clock(services), name="clock")
            stack.callback(following.cancel)
        watching = asyncio.create_task(schema.watch_schema(services.database), name="schema")
        stack.callback(watching.cancel)
        address = "no web server"
        if serves:
            # The web framework is half of a second that a command which only looks need not wait.
            from ml_connector.app.web import serving  # noqa: PLC0415

            port = _free_port(settings)
            address = await stack.enter_async_context(
                serving(services, host=settings.host, port=port)
            )
        worker = Worker(services) if works else None
        working = asyncio.create_task(worker.work(), name="worker") if worker else None
        log.info("process_started", kind=kind, address=address, pid=os.getpid())
        announce(address)
        left_window = await _until_stopped(stopping, watching, working)
        if worker is not None and working is not None:
            worker.stop()
            await _ended(working)
        log.info("process_stopped", kind=kind)
        if left_window is not None:
            raise left_window


async def _unless_stopped(opening: Awaitable[T], stopping: asyncio.Event) -> T | None:
    """Wait for ``opening``, or give it up when a signal comes: it may wait for ever."""
    task = asyncio.ensure_future(opening)
    signals = asyncio.create_task(stopping.wait(), name="signals")
    try:
        await asyncio.wait({task, signals}, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            return task.result()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return None
    finally:
        signals.cancel()


async def _keep_following_clock(services: Services) -> None:
    """Take over the sandbox's clock again and again; an absent database leaves it as it is."""
    while True:
        await asyncio.sleep(_CLOCK_EVERY)
        try:
            await services.follow_clock()
        except Exception as exc:
            if not is_database_away(exc):
                raise


async def _until_stopped(
    stopping: asyncio.Event,
    watching: asyncio.Task[schema.SchemaError],
    working: asyncio.Task[None] | None,
) -> schema.SchemaError | None:
    """Wait for a signal, for a failure, or for a schema that this release does not know.

    Returns the error that the process is to end with, if the schema is the reason.
    """
    signals = asyncio.create_task(stopping.wait(), name="signals")
    waits: set[asyncio.Task[Any]] = {signals, watching}
    if working is not None:
        waits.add(working)
    try:
        done, _ = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        signals.cancel()
    for task in done - {signals}:
        task.result()
    return watching.result() if watching in done else None


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
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # as `nohup` leaves it
        loop.add_signal_handler(signal.SIGHUP, stopping.set)
    return stopping


def _free_port(settings: DeploymentSettings) -> int:
    """Return the port to serve on; raise ConfigurationError when another program has it.

    The server itself would report that too late: after whoever asks has found the other one.
    """
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as exc:
            raise ConfigurationError(
                f"the web server cannot use port {settings.port} of {settings.host}: "
                f"{exc.strerror}; set ML_CONNECTOR_PORT or ML_CONNECTOR_HOST"
            ) from exc
        return int(probe.getsockname()[1])


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
