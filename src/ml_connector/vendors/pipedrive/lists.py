"""Names of pipelines, stages and users by id: read and kept for a while.

Deals carry ids where people think of names. They change seldom, so they are kept as long as the
definitions of fields are.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Literal

from ml_connector.core.clock import Clock
from ml_connector.transport.kept import Kept
from ml_connector.vendors.pipedrive import pages, wire
from ml_connector.vendors.pipedrive.api import API
from ml_connector.vendors.pipedrive.models import Pipeline, Stage, User

ListName = Literal["pipelines", "stages", "users"]

Names = Mapping[str, str]
"""Name by id, both as text: the form in which a field's options are."""


class Lists:
    """The lists of one account."""

    def __init__(self, api: API, *, clock: Clock) -> None:
        self._api = api
        self._kept = Kept(clock=clock)
        self._readers: Mapping[ListName, Callable[[], Awaitable[Names]]] = {
            "pipelines": self._pipelines,
            "stages": self._stages,
            "users": self._users,
        }

    async def names(self, of: ListName, *, fresh: bool = False) -> Names:
        """Return the names of a list by id, at most 15 minutes old, or read now.

        The same object until it is read again.
        """
        return await self._kept.get(of, self._readers[of], fresh=fresh)

    async def _pipelines(self) -> Names:
        found = await pages.all_items(self._api, "pipelines", operation="pipelines.list")
        return {str(one.id): one.name for one in wire.records(Pipeline, found)}

    async def _stages(self) -> Names:
        found = await pages.all_items(self._api, "stages", operation="stages.list")
        return {str(one.id): one.name for one in wire.records(Stage, found)}

    async def _users(self) -> Names:
        found = await self._api.read("users", operation="users.list", version="v1")
        return {str(one.id): one.name for one in wire.records(User, found.items)}
