"""The web server: webhooks on a bare route, health beside it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

from fastapi import FastAPI, Response
from granian.constants import Interfaces
from granian.server.embed import Server
from sqlalchemy import text

from ml_connector.app.services import Services
from ml_connector.storage.database import is_database_away
from ml_connector.webhooks.receiver import Receive, Scope, Send

_WEBHOOKS = "/webhooks/"
_READY_WITHIN = 2.0  # seconds; a load balancer asks again


class Site:
    """One ASGI application: webhooks go past the framework, all else through it."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._pages = _pages(services)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "http" and scope["path"].startswith(_WEBHOOKS):
            await self._services.receiver(scope, receive, send)
        else:
            await self._pages(scope, receive, send)


@asynccontextmanager
async def serving(services: Services, *, host: str, port: int) -> AsyncIterator[str]:
    """Serve in the background of this block; yields the address."""
    server = Server(
        Site(services), address=host, port=port, interface=Interfaces.ASGI, log_enabled=False
    )
    task = asyncio.create_task(server.serve(), name="web")
    try:
        await _accepting(host, port, task)
        yield f"http://{host}:{port}"
    finally:
        server.stop()  # type: ignore[no-untyped-call] # granian leaves it without types
        await task


async def _accepting(host: str, port: int, task: asyncio.Task[Any]) -> None:
    """Wait until the server accepts connections, or raise what keeps it from that."""
    while True:
        if task.done():
            task.result()
            raise RuntimeError("the web server ended before it accepted a connection")
        try:
            _, writer = await asyncio.open_connection(host, port)
        except OSError:
            await asyncio.sleep(0.01)
        else:
            writer.close()
            return


def _pages(services: Services) -> FastAPI:
    pages = FastAPI(title="ml-connector", docs_url=None, redoc_url=None)

    @pages.get("/health")
    async def health() -> dict[str, str]:
        """Tell that the process lives."""
        return {"status": "alive"}

    @pages.get("/ready")
    async def ready(response: Response) -> dict[str, Any]:
        """Tell whether the process can take work: its database answers."""
        try:
            async with asyncio.timeout(_READY_WITHIN), services.database.transaction() as db:
                oldest: datetime | None = (await db.execute(_OLDEST)).scalar_one()
        except Exception as exc:
            if not isinstance(exc, TimeoutError) and not is_database_away(exc):
                raise
            response.status_code = 503
            return {"status": "the database does not answer"}
        waiting = services.clock.now() - oldest if oldest else None
        return {
            "status": "ready",
            "oldest_waiting_seconds": waiting.total_seconds() if waiting else 0.0,
        }

    return pages


_OLDEST = text("SELECT min(wanted_at) FROM backlog WHERE state IN ('ready', 'queued', 'running')")
