"""The PostgreSQL server of one test run, as a process of its own.

It lives for as long as any test process holds a shared lock on the users' file, so that it needs
no word from them: however they end, the kernel lets go of their locks.

Started as `python -m tests.storage_support.server FOLDER`.
"""

from __future__ import annotations

import asyncio
import fcntl
import shutil
import sys
from pathlib import Path

from ml_connector.app.logs import never_show_variables
from ml_connector.storage.embedded import EmbeddedServer

# Tests are not interested in surviving a power cut; the ones that are start a server of their own.
SETTINGS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_connections": "300",
    "autovacuum_naptime": "60s",
}
_LOOK_FOR_USERS = 0.2  # seconds


def users_file(folder: Path) -> Path:
    """Return the file on which every user of the server holds a shared lock."""
    return folder / "users.lock"


async def serve(folder: Path) -> None:
    """Run the server until nobody uses it."""
    server = EmbeddedServer(folder, settings=SETTINGS)
    await server.start()
    with users_file(folder).open("rb") as users:
        await _until_free(users.fileno())
        await server.stop()
        # Under the exclusive lock: a test process that comes now waits and starts a new one.
        shutil.rmtree(folder / "database")


async def _until_free(descriptor: int) -> None:
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            await asyncio.sleep(_LOOK_FOR_USERS)
        else:
            return


if __name__ == "__main__":
    never_show_variables()
    asyncio.run(serve(Path(sys.argv[1])))
