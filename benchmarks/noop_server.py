"""The yardstick of ingest: the same server, with a handler that reads the body and says ok."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from granian.constants import Interfaces
from granian.server.embed import Server

from benchmarks.children import Arguments, be_child, tell, until_parent_ends
from benchmarks.ports import free_port, until_accepting

_HEAD = {
    "type": "http.response.start",
    "status": 200,
    "headers": [(b"content-type", b"text/plain; charset=utf-8")],
}
_BODY = {"type": "http.response.body", "body": b"ok"}


async def _nothing(
    _scope: Any,
    receive: Callable[[], Awaitable[dict[str, Any]]],
    send: Callable[[dict[str, Any]], Awaitable[None]],
) -> None:
    while (await receive()).get("more_body", False):
        pass
    await send(_HEAD)
    await send(_BODY)


async def main(_: Arguments) -> None:
    """Serve until the parent ends."""
    port = free_port()
    server = Server(
        _nothing, address="127.0.0.1", port=port, interface=Interfaces.ASGI, log_enabled=False
    )
    serving = asyncio.create_task(server.serve())
    await until_accepting(port)
    tell({"port": port})
    await until_parent_ends()
    server.stop()  # type: ignore[no-untyped-call] # granian leaves it without types
    await serving


if __name__ == "__main__":
    be_child(main)
