"""Opens connections: a vendor's client, ready to call, with everything that it needs.

Clients stay open and are shared by the runs of this process, so that their loaders can gather
what concurrent runs ask for. A changed setting or secret raises the connection's version: the
next to open it gets a new client, and the old one is closed when its last user leaves it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from ml_connector.connections import rows, splitting
from ml_connector.connections.accounts import Accounts
from ml_connector.connections.budgets import DatabaseLeases, ProbeLeases
from ml_connector.connections.counts import CallCounts
from ml_connector.connections.health import Health, OnChange, tell_nobody
from ml_connector.connections.rows import ConnectionRow
from ml_connector.connections.watching import Watch, WatchedPacer, WatchedTransport
from ml_connector.transport.http import Transport, Writes
from ml_connector.transport.messages import Recorder
from ml_connector.transport.pacing import ConnectionPacer
from ml_connector.transport.redaction import Redactor
from ml_connector.vault.logins import VaultLogins
from ml_connector.vault.secrets import Secrets

if TYPE_CHECKING:
    import random
    import ssl

    from pydantic import BaseModel

    from ml_connector.core.clock import Clock
    from ml_connector.core.logins import Login
    from ml_connector.core.profile import Limits, Profile
    from ml_connector.storage.database import Database
    from ml_connector.transport.leases import WindowLease
    from ml_connector.transport.vendor import Vendor, VendorClient
    from ml_connector.vault.keyring import Keyring

CLOSE_IDLE_AFTER = timedelta(minutes=5)
_READ_ROW_AGAIN_AFTER = 1.0  # seconds; a changed setting takes effect within it
_CLOSE_IDLE_EVERY = 30.0  # seconds

_Purpose = tuple[Writes, Recorder | None]
"""Clients are shared by runs that may write alike and whose calls are recorded alike."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenConnection:
    """A connection that is ready to call."""

    row: ConnectionRow
    client: VendorClient
    transport: Transport
    profile: Profile
    settings: BaseModel
    logins: VaultLogins
    watch: Watch

    def raised(self, error: BaseException) -> bool:
        """Tell whether ``error`` came from this connection, and not from a run's other one."""
        return self.watch.raised(error)


@dataclass(slots=True)
class _Account:
    """What all clients of one connection and version share in this process."""

    row: ConnectionRow
    vendor: Vendor
    settings: BaseModel
    pacer: ConnectionPacer
    watch: Watch
    redactor: Redactor
    logins: VaultLogins
    last_used: float
    users: int = 0
    clients: dict[_Purpose, OpenConnection] = field(default_factory=dict)

    async def close(self) -> None:
        async with AsyncExitStack() as stack:
            stack.push_async_callback(self.pacer.close)
            stack.push_async_callback(self.logins.close)
            for opened in self.clients.values():
                stack.push_async_callback(opened.transport.close)


