"""The vendors' simulators: a process of their own, moved through their control API alone.

Nothing of their code is imported: what the demo says is what anybody could find out about them
from outside.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp

CRM = "pipedrive"
_STARTED_WITHIN = 60.0  # seconds; a busy machine takes its time
_STOPPED_WITHIN = 5.0
_ANSWERED_WITHIN = 120.0


class SimulatorError(Exception):
    """The simulators refused what the demo asked of them, or did not start."""


@dataclass(frozen=True, slots=True)
class Simulators:
    """The running simulators."""

    described: Mapping[str, Mapping[str, str]]
    """Addresses and credentials, as `sandbox --json` prints them."""
    vendors: Sequence[str]
    """Pipedrive and the ERP."""
    _http: aiohttp.ClientSession

    @property
    def control_url(self) -> str:
        """Where the control API is."""
        return self.described["control"]["url"]

    async def seed(self, vendor: str, records: Mapping[str, Any]) -> Any:
        """Put records into a vendor's books."""
        return await self._control("POST", f"{vendor}/seed", records)

    async def play(self, vendor: str, action: str, **body: Any) -> Any:
        """Do what a person at the vendor's screen would do."""
        return await self._control("POST", f"{vendor}/play/{action}", body)

    async def faults(self, vendor: str, order: Mapping[str, Any]) -> Any:
        """Script faults, start a storm, or end both."""
        return await self._control("POST", f"{vendor}/faults", order)

    async def switch(self, vendor: str, **settings: Any) -> None:
        """Change undocumented behaviours."""
        await self._control("POST", f"{vendor}/switches", settings)

    async def records(self, vendor: str, kind: str, **fitting: str) -> list[dict[str, Any]]:
        """Return all records of a kind, or those whose fields fit."""
        query = "&".join(f"{name}={value}" for name, value in fitting.items())
        found = await self._control("GET", f"{vendor}/records/{kind}?{query}")
        return list(found["records"])

    async def calls(self, vendor: str) -> dict[str, Any]:
        """Return what a vendor was asked so far: counts and costs, and what was injected."""
        found: dict[str, Any] = await self._control("GET", f"{vendor}/calls?summary=1")
        return found

    async def advance(self, by: timedelta) -> None:
        """Let time pass for both vendors at once."""
        await self._control("POST", "clock", {"advance_seconds": by.total_seconds()})

    async def _control(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        url = f"{self.control_url}/_control/{path}"
        async with self._http.request(method, url, json=body) as answer:
            content = await answer.read()
        found = json.loads(content)
        if answer.status >= 300:  # noqa: PLR2004 - the range of success ends there
            raise SimulatorError(f"{path}: {found.get('error', answer.status)}")
        return found


@dataclass(frozen=True, slots=True)
class Starting:
    """Simulators on their way: other things can be started meanwhile."""

    _process: asyncio.subprocess.Process
    _vendors: Sequence[str]
    _http: aiohttp.ClientSession
    _log: Path

    async def ready(self) -> Simulators:
        """Return them once they accept calls."""
        described = await _described(self._process, self._log)
        return Simulators(described, self._vendors, self._http)


@asynccontextmanager
async def simulators(erp: str, *, seed: int, log: Path) -> AsyncIterator[Starting]:
    """Run the simulators of both vendors for the length of the block."""
    async with AsyncExitStack() as stack:
        vendors = (CRM, erp)
        process = await _started(vendors, seed, log)
        stack.push_async_callback(_stop, process)
        patience = aiohttp.ClientTimeout(total=_ANSWERED_WITHIN)
        http = await stack.enter_async_context(aiohttp.ClientSession(timeout=patience))
        yield Starting(process, vendors, http, log)


async def _started(vendors: Sequence[str], seed: int, log: Path) -> asyncio.subprocess.Process:
    with log.open("ab") as errors:
        return await asyncio.create_subprocess_exec(
            *_command(vendors, seed),
            stdin=asyncio.subprocess.PIPE,  # they end when it does, however this process ends
            stdout=asyncio.subprocess.PIPE,
            stderr=errors,
            limit=2**20,
        )


def _command(vendors: Sequence[str], seed: int) -> Sequence[str]:
    chosen = [part for vendor in vendors for part in ("--vendor", vendor)]
    return (
        sys.executable, "-m", "vendor_simulators", "--while-stdin", "--seed", str(seed), *chosen,
    )  # fmt: skip


async def _described(process: asyncio.subprocess.Process, log: Path) -> Any:
    if process.stdout is None:
        raise SimulatorError("the simulators were started without an output")
    try:
        async with asyncio.timeout(_STARTED_WITHIN):
            line = await process.stdout.readline()
    except TimeoutError as exc:
        raise SimulatorError(f"the simulators did not start in {_STARTED_WITHIN:g} s") from exc
    if not line:
        raise SimulatorError(f"the simulators did not start; {log} says why")
    return json.loads(line)


async def _stop(process: asyncio.subprocess.Process) -> None:
    if process.stdin is not None:
        process.stdin.close()
    try:
        async with asyncio.timeout(_STOPPED_WITHIN):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
