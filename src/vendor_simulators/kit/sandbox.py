"""All simulators and the control API, each on a port of its own, in this process.

The ports are stable: the control API has the first, and each of the six vendors its own offset
after it in alphabetical order, whether or not the ones before it run.
"""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

from vendor_simulators import catalogue
from vendor_simulators.kit.clock import SimClock
from vendor_simulators.kit.control import control_application
from vendor_simulators.kit.simulator import Simulator
from vendor_simulators.kit.wrapping import wrapping

LARGEST_REQUEST = 32 * 1024 * 1024  # bytes
LONGEST_LINE = 64 * 1024  # bytes; filters over many keys make long addresses
_SHUTDOWN_SECONDS = 1.0  # how long a call under way may go on when the sandbox stops


class Sandbox:
    """The running simulators. Made by ``Sandbox.start``."""

    def __init__(
        self,
        *,
        vendors: Sequence[str] | None = None,
        seed: int = 0,
        clock: SimClock | None = None,
        switches: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> None:
        self.seed = seed
        self.clock = clock or SimClock()
        self._simulators: dict[str, Simulator] = {}
        self.urls: dict[str, str] = {}
        self.control_url = ""
        self._runners: dict[str, web.AppRunner] = {}
        for name in sorted(catalogue.available() if vendors is None else vendors):
            self._simulators[name] = catalogue.load(name)(
                clock=self.clock,
                rng=random.Random(f"{seed}:{name}"),
                switches=(switches or {}).get(name),
                seed=seed,
            )

    @property
    def simulators(self) -> Mapping[str, Simulator]:
        """The simulators that run, by vendor."""
        return self._simulators

    @classmethod
    @asynccontextmanager
    async def start(
        cls,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        vendors: Sequence[str] | None = None,
        seed: int = 0,
        clock: SimClock | None = None,
        switches: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> AsyncIterator[Sandbox]:
        """Run the simulators until the block ends.

        ``port`` is the control API's; 0 picks free ports for all. ``vendors`` defaults to every
        vendor that is built. Raises OSError when a port is taken.
        """
        sandbox = cls(vendors=vendors, seed=seed, clock=clock, switches=switches)
        try:
            await sandbox.open(host=host, port=port)
            yield sandbox
        finally:
            await sandbox.stop()

    async def open(self, *, host: str, port: int) -> None:
        """Listen on every port; ``start`` is the usual way in."""
        self.control_url = await self._listen("control", control_application(self), host, port)
        for name, simulator in self.simulators.items():
            own_port = port + 1 + catalogue.VENDORS.index(name) if port else 0
            self.urls[name] = await self._listen(name, _application(simulator), host, own_port)
            simulator.bind(self.urls[name])
            await simulator.start()

    async def stop(self) -> None:
        """Stop listening and end every background task; harmless when repeated."""
        for simulator in self.simulators.values():
            await simulator.stop()
        while self._runners:
            await self._runners.popitem()[1].cleanup()

    @asynccontextmanager
    async def refusing(self, vendor: str) -> AsyncIterator[None]:
        """Let nobody connect to a vendor for a while; what is open is closed."""
        runner = self._runners[vendor]
        address = runner.addresses[0]
        for site in tuple(runner.sites):
            await site.stop()
        if runner.server is not None:
            await runner.server.shutdown(_SHUTDOWN_SECONDS)
        try:
            yield
        finally:
            await web.TCPSite(runner, address[0], address[1], backlog=1024).start()

    async def reset(self) -> None:
        """Bring every simulator back to its beginning; clock, faults and journal go on."""
        for name, simulator in self.simulators.items():
            simulator.rng.seed(f"{self.seed}:{name}")
            simulator.faults.clear()
            simulator.restore_switches()
            await simulator.reset()

    def describe(self) -> dict[str, dict[str, str]]:
        """Return addresses and credentials, keyed ``control`` and by vendor."""
        described = {name: simulator.describe() for name, simulator in self.simulators.items()}
        return {"control": {"url": self.control_url}, **described}

    async def _listen(self, name: str, application: web.Application, host: str, port: int) -> str:
        runner = web.AppRunner(
            application,
            access_log=None,
            handle_signals=False,
            shutdown_timeout=_SHUTDOWN_SECONDS,
            max_line_size=LONGEST_LINE,
        )
        await runner.setup()
        self._runners[name] = runner
        await web.TCPSite(runner, host, port, backlog=1024).start()
        return f"http://{host}:{runner.addresses[0][1]}"


def _application(simulator: Simulator) -> web.Application:
    application = web.Application(
        client_max_size=LARGEST_REQUEST, middlewares=[wrapping(simulator)]
    )
    application.router.add_routes(simulator.routes())
    return application
