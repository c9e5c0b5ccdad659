from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml_connector.vault import (
    Binding,
    Envelope,
    Keyring,
    MasterKey,
    Owner,
    SealBrokenError,
    UnknownKeyError,
    open_envelope,
    rewrap,
    seal,
)

master_keys = st.binary(min_size=32, max_size=32).map(MasterKey)
owners = st.builds(Owner, workspace_id=st.integers(1, 2**62), name=st.text(min_size=1))
bindings = st.builds(Binding, owner=owners, field=st.text(min_size=1))
OLD, NEW = MasterKey(b"o" * 32), MasterKey(b"n" * 32)


@given(plain=st.binary(), binding=bindings, key=master_keys)
def test_what_was_sealed_opens_for_its_binding(plain, binding, key):
    ring = Keyring([key])

    assert open_envelope(seal(plain, binding, ring), binding, ring) == plain


@given(plain=st.binary(), binding=bindings, data=st.data())
def test_any_changed_byte_keeps_it_shut(plain, binding, data):
    ring = Keyring([OLD])
    envelope = seal(plain, binding, ring)
    part = data.draw(st.sampled_from(["wrapped_key", "sealed"]))
    original = getattr(envelope, part)
    place = data.draw(st.integers(0, len(original) - 1))
    flip = data.draw(st.integers(1, 255))
    changed = original[:place] + bytes([original[place] ^ flip]) + original[place + 1 :]
    parts = {"wrapped_key": envelope.wrapped_key, "sealed": envelope.sealed, part: changed}

    with pytest.raises(SealBrokenError):
        open_envelope(Envelope(key_id=envelope.key_id, **parts), binding, ring)


@given(plain=st.binary(), here=bindings, there=bindings)
def test_a_sealed_value_moved_elsewhere_does_not_open(plain, here, there):
    ring = Keyring([OLD])
    envelope = seal(plain, here, ring)

    if here != there:
        with pytest.raises(SealBrokenError):
            open_envelope(envelope, there, ring)


@given(data=st.data(), part=st.sampled_from(["wrapped_key", "sealed"]))
def test_a_cut_value_does_not_open(data, part):
    ring = Keyring([OLD])
    binding = Owner(workspace_id=1, name="connection:7").binding("password")
    envelope = seal(b"hunter2", binding, ring)
    cut = getattr(envelope, part)[: data.draw(st.integers(0, 43))]
    parts = {"wrapped_key": envelope.wrapped_key, "sealed": envelope.sealed, part: cut}

    if cut != getattr(envelope, part):
        with pytest.raises(SealBrokenError):
            open_envelope(Envelope(key_id=envelope.key_id, **parts), binding, ring)


def test_names_that_run_together_are_different_bindings():
    one = Owner(workspace_id=1, name="connection:1").binding("2password")
    other = Owner(workspace_id=1, name="connection:12").binding("password")

    assert one.associated_data() != other.associated_data()


def test_an_envelope_of_another_master_key_names_the_key_that_is_missing():
    binding = Owner(workspace_id=1, name="connection:7").binding("password")
    envelope = seal(b"x", binding, Keyring([OLD]))

    with pytest.raises(UnknownKeyError, match=OLD.id):
        open_envelope(envelope, binding, Keyring([NEW]))


def test_rewrapping_changes_the_key_and_not_what_is_sealed():
    binding = Owner(workspace_id=1, name="connection:7").binding("password")
    envelope = seal(b"hunter2", binding, Keyring([OLD]))

    again = rewrap(envelope, Keyring([NEW, OLD]))

    assert again.key_id == NEW.id
    assert again.sealed == envelope.sealed
    assert open_envelope(again, binding, Keyring([NEW])) == b"hunter2"


def test_the_same_secret_twice_looks_different():
    binding = Owner(workspace_id=1, name="connection:7").binding("password")

    first, second = (seal(b"hunter2", binding, Keyring([OLD])) for _ in range(2))

    assert first.sealed != second.sealed
    assert first.wrapped_key != second.wrapped_key
