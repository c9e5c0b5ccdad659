"""A vendor's server, and what a process needs to connect to it."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from tests.unit.connections.fake_vendor import FAKE, PASSWORD, FakeServer

from ml_connector.connections import ConnectionRow, Connections, Pings, StateChange
from ml_connector.core.clock import SystemClock
from ml_connector.storage.database import Database
from ml_connector.vault import Keyring, MasterKey


class SetClock(SystemClock):
    """Business time stands where a test puts it; durations go on."""

    def __init__(self) -> None:
        super().__init__()
        self.at = datetime(2026, 5, 4, 12, tzinfo=UTC)

    def now(self) -> datetime:
        return self.at

    def advance(self, by: timedelta) -> None:
        self.at += by


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
def keyring() -> Keyring:
    return Keyring([MasterKey(b"k" * 32)])


@pytest.fixture
def changes() -> list[StateChange]:
    """What people were told."""
    return []


@pytest.fixture
async def server() -> AsyncIterator[FakeServer]:
    server = FakeServer()
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
async def connections(
    database: Database, keyring: Keyring, clock: SetClock, changes: list[StateChange]
) -> AsyncIterator[Connections]:
    async def tell(change: StateChange) -> None:
        changes.append(change)

    connections = Connections(
        database=database,
        keyring=keyring,
        vendors={"fake": FAKE},
        clock=clock,
        rng=random.Random(7),
        allow_private_targets=True,
        on_change=tell,
    )
    yield connections
    await connections.close()


@pytest.fixture
def pings(connections: Connections, database: Database, clock: SetClock) -> Pings:
    return Pings(connections=connections, database=database, clock=clock, rng=random.Random(7))


@pytest.fixture
async def row(connections: Connections, server: FakeServer) -> ConnectionRow:
    return await connections.accounts.create(
        workspace_id=1,
        name="our fake",
        vendor="fake",
        settings={"url": server.url, "password": PASSWORD},
    )
