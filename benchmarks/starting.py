"""From the start of `up` to the first webhook that is stored and answered with 200."""

from __future__ import annotations

import asyncio
import base64
import tempfile
import time
from collections.abc import Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import aiohttp

from benchmarks.children import running
from benchmarks.control import Control
from benchmarks.deals import UNLIMITED
from benchmarks.deployment import configuration, install
from benchmarks.figures import Figure
from benchmarks.load_generator import delivery
from benchmarks.ports import free_port
from ml_connector.storage.embedded import join

_ASK_EVERY = 0.005  # seconds
_WITHIN = 60.0  # seconds


async def measure() -> list[Figure]:
    """Start on an empty folder (database made, migrated, configured), then on the same again."""
    port = free_port()
    async with AsyncExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="ml-connector-bench-"))
        sandbox = await stack.enter_async_context(running("sandbox", switches=UNLIMITED))
        description = await sandbox.told()
        await stack.enter_async_context(Control.of(description))
        http = await stack.enter_async_context(aiohttp.ClientSession())
        settings = {
            "home": folder,
            "port": port,
            "public_url": f"http://127.0.0.1:{port}",
            "allow_private_targets": True,
            "log_level": "warning",
        }
        document = configuration(description, webhooks=True, erp_at_once=2)
        began = time.perf_counter()
        async with running("service", kind="up", settings=settings) as service:
            await service.told()
            served = time.perf_counter() - began
            url = await join(Path(folder))
            webhook = await install({**settings, "database_url": url}, url, document)
            await _accepted(http, port, webhook, event=1)
            cold = time.perf_counter() - began
        began = time.perf_counter()
        async with running("service", kind="up", settings=settings):
            await _accepted(http, port, webhook, event=2)
            warm = time.perf_counter() - began
    return [
        Figure(
            name="start, empty folder",
            value=cold,
            unit="s",
            better="lower",
            details={"serving_after": round(served, 2)},
        ),
        Figure(name="start, again", value=warm, unit="s", better="lower"),
    ]


async def _accepted(
    http: aiohttp.ClientSession, port: int, webhook: Mapping[str, Any], *, event: int
) -> None:
    """Send one delivery until it is taken, as the vendor would."""
    login = base64.b64encode(f"{webhook['user']}:{webhook['password']}".encode()).decode()
    async with asyncio.timeout(_WITHIN):
        while True:
            try:
                async with http.post(
                    f"http://127.0.0.1:{port}{webhook['path']}",
                    data=delivery(event),
                    headers={"Authorization": f"Basic {login}"},
                ) as answer:
                    if answer.ok:
                        return
            except aiohttp.ClientError:
                pass  # nobody listens yet
            await asyncio.sleep(_ASK_EVERY)
