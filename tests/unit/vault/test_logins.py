from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, text

from ml_connector.core.clock import SystemClock
from ml_connector.core.errors import AuthenticationError, UnavailableError
from ml_connector.core.logins import Login
from ml_connector.core.secret import Secret
from ml_connector.storage.database import Database
from ml_connector.vault import Keyring, MasterKey, Owner, VaultLogins
from ml_connector.vault.logins import LEASE_FOR, RENEW_WITHIN
from ml_connector.vault.tables import login as login_table

OWNER = Owner(workspace_id=1, name="connection:7")
RING = Keyring([MasterKey(b"k" * 32)])
CANARY = "canary-refresh-4711"

MakeLogins = Callable[..., VaultLogins]


def login_of(token: str, **values: str) -> Login:
    secrets = {"access_token": token, **values}
    return Login(
        values={name: Secret(value) for name, value in secrets.items()},
        facts={"api_domain": "https://acme.example.com"},
        expires_at=datetime(2026, 5, 4, 13, tzinfo=UTC),
    )


class FakeVendor:
    """Gives a new token at each log-in, slowly, and counts."""

    def __init__(self, *, takes: float = 0.05) -> None:
        self.calls = 0
        self.saw: list[Login | None] = []
        self.error: Exception | None = None
        self._takes = takes

    async def renewal(self, held: Login | None) -> Login:
        self.calls += 1
        self.saw.append(held)
        await asyncio.sleep(self._takes)
        if self.error is not None:
            raise self.error
        return login_of(f"token {self.calls}")


@pytest.fixture
def make_logins(database: Database) -> MakeLogins:
    """Make stores that share nothing but the database, as processes do."""

    def make(**times: timedelta) -> VaultLogins:
        return VaultLogins(
            database=database,
            keyring=RING,
            owner=OWNER,
            clock=SystemClock(),
            lease_for=times.get("lease_for", LEASE_FOR),
            renew_within=times.get("renew_within", RENEW_WITHIN),
        )

    return make


@pytest.fixture
async def processes(database_url: str) -> AsyncIterator[list[VaultLogins]]:
    async with AsyncExitStack() as stack:
        found = []
        for _ in range(4):
            own = await Database.connect(database_url, pool_size=3)
            stack.push_async_callback(own.close)
            found.append(VaultLogins(database=own, keyring=RING, owner=OWNER, clock=SystemClock()))
        yield found


async def test_a_login_comes_back_with_its_facts_and_version(make_logins):
    vendor = FakeVendor()

    won = await make_logins().renew("user", replacing=None, renewal=vendor.renewal)
    read = await make_logins().current("user")

    assert read == won
    assert won.version == 1
    assert won.values["access_token"].reveal() == "token 1"
    assert won.facts == {"api_domain": "https://acme.example.com"}


async def test_many_renewals_in_many_processes_make_one_login_call(processes):
    vendor = FakeVendor()

    won = await asyncio.gather(
        *(
            logins.renew("user", replacing=None, renewal=vendor.renewal)
            for logins in processes
            for _ in range(25)
        )
    )

    assert vendor.calls == 1
    assert {(each.version, each.values["access_token"].reveal()) for each in won} == {
        (1, "token 1")
    }


async def test_a_refused_version_is_replaced_once_however_late_somebody_asks(processes):
    vendor = FakeVendor()
    for logins in processes:
        await logins.renew("user", replacing=None, renewal=vendor.renewal)

    for logins in processes:
        await logins.renew("user", replacing=1, renewal=vendor.renewal)

    assert vendor.calls == 2


async def test_those_who_waited_fail_alike_without_another_call(processes):
    vendor = FakeVendor(takes=0.3)
    vendor.error = AuthenticationError("the password of user kim was refused")

    failed = await asyncio.gather(
        *(
            logins.renew("user", replacing=None, renewal=vendor.renewal)
            for logins in processes
            for _ in range(5)
        ),
        return_exceptions=True,
    )

    assert vendor.calls == 1
    assert {(type(each), str(each)) for each in failed} == {
        (AuthenticationError, "the password of user kim was refused")
    }


