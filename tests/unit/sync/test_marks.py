"""The mark's promise, played against histories: nothing that was committed is ever missed."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from ml_connector.core.changes import Change, ChangePage
from ml_connector.core.profile import Stream
from ml_connector.sync.marks import Position, settled_version

BEGIN = datetime(2026, 11, 2, tzinfo=UTC)
LATE_BY = timedelta(seconds=6)


@dataclass
class Vendor:
    """Records whose changes become readable some time after the second that they carry."""

    now: int = 0
    changes: dict[str, tuple[int, int]] = field(default_factory=dict)  # key: (carries, readable)

    def change(self, key: str, late_by: int) -> None:
        self.changes[key] = (self.now, self.now + late_by)

    def readable(self, since: datetime, *, is_ordered: bool) -> list[tuple[str, int]]:
        found = [
            (key, carries)
            for key, (carries, visible) in self.changes.items()
            if visible <= self.now and moment(carries) >= since
        ]
        return sorted(found, key=lambda one: (one[1], one[0]) if is_ordered else one[0])


def moment(seconds: int) -> datetime:
    return BEGIN + timedelta(seconds=seconds)


@dataclass
class Reader:
    """Reads as the poller does: key-set pages, the mark stored with what was captured."""

    vendor: Vendor
    stream: Stream
    page_size: int
    position: Position = field(default_factory=lambda: Position(mark=BEGIN))
    captured: dict[str, set[int]] = field(default_factory=dict)
    _after: tuple[int, str] | str | None = None
    _since: datetime | None = None

    def read_page(self) -> None:
        since = self._since = self._since or self.position.since(self.stream)
        rows = self.vendor.readable(since, is_ordered=self.stream.is_ordered)
        if self._after is not None:
            rows = [row for row in rows if self._key(row) > self._after]  # type: ignore[operator] # one kind of key per reader
        shown, rest = rows[: self.page_size], rows[self.page_size :]
        page = ChangePage(
            changes=tuple(
                Change(kind="deal", key=key, changed_at=moment(carries)) for key, carries in shown
            ),
            next_page="more" if rest else None,
            read_at=moment(self.vendor.now),
        )
        for key, carries in shown:
            self.captured.setdefault(key, set()).add(carries)
        self.position = self.position.after(page, self.stream)
        if rest:
            self._after = self._key(shown[-1])
        else:
            self._after = self._since = None

    def crash(self) -> None:
        """Forget everything but what is stored."""
        self.position = Position.from_json({"mark": self.position.mark.isoformat()})
        self._after = self._since = None

    def finish(self) -> None:
        self.read_page()
        while self._after is not None:
            self.read_page()

    def _key(self, row: tuple[str, int]) -> tuple[int, str] | str:
        return (row[1], row[0]) if self.stream.is_ordered else row[0]


moves = st.lists(
    st.one_of(
        st.tuples(st.just("change"), st.sampled_from("abcdefghijkl"), st.sampled_from([0, 0, 6])),
        st.tuples(st.just("change"), st.sampled_from("abcdefghijkl"), st.sampled_from([0, 0, 6])),
        st.tuples(st.just("wait"), st.sampled_from([1, 2, 9]), st.none()),
        st.tuples(st.just("page"), st.none(), st.none()),
        st.tuples(st.just("page"), st.none(), st.none()),
        st.tuples(st.just("crash"), st.none(), st.none()),
    ),
    min_size=10,
    max_size=50,
)


@settings(max_examples=1500, deadline=None)
@given(history=moves, page_size=st.integers(1, 2), is_ordered=st.booleans())
def test_no_history_of_ties_late_commits_page_shifts_and_crashes_hides_a_change(
    history, page_size, is_ordered
):
    vendor = Vendor()
    stream = Stream(
        name="deals", kind="deal", commits_late_by=LATE_BY, precision=timedelta(seconds=1),
        is_ordered=is_ordered,
    )  # fmt: skip
    reader = Reader(vendor, stream, page_size)

    for move, subject, amount in history:
        match move:
            case "change":
                vendor.change(subject, amount)
            case "wait":
                vendor.now += subject
            case "page":
                reader.read_page()
            case "crash":
                reader.crash()
    vendor.now += 20
    reader.crash()
    reader.finish()

    for key, (carries, _) in vendor.changes.items():
        assert carries in reader.captured.get(key, set()), f"{key} of second {carries} was missed"


@given(seconds=st.integers(0, 30))
def test_a_time_of_change_counts_as_a_version_only_when_no_other_change_can_carry_it(seconds):
    stream = Stream(name="deals", kind="deal", precision=timedelta(seconds=1))

    version = settled_version(
        BEGIN, BEGIN + timedelta(seconds=seconds), stream, guard=timedelta(seconds=5)
    )

    assert (version is None) == (seconds <= 6)
