"""Processes of their own: what is measured never shares an interpreter with what measures it.

A child is a module of this package with a coroutine ``main(arguments)``. It tells the parent
what it has to say as JSON lines on standard output, hears the parent's on standard input, and
ends when that is closed.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import uvloop

from ml_connector.app.logs import never_show_variables

_LONGEST_LINE = 64 * 1024 * 1024
_ENDS_WITHIN = 30.0  # seconds; a worker may finish the runs that it has under way

Arguments = dict[str, Any]


class Child:
    """A running child."""

    def __init__(self, process: asyncio.subprocess.Process, module: str) -> None:
        self._process = process
        self._module = module

    @property
    def pid(self) -> int:
        """The process's number."""
        return self._process.pid

    async def told(self, *, within: float = 120.0) -> Any:
        """Return the next thing that the child says."""
        if self._process.stdout is None:
            raise RuntimeError(f"{self._module} has no standard output")
        async with asyncio.timeout(within):
            line = await self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self._module} ended before it had said what it should")
        return msgspec.json.decode(line)

    async def say(self, word: str) -> None:
        """Say something to the child."""
        if self._process.stdin is not None:
            self._process.stdin.write(word.encode() + b"\n")
            await self._process.stdin.drain()

    def kill(self) -> None:
        """End it at once."""
        self._process.kill()

    async def end(self) -> None:
        """Close its standard input and wait; one that does not end in time is killed."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            async with asyncio.timeout(_ENDS_WITHIN):
                await self._process.wait()
        except TimeoutError:
            self._process.kill()
            await self._process.wait()


@asynccontextmanager
async def running(module: str, **arguments: Any) -> AsyncIterator[Child]:
    """Run ``python -m benchmarks.<module>`` for the length of the block."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        f"benchmarks.{module}",
        msgspec.json.encode(arguments, enc_hook=str).decode(),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=_LONGEST_LINE,
    )
    child = Child(process, module)
    try:
        yield child
    finally:
        await child.end()


def be_child(main: Callable[[Arguments], Awaitable[None]]) -> None:
    """Run ``main`` as a child of the benchmarks."""

    async def whole() -> None:
        await main(msgspec.json.decode(sys.argv[1], type=Arguments))

    never_show_variables()
    uvloop.run(whole())


def tell(what: Any) -> None:
    """Say something to the parent."""
    sys.stdout.buffer.write(msgspec.json.encode(what) + b"\n")
    sys.stdout.buffer.flush()


async def hear() -> asyncio.StreamReader:
    """Return what the parent says, line by line; its end is the end of the child."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(sys.stdin.fileno(), "rb")
    )
    return reader


async def until_parent_ends() -> None:
    """Wait for the parent to close our standard input."""
    heard = await hear()
    while await heard.readline():
        pass