class Connections:
    """All connections, as this process uses them."""

    def __init__(
        self,
        *,
        database: Database,
        keyring: Keyring,
        vendors: Mapping[str, Vendor],
        clock: Clock,
        rng: random.Random,
        allow_private_targets: bool = False,
        tls: ssl.SSLContext | None = None,
        on_change: OnChange = tell_nobody,
    ) -> None:
        self._database = database
        self._keyring = keyring
        self._clock = clock
        self._rng = rng
        self.allow_private_targets = allow_private_targets
        """Of clients that are opened from now on."""
        self._tls = tls
        self.accounts = Accounts(
            database=database, secrets=Secrets(keyring), vendors=vendors, clock=clock
        )
        self.health = Health(database=database, clock=clock, rng=rng, on_change=on_change)
        self.counts = CallCounts(database)
        self._accounts: dict[int, _Account] = {}
        self._retired: list[_Account] = []
        self._rows: dict[int, tuple[ConnectionRow, float]] = {}
        self._opening: dict[int, asyncio.Lock] = {}
        self._reading: dict[int, asyncio.Lock] = {}
        self._closed_idle_at = clock.monotonic()

    @asynccontextmanager
    async def open(
        self, connection_id: int, *, writes: Writes, recorder: Recorder | None = None
    ) -> AsyncIterator[OpenConnection]:
        """Lend a client for the length of the block.

        Raises NotFoundError, and ConfigurationError when its stored settings or secrets are no
        longer good.
        """
        async with self._opening.setdefault(connection_id, asyncio.Lock()):
            account = await self._account(connection_id)
            account.users += 1
        try:
            yield self._client(account, writes, recorder)
        finally:
            account.users -= 1
            account.last_used = self._clock.monotonic()
            await self._close_idle()

    @asynccontextmanager
    async def open_to_look(self, row: ConnectionRow) -> AsyncIterator[OpenConnection]:
        """Open a client of its own for a ping: it cannot write, and ignores a spent budget."""
        account = await self._open_account(row, is_look=True)
        try:
            yield self._client(account, Writes.REFUSED, None)
        finally:
            await account.close()

    def logins_of(self, row: ConnectionRow, *, redactor: Redactor | None = None) -> VaultLogins:
        """Return the store of a connection's logins."""

        def learn(login: Login) -> None:
            if redactor is not None:
                redactor.add(*login.values.values())

        return VaultLogins(
            database=self._database,
            keyring=self._keyring,
            owner=row.owner,
            clock=self._clock,
            learn=learn,
        )

    async def read(self, connection_id: int) -> ConnectionRow:
        """Return the connection's row as it is now."""
        async with self._database.transaction() as db:
            row = await rows.connection_by_id(db, connection_id)
        self._rows[connection_id] = row, self._clock.monotonic()
        return row

    async def close(self) -> None:
        """Close every client and add what was counted."""
        accounts = [*self._accounts.values(), *self._retired]
        self._accounts.clear()
        self._retired.clear()
        for account in accounts:
            await account.close()
        await self.counts.add()

    async def _account(self, connection_id: int) -> _Account:
        row = await self.recent(connection_id)
        account = self._accounts.get(connection_id)
        if account is not None and account.row.settings_version == row.settings_version:
            return account
        opened = await self._open_account(row)
        if account is not None:
            self._retired.append(account)
        self._accounts[connection_id] = opened
        return opened

    async def recent(self, connection_id: int) -> ConnectionRow:
        """Return the connection's row, at most a second old: read by one for all who ask."""
        if (row := self._fresh(connection_id)) is not None:
            return row
        async with self._reading.setdefault(connection_id, asyncio.Lock()):
            return self._fresh(connection_id) or await self.read(connection_id)

    def _fresh(self, connection_id: int) -> ConnectionRow | None:
        row, read_at = self._rows.get(connection_id, (None, 0.0))
        is_old = self._clock.monotonic() - read_at >= _READ_ROW_AGAIN_AFTER
        return None if is_old else row

    async def _open_account(self, row: ConnectionRow, *, is_look: bool = False) -> _Account:
        async with self._database.transaction() as db:
            settings = await self.accounts.settings_of(db, row)
        vendor = self.accounts.vendor(row.vendor)
        limits = limits_of(vendor, settings)
        shared = DatabaseLeases(
            database=self._database, connection_id=row.id, limits=limits, clock=self._clock
        )
        leases: WindowLease = ProbeLeases(shared, clock=self._clock) if is_look else shared
        redactor = Redactor(*splitting.split(settings)[1].values())
        return _Account(
            row=row,
            vendor=vendor,
            settings=settings,
            pacer=ConnectionPacer(limits, clock=self._clock, leases=leases),
            watch=Watch(),
            redactor=redactor,
            logins=self.logins_of(row, redactor=redactor),
            last_used=self._clock.monotonic(),
        )

    def _client(
        self, account: _Account, writes: Writes, recorder: Recorder | None
    ) -> OpenConnection:
        purpose = writes, recorder
        opened = account.clients.get(purpose)
        if opened is None:
            opened = account.clients[purpose] = self._open_client(account, writes, recorder)
        return opened

    def _open_client(
        self, account: _Account, writes: Writes, recorder: Recorder | None
    ) -> OpenConnection:
        transport = WatchedTransport(
            account.watch,
            profile_limits=limits_of(account.vendor, account.settings),
            clock=self._clock,
            pacer=WatchedPacer(account.pacer, account.watch),
            recorder=self.counts.recorder(account.row.id, recorder),
            redactor=account.redactor,
            writes=writes,
            allow_private_targets=self.allow_private_targets,
            tls=self._tls,
            rng=self._rng,
        )
        client = account.vendor.open_client(
            account.settings, transport=transport, logins=account.logins, clock=self._clock
        )
        return OpenConnection(
            row=account.row,
            client=client,
            transport=transport,
            profile=account.vendor.profile,
            settings=account.settings,
            logins=account.logins,
            watch=account.watch,
        )

    async def _close_idle(self) -> None:
        """Close what nobody uses any more, now and then."""
        now = self._clock.monotonic()
        left = [account for account in self._retired if account.users == 0]
        self._retired = [account for account in self._retired if account.users > 0]
        if now - self._closed_idle_at >= _CLOSE_IDLE_EVERY:
            self._closed_idle_at = now
            for connection_id, account in list(self._accounts.items()):
                idle = now - account.last_used
                if account.users == 0 and idle >= CLOSE_IDLE_AFTER.total_seconds():
                    left.append(self._accounts.pop(connection_id))
        for account in left:
            await account.close()


def limits_of(vendor: Vendor, settings: BaseModel) -> Limits:
    """Return the limits of this account, or else those of the vendor's profile."""
    return vendor.limits_of(settings) if vendor.limits_of else vendor.profile.limits
