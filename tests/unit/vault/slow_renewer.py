"""A process that renews a login and can be stopped while it does: see test_logins.py.

Prints ``renewing`` when it is at the vendor, waits for a line, then prints what it got.
"""

from __future__ import annotations

import asyncio
import sys
from datetime import timedelta

from ml_connector.app.logs import never_show_variables
from ml_connector.core.clock import SystemClock
from ml_connector.core.logins import Login
from ml_connector.core.secret import Secret
from ml_connector.storage.database import Database
from ml_connector.vault import Keyring, MasterKey, Owner, VaultLogins


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


async def main(url: str) -> None:
    database = await Database.connect(url)
    logins = VaultLogins(
        database=database,
        keyring=Keyring([MasterKey(b"k" * 32)]),
        owner=Owner(workspace_id=1, name="connection:7"),
        clock=SystemClock(),
        lease_for=timedelta(seconds=0.5),
    )

    async def renewal(_: Login | None) -> Login:
        say("renewing")
        await asyncio.to_thread(sys.stdin.readline)
        return Login(values={"access_token": Secret("of the slow one")}, facts={}, expires_at=None)

    won = await logins.renew("user", replacing=1, renewal=renewal)
    say(f"{won.version} {won.values['access_token'].reveal()}")
    await database.close()


if __name__ == "__main__":
    never_show_variables()
    asyncio.run(main(sys.argv[1]))
