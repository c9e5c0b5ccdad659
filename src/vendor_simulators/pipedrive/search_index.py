"""The search index: what was indexed of each record, some simulated seconds behind the books.

Changes wait here until the lag has passed; documents are made only when somebody searches.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from vendor_simulators.pipedrive.company import Company, Event
from vendor_simulators.pipedrive.fields import SEARCHABLE_TYPES
from vendor_simulators.pipedrive.wire import Row

KINDS = ("deal", "person", "organization", "product")
_NOTE_COLUMNS = (("deal", "deal_id"), ("person", "person_id"), ("organization", "org_id"))


@dataclass(slots=True)
class Document:
    """One record as it was indexed: texts by searchable field."""

    row: Row
    texts: dict[str, list[str]]
    folded: dict[str, list[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.folded = {
            name: [text.casefold() for text in texts] for name, texts in self.texts.items()
        }


@dataclass(slots=True)
class _Shelf:
    """The documents of one kind, and where each whole text occurs."""

    documents: dict[int, Document] = field(default_factory=dict)
    exact: dict[tuple[str, str], set[int]] = field(default_factory=dict)
    waiting: dict[int, Row] = field(default_factory=dict)  # to be made into documents


class SearchIndex:
    """What searches see."""

    def __init__(self, company: Company) -> None:
        self._company = company
        self._shelves = {kind: _Shelf() for kind in KINDS}
        self._late: deque[tuple[float, str, int, Row]] = deque()
        company.listeners.append(self._note)

    def document(self, kind: str, row_id: int) -> Document | None:
        """Return what is indexed of a record."""
        self._catch_up(kind)
        return self._shelves[kind].documents.get(row_id)

    def exact(self, kind: str, fields: Mapping[str, Any] | list[str], term: str) -> list[int]:
        """Return the records of which a whole text equals ``term``, case aside."""
        self._catch_up(kind)
        known = self._shelves[kind].exact
        folded = term.casefold()
        return sorted({row_id for name in fields for row_id in known.get((name, folded), ())})

    def containing(self, kind: str, fields: list[str], term: str) -> list[int]:
        """Return the records of which a text contains ``term``, case aside."""
        self._catch_up(kind)
        folded = term.casefold()
        return sorted(
            row_id
            for row_id, document in self._shelves[kind].documents.items()
            if any(folded in text for name in fields for text in document.folded.get(name, ()))
        )

    def documents(self, kind: str) -> Iterator[tuple[int, Document]]:
        """Walk everything that is indexed."""
        self._catch_up(kind)
        return iter(self._shelves[kind].documents.items())

    def unseen(self, kind: str, fits: Callable[[Document], bool]) -> set[int]:
        """Return the records that ``fits`` would find were their changes indexed already."""
        self._release(self._company.clock.monotonic())
        return {
            row_id
            for _, late_kind, row_id, row in self._late
            if late_kind == kind and not row["is_deleted"] and fits(self._make(kind, row))
        }

    def _note(self, event: Event) -> None:
        if event.kind in self._shelves:
            self._put_off(event.kind, event.row)
        elif event.kind == "note":
            for kind, column in _NOTE_COLUMNS:
                row = self._company[kind].find(event.row[column])
                if row is not None:
                    self._put_off(kind, row)

    def _put_off(self, kind: str, row: Row) -> None:
        lag = self._company.switches["search_lag_seconds"]
        if not lag and not self._late:
            self._shelves[kind].waiting[row["id"]] = row
            return
        now = self._company.clock.monotonic()
        self._late.append((now + (lag or 0), kind, row["id"], dict(row)))
        self._release(now)

    def _release(self, now: float) -> None:
        while self._late and self._late[0][0] <= now:
            _, kind, row_id, row = self._late.popleft()
            self._shelves[kind].waiting[row_id] = row

    def _catch_up(self, kind: str) -> None:
        self._release(self._company.clock.monotonic())
        shelf = self._shelves[kind]
        while shelf.waiting:
            row_id, row = shelf.waiting.popitem()
            _forget(shelf, row_id)
            if not row["is_deleted"] and row_id in self._company[kind].rows:
                _remember(shelf, row_id, self._make(kind, row))

    def _make(self, kind: str, row: Row) -> Document:
        texts = _TEXTS[kind](row)
        texts["custom_fields"] = [
            str(value.get("value") if isinstance(value, dict) else value)
            for definition in self._company.fields.custom(kind)
            if definition.field_type in SEARCHABLE_TYPES
            and (value := row["custom_fields"].get(definition.code)) is not None
        ]
        for noted, column in _NOTE_COLUMNS:
            if noted == kind:
                notes = self._company["note"].where(column, row["id"])
                texts["notes"] = [note["content"] for note in notes if note["active_flag"]]
        return Document(dict(row), texts)


def _forget(shelf: _Shelf, row_id: int) -> None:
    old = shelf.documents.pop(row_id, None)
    if old is not None:
        for name, texts in old.folded.items():
            for text in texts:
                shelf.exact[name, text].discard(row_id)


def _remember(shelf: _Shelf, row_id: int, document: Document) -> None:
    shelf.documents[row_id] = document
    for name, texts in document.folded.items():
        for text in texts:
            shelf.exact.setdefault((name, text), set()).add(row_id)


def _present(*texts: str | None) -> list[str]:
    return [text for text in texts if text]


def _person_texts(row: Row) -> dict[str, list[str]]:
    return {
        "name": _present(row["name"]),
        "email": [point["value"] for point in row["emails"]],
        "phone": [point["value"] for point in row["phones"]],
    }


def _organization_texts(row: Row) -> dict[str, list[str]]:
    address = row["address"] or {}
    return {"name": _present(row["name"]), "address": _present(address.get("value"))}


_TEXTS: Mapping[str, Callable[[Row], dict[str, list[str]]]] = {
    "deal": lambda row: {"title": _present(row["title"])},
    "person": _person_texts,
    "organization": _organization_texts,
    "product": lambda row: {"name": _present(row["name"]), "code": _present(row["code"])},
}
