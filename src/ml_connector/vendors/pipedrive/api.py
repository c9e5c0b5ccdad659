"""One connection's calls to Pipedrive's two API versions.

API v2 lies under ``/api/v2`` on every host. API v1 lies under ``/api/v1`` on a company's own
host, but only ``/v1`` is safe on the shared one (NOTES.md, "Addresses").
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from ml_connector.core.clock import Clock
from ml_connector.core.logins import LoginStore
from ml_connector.transport.http import HTTP, Transport
from ml_connector.transport.messages import Method, Response
from ml_connector.vendors.pipedrive import auth, costs, errors, rates, wire
from ml_connector.vendors.pipedrive.settings import SHARED_API, Settings

Version = Literal["v1", "v2"]
Params = Sequence[tuple[str, str]]


class API:
    """Calls by path, with the login, the costs and the errors of this vendor."""

    def __init__(
        self, settings: Settings, *, transport: Transport, logins: LoginStore, clock: Clock
    ) -> None:
        self._settings = settings
        self._transport = transport
        self.login = auth.login_of(settings, transport=transport, logins=logins, clock=clock)
        self._https: dict[str, HTTP] = {}

    async def call(
        self,
        method: Method,
        path: str,
        *,
        operation: str,
        version: Version = "v2",
        params: Params | None = None,
        draft: object | None = None,
        is_safe: bool | None = None,
    ) -> Response:
        """Make one call; ``path`` comes after the version. Raises what the answer means."""
        http = await self._http(version)
        return await http.call(
            method,
            path,
            operation=operation,
            params=params,
            json=None if draft is None else wire.encode(draft),
            cost=costs.cost_of(operation),
            is_safe=is_safe,
        )

    async def read(
        self, path: str, *, operation: str, version: Version = "v2", params: Params | None = None
    ) -> wire.Envelope:
        """Get and unwrap."""
        answer = await self.call("GET", path, operation=operation, version=version, params=params)
        return wire.envelope(answer)

    async def origin(self) -> str:
        """Return scheme and host of the company's API."""
        return self._settings.company_origin(await self.login.api_domain())

    async def _http(self, version: Version) -> HTTP:
        base_url = base_of(await self.origin(), version)
        http = self._https.get(base_url)
        if http is None:
            http = self._transport.http(
                base_url=base_url,
                error_of=errors.error_of,
                authenticator=self.login,
                read_rates=rates.read_rates,
                headers={"accept": "application/json"},
            )
            self._https[base_url] = http
        return http


def base_of(origin: str, version: Version) -> str:
    """Return the address below which an API version lies."""
    if version == "v2":
        return f"{origin}/api/v2"
    return f"{origin}/v1" if origin == SHARED_API else f"{origin}/api/v1"
