"""What surrounds every call to a vendor: the journal, and the fault that was decided on."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable

import msgspec
from aiohttp import web
from aiohttp.typedefs import Middleware

from vendor_simulators.kit.faults import Effect
from vendor_simulators.kit.simulator import BODY, Simulator

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_BODILESS = frozenset({"GET", "HEAD", "OPTIONS"})
_SLICES = 10  # pieces in which a slow body is sent
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)  # SO_LINGER on, zero seconds: close sends RST
_HTML = (
    "<!DOCTYPE html><html><head><title>Service Unavailable</title></head>"
    "<body><h2>Service Unavailable</h2><hr><p>HTTP Error {status}.</p></body></html>"
)


class _CutError(Exception):
    """The connection was closed; whatever is answered now reaches nobody."""


def wrapping(simulator: Simulator) -> Middleware:
    """Return the middleware that journals each call and carries out its fault, if any."""
    journal, faults, clock = simulator.journal, simulator.faults, simulator.clock

    @web.middleware
    async def wrapped(request: web.Request, handler: Handler) -> web.StreamResponse:
        began = clock.monotonic()
        body = b"" if request.method in _BODILESS else await request.read()
        request[BODY] = body  # for a vendor whose address alone does not name the operation
        operation = simulator.operation_of(request)
        effect = faults.for_call(request.method, request.path_qs, operation, body)
        status = 500  # what aiohttp answers when a handler fails unexpectedly
        try:
            if effect is None:
                response = await _answer(simulator, request, handler)
            else:
                response = await _affected(simulator, request, handler, effect)
            status = response.status
        except _CutError:
            status = 0
            response = web.Response(status=500)
        finally:
            journal.record(
                at=clock.now(),
                method=request.method,
                target=request.path_qs,
                operation=operation,
                status=status,
                cost=simulator.cost_of(request),
                fault=None if effect is None else effect.kind,
                seconds=clock.monotonic() - began,
                body=body,
            )
        return response

    return wrapped


async def _answer(
    simulator: Simulator, request: web.Request, handler: Handler
) -> web.StreamResponse:
    try:
        return await handler(request)
    except web.HTTPException as answer:
        return simulator.unrouted(request, answer)


async def _affected(
    simulator: Simulator, request: web.Request, handler: Handler, effect: Effect
) -> web.StreamResponse:
    """Carry out ``effect`` and return what is answered; raise _CutError when nothing is."""
    kind = effect.kind
    if kind == "expire_login":
        if simulator.expire_login(request):
            simulator.faults.count(kind)
        return await _answer(simulator, request, handler)
    simulator.faults.count(kind)
    if kind in {"status", "html", "throttle"}:
        return _refusal(simulator, request, effect)
    if kind == "delay":
        await simulator.clock.sleep(effect.seconds)
        return await _answer(simulator, request, handler)
    if kind == "slow_body":
        return await _sent_slowly(
            simulator, request, await _answer(simulator, request, handler), effect.seconds
        )
    if kind == "cut_body":
        await _send_half(request, await _answer(simulator, request, handler))
    if kind == "cut_after":
        await _answer(simulator, request, handler)
    _close(request, reset=kind == "reset")
    raise _CutError


def _refusal(simulator: Simulator, request: web.Request, effect: Effect) -> web.Response:
    if effect.kind == "throttle":
        answer = simulator.throttled(request)
    elif effect.kind == "html":
        status = effect.status or 503
        answer = web.Response(
            status=status, text=_HTML.format(status=status), content_type="text/html"
        )
    elif effect.body is not None:
        answer = web.Response(status=effect.status or 500, body=_as_bytes(effect.body))
        answer.content_type = "text/plain" if isinstance(effect.body, str) else "application/json"
    else:
        answer = simulator.failure(request, effect.status or 500)
    answer.headers.update(effect.headers)
    return answer


def _as_bytes(body: object) -> bytes:
    return body.encode() if isinstance(body, str) else msgspec.json.encode(body)


async def _sent_slowly(
    simulator: Simulator, request: web.Request, answer: web.StreamResponse, seconds: float
) -> web.StreamResponse:
    content = answer.body if isinstance(answer, web.Response) else None
    if not isinstance(content, bytes) or not content:
        await simulator.clock.sleep(seconds)
        return answer
    slow = web.StreamResponse(status=answer.status, headers=answer.headers)
    slow.content_length = len(content)
    await slow.prepare(request)
    size = max(1, len(content) // _SLICES)
    for begin in range(0, len(content), size):
        await simulator.clock.sleep(seconds / _SLICES)
        await slow.write(content[begin : begin + size])
    await slow.write_eof()
    return slow


async def _send_half(request: web.Request, answer: web.StreamResponse) -> None:
    content = answer.body if isinstance(answer, web.Response) else None
    if not isinstance(content, bytes) or not content:
        return
    begun = web.StreamResponse(status=answer.status, headers=answer.headers)
    begun.content_length = len(content)
    await begun.prepare(request)
    await begun.write(content[: len(content) // 2])


def _close(request: web.Request, *, reset: bool) -> None:
    transport = request.transport
    if transport is None:
        return
    if reset:
        transport.get_extra_info("socket").setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE
        )
        if isinstance(transport, asyncio.WriteTransport):
            transport.abort()
    request.protocol.force_close()
