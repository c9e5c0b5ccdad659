from __future__ import annotations

import base64
import copy
import hashlib
import hmac
import json
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml_connector.core.secret import Secret
from ml_connector.core.webhooks import Guard, WebhookRefusedError, WebhookUnreadableError
from ml_connector.vendors.pipedrive.webhooks import read, verify

KEY = Secret("a shared secret")
SIGNED = Guard(signature_key=KEY)
BASIC = Guard(basic=(Secret("hook"), Secret("s3cret:with colon")))

V2: dict[str, Any] = {
    "meta": {
        "action": "change", "entity": "deal", "entity_id": "4711", "company_id": "54235233",
        "id": "71825ee0-0054-4267-b5fd-d28b7a414212",
        "correlation_id": "4095519f-02cb-44bc-bd2f-551d5383f202",
        "is_bulk_edit": False, "timestamp": "2026-10-02T09:30:11.089Z", "type": "general",
        "user_id": "2001", "version": "2.0", "webhook_id": "9001", "webhook_owner_id": "2001",
        "change_source": "app", "attempt": 1, "host": "acme-1a2b3c.pipedrive.com",
        "permitted_user_ids": ["2001", "2002"],
    },
    "data": {
        "id": 4711, "status": "won", "value": 24960.5, "visible_to": "3",
        "update_time": "2026-10-02T09:30:11Z", "won_time": "2026-10-02T09:30:10Z",
    },
    "previous": {"status": "open", "won_time": None},
}  # fmt: skip
V1: dict[str, Any] = {
    "v": 1,
    "matches_filters": {"current": [], "previous": []},
    "meta": {
        "v": 1, "action": "updated", "object": "deal", "id": 4711, "company_id": 54235233,
        "user_id": 2001, "host": "acme-1a2b3c.pipedrive.com", "timestamp": 1790933411,
        "timestamp_micro": 1790933411089300, "permitted_user_ids": [2001, 2002],
        "trans_pending": False, "is_bulk_update": False, "pipedrive_service_name": False,
        "change_source": "app", "webhook_id": 9002,
    },
    "retry": 0,
    "current": {
        "id": 4711, "title": "Conveyor line Nord", "status": "won",
        "update_time": "2026-10-02 09:30:11", "won_time": "2026-10-02 09:30:10", "lost_time": None,
    },
    "previous": {"id": 4711, "status": "open", "won_time": None},
    "event": "updated.deal",
}  # fmt: skip


def hex_signature(body: bytes) -> str:
    return hmac.new(b"a shared secret", body, hashlib.sha256).hexdigest()


def basic(user: str, password: str) -> dict[str, str]:
    return {"authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


def changed(body: dict[str, Any], **meta: Any) -> bytes:
    body = copy.deepcopy(body)
    body["meta"] |= meta
    return json.dumps(body).encode()


@given(body=st.binary(max_size=200))
def test_every_spelling_of_the_right_signature_passes(body):
    digest = hmac.new(b"a shared secret", body, hashlib.sha256).digest()
    spellings = (
        digest.hex(),
        digest.hex().upper(),
        f"sha256={digest.hex()}",
        base64.b64encode(digest).decode(),
        f"sha256={base64.b64encode(digest).decode()}",
    )

    for spelling in spellings:
        verify(body, {"x-pipedrive-signature": spelling}, SIGNED)


@given(body=st.binary(min_size=1, max_size=200), position=st.integers(0, 10_000))
def test_one_changed_bit_of_the_body_is_refused(body, position):
    altered = bytearray(body)
    altered[position % len(body)] ^= 1

    with pytest.raises(WebhookRefusedError):
        verify(bytes(altered), {"x-pipedrive-signature": hex_signature(body)}, SIGNED)


@given(signature=st.text(max_size=100))
def test_any_other_signature_is_refused(signature):
    with pytest.raises(WebhookRefusedError, match="signature"):
        verify(b"{}", {"x-pipedrive-signature": signature}, SIGNED)


def test_missing_signature_is_refused():
    with pytest.raises(WebhookRefusedError, match="signature"):
        verify(b"{}", basic("hook", "s3cret:with colon"), SIGNED)


def test_body_is_verified_as_received_and_not_as_parsed():
    body = b'{"b": 1,  "a": 2}'

    verify(body, {"x-pipedrive-signature": hex_signature(body)}, SIGNED)
    with pytest.raises(WebhookRefusedError):
        verify(b'{"b":1,"a":2}', {"x-pipedrive-signature": hex_signature(body)}, SIGNED)


def test_right_user_and_password_pass():
    verify(b"anything", basic("hook", "s3cret:with colon"), BASIC)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        basic("hook", "wrong"),
        basic("wrong", "s3cret:with colon"),
        basic("hook", ""),
        {"authorization": "Basic not-base64!"},
        {"authorization": "Basic"},
        {"authorization": basic("hook", "s3cret:with colon")["authorization"][6:]},
        {"authorization": "Bearer " + basic("hook", "s3cret:with colon")["authorization"][6:]},
    ],
)
def test_wrong_user_or_password_is_refused(headers):
    with pytest.raises(WebhookRefusedError, match="user name and password"):
        verify(b"anything", headers, BASIC)


def test_guard_with_both_needs_both():
    guard = Guard(basic=BASIC.basic, signature_key=KEY)
    signed = {"x-pipedrive-signature": hex_signature(b"{}")}

    verify(b"{}", signed | basic("hook", "s3cret:with colon"), guard)
    with pytest.raises(WebhookRefusedError):
        verify(b"{}", signed, guard)
    with pytest.raises(WebhookRefusedError):
        verify(b"{}", basic("hook", "s3cret:with colon"), guard)


