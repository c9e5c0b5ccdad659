"""The simulators' control API, from outside."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import msgspec


class Control:
    """Seeds, plays and counts."""

    def __init__(self, url: str, http: aiohttp.ClientSession) -> None:
        self._url = url
        self._http = http

    @classmethod
    @asynccontextmanager
    async def of(cls, description: Mapping[str, Mapping[str, str]]) -> AsyncIterator[Control]:
        """Reach the sandbox that described itself so."""
        async with aiohttp.ClientSession() as http:
            yield cls(description["control"]["url"], http)

    async def post(self, path: str, body: Mapping[str, Any]) -> Any:
        """Move the simulators."""
        async with self._http.post(f"{self._url}/_control/{path}", json=body) as answer:
            return await _read(answer)

    async def get(self, path: str) -> Any:
        """Look at the simulators."""
        async with self._http.get(f"{self._url}/_control/{path}") as answer:
            return await _read(answer)

    async def calls(self) -> dict[str, dict[str, int]]:
        """Return how often each operation of each vendor was called so far."""
        found: dict[str, dict[str, int]] = {}
        for vendor in ("acumatica", "pipedrive"):
            summary = await self.get(f"{vendor}/calls?summary=1")
            counts = found[vendor] = {}
            for row in summary["by"]:
                counts[row["operation"]] = counts.get(row["operation"], 0) + row["count"]
        return found


async def _read(answer: aiohttp.ClientResponse) -> Any:
    body = await answer.read()
    if not answer.ok:
        raise RuntimeError(f"{answer.method} {answer.url.path}: {answer.status} {body[:500]!r}")
    return msgspec.json.decode(body)
