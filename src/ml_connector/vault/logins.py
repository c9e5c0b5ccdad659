"""The logins of one connection, sealed in the database and shared by all processes.

One renewal at a time: whoever needs a login anew takes a lease on its row, commits, calls the
vendor, and stores what came back in a second transaction before anybody uses it. The others
wait for that. The lease runs on the database's clock and carries a fence, so a process that
slept through its lease cannot overwrite a login that is newer than the one it started from.
"""

from __future__ import annotations

import asyncio
import random
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

import structlog

from ml_connector.core.errors import ConnectorError, UnavailableError
from ml_connector.core.ids import new_token
from ml_connector.storage.database import is_database_away
from ml_connector.vault.login_rows import LoginRow, LoginRows

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from ml_connector.core.clock import Clock
    from ml_connector.core.logins import Login, Renewal
    from ml_connector.storage.database import Database
    from ml_connector.vault.envelopes import Owner
    from ml_connector.vault.keyring import Keyring

# A worker that died while it was logging in delays the others by no more than this. While it
# lives, it extends the lease four times as often.
LEASE_FOR = timedelta(seconds=8)
RENEW_WITHIN = timedelta(seconds=60)  # above the slowest vendor's deadline for a token call
# A login is read again after this even if nobody complains: another process may have renewed
# it early. A 401 reads at once, whatever the age.
READ_AGAIN_AFTER = timedelta(seconds=10)
_FIRST_LOOK_AFTER = 0.02  # seconds; a token call rarely takes less
_LOOK_AT_LEAST_EVERY = 0.5  # seconds

# What a vendor may leave out of a renewal's answer to say "as before" (RFC 6749 section 6).
_KEPT_WHEN_ABSENT = frozenset({"refresh_token"})

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Seen:
    login: Login
    read_at: float


