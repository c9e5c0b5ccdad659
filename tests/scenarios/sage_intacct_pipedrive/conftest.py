"""A firm of its own for each test."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from functools import partial
from pathlib import Path

import pytest
from tests.scenarios.sage_intacct_pipedrive.firm import Firm, open_firm

OpenFirm = Callable[..., AbstractAsyncContextManager[Firm]]


@pytest.fixture
def opened(database_url: str, tmp_path: Path) -> OpenFirm:
    """Open a firm with settings and switches of the test's own."""
    return partial(open_firm, database_url, tmp_path)


@pytest.fixture
async def firm(opened: OpenFirm) -> AsyncIterator[Firm]:
    """A firm that posts what it sells."""
    async with opened() as made:
        yield made
