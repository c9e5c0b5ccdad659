"""The client and a gateway of the documented shape, over a real socket and one clock."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any

import pytest
from tests.unit.vendors.sage_intacct import gateway as gateways
from tests.unit.vendors.sage_intacct.gateway import Clock, Gateway

from ml_connector.core.logins import LoginStore, MemoryLogins
from ml_connector.transport.http import Transport
from ml_connector.transport.messages import CallRecord
from ml_connector.vendors.sage_intacct import PROFILE, Client, Settings


class Recorded:
    """Keeps what the audit trail would."""

    def __init__(self) -> None:
        self.calls: list[CallRecord] = []

    def record(self, call: CallRecord) -> None:
        self.calls.append(call)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def gateway(clock: Clock) -> AsyncIterator[Gateway]:
    async with gateways.running(Gateway(clock=clock)) as running:
        yield running


@pytest.fixture
def recorded() -> Recorded:
    return Recorded()


@pytest.fixture
async def transport(clock: Clock, recorded: Recorded) -> AsyncIterator[Transport]:
    opened = Transport(
        profile_limits=PROFILE.limits,
        clock=clock,
        recorder=recorded,
        allow_private_targets=True,
        patience=timedelta(seconds=10),
    )
    yield opened
    await opened.close()


@pytest.fixture
def make_settings(gateway: Gateway) -> Callable[..., Settings]:
    def make(**values: Any) -> Settings:
        known = {
            "gateway_url": gateway.url,
            "sender_id": gateways.SENDER,
            "sender_password": gateways.SENDER_PASSWORD,
            "company_id": gateways.COMPANY,
            "user_id": gateways.USER,
            "user_password": gateways.USER_PASSWORD,
        }
        return Settings.model_validate(known | values)

    return make


@pytest.fixture
def open_client(
    make_settings: Callable[..., Settings], transport: Transport, clock: Clock
) -> Callable[..., Client]:
    def opened(logins: LoginStore | None = None, **values: Any) -> Client:
        return Client(
            make_settings(**values),
            transport=transport,
            logins=logins or MemoryLogins(),
            clock=clock,
        )

    return opened


@pytest.fixture
def client(open_client: Callable[..., Client]) -> Client:
    return open_client()
