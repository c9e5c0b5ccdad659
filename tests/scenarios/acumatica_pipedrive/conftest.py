"""A shop of its own for each test."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager
from functools import partial
from pathlib import Path

import pytest
from tests.scenarios.acumatica_pipedrive.party_shop import (
    OpenParties,
    PartyShop,
    open_parties,
)
from tests.scenarios.acumatica_pipedrive.shop import Shop, open_shop
from tests.specifications.watching import watched_requests

OpenShop = Callable[..., AbstractAsyncContextManager[Shop]]


@pytest.fixture
def opened(database_url: str, tmp_path: Path) -> OpenShop:
    """Open a shop with settings and switches of the test's own."""
    return partial(open_shop, database_url, tmp_path)


@pytest.fixture
async def shop(opened: OpenShop) -> AsyncIterator[Shop]:
    """A shop with every setting as it comes."""
    async with opened() as made:
        yield made


@pytest.fixture(autouse=True)
def _sends_only_what_is_described() -> Iterator[None]:
    """Hold every request to the endpoint against the vendor's published description."""
    with watched_requests():
        yield


@pytest.fixture
def opened_parties(database_url: str, tmp_path: Path) -> OpenParties:
    """Open a shop whose organizations and persons move, with settings of the test's own."""
    return partial(open_parties, database_url, tmp_path)


@pytest.fixture
async def parties(opened_parties: OpenParties) -> AsyncIterator[PartyShop]:
    """A shop whose organizations and persons move, with every other setting as it comes."""
    async with opened_parties() as made:
        yield made
