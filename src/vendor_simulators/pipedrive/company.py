"""The company's books: every table, and the only ways in which a row changes.

A change stamps ``update_time`` (whole seconds, never going back), writes the changelog and tells
the listeners: search index and webhooks. v1, v2, the UI's actions and seeding all come here.
"""

from __future__ import annotations

import heapq
import random
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from typing import Any
from zoneinfo import ZoneInfo

from vendor_simulators.kit import SimClock
from vendor_simulators.pipedrive.fields import FieldBook
from vendor_simulators.pipedrive.table import Table
from vendor_simulators.pipedrive.wire import Row, v2_time

COMPANY_ID = 54_235_233
COMPANY_DOMAIN = "acme-1a2b3c"
FIRST_USER = 2001
OWNER_ONLY = 1  # visible_to of a record that only its owner and admins see
KEPT_DELETED = timedelta(days=30)  # afterwards a deleted record is gone

_INDEXED: Mapping[str, tuple[str, ...]] = {
    "deal": ("status", "org_id", "person_id", "owner_id", "pipeline_id", "stage_id"),
    "person": ("org_id", "owner_id"),
    "organization": ("owner_id",),
    "product": ("owner_id",),
    "pipeline": (),
    "stage": ("pipeline_id",),
    "activity": ("owner_id", "deal_id", "person_id", "org_id"),
    "note": ("deal_id", "person_id", "org_id"),
    "user": (),
    "deal_product": ("deal_id", "product_id"),
    "deal_installment": ("deal_id",),
    "discount": ("deal_id",),
    "variation": ("product_id",),
    "participant": ("deal_id", "person_id"),
    "relationship": ("rel_owner_org_id", "rel_linked_org_id"),
    "currency": (),
    "activity_type": (),
    "filter": (),
}
_LOGGED = frozenset({"deal", "person", "organization"})
_SILENT_COLUMNS = frozenset({"update_time"})


@dataclass(frozen=True, slots=True)
class Actor:
    """Who changes something: a user through the API or through the app."""

    user_id: int = FIRST_USER
    source: str = "app"
    user_agent: str | None = None
    correlation_id: str = ""


@dataclass(slots=True)
class Event:
    """A change that happened. ``previous`` holds old values: all of them after a deletion."""

    action: str  # create, change or delete
    kind: str
    row: Row
    previous: Row | None
    actor: Actor
    at: datetime
    merged_to: int | None = None
    merged_from: int | None = None


@dataclass(slots=True)
class LogEntry:
    """One change of one row, for its changelog."""

    time: str
    actor: Actor
    values: dict[str, tuple[Any, Any]] = field(default_factory=dict)


