import os
from pathlib import Path

import pytest

from ml_connector.storage.ownership import (
    Address,
    AlreadyOwnedError,
    OwnerLock,
    publish,
    published,
    withdraw,
)

ADDRESS = Address(
    url="postgresql://me@/db?host=/run/x",
    owner_pid=17,
    socket=Path("/run/x/.s.PGSQL.5432"),
    temporary_folders=[Path("/run/x")],
)


@pytest.fixture
def home(tmp_path):
    (tmp_path / "database").mkdir()
    return tmp_path


def test_one_owner_at_a_time_and_the_next_one_after_it(home):
    first, second = OwnerLock(home), OwnerLock(home)
    first.take()

    with pytest.raises(AlreadyOwnedError, match=str(os.getpid())):
        second.take()
    first.release()
    second.take()

    second.release()


def test_owners_of_different_homes_do_not_meet(tmp_path):
    locks = []
    for name in ("a", "b"):
        (tmp_path / name / "database").mkdir(parents=True)
        locks.append(OwnerLock(tmp_path / name))

    for lock in locks:
        lock.take()

    for lock in locks:
        lock.release()


def test_lock_left_by_a_dead_owner_is_free(home):
    child = os.fork()
    if child == 0:
        OwnerLock(home).take()
        os._exit(0)
    os.waitpid(child, 0)

    lock = OwnerLock(home)
    lock.take()
    lock.release()


def test_address_comes_back_as_published_and_only_its_owner_can_read_it(home):
    publish(home, ADDRESS)

    assert published(home) == ADDRESS
    assert (home / "database" / "address.json").stat().st_mode & 0o077 == 0


def test_withdrawn_address_is_gone(home):
    publish(home, ADDRESS)

    withdraw(home)
    withdraw(home)

    assert published(home) is None
