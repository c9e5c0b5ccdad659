"""The simulators as a process of their own: ``python -m vendor_simulators --port 9400``.

Prints one JSON object on one line, with every address and credential, once calls are accepted.
Runs until it is told to stop, or, with ``--while-stdin``, until its standard input ends: so it
goes when the process that started it goes, however that ended.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import sys
from collections.abc import Sequence

from vendor_simulators import catalogue
from vendor_simulators.kit.sandbox import Sandbox


async def serve(
    *, host: str, port: int, seed: int, vendors: Sequence[str] | None, is_tied_to_stdin: bool
) -> None:
    """Run the simulators until a signal, or the end of standard input."""
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    if is_tied_to_stdin:
        _watch_stdin(loop, stopping)
    async with Sandbox.start(host=host, port=port, seed=seed, vendors=vendors) as sandbox:
        print(json.dumps(sandbox.describe()), flush=True)  # noqa: T201 - the answer of this command
        await stopping.wait()


def _watch_stdin(loop: asyncio.AbstractEventLoop, stopping: asyncio.Event) -> None:
    descriptor = sys.stdin.fileno()

    def read() -> None:
        if not os.read(descriptor, 4096):
            loop.remove_reader(descriptor)
            stopping.set()

    loop.add_reader(descriptor, read)


def main() -> None:
    """Read the arguments and serve."""
    parser = argparse.ArgumentParser(prog="python -m vendor_simulators", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="the control API's; 0 picks free ones")
    parser.add_argument("--seed", type=int, default=0, help="the same seed, the same storm")
    parser.add_argument("--vendor", action="append", choices=catalogue.available(), dest="vendors")
    parser.add_argument("--while-stdin", action="store_true", help="stop when standard input ends")
    given = parser.parse_args()
    asyncio.run(
        serve(
            host=given.host,
            port=given.port,
            seed=given.seed,
            vendors=given.vendors,
            is_tied_to_stdin=given.while_stdin,
        )
    )


if __name__ == "__main__":
    main()