class Company:
    """All records of one Pipedrive company."""

    def __init__(self, *, clock: SimClock, rng: random.Random, switches: Mapping[str, Any]) -> None:
        self.clock = clock
        self.rng = rng
        self.switches = switches
        self.tables: dict[str, Table] = {
            kind: Table(kind, indexed=indexed, first_id=FIRST_USER if kind == "user" else 1)
            for kind, indexed in _INDEXED.items()
        }
        self.fields = FieldBook(rng)
        self.listeners: list[Callable[[Event], None]] = []
        self.changelog: dict[tuple[str, int], list[LogEntry]] = {}
        self.is_quiet = False  # while seeding: no webhooks
        self._last_stamp = ""
        self._zones: dict[str, ZoneInfo] = {}
        self._purges: list[tuple[datetime, int, str, int]] = []
        self._purge_number = count()

    def __getitem__(self, kind: str) -> Table:
        return self.tables[kind]

    def stamp(self) -> str:
        """Return the present second in v2's form; never earlier than one returned before."""
        self._last_stamp = max(self._last_stamp, v2_time(self.clock.now()))
        return self._last_stamp

    def new_uuid(self) -> str:
        """Return a random id that the sandbox's seed repeats."""
        return str(uuid.UUID(int=self.rng.getrandbits(128), version=4))

    def sees(self, user_id: int, row: Row) -> bool:
        """Say whether a user may see a record: only an owner and admins see what is the owner's."""
        if row.get("visible_to") != OWNER_ONLY or row["owner_id"] == user_id:
            return True
        user = self["user"].find(user_id)
        return user is not None and bool(user["is_admin"])

    def local_date(self, stamp: str, user_id: int) -> str:
        """Return the day of a v2 time where the user lives."""
        user = self["user"].find(user_id)
        name = "UTC" if user is None else user["timezone_name"]
        if name == "UTC":
            return stamp[:10]
        if name not in self._zones:
            self._zones[name] = ZoneInfo(name)
        return datetime.fromisoformat(stamp).astimezone(self._zones[name]).date().isoformat()

    def insert(self, kind: str, row: Row, actor: Actor) -> Row:
        """Add a complete row and tell about it."""
        self[kind].add(row)
        self._tell(Event("create", kind, row, None, actor, self.clock.now()))
        return row

    def change(
        self,
        kind: str,
        row: Row,
        changes: Mapping[str, Any],
        actor: Actor,
        *,
        merged_from: int | None = None,
    ) -> bool:
        """Set columns, stamp the update and tell; say whether anything differed."""
        old = {key: row.get(key) for key, new in changes.items() if row.get(key) != new}
        differs = bool(old.keys() - _SILENT_COLUMNS) or merged_from is not None
        if not differs and not self.switches["unchanged_write_touches"]:
            return False
        stamp = self.stamp()
        old["update_time"] = row.get("update_time")
        values = {key: changes[key] for key in old if key in changes}
        self[kind].apply(row, {**values, "update_time": stamp})
        if kind in _LOGGED and not self.is_quiet:
            self._log(kind, row, old, actor)
        event = Event("change", kind, row, old, actor, self.clock.now())
        event.merged_from = merged_from
        self._tell(event)
        return True

    def delete(self, kind: str, row: Row, actor: Actor, *, merged_to: int | None = None) -> None:
        """Mark a row as deleted, to be purged after 30 days, and tell."""
        last = dict(row)
        now = self.clock.now()
        stamp = self.stamp()
        self[kind].apply(row, {"is_deleted": True, "update_time": stamp, "delete_time": stamp})
        entry = (now + KEPT_DELETED, next(self._purge_number), kind, row["id"])
        heapq.heappush(self._purges, entry)
        event = Event("delete", kind, row, last, actor, now)
        event.merged_to = merged_to
        self._tell(event)

    def restore(self, kind: str, row: Row, actor: Actor) -> None:
        """Take a deletion back, as the app can within 30 days."""
        self.change(kind, row, {"is_deleted": False, "delete_time": None}, actor)

    def erase(self, kind: str, row: Row, actor: Actor) -> None:
        """Remove a row that has no soft deletion, such as a deal's line, and tell."""
        self[kind].remove(row["id"])
        self._tell(Event("delete", kind, row, dict(row), actor, self.clock.now()))

    def purge(self, kind: str, row_id: int) -> None:
        """Remove a row for good, silently."""
        row = self[kind].remove(row_id)
        if row is not None and kind == "product":
            for line in self["deal_product"].where("product_id", row_id):
                self["deal_product"].apply(line, {"product_id": None, "name": None})

    def purge_due(self) -> None:
        """Purge what was deleted 30 days ago."""
        while self._purges and self._purges[0][0] <= self.clock.now():
            due, _, kind, row_id = heapq.heappop(self._purges)
            row = self[kind].find(row_id)
            if row is not None and row.get("is_deleted") and _deleted_by(row, due - KEPT_DELETED):
                self.purge(kind, row_id)

    def _tell(self, event: Event) -> None:
        for listener in self.listeners:
            listener(event)

    def _log(self, kind: str, row: Row, old: Row, actor: Actor) -> None:
        values: dict[str, tuple[Any, Any]] = {}
        for key, before in old.items():
            if key == "custom_fields":
                values |= _custom_differences(before, row[key])
            elif key not in _SILENT_COLUMNS:
                values[key] = (before, row[key])
        if values:
            entry = LogEntry(row["update_time"], actor, values)
            self.changelog.setdefault((kind, row["id"]), []).append(entry)


def _deleted_by(row: Row, moment: datetime) -> bool:
    """Say whether the deletion that is due is the latest one; restoring in between undoes it."""
    return bool(row["delete_time"] <= v2_time(moment))


def _custom_differences(before: Row, after: Row) -> dict[str, tuple[Any, Any]]:
    keys = [key for key in {**before, **after} if before.get(key) != after.get(key)]
    return {key: (before.get(key), after.get(key)) for key in keys}