async def test_after_a_failure_the_next_one_may_log_in(make_logins):
    vendor = FakeVendor()
    vendor.error = UnavailableError("away")
    with pytest.raises(UnavailableError):
        await make_logins().renew("user", replacing=None, renewal=vendor.renewal)
    vendor.error = None

    won = await make_logins().renew("user", replacing=None, renewal=vendor.renewal)

    assert won.values["access_token"].reveal() == "token 2"


async def test_an_answer_without_a_refresh_token_keeps_the_old_one(make_logins):
    logins = make_logins()
    await logins.store("user", login_of("a", refresh_token="keep me", session="drop me"))

    async def renewal(_):
        return login_of("b")

    won = await logins.renew("user", replacing=1, renewal=renewal)

    assert {key: value.reveal() for key, value in won.values.items()} == {
        "access_token": "b",
        "refresh_token": "keep me",
    }
    assert await make_logins().current("user") == won


async def test_an_empty_refresh_token_drops_the_old_one(make_logins):
    logins = make_logins()
    await logins.store("user", login_of("a", refresh_token="dead"))

    async def renewal(_):
        return login_of("b", refresh_token="")

    won = await logins.renew("user", replacing=1, renewal=renewal)

    assert set(won.values) == {"access_token"}


async def test_a_rotated_refresh_token_is_committed_before_it_is_handed_out(make_logins):
    logins = make_logins()
    await logins.store("user", login_of("a", refresh_token="first"))

    async def renewal(_):
        return login_of("b", refresh_token="second")

    won = await logins.renew("user", replacing=1, renewal=renewal)
    seen_by_another = await make_logins().current("user")

    assert won.values["refresh_token"].reveal() == "second"
    assert seen_by_another == won


async def test_no_transaction_is_open_while_the_vendor_is_called(make_logins, database):
    open_transactions = []

    async def renewal(_):
        async with database.transaction() as db:
            count = await db.scalar(
                text(
                    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
                    "AND pid <> pg_backend_pid() AND xact_start IS NOT NULL"
                )
            )
            open_transactions.append(count)
        return login_of("a")

    await make_logins().renew("user", replacing=None, renewal=renewal)

    assert open_transactions == [0]


async def test_the_lease_is_kept_while_a_slow_renewal_lives(make_logins):
    short = timedelta(milliseconds=200)
    vendor = FakeVendor(takes=1.0)

    won = await asyncio.gather(
        *(
            make_logins(lease_for=short).renew("user", replacing=None, renewal=vendor.renewal)
            for _ in range(3)
        )
    )

    assert vendor.calls == 1
    assert {each.version for each in won} == {1}


async def test_a_caller_that_gives_up_does_not_take_the_login_from_the_others(make_logins):
    logins = make_logins()
    vendor = FakeVendor(takes=0.2)
    impatient = asyncio.create_task(logins.renew("user", replacing=None, renewal=vendor.renewal))
    await asyncio.sleep(0)  # lets it begin
    patient = asyncio.create_task(logins.renew("user", replacing=None, renewal=vendor.renewal))
    await asyncio.sleep(0)

    impatient.cancel()

    assert (await patient).version == 1
    assert vendor.calls == 1
    with pytest.raises(asyncio.CancelledError):
        await impatient


async def test_a_renewal_that_takes_too_long_fails_and_frees_the_lease(make_logins):
    slow = FakeVendor(takes=30)
    with pytest.raises(UnavailableError, match="took over"):
        await make_logins(renew_within=timedelta(milliseconds=100)).renew(
            "user", replacing=None, renewal=slow.renewal
        )

    won = await make_logins().renew("user", replacing=None, renewal=FakeVendor().renewal)

    assert won.version == 1


async def test_a_consent_stored_meanwhile_is_not_overwritten_by_a_renewal(make_logins):
    logins, console = make_logins(), make_logins()
    await logins.store("user", login_of("old"))

    async def renewal(_):
        await console.store("user", login_of("of the consent"))
        return login_of("of the renewal")

    won = await logins.renew("user", replacing=1, renewal=renewal)

    assert won.values["access_token"].reveal() == "of the consent"
    assert await make_logins().current("user") == won


