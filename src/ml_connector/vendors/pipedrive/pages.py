"""How Pipedrive pages: cursors in API v2, offsets in API v1."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from ml_connector.core.errors import ContractError
from ml_connector.vendors.pipedrive.api import API, Params, Version
from ml_connector.vendors.pipedrive.wire import Envelope

LARGEST_PAGE = 500
LARGEST_IDS = 100
"""How many ids one ``ids=`` or ``deal_ids=`` takes."""


async def pages(
    api: API,
    path: str,
    *,
    operation: str,
    params: Params = (),
    limit: int = LARGEST_PAGE,
    version: Version = "v2",
) -> AsyncIterator[Envelope]:
    """Yield a list with cursors page by page.

    A cursor that comes back is an error, not an endless read.
    """
    cursor: str | None = None
    seen: set[str] = set()
    while True:
        page = await api.read(
            path,
            operation=operation,
            version=version,
            params=page_params(params, limit, cursor),
        )
        yield page
        cursor = page.next_cursor
        if cursor is None:
            return
        if cursor in seen:
            raise ContractError(f"Pipedrive repeats the cursor of {path} and would never end")
        seen.add(cursor)


async def all_items(
    api: API, path: str, *, operation: str, params: Params = (), limit: int = LARGEST_PAGE
) -> list[Any]:
    """Return a whole v2 list."""
    found = pages(api, path, operation=operation, params=params, limit=limit)
    return [item async for page in found for item in page.items]


def page_params(params: Params, limit: int, cursor: str | None) -> list[tuple[str, str]]:
    """Return the parameters of one page."""
    paged = [*params, ("limit", str(limit))]
    return paged if cursor is None else [*paged, ("cursor", cursor)]


async def all_v1_items(
    api: API, path: str, *, operation: str, params: Params = (), limit: int = LARGEST_PAGE
) -> list[Any]:
    """Return a whole v1 list, whichever of its two places tells that there is more."""
    items: list[Any] = []
    start = 0
    while True:
        page = await api.read(
            path,
            operation=operation,
            version="v1",
            params=[*params, ("start", str(start)), ("limit", str(limit))],
        )
        items += page.items
        following = _next_start(page, start)
        if following is None:
            return items
        if following <= start:
            raise ContractError(f"Pipedrive's pages of {path} do not move on from {start}")
        start = following


def _next_start(page: Envelope, start: int) -> int | None:
    told = page.additional_data or {}
    block = told.get("pagination") or told
    if not block.get("more_items_in_collection"):
        return None
    following = block.get("next_start")
    return following if isinstance(following, int) else start + len(page.items)
