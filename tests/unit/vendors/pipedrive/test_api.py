from __future__ import annotations

import pytest

from ml_connector.core.errors import ConfigurationError
from ml_connector.core.logins import MemoryLogins
from ml_connector.vendors.pipedrive.api import base_of
from ml_connector.vendors.pipedrive.settings import SHARED_API, Settings


@pytest.mark.parametrize(
    ("origin", "version", "base"),
    [
        (SHARED_API, "v1", "https://api.pipedrive.com/v1"),
        (SHARED_API, "v2", "https://api.pipedrive.com/api/v2"),
        ("https://acme.pipedrive.com", "v1", "https://acme.pipedrive.com/api/v1"),
        ("https://acme.pipedrive.com", "v2", "https://acme.pipedrive.com/api/v2"),
    ],
)
def test_versions_lie_where_each_host_has_them(origin, version, base):
    assert base_of(origin, version) == base


async def test_redirect_is_not_followed_with_the_login(client, pipedrive):
    pipedrive.on("GET", "/api/v2/deals/7", (302, {"success": True}))

    with pytest.raises(ConfigurationError):
        await client.deal(7)

    assert len(pipedrive.calls) == 1


async def test_v1_and_v2_are_called_at_the_address_of_the_settings(open_client, pipedrive):
    pipedrive.data("GET", "/api/v1/currencies", [])
    pipedrive.data("GET", "/api/v2/pipelines", [])
    settings = Settings.model_validate({"api_token": "0" * 40, "api_url": pipedrive.url})
    client = open_client(settings, MemoryLogins())

    await client.currencies()
    await client.pipelines()

    assert pipedrive.paths() == ["GET /api/v1/currencies", "GET /api/v2/pipelines"]
