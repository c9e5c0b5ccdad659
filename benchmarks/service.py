"""One process of the service, as it runs in production: ``up``, ``serve`` or ``work``."""

from __future__ import annotations

import asyncio
import os
import signal

from benchmarks.children import Arguments, be_child, tell, until_parent_ends
from ml_connector.app import processes
from ml_connector.app.logs import set_up_logs
from ml_connector.app.settings import DeploymentSettings


async def main(arguments: Arguments) -> None:
    """Run the process until the parent ends."""
    settings = DeploymentSettings(**arguments["settings"])
    set_up_logs(settings)
    run = {"up": processes.up, "serve": processes.serve, "work": processes.work}[arguments["kind"]]
    ending = asyncio.create_task(_end_with_parent())
    await run(settings, announce=lambda address: tell({"address": address}))
    ending.cancel()


async def _end_with_parent() -> None:
    """Stop as an operator would: by SIGTERM."""
    await until_parent_ends()
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    be_child(main)
