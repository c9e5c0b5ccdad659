"""Taking over records that a test or the demo gives, without webhooks unless asked for.

A record may carry ``ref``, a name by which later records of the same body point to it, as in
``{"deals": [{"title": "...", "org_id": "northwind"}]}``; the names of records serve too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from vendor_simulators.kit import ControlError
from vendor_simulators.pipedrive import (
    activities,
    beginnings,
    contacts,
    deals,
    filters,
    lines,
    pipelines,
    products,
)
from vendor_simulators.pipedrive.company import Actor, Company
from vendor_simulators.pipedrive.fields import CUSTOM_TYPES
from vendor_simulators.pipedrive.rules import UnfitError
from vendor_simulators.pipedrive.v1.relationships import create_relationship
from vendor_simulators.pipedrive.wire import Row, read_any_time, tidy

_POINTERS: Mapping[str, str] = {
    "org_id": "organization",
    "person_id": "person",
    "product_id": "product",
    "deal_id": "deal",
    "pipeline_id": "pipeline",
    "stage_id": "stage",
    "owner_id": "user",
    "creator_user_id": "user",
    "user_id": "user",
    "rel_owner_org_id": "organization",
    "rel_linked_org_id": "organization",
}
_TIMES = ("add_time", "update_time", "won_time", "lost_time", "close_time", "archive_time")
_KINDS: Mapping[str, str] = {
    "users": "user",
    "pipelines": "pipeline",
    "stages": "stage",
    "organizations": "organization",
    "persons": "person",
    "products": "product",
    "deals": "deal",
    "activities": "activity",
    "notes": "note",
    "relationships": "relationship",
    "filters": "filter",
}
_FIRST_STATES = ("is_deleted", "is_archived")


def numbers(value: Any) -> Any:
    """Return a value with floats made exact; texts such as "19.99" stay texts."""
    if isinstance(value, float):
        return tidy(Decimal(repr(value)))
    if isinstance(value, dict):
        return {key: numbers(part) for key, part in value.items()}
    return [numbers(part) for part in value] if isinstance(value, list) else value


class Seeder:
    """Carries out ``POST seed`` and the records that play actions create."""

    def __init__(self, company: Company, *, new_api_token: Callable[[int], str]) -> None:
        self._company = company
        self._new_api_token = new_api_token
        self._refs: dict[tuple[str, str], int] = {}

    def seed(self, body: Row, actor: Actor) -> Row:
        """Take over everything in a body; return the new ids in the order given."""
        given = numbers(body)
        known = {*_KINDS, "fields", "webhooks", "switches", "events"}
        if unknown := given.keys() - known:
            raise ControlError(f"nothing called {', '.join(sorted(unknown))} can be seeded")
        made: Row = {}
        for field in self._fields(given.get("fields") or {}):
            made.setdefault("fields", []).append(field)
        self._company.is_quiet = not given.get("events", False)
        try:
            for plural, kind in _KINDS.items():
                if plural in given:
                    made[plural] = [self.create(kind, one, actor)["id"] for one in given[plural]]
        finally:
            self._company.is_quiet = False
        return made

    def create(self, kind: str, given: Row, actor: Actor) -> Row:
        """Add one record of a kind from v2's names."""
        record = self.resolved(kind, given)
        try:
            row = self._make(kind, record, actor)
        except (UnfitError, KeyError) as exc:
            raise ControlError(f"{kind} {record.get('ref') or ''}: {exc}") from exc
        for name in (given.get("ref"), given.get("name"), given.get("title")):
            if isinstance(name, str):
                self._refs[kind, name] = row["id"]
        return row

    def resolved(self, kind: str, given: Row) -> Row:
        """Return a record with pointers, times and custom keys as rows keep them."""
        record = dict(given)
        for column, pointed in _POINTERS.items():
            if isinstance(record.get(column), str):
                record[column] = self.lookup(pointed, record[column])
        for column in _TIMES:
            if record.get(column) is not None:
                record[column] = read_any_time(record[column]) or record[column]
        if record.get("custom_fields"):
            record["custom_fields"] = {
                self._key(kind, name): value for name, value in record["custom_fields"].items()
            }
        return record

    def lookup(self, kind: str, name: str) -> int:
        """Return the id of a record by its ref or name."""
        known = self._refs.get((kind, name))
        if known is not None and self._company[kind].find(known) is not None:
            return known
        for row in self._company[kind]:
            if row.get("name", row.get("title")) == name:
                return int(row["id"])
        raise ControlError(f"there is no {kind} called {name}")

    def _make(self, kind: str, record: Row, actor: Actor) -> Row:
        company = self._company
        makers: Mapping[str, Callable[[Company, Row, Actor], Row]] = {
            "pipeline": pipelines.create_pipeline,
            "stage": pipelines.create_stage,
            "organization": contacts.create_organization,
            "person": contacts.create_person,
            "product": products.create_product,
            "activity": activities.create_activity,
            "note": activities.create_note,
        }
        if kind in makers:
            row = makers[kind](company, record, actor)
        elif kind == "deal":
            row = self._deal(record, actor)
        elif kind == "user":
            row = beginnings.add_user(company, record)
            self._new_api_token(row["id"])
        elif kind == "relationship":
            row = create_relationship(company, record)
        else:
            row = self._filter(record, actor)
        if record.get("is_deleted"):
            company.delete(kind, row, actor)
        return row

    def _deal(self, record: Row, actor: Actor) -> Row:
        """Add a deal with its lines, discounts and installments."""
        company = self._company
        plain = {name: value for name, value in record.items() if name not in _FIRST_STATES}
        deal = deals.create_deal(company, plain, actor)
        wanted = [self.resolved("deal_product", line) for line in record.get("products") or ()]
        if wanted:
            lines.add_lines(company, deal, wanted, actor)
        for discount in record.get("discounts") or ():
            lines.add_discount(company, deal, {"description": "Discount", **discount}, actor)
        for installment in record.get("installments") or ():
            lines.add_installment(company, deal, installment, actor)
        if record.get("is_archived"):
            company.change(
                "deal", deal, {"is_archived": True, "archive_time": company.stamp()}, actor
            )
        if record.get("update_time"):
            company["deal"].apply(deal, {"update_time": record["update_time"]})
        return deal

    def _filter(self, record: Row, actor: Actor) -> Row:
        filters.check(self._company, record.get("type"), record.get("conditions"))
        row = {
            "id": record.get("id") or self._company["filter"].take_id(),
            "name": record.get("name", "Filter"),
            "type": record["type"],
            "conditions": record["conditions"],
            "user_id": actor.user_id,
            "visible_to": "7",
        }
        self._company["filter"].add(row)
        return row

    def _fields(self, wanted: Mapping[str, list[Row]]) -> list[Row]:
        return [
            self.add_field(kind, given)
            for kind, definitions in wanted.items()
            for given in definitions
        ]

    def add_field(self, kind: str, given: Row) -> Row:
        """Define a custom field; ``options`` are labels or objects with a label."""
        field_type = given.get("field_type", "varchar")
        if kind not in {"deal", "person", "organization", "product"}:
            raise ControlError(f"{kind} has no custom fields")
        if field_type not in CUSTOM_TYPES:
            raise ControlError(f"{field_type} is no type of a custom field")
        labels = [
            option if isinstance(option, str) else option["label"]
            for option in given.get("options") or ()
        ]
        field = self._company.fields.add(
            kind,
            name=given["field_name"],
            field_type=field_type,
            labels=labels,
            key=given.get("field_code"),
            now=self._company.stamp(),
        )
        options = {option.label: option.id for option in field.options or ()}
        return {
            "kind": kind, "field_name": field.name, "field_code": field.code, "options": options,
        }  # fmt: skip

    def _key(self, kind: str, name: str) -> str:
        fields = self._company.fields
        found = fields.find_custom(kind, name) or fields.named(kind, name)
        if found is None:
            raise ControlError(f"{kind} has no custom field {name}")
        return found.code
