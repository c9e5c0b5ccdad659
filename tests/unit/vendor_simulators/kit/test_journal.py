from __future__ import annotations

from datetime import UTC, datetime

from vendor_simulators.kit import Journal, journal

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def record(
    book: Journal,
    *,
    operation: str = "GET x",
    status: int = 200,
    cost: int = 1,
    fault: str | None = None,
    body: bytes = b"",
) -> None:
    book.record(
        at=NOON,
        method="GET",
        target="/x?a=1",
        operation=operation,
        status=status,
        cost=cost,
        fault=fault,
        seconds=0.25,
        body=body,
    )


def test_calls_are_numbered_and_can_be_read_on_from_a_number():
    book = Journal()
    for _ in range(3):
        record(book)

    assert [call["number"] for call in book.calls(since=1)] == [2, 3]
    assert [call["number"] for call in book.calls(limit=2)] == [1, 2]
    assert book.calls(since=3) == []


def test_counts_stay_whole_when_old_calls_are_dropped(monkeypatch):
    monkeypatch.setattr(journal, "CALLS_KEPT", 2)
    book = Journal()
    for _ in range(5):
        record(book, cost=3)
    record(book, operation="PUT y", status=500, fault="status")

    summary = book.summary()

    assert [call["number"] for call in book.calls()] == [5, 6]
    assert [call["number"] for call in book.calls(since=5)] == [6]
    assert (summary["calls"], summary["cost"]) == (6, 16)
    assert summary["by"][0] == {
        "operation": "GET x",
        "status": 200,
        "fault": None,
        "count": 5,
        "cost": 15,
    }


def test_bodies_are_cut_and_the_oldest_go_first(monkeypatch):
    monkeypatch.setattr(journal, "BODY_KEPT", 4)
    monkeypatch.setattr(journal, "BODIES_KEPT", 8)
    book = Journal()
    for body in (b"first", b"second", b"third"):
        record(book, body=body)

    assert [call["body"] for call in book.calls()] == [None, "seco", "thir"]
