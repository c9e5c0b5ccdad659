"""What every test may ask for: a database of its own on the server of the test run.

`database` is empty but for the tables; `database_url` is its address, for a test that starts
processes or opens its own connections; `empty_database_url` has no tables at all.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from tests.storage_support.databases import DatabaseServer

from ml_connector.app.logs import never_show_variables
from ml_connector.storage.database import Database

pytest_plugins = ["tests.security.left_behind", "tests.world.chosen"]

never_show_variables()  # in the logs of tests either: they are read by others

# How long an example takes says something about the machine and nothing about the law.
hypothesis_settings.register_profile(
    "any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
hypothesis_settings.load_profile("any machine")


@pytest.fixture(scope="session")
def database_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DatabaseServer]:
    server = DatabaseServer(_folder_of_run(tmp_path_factory) / "postgres")
    yield server
    server.close()


@pytest.fixture(scope="session")
def postgres_url(database_server: DatabaseServer) -> str:
    return database_server.url


@pytest.fixture
def database_url(database_server: DatabaseServer) -> Iterator[str]:
    url = database_server.create_database()
    yield url
    database_server.drop_database(url)


@pytest.fixture
def empty_database_url(database_server: DatabaseServer) -> Iterator[str]:
    url = database_server.create_empty_database()
    yield url
    database_server.drop_database(url)


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    database = await Database.connect(database_url)
    yield database
    await database.close()


def _folder_of_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder that all workers of this run share: a worker's own lies inside it."""
    own = tmp_path_factory.getbasetemp()
    return own.parent if own.name.startswith("popen-") else own
