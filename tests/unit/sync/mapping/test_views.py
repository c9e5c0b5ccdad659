"""Typed records as the engine reads them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

import msgspec

from ml_connector.sync.mapping import Kind, RecordView, fields_of


class Email(msgspec.Struct, frozen=True, kw_only=True):
    value: str
    primary: bool = False


class Place(msgspec.Struct, frozen=True, kw_only=True):
    value: str | None = None
    country: str | None = None


class Company(msgspec.Struct, frozen=True, kw_only=True):
    id: int
    name: str = ""
    owner_id: int | None = None
    status: Literal["open", "won"] = "open"
    worth: Decimal | None = None
    since: date | None = None
    seen_at: Annotated[datetime, msgspec.Meta(tz=True)] | None = None
    is_big: bool = False
    place: Place | None = None
    emails: tuple[Email, ...] = ()
    label_ids: tuple[int, ...] = ()
    origin: str | int | None = None
    note: str | msgspec.UnsetType = msgspec.UNSET
    custom_fields: Mapping[str, Any] = {}


COMPANY = Company(
    id=88, place=Place(country="Norway"), emails=(Email(value="a@b"),), custom_fields={"k": 31}
)


def test_view_shows_fields_custom_fields_and_related_records():
    view = RecordView(COMPANY, owner=Company(id=5, name="Rep"), parent=None)

    assert view["id"] == 88
    assert view["k"] == 31
    assert view["place"]["country"] == "Norway"
    assert view["emails"][0]["value"] == "a@b"
    assert view["owner"]["name"] == "Rep"
    assert view["parent"] is None
    assert view["note"] is None
    assert "custom_fields" not in view
    assert view.get("zebra") is None
    assert len(view) == len(list(view)) == 16


def test_fields_of_a_record_come_from_its_types():
    fields = {each.key: each for each in fields_of(Company, without=("note",))}

    assert {key: each.kind for key, each in fields.items()} == {
        "id": Kind.INTEGER,
        "name": Kind.TEXT,
        "owner_id": Kind.INTEGER,
        "status": Kind.TEXT,
        "worth": Kind.DECIMAL,
        "since": Kind.DATE,
        "seen_at": Kind.MOMENT,
        "is_big": Kind.BOOLEAN,
        "place": Kind.PARTS,
        "emails": Kind.PARTS,
        "label_ids": Kind.INTEGER,
        "origin": Kind.ANY,
    }
    assert [part.key for part in fields["place"].parts] == ["value", "country"]
    assert [key for key, each in fields.items() if each.is_list] == ["emails", "label_ids"]
    assert fields["owner_id"].called == "owner"
