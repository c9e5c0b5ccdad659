"""Searching: per kind, over all kinds, and by one field. Both versions ask here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from vendor_simulators.pipedrive.company import Company
from vendor_simulators.pipedrive.counts import smart_bcc
from vendor_simulators.pipedrive.search_index import Document, SearchIndex
from vendor_simulators.pipedrive.wire import Row

FIELDS: dict[str, tuple[str, ...]] = {
    "deal": ("custom_fields", "notes", "title"),
    "person": ("custom_fields", "email", "notes", "phone", "name"),
    "organization": ("address", "custom_fields", "notes", "name"),
    "product": ("code", "custom_fields", "name"),
}
_FULL_SCORE, _PART_SCORE = 0.316, 0.05
MOST_RELATED = 100


@dataclass(frozen=True, kw_only=True)
class Search:
    """What is searched for."""

    term: str
    fields: Sequence[str] = ()  # empty: all
    is_exact: bool = False
    include: Sequence[str] = ()
    equal: dict[str, Any] = field(default_factory=dict)  # columns of the record
    user_id: int | None = None  # who searches and sees only what is theirs to see


class Searcher:
    """Answers searches from the index, and counts what its lag hid."""

    def __init__(
        self, company: Company, index: SearchIndex, count_fault: Callable[[str], None]
    ) -> None:
        self._company = company
        self._index = index
        self._count_fault = count_fault

    def hits(self, kind: str, search: Search) -> list[Row]:
        """Return result items of one kind, best first."""
        fields = [name for name in FIELDS[kind] if not search.fields or name in search.fields]
        find = self._index.exact if search.is_exact else self._index.containing
        folded = search.term.casefold()
        found: list[tuple[float, int, Row]] = []
        indexed = find(kind, fields, search.term)
        self._note_lag(kind, fields, search, set(indexed))
        for row_id in indexed:
            document = self._index.document(kind, row_id)
            if document is None or not self._fits(document.row, search):
                continue
            whole = any(folded in document.folded.get(name, ()) for name in fields)
            score = _FULL_SCORE if whole else _PART_SCORE
            found.append((-score, row_id, self._item(kind, document, search.include)))
        found.sort(key=lambda entry: entry[:2])
        return [{"result_score": -score, "item": item} for score, _, item in found]

    def by_field(self, kind: str, key: str, term: str, match: str) -> list[Row]:
        """Return id and name of the records whose field matches, upper and lower case apart."""
        tests: dict[str, Callable[[str], bool]] = {
            "exact": lambda text: text == term,
            "beginning": lambda text: text.startswith(term),
            "middle": lambda text: term in text,
        }
        found = [
            {"id": row_id, "name": document.row.get("name") or document.row.get("title")}
            for row_id, document in self._index.documents(kind)
            if any(tests[match](text) for text in _field_texts(document.row, key))
        ]
        return sorted(found, key=lambda item: item["id"])

    def related(self, items: Sequence[Row]) -> list[Row]:
        """Return the newest deals of found people and organizations, and people of the latter."""
        found: dict[tuple[str, int], Row] = {}
        for item in (hit["item"] for hit in items):
            column = {"person": "person_id", "organization": "org_id"}.get(item["type"])
            if column is None:
                continue
            kinds = ("deal", "person") if item["type"] == "organization" else ("deal",)
            for kind in kinds:
                for row in reversed(self._company[kind].where(column, item["id"])[-MOST_RELATED:]):
                    document = self._index.document(kind, row["id"])
                    if document is not None:
                        shown = self._item(kind, document, ())
                        found[kind, row["id"]] = {"result_score": 0, "item": shown}
        return list(found.values())

    def _fits(self, row: Row, search: Search) -> bool:
        if search.user_id is not None and not self._company.sees(search.user_id, row):
            return False
        return all(row[column] == value for column, value in search.equal.items())

    def _note_lag(
        self, kind: str, fields: Sequence[str], search: Search, indexed: set[int]
    ) -> None:
        folded = search.term.casefold()

        def fits(document: Document) -> bool:
            texts = (text for name in fields for text in document.folded.get(name, ()))
            if search.is_exact:
                return folded in texts
            return any(folded in text for text in texts)

        if self._index.unseen(kind, fits) - indexed:
            self._count_fault("search_lag")

    def _item(self, kind: str, document: Document, include: Sequence[str]) -> Row:
        row = document.row
        shown: Row = {"id": row["id"], "type": kind}
        shown |= getattr(self, f"_{kind}_item")(row, include)
        shown["custom_fields"] = document.texts["custom_fields"]
        if "notes" in document.texts:
            shown["notes"] = document.texts["notes"]
        if kind == "deal":
            shown["is_archived"] = row["is_archived"]
        return shown

    def _deal_item(self, row: Row, include: Sequence[str]) -> Row:
        stage = self._company["stage"].find(row["stage_id"])
        shown = {
            "title": row["title"],
            "value": row["value"],
            "currency": row["currency"],
            "status": row["status"],
            "visible_to": row["visible_to"],
            "owner": {"id": row["owner_id"]},
            "stage": {"id": row["stage_id"], "name": stage["name"] if stage else None},
            "person": self._named("person", row["person_id"]),
            "organization": self._organization(row["org_id"]),
        }
        if "deal.cc_email" in include:
            shown["cc_email"] = smart_bcc("deal", row["id"])
        return shown

    def _person_item(self, row: Row, include: Sequence[str]) -> Row:
        shown = {
            "name": row["name"],
            "phones": [point["value"] for point in row["phones"]],
            "emails": [point["value"] for point in row["emails"]],
            "visible_to": row["visible_to"],
            "owner": {"id": row["owner_id"]},
            "organization": self._organization(row["org_id"]),
        }
        return {**shown, "picture": None} if "person.picture" in include else shown

    def _organization_item(self, row: Row, _include: Sequence[str]) -> Row:
        return {
            "name": row["name"],
            "address": (row["address"] or {}).get("value"),
            "visible_to": row["visible_to"],
            "owner": {"id": row["owner_id"]},
        }

    def _product_item(self, row: Row, include: Sequence[str]) -> Row:
        shown = {
            "name": row["name"],
            "code": row["code"],
            "visible_to": row["visible_to"],
            "owner": {"id": row["owner_id"]},
        }
        return {**shown, "prices": row["prices"]} if "product.price" in include else shown

    def _named(self, kind: str, row_id: int | None) -> Row | None:
        row = self._company[kind].live(row_id)
        return None if row is None else {"id": row["id"], "name": row["name"]}

    def _organization(self, row_id: int | None) -> Row | None:
        row = self._company["organization"].live(row_id)
        if row is None:
            return None
        address = (row["address"] or {}).get("value")
        return {"id": row["id"], "name": row["name"], "address": address}


def _field_texts(row: Row, key: str) -> list[str]:
    value = row["custom_fields"].get(key, row.get(key))
    if value is None:
        return []
    if isinstance(value, dict):
        return [str(value.get("value"))]
    if isinstance(value, list):
        return [str(item["value"]) for item in value if isinstance(item, dict) and "value" in item]
    return [str(value)]
