"""A process that owns an embedded server until it is told to stop or killed.

Started as `python -m tests.storage_support.owner HOME`; prints the URL and the server's pid on
one line once the server runs, and stops it on SIGTERM.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from subprocess import PIPE, Popen

import structlog

from ml_connector.app.logs import never_show_variables
from ml_connector.storage.embedded import EmbeddedServer
from ml_connector.storage.ownership import published

_REPOSITORY = Path(__file__).parents[2]


@dataclass
class Owner:
    """An owner as its test sees it."""

    process: Popen[str]
    url: str
    server_pid: int


@contextmanager
def running_owner(home: Path, *before: str, user: int | None = None) -> Iterator[Owner]:
    """Run an owner of ``home``, by the command ``before`` if given; kill it at the end."""
    process = Popen(  # noqa: S603 - our own program, and no shell in between
        [*before, sys.executable, "-m", "tests.storage_support.owner", str(home)],
        cwd=_REPOSITORY,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        stdout=PIPE,
        text=True,
        user=user,
        group=user,
        extra_groups=None if user is None else [],
    )
    assert process.stdout is not None
    try:
        words = process.stdout.readline().split()
        if not words:
            raise RuntimeError(f"the owner ended with {process.wait()}")
        yield Owner(process, url=words[0], server_pid=int(words[1]))
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
        left = published(home)
        for folder in left.temporary_folders if left else ():
            shutil.rmtree(folder, ignore_errors=True)


async def own(home: Path) -> None:
    """Run the server until SIGTERM."""
    server = EmbeddedServer(home)
    url = await server.start()
    sys.stdout.write(f"{url} {server.server_pid}\n")
    sys.stdout.flush()
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    await stopped.wait()
    await server.stop()


if __name__ == "__main__":
    never_show_variables()
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    asyncio.run(own(Path(sys.argv[1])))