def test_guard_before_the_rotation_passes_too():
    rotated = Guard(signature_key=Secret("the new secret"), previous=SIGNED)

    verify(b"{}", {"x-pipedrive-signature": hex_signature(b"{}")}, rotated)


def test_open_guard_lets_nothing_through_not_even_as_previous():
    with pytest.raises(WebhookRefusedError):
        verify(b"{}", {}, Guard())
    with pytest.raises(WebhookRefusedError):
        verify(b"{}", {}, Guard(signature_key=KEY, previous=Guard()))


def test_reads_a_change_of_format_2():
    (event,) = read(json.dumps(V2).encode(), {})

    assert (event.kind, event.key, event.action) == ("deal", "4711", "changed")
    assert event.changed_at == datetime(2026, 10, 2, 9, 30, 11, tzinfo=UTC)
    assert event.happened_at == datetime(2026, 10, 2, 9, 30, 11, 89000, tzinfo=UTC)
    assert event.moment == datetime(2026, 10, 2, 9, 30, 10, tzinfo=UTC)
    assert event.correlation_id == "4095519f-02cb-44bc-bd2f-551d5383f202"
    assert event.delivery_keys == (
        "v2:71825ee0-0054-4267-b5fd-d28b7a414212",
        "v2:4095519f-02cb-44bc-bd2f-551d5383f202:deal:4711:change",
    )


def test_reads_a_change_of_format_1():
    (event,) = read(json.dumps(V1).encode(), {})

    assert (event.kind, event.key, event.action) == ("deal", "4711", "changed")
    assert event.changed_at == datetime(2026, 10, 2, 9, 30, 11, tzinfo=UTC)
    assert event.moment == datetime(2026, 10, 2, 9, 30, 10, tzinfo=UTC)
    assert event.delivery_keys == ("v1:deal:4711:updated:1790933411089300",)
    assert event.attempt == 1


def test_repeated_delivery_of_format_2_has_the_same_keys_and_another_attempt():
    (first,) = read(json.dumps(V2).encode(), {})
    (second,) = read(changed(V2, attempt=3), {})

    assert second.delivery_keys == first.delivery_keys
    assert second.attempt == 3


def test_repeated_delivery_of_format_1_has_the_same_key():
    (first,) = read(json.dumps(V1).encode(), {})
    (second,) = read(json.dumps(V1 | {"retry": 2}).encode(), {})

    assert second.delivery_keys == first.delivery_keys
    assert second.attempt == 3


def test_same_change_sent_by_two_subscriptions_of_format_1_is_known():
    (first,) = read(json.dumps(V1).encode(), {})
    (second,) = read(changed(V1, webhook_id=9999), {})

    assert second.delivery_keys == first.delivery_keys


def test_records_of_one_correlation_id_are_told_apart():
    (deal,) = read(json.dumps(V2).encode(), {})
    (other,) = read(changed(V2, id="other", entity_id="4712"), {})

    assert not set(deal.delivery_keys) & set(other.delivery_keys)


def test_deletion_of_format_2_carries_no_data():
    body = json.dumps(
        {
            "meta": V2["meta"] | {"action": "delete", "entity": "organization", "entity_id": "88"},
            "data": None,
            "previous": {"id": 88, "name": "Nordwerk GmbH"},
        }
    ).encode()

    (event,) = read(body, {})

    assert (event.kind, event.key, event.action) == ("organization", "88", "deleted")
    assert event.changed_at is None
    assert event.happened_at is not None


def test_deletion_of_format_1_carries_no_current():
    body = V1 | {"event": "deleted.deal", "current": None}

    (event,) = read(changed(body, action="deleted"), {})

    assert (event.action, event.key, event.changed_at) == ("deleted", "4711", None)


def test_loser_of_a_merge_names_the_survivor():
    body = changed(
        V2 | {"data": None}, action="delete", entity="organization", entity_id="88",
        merged_to_id="89",
    )  # fmt: skip

    (event,) = read(body, {})

    assert (event.action, event.key, event.merged_into) == ("merged", "88", "89")


def test_survivor_of_a_merge_has_changed():
    (in_2_0,) = read(changed(V2, merged_from_id="88"), {})
    (in_1_0,) = read(changed(V1 | {"event": "merged.deal"}, action="merged"), {})

    assert (in_2_0.action, in_2_0.merged_into) == ("changed", None)
    assert (in_2_0.merged_from, in_1_0.merged_from) == ("88", None)
    assert (in_1_0.action, in_1_0.merged_into) == ("changed", None)


def test_event_of_format_1_without_microseconds_has_no_delivery_key():
    (event,) = read(changed(V1, timestamp_micro=None), {})

    assert event.delivery_keys == ()
    assert event.happened_at == datetime.fromtimestamp(1790933411, UTC)


def test_events_of_users_are_passed_over():
    body = {"meta": V2["meta"] | {"entity": "user", "timestamp": 1790933411}, "data": []}

    assert read(json.dumps(body).encode(), {}) == ()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not json",
        b"[]",
        b"{}",
        b'{"meta": 1}',
        b'{"meta": {}}',
        b'{"meta": {"v": 1}}',
        changed(V2, action="exploded"),
        changed(V2 | {"data": None, "previous": None}, entity_id=None),
        changed(V2, timestamp="yesterday"),
        b"\xff\xfe",
    ],
)
def test_what_is_not_documented_is_unreadable(body):
    with pytest.raises(WebhookUnreadableError):
        read(body, {})


@given(body=st.binary(max_size=300))
def test_no_bytes_do_anything_but_read_or_be_unreadable(body):
    with suppress(WebhookUnreadableError):
        read(body, {})
