"""The control API: what tests, demo and benchmarks use to move the simulators.

CONTROL is the whole API as a table; routes and documents are made from it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

import msgspec
from aiohttp import web
from aiohttp.typedefs import Middleware

from vendor_simulators.kit.clock import SimClock
from vendor_simulators.kit.faults import Rule, Storm
from vendor_simulators.kit.simulator import ControlError, Simulator, json_answer


class Controlled(Protocol):
    """What the control API moves: the sandbox."""

    clock: SimClock

    @property
    def simulators(self) -> Mapping[str, Simulator]:
        """The simulators that run, by vendor."""
        ...

    def describe(self) -> dict[str, dict[str, str]]:
        """Return addresses and credentials of everything that runs."""
        ...

    async def reset(self) -> None:
        """Bring every simulator back to its beginning."""
        ...


class FaultOrder(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Body of `POST faults`: any of its parts; `clear` comes first."""

    clear: bool = False
    storm: Storm | str | None = None
    rules: list[Rule] = []
    effect: Any = None
    match: Any = None
    times: Any = None
    skip: Any = None
    probability: Any = None


class ClockOrder(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Body of `POST clock`: one of the two."""

    advance_seconds: float | None = None
    set: datetime | None = None


Answer = Callable[[Controlled, web.Request, bytes], Awaitable[Any]]


@dataclass(frozen=True)
class ControlRoute:
    """One row of the control API."""

    method: str
    path: str
    about: str
    answer: Answer
    body: str = ""  # an example


async def _describe(sandbox: Controlled, _request: web.Request, _body: bytes) -> Any:
    return sandbox.describe()


async def _reset(sandbox: Controlled, _request: web.Request, _body: bytes) -> Any:
    await sandbox.reset()
    return {}


async def _clock(sandbox: Controlled, _request: web.Request, _body: bytes) -> Any:
    return {"now": sandbox.clock.now().isoformat(), "monotonic": sandbox.clock.monotonic()}


async def _set_clock(sandbox: Controlled, request: web.Request, body: bytes) -> Any:
    order = msgspec.json.decode(body, type=ClockOrder)
    try:
        if order.advance_seconds is not None:
            sandbox.clock.advance(timedelta(seconds=order.advance_seconds))
        if order.set is not None:
            sandbox.clock.set(order.set)
    except ValueError as exc:
        raise ControlError(str(exc)) from exc
    return await _clock(sandbox, request, body)


async def _seed(sandbox: Controlled, request: web.Request, body: bytes) -> Any:
    return await _vendor(sandbox, request).seed(_object(body))


async def _play(sandbox: Controlled, request: web.Request, body: bytes) -> Any:
    return await _vendor(sandbox, request).play(request.match_info["action"], _object(body))


async def _faults(sandbox: Controlled, request: web.Request, _body: bytes) -> Any:
    book = _vendor(sandbox, request).faults
    return {"rules": book.rules, "storm": book.storm, "injected": dict(book.injected)}


async def _set_faults(sandbox: Controlled, request: web.Request, body: bytes) -> Any:
    book = _vendor(sandbox, request).faults
    order = msgspec.json.decode(body, type=FaultOrder)
    single = [] if order.effect is None else [_single_rule(body)]
    if order.clear:
        book.clear()
    for rule in [*order.rules, *single]:
        book.add(rule)
    if order.storm is not None:
        try:
            book.start_storm(order.storm)
        except KeyError as exc:
            raise ControlError(f"there is no storm called {order.storm}") from exc
    return await _faults(sandbox, request, body)


async def _switches(sandbox: Controlled, request: web.Request, _body: bytes) -> Any:
    simulator = _vendor(sandbox, request)
    return {
        name: {"setting": setting, "about": simulator.SWITCHES[name].about}
        for name, setting in simulator.switches.items()
    }


async def _set_switches(sandbox: Controlled, request: web.Request, body: bytes) -> Any:
    _vendor(sandbox, request).set_switches(_object(body))
    return await _switches(sandbox, request, body)


async def _actions(sandbox: Controlled, request: web.Request, _body: bytes) -> Any:
    return dict(_vendor(sandbox, request).ACTIONS)


async def _calls(sandbox: Controlled, request: web.Request, _body: bytes) -> Any:
    simulator = _vendor(sandbox, request)
    if request.query.get("summary"):
        return {**simulator.journal.summary(), "injected": dict(simulator.faults.injected)}
    since, limit = _number(request, "since", 0), _number(request, "limit", 0)
    calls = simulator.journal.calls(since=since, limit=limit or None)
    return {"calls": calls, "last": calls[-1]["number"] if calls else since}


async def _deliveries(sandbox: Controlled, request: web.Request, _body: bytes) -> Any:
    found = _vendor(sandbox, request).journal.deliveries(since=_number(request, "since", 0))
    return {"deliveries": found}


async def _records(sandbox: Controlled, request: web.Request, _body: bytes) -> Any:
    query = dict(request.query)
    return {"records": _vendor(sandbox, request).records(request.match_info["kind"], query)}


CONTROL: tuple[ControlRoute, ...] = (
    ControlRoute("GET", "/_control", "addresses and credentials, as `sandbox --json`", _describe),
    ControlRoute(
        "POST", "/_control/reset", "everything back to its beginning, the clock excepted", _reset
    ),
    ControlRoute("GET", "/_control/clock", "the simulated time", _clock),
    ControlRoute(
        "POST",
        "/_control/clock",
        "let time pass at once, or set it",
        _set_clock,
        '{"advance_seconds": 3600} or {"set": "2026-03-01T00:00:00+00:00"}',
    ),
    ControlRoute(
        "POST",
        "/_control/{vendor}/seed",
        "take over records in the vendor's terms",
        _seed,
        '{"customers": [{"CustomerName": "Northwind Pumps"}]}',
    ),
    ControlRoute(
        "POST",
        "/_control/{vendor}/play/{action}",
        "do what a person at the vendor's screen would do",
        _play,
        '{"ref": "INV000046", "amount": "100.00"}',
    ),
    ControlRoute("GET", "/_control/{vendor}/play", "the actions and what they do", _actions),
    ControlRoute(
        "GET", "/_control/{vendor}/faults", "rules, storm and what was injected so far", _faults
    ),
    ControlRoute(
        "POST",
        "/_control/{vendor}/faults",
        "script faults, start a storm, or clear both",
        _set_faults,
        '{"match": {"method": "PUT"}, "times": 1, "effect": {"kind": "cut_after"}} '
        'or {"storm": {"probability": 0.05}} or {"clear": true}',
    ),
    ControlRoute(
        "GET", "/_control/{vendor}/switches", "undocumented behaviours and settings", _switches
    ),
    ControlRoute(
        "POST", "/_control/{vendor}/switches", "change some of them", _set_switches, '{"name": 1}'
    ),
    ControlRoute(
        "GET",
        "/_control/{vendor}/calls",
        "calls after number `since` (at most `limit`); with `summary=1` counts and costs of all",
        _calls,
    ),
    ControlRoute(
        "GET", "/_control/{vendor}/deliveries", "webhook attempts after number `since`", _deliveries
    ),
    ControlRoute("GET", "/_control/{vendor}/records/{kind}", "all records of a kind", _records),
)


def control_application(sandbox: Controlled) -> web.Application:
    """Return the application that serves CONTROL."""
    application = web.Application(client_max_size=64 * 1024 * 1024, middlewares=[_told_errors()])
    for route in CONTROL:
        application.router.add_route(route.method, route.path, _handler(sandbox, route.answer))
    return application


def control_reference() -> str:
    """Return CONTROL as a Markdown table, for the documents."""
    rows = []
    for route in CONTROL:
        example = f"`{route.body}`" if route.body else ""
        rows.append(f"| `{route.method} {route.path}` | {route.about} | {example} |")
    return "\n".join(["| call | what it does | body, for example |", "| --- | --- | --- |", *rows])


def _handler(
    sandbox: Controlled, answer: Answer
) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def handler(request: web.Request) -> web.Response:
        return json_answer(await answer(sandbox, request, await request.read()))

    return handler


def _told_errors() -> Middleware:
    @web.middleware
    async def told(
        request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        try:
            return await handler(request)
        except (ControlError, msgspec.ValidationError, msgspec.DecodeError) as exc:
            return json_answer({"error": str(exc)}, status=400)
        except web.HTTPException as exc:
            return json_answer({"error": exc.reason}, status=exc.status)

    return told


def _vendor(sandbox: Controlled, request: web.Request) -> Simulator:
    name = request.match_info["vendor"]
    try:
        return sandbox.simulators[name]
    except KeyError as exc:
        running = ", ".join(sandbox.simulators)
        raise ControlError(f"no simulator {name} runs here; running: {running}") from exc


def _object(body: bytes) -> dict[str, Any]:
    return msgspec.json.decode(body, type=dict[str, Any]) if body.strip() else {}


def _single_rule(body: bytes) -> Rule:
    given = {
        key: part for key, part in _object(body).items() if key not in {"clear", "storm", "rules"}
    }
    return msgspec.convert(given, Rule)


def _number(request: web.Request, name: str, default: int) -> int:
    try:
        return int(request.query.get(name, default))
    except ValueError as exc:
        raise ControlError(f"{name} is a whole number") from exc
