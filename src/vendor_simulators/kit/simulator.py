"""What every vendor's simulator offers to the kit, and what the kit gives it.

A simulator answers the vendor's own paths at the root of a port of its own. It never sees the
control API or the journal: the kit wraps both around it.
"""

from __future__ import annotations

import random
from abc import ABC, abstractmethod
from collections.abc import Mapping
from copy import deepcopy
from typing import Any, ClassVar

import msgspec
from aiohttp import web

from vendor_simulators.kit.clock import SimClock
from vendor_simulators.kit.faults import Effect, FaultBook, Kind, Match, Rule
from vendor_simulators.kit.journal import Journal

BODY = web.RequestKey("body", bytes)  # of the call under way, read before anything else is asked

_JSON = "application/json; charset=utf-8"


class ControlError(Exception):
    """A control request that cannot be carried out; its text goes back to the caller."""


class Switch(msgspec.Struct, frozen=True):
    """A behaviour that the vendor does not document, with what the simulator does by default."""

    default: Any
    about: str  # one line: what each setting does


class Simulator(ABC):
    """One vendor, listening at the root of one port."""

    name: ClassVar[str]
    SWITCHES: ClassVar[Mapping[str, Switch]] = {}
    ACTIONS: ClassVar[Mapping[str, str]] = {}  # play action: what it does, for the documents
    SEEDS: ClassVar[Mapping[str, str]] = {}  # key of a seed: what it holds, for the documents

    def __init__(
        self,
        *,
        clock: SimClock,
        rng: random.Random,
        switches: Mapping[str, Any] | None = None,
        seed: int = 0,
    ) -> None:
        self.clock = clock
        self.rng = rng
        self.journal = Journal()
        self.faults = FaultBook(self.name, seed)
        self.base_url = ""
        self.switches: dict[str, Any] = {
            name: deepcopy(switch.default) for name, switch in self.SWITCHES.items()
        }
        self.set_switches(switches or {})
        self._first_switches = deepcopy(self.switches)

    @abstractmethod
    def routes(self) -> list[web.RouteDef]:
        """Return the vendor's own paths."""

    @abstractmethod
    def describe(self) -> dict[str, str]:
        """Return addresses and credentials that an independent client needs."""

    @abstractmethod
    async def seed(self, body: dict[str, Any]) -> dict[str, Any]:
        """Take over records given in the vendor's terms; return their ids."""

    @abstractmethod
    async def play(self, action: str, body: dict[str, Any]) -> dict[str, Any]:
        """Do what a person at the vendor's screen would do."""

    @abstractmethod
    def records(self, kind: str, query: Mapping[str, str]) -> list[dict[str, Any]]:
        """Return all records of a kind as plain values, for comparing books."""

    @abstractmethod
    async def reset(self) -> None:
        """Forget every record, login and webhook, as if just started."""

    def bind(self, base_url: str) -> None:
        """Take note of the own address, without a trailing slash."""
        self.base_url = base_url

    async def start(self) -> None:  # noqa: B027 - a vendor without background work has nothing to start
        """Start background work such as webhook senders."""

    async def stop(self) -> None:  # noqa: B027 - see start()
        """End background work."""

    def restore_switches(self) -> None:
        """Bring the switches back to what they were at the start."""
        self.switches.clear()
        self.switches.update(deepcopy(self._first_switches))

    def set_switches(self, switches: Mapping[str, Any]) -> None:
        """Change behaviours listed in SWITCHES."""
        for name, setting in switches.items():
            if name not in self.SWITCHES:
                raise ControlError(f"{self.name} has no switch {name}; see GET .../switches")
            self.switches[name] = setting

    def operation_of(self, request: web.Request) -> str:
        """Name what is asked, for journal, faults and repeatable storms: no ids in it."""
        route = request.match_info.route
        if route.name:
            return route.name
        resource = route.resource
        return f"{request.method} {resource.canonical if resource else '?'}"

    def cost_of(self, request: web.Request) -> int:
        """Return the tokens that a call cost; asked after the call was carried out."""
        return 0

    def expire_login(self, request: web.Request) -> bool:
        """End the login that ``request`` uses; say whether there was one."""
        return False

    def throttled(self, request: web.Request) -> web.Response:
        """Return the vendor's refusal above its rate limit."""
        return web.Response(status=429, text="Too Many Requests")

    def failure(self, request: web.Request, status: int) -> web.Response:
        """Return the vendor's form of an error that is not the caller's."""
        return json_answer({"error": "internal error"}, status=status)

    def unrouted(self, request: web.Request, answer: web.HTTPException) -> web.Response:
        """Return the vendor's form of 404, 405 and other refusals of the server itself."""
        return json_answer({"error": answer.reason}, status=answer.status)

    def fail_next(
        self,
        status: int,
        *,
        times: int = 1,
        retry_after: int | None = None,
        method: str | None = None,
        path: str | None = None,
    ) -> None:
        """Answer the next matching calls with an error; 429 in the vendor's own form."""
        headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
        kind: Kind = "throttle" if status == web.HTTPTooManyRequests.status_code else "status"
        effect = Effect(kind=kind, status=status, headers=headers)
        self.faults.add(Rule(effect=effect, match=Match(method=method, path=path), times=times))


def json_answer(
    content: Any, *, status: int = 200, headers: Mapping[str, str] | None = None
) -> web.Response:
    """Return ``content`` as a JSON answer."""
    return web.Response(
        body=msgspec.json.encode(content),
        status=status,
        headers={"Content-Type": _JSON, **(headers or {})},
    )