class VaultLogins:
    """A LoginStore over the database, for one connection in one process.

    ``learn`` is told every login before it is used, so that its secrets are redacted.
    """

    def __init__(
        self,
        *,
        database: Database,
        keyring: Keyring,
        owner: Owner,
        clock: Clock,
        learn: Callable[[Login], None] = lambda _: None,
        lease_for: timedelta = LEASE_FOR,
        renew_within: timedelta = RENEW_WITHIN,
    ) -> None:
        self._database = database
        self._rows = LoginRows(keyring=keyring, owner=owner)
        self._owner = owner
        self._clock = clock
        self._learn = learn
        self._lease_for = lease_for
        self._renew_within = renew_within
        self._worker = new_token()
        self._seen: dict[str, _Seen] = {}
        self._renewals: dict[str, asyncio.Task[Login]] = {}

    async def current(self, name: str) -> Login | None:
        """Return the stored login, expired or not; at most READ_AGAIN_AFTER behind."""
        seen = self._seen.get(name)
        if seen is not None and self._is_fresh(seen):
            return seen.login
        async with self._database.transaction() as db:
            row = await self._rows.read(db, name)
        if row is None or row.login is None:
            return None
        return self._remember(name, row.login)

    async def renew(self, name: str, *, replacing: int | None, renewal: Renewal) -> Login:
        """Return a login newer than version ``replacing``: another worker's, or our own.

        ``renewal`` is called by one worker at a time and gets the stored login. A refresh token
        that it leaves out is kept (an empty one drops it). What it returns is stored before it
        is returned here. When it fails, those who waited for it fail alike, without a further
        call: a wrong password tried by every worker would lock the account.
        """
        while True:
            running = self._renewals.get(name)
            if running is None:
                running = self._start(name, replacing, renewal)
            # Shielded: a caller that gives up must not take the login away from the others, or
            # cut it between the vendor's answer and the commit.
            login = await asyncio.shield(running)
            if _is_newer(login, replacing):
                return login

    async def forget(self, name: str, *, version: int) -> None:
        """Drop the login of that version: the vendor says that it no longer counts."""
        self._seen.pop(name, None)
        async with self._database.transaction() as db:
            await self._rows.forget(db, name, version=version)

    async def store(self, name: str, login: Login) -> Login:
        """Store a login that a person won by consent. A renewal under way cannot overwrite it."""
        async with self._database.transaction() as db:
            version = await self._rows.put(db, name, login)
        return self._remember(name, _numbered(login, version))

    async def close(self) -> None:
        """Let renewals under way end."""
        await asyncio.gather(*self._renewals.values(), return_exceptions=True)

    def _start(self, name: str, replacing: int | None, renewal: Renewal) -> asyncio.Task[Login]:
        task = asyncio.create_task(
            self._renew(name, replacing, renewal), name=f"renew {name} of {self._owner.name}"
        )
        self._renewals[name] = task
        task.add_done_callback(lambda done: self._ended(name, done))
        return task

    def _ended(self, name: str, task: asyncio.Task[Login]) -> None:
        del self._renewals[name]
        if not task.cancelled():
            task.exception()  # its waiters have it; if all gave up, asyncio need not complain

    async def _renew(self, name: str, replacing: int | None, renewal: Renewal) -> Login:
        """Take the lease and log in, or wait for whoever holds it."""
        waits_for: int | None = None
        pause = _FIRST_LOOK_AFTER
        while True:
            async with self._database.transaction() as db:
                row = await self._rows.lock(db, name)
                if row.login is not None and _is_newer(row.login, replacing):
                    return self._remember(name, row.login)
                if row.failure is not None and _has_failed(row, waits_for):
                    raise row.failure
                fence = None
                if not row.is_leased:
                    fence = await self._rows.lease(
                        db, name, worker=self._worker, lease_for=self._lease_for
                    )
            if fence is not None:
                return await self._renew_under(name, fence, row, renewal)
            waits_for = waits_for or row.fence
            await asyncio.sleep(pause * random.uniform(0.5, 1))  # noqa: S311 - parts the waiters
            pause = min(pause * 2, _LOOK_AT_LEAST_EVERY)

    async def _renew_under(self, name: str, fence: int, row: LoginRow, renewal: Renewal) -> Login:
        """Call the vendor while the lease runs, with no transaction open."""
        try:
            async with self._lease_kept(name, fence), self._time_limit():
                won = await renewal(row.login)
        except TimeoutError:
            seconds = self._renew_within.total_seconds()
            slow = UnavailableError(f"logging in for {self._owner.name} took over {seconds:.0f} s")
            return await self._fail(name, fence, row, slow)
        except ConnectorError as exc:
            return await self._fail(name, fence, row, exc)
        except BaseException as exc:
            await self._give_back(
                name, fence, UnavailableError(f"logging in ended with {type(exc).__name__}")
            )
            raise
        return await self._keep(name, fence, row, _merged(row.login, won))

    def _time_limit(self) -> asyncio.Timeout:
        return asyncio.timeout(self._renew_within.total_seconds())

    @asynccontextmanager
    async def _lease_kept(self, name: str, fence: int) -> AsyncIterator[None]:
        keeper = asyncio.create_task(self._extend_lease(name, fence), name=f"keep lease {name}")
        try:
            yield
        finally:
            keeper.cancel()
            await asyncio.gather(keeper, return_exceptions=True)

    async def _extend_lease(self, name: str, fence: int) -> None:
        while True:
            await asyncio.sleep(self._lease_for.total_seconds() / 4)
            try:
                async with self._database.transaction() as db:
                    await self._rows.extend(db, name, fence=fence, lease_for=self._lease_for)
            except Exception as exc:
                if not is_database_away(exc):
                    raise
                # The lease may end before the database is back; then the fence decides.
                log.warning("login_lease_not_extended", owner=self._owner.name, login=name)

    async def _keep(self, name: str, fence: int, row: LoginRow, won: Login) -> Login:
        """Store what the vendor gave before anybody uses it."""
        version = await self._store_until_done(name, fence, row, won)
        if version is not None:
            log.info("login_renewed", owner=self._owner.name, login=name, version=version)
            return self._remember(name, _numbered(won, version))
        newer = await self._newer_than(name, row.version)
        if newer is None:
            raise UnavailableError(
                f"the login of {self._owner.name} was changed while it was renewed; try again"
            )
        log.info("login_superseded", owner=self._owner.name, login=name, version=newer.version)
        return newer

    async def _store_until_done(
        self, name: str, fence: int, row: LoginRow, won: Login
    ) -> int | None:
        """Store, also through a short absence of the database.

        The vendor may have used up the old refresh token: an answer not stored is a login lost.
        Storing twice is harmless, so a commit of unknown outcome is simply repeated.
        """
        until = self._clock.monotonic() + self._renew_within.total_seconds()
        while True:
            try:
                return await self._database.run(
                    lambda db: self._rows.put_renewed(
                        db, name, won, fence=fence, base_version=row.version
                    )
                )
            except Exception as exc:
                if not is_database_away(exc) or self._clock.monotonic() > until:
                    raise
            await asyncio.sleep(_LOOK_AT_LEAST_EVERY)

    async def _fail(self, name: str, fence: int, row: LoginRow, error: ConnectorError) -> Login:
        """Raise ``error``, unless somebody else has won a login meanwhile."""
        await self._give_back(name, fence, error)
        newer = await self._newer_than(name, row.version)
        if newer is not None:
            return newer
        raise error

    async def _give_back(self, name: str, fence: int, error: ConnectorError) -> None:
        try:
            async with self._database.transaction() as db:
                await self._rows.release(db, name, fence=fence, failure=error)
        except Exception as exc:
            if not is_database_away(exc):
                raise
            # The lease ends by itself; the vendor's error says more than the database's.
            log.info("login_lease_not_given_back", owner=self._owner.name, login=name)

    async def _newer_than(self, name: str, version: int) -> Login | None:
        async with self._database.transaction() as db:
            row = await self._rows.read(db, name)
        if row is None or row.login is None or row.login.version <= version:
            return None
        return self._remember(name, row.login)

    def _remember(self, name: str, login: Login) -> Login:
        self._learn(login)
        self._seen[name] = _Seen(login=login, read_at=self._clock.monotonic())
        return login

    def _is_fresh(self, seen: _Seen) -> bool:
        age = self._clock.monotonic() - seen.read_at
        return 0 <= age < READ_AGAIN_AFTER.total_seconds()


def _is_newer(login: Login, replacing: int | None) -> bool:
    return replacing is None or login.version > replacing


def _has_failed(row: LoginRow, waits_for: int | None) -> bool:
    """Tell whether the renewal that we waited for, or one after it, has failed."""
    return waits_for is not None and row.failed_fence is not None and row.failed_fence >= waits_for


def _merged(old: Login | None, won: Login) -> Login:
    """Add to ``won`` what its answer left out as unchanged, and drop what it emptied."""
    kept = {
        key: value for key, value in (old.values if old else {}).items() if key in _KEPT_WHEN_ABSENT
    }
    values = {key: value for key, value in {**kept, **won.values}.items() if value}
    return replace(won, values=values)


def _numbered(login: Login, version: int) -> Login:
    return replace(login, version=version)
