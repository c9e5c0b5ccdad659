"""Push notifications (SM302000): a hint to look at a record, sent by the site.

The administrator names the address, one fixed header, and generic inquiries. There is no
signature, so the header is the guard, and a notification is never more than a hint: what it says
of a record is not used. Which record it is about is told by the inquiry's name and columns, so
both follow the convention in NOTES.md, "Push notifications".
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import msgspec

from ml_connector.core.webhooks import (
    Guard,
    WebhookEvent,
    WebhookRefusedError,
    WebhookUnreadableError,
)
from ml_connector.transport.vendor import PushDestination
from ml_connector.vendors.acumatica.models import DOCUMENT_TYPES, record_key

Action = Literal["created", "changed", "deleted"]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Subject:
    """What an inquiry tells of."""

    kind: str
    columns: tuple[tuple[str, ...], ...]
    """For each part of the key the column names that carry it, folded: contract's or table's."""


_DOCUMENT_COLUMNS = (("type", "doctype"), ("referencenbr", "refnbr"))
_ITEM_COLUMNS = (("inventoryid", "inventorycd"),)

_SUBJECTS: tuple[tuple[str, _Subject], ...] = (
    ("customers", _Subject(kind="customer", columns=(("customerid", "acctcd"),))),
    ("contacts", _Subject(kind="contact", columns=(("contactid",),))),
    (
        "salesorders",
        _Subject(kind="sales_order", columns=(("ordertype",), ("ordernbr",))),
    ),
    ("salesinvoices", _Subject(kind="sales_invoice", columns=_DOCUMENT_COLUMNS)),
    ("payments", _Subject(kind="payment", columns=_DOCUMENT_COLUMNS)),
    # "nonstockitems" ends with "stockitems" too, so it is looked for first.
    ("nonstockitems", _Subject(kind="non_stock_item", columns=_ITEM_COLUMNS)),
    ("stockitems", _Subject(kind="stock_item", columns=_ITEM_COLUMNS)),
)
"""By the end of the inquiry's name, without blanks and hyphens."""

DESTINATION = PushDestination(
    where="Push Notifications (SM302000), destination type Webhook",
    header="X-Connector-Token",
    queries={
        "Customers": ("CustomerID",),
        "Contacts": ("ContactID",),
        "Sales Orders": ("OrderType", "OrderNbr"),
        "Sales Invoices": ("Type", "ReferenceNbr"),
        "Payments": ("Type", "ReferenceNbr"),
        "Stock Items": ("InventoryID",),
        "Non-Stock Items": ("InventoryID",),
    },
)

_NOT_LETTERS = re.compile(r"[^a-z]")
_TICKS_FROM = datetime(1, 1, 1, tzinfo=UTC)
_TICKS_PER_MICROSECOND = 10


class Notification(msgspec.Struct, frozen=True, kw_only=True):
    """What a site posts (Acumatica docs: push notification format)."""

    id: str = msgspec.field(name="Id")
    """The transaction's: several inquiries' notifications can share it."""
    query: str = msgspec.field(name="Query")
    inserted: list[dict[str, Any]] = msgspec.field(name="Inserted", default_factory=list)
    deleted: list[dict[str, Any]] = msgspec.field(name="Deleted", default_factory=list)
    ticks: int | None = msgspec.field(name="TimeStamp", default=None)


def verify(
    body: bytes,  # noqa: ARG001 - the protocol gives it; Acumatica does not sign it
    headers: Mapping[str, str],
    guard: Guard,
) -> None:
    """Check the fixed header of the notification destination.

    Raises WebhookRefusedError when neither this guard nor the one before it lets it through.
    """
    candidate: Guard | None = guard
    while candidate is not None:
        if _passes(headers, candidate):
            return
        candidate = candidate.previous
    raise WebhookRefusedError("the notification's header is missing or wrong")


def read(
    body: bytes,
    headers: Mapping[str, str],  # noqa: ARG001 - the protocol gives them; the body tells all
) -> tuple[WebhookEvent, ...]:
    """Name the records that a notification is about, each once."""
    try:
        told = msgspec.json.decode(body, type=Notification)
    except (msgspec.DecodeError, UnicodeDecodeError) as exc:
        raise WebhookUnreadableError(f"not a push notification of Acumatica: {exc}") from exc
    subject = _subject_of(told.query)
    happened_at = None if told.ticks is None else moment_of(told.ticks)
    return tuple(
        WebhookEvent(
            kind=subject.kind,
            key=key,
            action=action,
            # A resend repeats Id and inquiry; the record tells the events of one apart.
            delivery_keys=(f"{told.id}/{told.query}/{key}",),
            changed_at=None,  # the rows' times have no zone
            happened_at=happened_at,
            correlation_id=told.id,
        )
        for key, action in _actions(told, subject).items()
    )


def moment_of(ticks: int) -> datetime:
    """Return the moment of a .NET tick count: 100 ns since the year 1, in UTC.

    Raises WebhookUnreadableError for one outside the calendar.
    """
    try:
        return _TICKS_FROM + timedelta(microseconds=ticks // _TICKS_PER_MICROSECOND)
    except OverflowError as exc:
        raise WebhookUnreadableError(f"the TimeStamp {ticks} is no moment") from exc


def _passes(headers: Mapping[str, str], guard: Guard) -> bool:
    """Check each kind that is set. Acumatica signs nothing, so a signature key lets none pass."""
    if guard.is_open or guard.signature_key is not None:
        return False
    if guard.header is not None:
        name, value = guard.header
        if not value.matches(headers.get(name.lower(), "")):
            return False
    if guard.basic is not None:
        user, password = guard.basic
        pair = base64.b64encode(f"{user.reveal()}:{password.reveal()}".encode()).decode()
        return type(user)(f"Basic {pair}").matches(headers.get("authorization", ""))
    return True


def _subject_of(query: str) -> _Subject:
    name = _NOT_LETTERS.sub("", query.lower())
    for ending, subject in _SUBJECTS:
        if name.endswith(ending):
            return subject
    endings = ", ".join(ending for ending, _ in _SUBJECTS)
    raise WebhookUnreadableError(
        f"the inquiry {query!r} does not say what it tells of: let its name end with one of "
        f"{endings}"
    )


def _actions(told: Notification, subject: _Subject) -> dict[str, Action]:
    """Say what happened to each record: a row in both lists was changed."""
    inserted = dict.fromkeys(_keys(told.inserted, subject))
    deleted = dict.fromkeys(_keys(told.deleted, subject))
    actions: dict[str, Action] = {}
    for key in {**inserted, **deleted}:
        if key not in deleted:
            actions[key] = "created"
        else:
            actions[key] = "changed" if key in inserted else "deleted"
    return actions


def _keys(rows: list[dict[str, Any]], subject: _Subject) -> Iterator[str]:
    for row in rows:
        values = {_column(name): value for name, value in row.items()}
        parts = [_part(values, names) for names in subject.columns]
        yield record_key(*parts)


def _part(values: Mapping[str, Any], names: tuple[str, ...]) -> str:
    for name in names:
        if values.get(name) is not None:
            text = str(values[name]).strip()  # keys are padded with blanks
            return DOCUMENT_TYPES.get(text, text) if name in _DOCUMENT_COLUMNS[0] else text
    raise WebhookUnreadableError(f"the inquiry lacks a column {' or '.join(names)}")


def _column(name: str) -> str:
    """``ARInvoice_refNbr`` is ``refnbr``: joined tables' columns carry the table's name."""
    return name.rpartition("_")[2].lower()