async def test_a_failure_after_somebody_else_won_a_login_is_no_failure(make_logins):
    logins, console = make_logins(), make_logins()
    await logins.store("user", login_of("old"))

    async def renewal(_):
        await console.store("user", login_of("of the consent"))
        raise AuthenticationError("the refresh token was used already")

    won = await logins.renew("user", replacing=1, renewal=renewal)

    assert won.values["access_token"].reveal() == "of the consent"


async def test_a_forgotten_login_is_gone_and_its_version_never_comes_back(make_logins):
    logins = make_logins()
    first = await logins.store("user", login_of("a"))

    await logins.forget("user", version=first.version)
    gone = await logins.current("user")
    vendor = FakeVendor()
    again = await logins.renew("user", replacing=first.version, renewal=vendor.renewal)

    assert gone is None
    assert vendor.saw == [None]
    assert again.version == first.version + 1


async def test_forgetting_an_older_version_leaves_the_newer_one(make_logins):
    logins = make_logins()
    await logins.store("user", login_of("a"))
    newer = await logins.store("user", login_of("b"))

    await logins.forget("user", version=newer.version - 1)

    assert await make_logins().current("user") == newer


async def test_a_stopped_renewer_cannot_overwrite_the_newer_login(make_logins, database_url):
    logins = make_logins()
    await logins.store("user", login_of("old"))
    slow = await asyncio.create_subprocess_exec(
        sys.executable,
        str(Path(__file__).with_name("slow_renewer.py")),
        database_url,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert slow.stdin is not None
    assert slow.stdout is not None
    async with asyncio.timeout(30):
        assert await slow.stdout.readline() == b"renewing\n"
        slow.send_signal(signal.SIGSTOP)

        won = await logins.renew("user", replacing=1, renewal=FakeVendor().renewal)
        slow.send_signal(signal.SIGCONT)
        answer, _ = await slow.communicate(b"go on\n")

    assert won.version == 2
    assert answer.splitlines()[-1] == b"2 token 1"
    assert await make_logins().current("user") == won


async def test_a_lost_lease_without_a_newer_login_still_stores_what_the_vendor_gave(
    make_logins, database
):
    """The refresh token that it started from is used up: dropping the answer loses the login."""
    logins = make_logins()
    await logins.store("user", login_of("old", refresh_token="used up now"))

    async def renewal(_):
        async with database.transaction() as db:
            await db.execute(text("UPDATE login SET fence = fence + 1, lease_owner = 'other'"))
        return login_of("new", refresh_token="next")

    won = await logins.renew("user", replacing=1, renewal=renewal)

    assert won.values["refresh_token"].reveal() == "next"
    assert await make_logins().current("user") == won


async def test_no_secret_is_in_the_rows_errors_or_logs(make_logins, database, capsys, caplog):
    logins = make_logins()
    await logins.store("user", login_of("token", refresh_token=CANARY))

    async def renewal(_):
        raise AuthenticationError("refused")

    with pytest.raises(AuthenticationError) as refused:
        await logins.renew("user", replacing=1, renewal=renewal)
    held = await logins.current("user")
    async with database.transaction() as db:
        dump = (await db.execute(text("SELECT CAST(l AS text) FROM login l"))).scalars().all()
        rows = (await db.execute(select(login_table))).all()

    shown = [*dump, repr(rows), repr(held), repr(refused.value), caplog.text]
    shown += capsys.readouterr()
    assert len(dump) == 1
    assert not [each for each in shown if CANARY in each or CANARY.encode().hex() in each]


async def test_every_login_is_told_before_it_is_used(database):
    told: list[Login] = []
    logins = VaultLogins(
        database=database, keyring=RING, owner=OWNER, clock=SystemClock(), learn=told.append
    )

    won = await logins.renew("user", replacing=None, renewal=FakeVendor().renewal)

    assert told == [won]
