"""Everything that the processes of one deployment share, wired together once."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from ml_connector.app.keeping import Keeping
from ml_connector.app.sandbox_clock import read_offset
from ml_connector.app.settings import DeploymentSettings
from ml_connector.audit.calls import CallLog
from ml_connector.connections.health import StateChange
from ml_connector.connections.opening import Connections, OpenConnection, limits_of
from ml_connector.connections.ping import Pings
from ml_connector.connections.rows import connections_out_of_service
from ml_connector.connections.states import State
from ml_connector.core.clock import SystemClock
from ml_connector.core.errors import ConnectorError
from ml_connector.notifications.delivery import Delivery
from ml_connector.notifications.notices import Notice, resolve, tell
from ml_connector.storage.database import Database, database_now
from ml_connector.sync.backlog import announce
from ml_connector.sync.context import Side
from ml_connector.sync.directory import Directory
from ml_connector.sync.engine import Engine
from ml_connector.sync.flow import Integration
from ml_connector.sync.works import OpenedSide
from ml_connector.transport.http import Writes
from ml_connector.transport.vendor import Vendor, Webhooks
from ml_connector.vault.keyring import Keyring
from ml_connector.vault.secrets import Secrets
from ml_connector.webhooks.endpoints import Endpoints
from ml_connector.webhooks.inbox import Inbox
from ml_connector.webhooks.receiver import Receiver

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    """The vendors and pairs that this release knows."""

    vendors: Mapping[str, Vendor]
    integrations: Mapping[str, Integration]


class Services:
    """The parts of one process, over one database."""

    def __init__(
        self,
        settings: DeploymentSettings,
        *,
        database: Database,
        keyring: Keyring,
        catalogue: Catalogue,
        rng: random.Random,
    ) -> None:
        self.settings = settings
        self.database = database
        self.keyring = keyring
        self.vendors = catalogue.vendors
        self.integrations = catalogue.integrations
        self.rng = rng
        self.is_sandbox = False
        """Whether the connections lead to simulators; see `follow_clock`."""
        self.clock = SystemClock(wrong_by=timedelta(seconds=settings.clock_offset_seconds))
        self.engine = Engine(database, self.clock)
        self.directory = Directory(database)
        self.secrets = Secrets(keyring)
        self.endpoints = Endpoints(self.secrets)
        self.call_log = CallLog(database, rng)
        self.connections = Connections(
            database=database,
            keyring=keyring,
            vendors=catalogue.vendors,
            clock=self.clock,
            rng=rng,
            allow_private_targets=settings.allow_private_targets,
            on_change=self._connection_changed,
        )
        self.pings = Pings(
            connections=self.connections, database=database, clock=self.clock, rng=rng
        )
        self.delivery = Delivery(
            database,
            self.clock,
            url=str(settings.notify_url) if settings.notify_url else None,
            rng=rng,
        )
        self.keeping = Keeping(database, self.clock, settings)
        self.receiver = Receiver(
            database,
            clock=self.clock,
            endpoints=self.endpoints,
            inbox=Inbox(
                integrations=catalogue.integrations,
                installations_of=self.directory.of_connection,
                stream_of=self._stream_of,
            ),
            webhooks_of=self._webhooks_of,
        )

    @asynccontextmanager
    async def open_side(self, connection_id: int, *, is_plan: bool) -> AsyncIterator[OpenedSide]:
        """Lend a connection to a run (`sync/works.py`)."""
        row = await self.connections.recent(connection_id)
        recorder = self.call_log.recorder(
            workspace_id=row.workspace_id, connection_id=connection_id
        )
        writes = Writes.REFUSED if is_plan else Writes.PERMITTED
        async with self.connections.open(connection_id, writes=writes, recorder=recorder) as opened:
            yield self._side(opened)

    async def follow_clock(self) -> None:
        """Agree with the database's clock, and with the sandbox's where this is a sandbox."""
        async with self.database.transaction() as db:
            asked_at = self.clock.machine()
            shared = await database_now(db)
            answered_at = self.clock.machine()
            offset = await read_offset(db)
        if self.clock.follow(shared, asked_at=asked_at, answered_at=answered_at):
            seconds = round(self.clock.correction.total_seconds(), 1)
            log.warning("machine_clock_corrected", by_seconds=seconds)
        if offset is not None:
            self.is_sandbox = True
            self.clock.offset = offset
            self.connections.allow_private_targets = True

    async def paused_connections(self, db: AsyncConnection) -> list[int]:
        """Return the connections that nothing may be fed to."""
        return [row.id for row in await connections_out_of_service(db)]

    async def close(self) -> None:
        """Close everything, in the order in which it is used."""
        async with AsyncExitStack() as stack:
            for close in (
                self.database.close,
                self.delivery.close,
                self.connections.close,
                self.engine.close,
                self.receiver.close,
            ):
                stack.push_async_callback(close)

    def _side(self, opened: OpenConnection) -> OpenedSide:
        async def report(error: ConnectorError) -> bool:
            return await self.connections.health.report(opened.row, error, watch=opened.watch)

        return OpenedSide(
            side=Side(
                client=opened.client,
                connection_id=opened.row.id,
                search_lag=opened.profile.search_lag,
                write_deadline=self._write_deadline(opened),
            ),
            profile=opened.profile,
            raised=opened.raised,
            report=report,
        )

    def _write_deadline(self, opened: OpenConnection) -> timedelta:
        vendor = self.connections.accounts.vendor(opened.row.vendor)
        deadline = limits_of(vendor, opened.settings).call_deadline
        bound = self.settings.write_deadline_seconds
        return deadline if bound is None else min(deadline, timedelta(seconds=bound))

    def _vendor_of(self, connection_id: int) -> Vendor | None:
        for installation in self.directory.of_connection(connection_id):
            integration = self.integrations.get(installation.pair)
            for role, number in installation.connections.items():
                if integration is not None and number == connection_id:
                    return integration.vendors[role]
        return None

    def _webhooks_of(self, connection_id: int) -> Webhooks | None:
        vendor = self._vendor_of(connection_id)
        return vendor.webhooks if vendor is not None else None

    def _stream_of(self, connection_id: int, kind: str) -> str | None:
        vendor = self._vendor_of(connection_id)
        if vendor is None:
            return None
        return next((one.name for one in vendor.profile.streams if one.kind == kind), None)

    async def _connection_changed(self, change: StateChange) -> None:
        """Tell people of a connection's trouble, and the feeder of its end."""
        row = change.row
        cause = f"connection:{row.id}"
        async with self.database.transaction() as db:
            if row.state is State.READY:
                await resolve(
                    db, workspace_id=row.workspace_id, causes=[cause], now=self.clock.now()
                )
                await announce(db)
            elif row.state is not State.PAUSED:
                notice = Notice(
                    workspace_id=row.workspace_id,
                    installation_id=None,
                    kind="connection",
                    cause=cause,
                    message=f"Connection {row.name}: {row.state_reason}",
                    at=self.clock.now(),
                    detail={"state": row.state.value, "vendor": row.vendor},
                )
                await tell(db, [notice])
