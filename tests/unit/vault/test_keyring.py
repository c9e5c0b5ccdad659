from __future__ import annotations

import base64
import stat
import threading

import pytest

from ml_connector.core.errors import ConfigurationError
from ml_connector.vault import (
    Keyring,
    MasterKey,
    UnknownKeyError,
    ensure_key_file,
    keep_newest_key_only,
    new_master_key,
    put_key_first,
    read_key_file,
)


def test_the_first_key_is_the_newest():
    first, second = new_master_key(), new_master_key()

    ring = Keyring.from_text(f"# since May\n{first},\n  {second}\n")

    assert ring.newest.id == Keyring.from_text(first).newest.id
    assert len(ring.ids) == 2


def test_both_alphabets_of_base64_are_read():
    raw = bytes(range(224, 256))

    standard = Keyring.from_text(base64.b64encode(raw).decode())
    in_url = Keyring.from_text(base64.urlsafe_b64encode(raw).decode())

    assert standard.ids == in_url.ids


@pytest.mark.parametrize("text", ["", "  # nothing\n"])
def test_no_key_says_how_to_make_one(text):
    with pytest.raises(ConfigurationError, match="keys new"):
        Keyring.from_text(text)


@pytest.mark.parametrize("text", ["not base64!", base64.b64encode(b"too short").decode()])
def test_a_bad_key_is_refused_without_showing_it(text):
    with pytest.raises(ConfigurationError) as refused:
        Keyring.from_text(text)

    assert text not in str(refused.value)
    assert refused.value.__cause__ is None


def test_a_key_does_not_show_itself():
    key = MasterKey(b"canary-canary-canary-canary-1234")

    assert "canary" not in repr(key)
    assert "canary" not in repr(Keyring([key]))
    assert b"canary".hex() not in key.id


def test_an_unknown_key_names_those_that_are_there():
    ring = Keyring([MasterKey(b"k" * 32)])

    with pytest.raises(UnknownKeyError, match=ring.newest.id):
        ring.key("0123456789abcdef")


def test_the_key_file_is_for_its_owner_only(tmp_path):
    path = tmp_path / "master.keys"

    made = ensure_key_file(path)

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert read_key_file(path).ids == made.ids
    assert ensure_key_file(path).ids == made.ids


def test_a_key_file_that_others_can_read_is_refused(tmp_path):
    path = tmp_path / "master.keys"
    ensure_key_file(path)
    path.chmod(0o640)

    with pytest.raises(ConfigurationError, match="chmod 600"):
        read_key_file(path)


def test_many_at_once_make_one_key_file(tmp_path):
    path = tmp_path / "master.keys"
    begin = threading.Barrier(8)
    rings: list[Keyring] = []

    def make() -> None:
        begin.wait()
        rings.append(ensure_key_file(path))

    threads = [threading.Thread(target=make) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert {ring.ids for ring in rings} == {read_key_file(path).ids}
    assert [each.name for each in tmp_path.iterdir()] == ["master.keys"]


def test_a_new_key_goes_first_and_the_old_ones_can_be_dropped(tmp_path):
    path = tmp_path / "master.keys"
    old = ensure_key_file(path)
    fresh = new_master_key()

    both = put_key_first(path, fresh)
    only = keep_newest_key_only(path)

    assert both.ids == (Keyring.from_text(fresh).newest.id, old.newest.id)
    assert only.ids == both.ids[:1]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
