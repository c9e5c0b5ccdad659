"""Rows as v2 shows them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from vendor_simulators.pipedrive import counts, custom_values
from vendor_simulators.pipedrive.company import Company
from vendor_simulators.pipedrive.contacts import ENRICHMENT, SYNCED
from vendor_simulators.pipedrive.wire import Row

_DEAL = (
    "id", "title", "creator_user_id", "owner_id", "value", "person_id", "org_id", "stage_id",
    "pipeline_id", "currency", "archive_time", "add_time", "update_time", "stage_change_time",
    "status", "is_archived", "is_deleted", "probability", "lost_reason", "visible_to",
    "close_time", "won_time", "lost_time", "local_won_date", "local_lost_date",
    "local_close_date", "expected_close_date", "label_ids", "origin", "origin_id", "channel",
    "channel_id",
)  # fmt: skip
_REVENUE = ("acv", "arr", "mrr")
_ORGANIZATION = (
    "id", "name", "owner_id", "add_time", "update_time", "address", "is_deleted", "visible_to",
    "label_ids", "picture_id",
)  # fmt: skip
_PERSON = (
    "id", "name", "first_name", "last_name", "owner_id", "org_id", "add_time", "update_time",
    "emails", "phones", "is_deleted", "visible_to", "label_ids", "picture_id",
)  # fmt: skip
_PRODUCT = (
    "id", "name", "code", "description", "unit", "tax", "category", "is_linkable", "is_deleted",
    "visible_to", "owner_id", "add_time", "update_time", "billing_frequency",
    "billing_frequency_cycles", "prices",
)  # fmt: skip
_ACTIVITY = (
    "id", "subject", "type", "owner_id", "creator_user_id", "is_deleted", "add_time",
    "update_time", "deal_id", "lead_id", "person_id", "org_id", "project_id", "due_date",
    "due_time", "duration", "busy", "done", "marked_as_done_time", "location", "participants",
    "conference_meeting_client", "conference_meeting_url", "conference_meeting_id",
    "public_description", "priority", "note",
)  # fmt: skip
_LINE = (
    "id", "sum", "tax", "deal_id", "name", "product_id", "product_variation_id", "order_nr",
    "add_time", "update_time", "comments", "currency", "discount", "discount_type", "quantity",
    "item_price", "tax_method", "is_enabled", "billing_frequency", "billing_frequency_cycles",
    "billing_start_date",
)  # fmt: skip
_PIPELINE = (
    "id", "name", "order_nr", "is_deleted", "is_deal_probability_enabled", "add_time",
    "update_time",
)  # fmt: skip
_STAGE = (
    "id", "name", "order_nr", "pipeline_id", "deal_probability", "is_deal_rot_enabled",
    "days_to_rotten", "is_deleted", "add_time", "update_time",
)  # fmt: skip
_INSTALLMENT = ("id", "amount", "billing_date", "deal_id", "description")
_DISCOUNT = (
    "description", "amount", "type", "deal_id", "created_at", "created_by", "updated_at",
    "updated_by",
)  # fmt: skip

View = Callable[[Row], Row]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a read asked for beyond the usual."""

    extra: Sequence[str] = ()  # include_fields
    custom: Sequence[str] | None = None  # custom_fields: only these keys
    option_labels: bool = False
    labels: bool = False

    @classmethod
    def of(cls, query: Mapping[str, Any]) -> Wanted:
        """Return what the query names."""
        return cls(
            extra=query.get("include_fields", ()),
            custom=query.get("custom_fields"),
            option_labels=query.get("include_option_labels", False),
            labels=query.get("include_labels", False),
        )


PLAIN = Wanted()


def deal_view(company: Company, wanted: Wanted = PLAIN) -> View:
    """Return the view of deals."""
    names = _DEAL if company.switches["plan"] == "lite" else (*_DEAL, *_REVENUE)
    shows_deleted = company.switches["deleted_deal_status"] == "deleted"

    def view(row: Row) -> Row:
        shown = {name: row[name] for name in names}
        if shows_deleted and row["is_deleted"]:
            shown["status"] = "deleted"
        return _completed(company, "deal", row, shown, wanted)

    return view


def organization_view(company: Company, wanted: Wanted = PLAIN) -> View:
    """Return the view of organizations."""
    enriched = company.switches["organization_enrichment"]
    names = (*_ORGANIZATION, *ENRICHMENT) if enriched else _ORGANIZATION
    formatted = company.switches["formatted_address"]

    def view(row: Row) -> Row:
        shown = {name: row[name] for name in names}
        if shown["address"] is not None and not formatted:
            shown["address"] = without(shown["address"], "formatted_address")
        return _completed(company, "organization", row, shown, wanted)

    return view


def person_view(company: Company, wanted: Wanted = PLAIN) -> View:
    """Return the view of persons."""
    names = (*_PERSON, *SYNCED) if company.switches["contact_sync"] else _PERSON
    return lambda row: _completed(
        company, "person", row, {name: row[name] for name in names}, wanted
    )


def product_view(company: Company, wanted: Wanted = PLAIN) -> View:
    """Return the view of products."""
    names: tuple[str, ...] = _PRODUCT
    if company.switches["plan"] == "lite":
        names = tuple(name for name in _PRODUCT if not name.startswith("billing_"))
    return lambda row: _completed(
        company, "product", row, {name: row[name] for name in names}, wanted
    )


def activity_view(_company: Company, wanted: Wanted = PLAIN) -> View:
    """Return the view of activities; they carry no custom fields."""
    names = (*_ACTIVITY, "attendees") if "attendees" in wanted.extra else _ACTIVITY
    return lambda row: {name: row[name] for name in names}


def line_view(row: Row) -> Row:
    """Show a deal's line."""
    return {name: row[name] for name in _LINE}


def pipeline_view(row: Row) -> Row:
    """Show a pipeline."""
    return {name: row[name] for name in _PIPELINE}


def stage_view(row: Row) -> Row:
    """Show a stage."""
    return {name: row[name] for name in _STAGE}


def installment_view(row: Row) -> Row:
    """Show an installment."""
    return {name: row[name] for name in _INSTALLMENT}


def discount_view(row: Row) -> Row:
    """Show a deal's discount; its id is a uuid."""
    return {"id": row["uuid"], **{name: row[name] for name in _DISCOUNT}}


def without(shown: Mapping[str, Any], *names: str) -> Row:
    """Return a record without some keys."""
    return {name: value for name, value in shown.items() if name not in names}


def custom_fields(company: Company, kind: str, row: Row, wanted: Wanted = PLAIN) -> Row | None:
    """Show every defined custom field, unset ones as null."""
    defined = company.fields.custom(kind)
    if not defined:
        return None if company.switches["no_custom_fields"] == "null" else {}
    values = row["custom_fields"]
    if wanted.custom is None and not wanted.option_labels:
        return {known.code: values.get(known.code) for known in defined}
    shown = {}
    for known in defined:
        if wanted.custom is None or known.code in wanted.custom:
            value = values.get(known.code)
            labelled = custom_values.with_labels(known, value) if wanted.option_labels else value
            shown[known.code] = labelled
    return shown


def _completed(company: Company, kind: str, row: Row, shown: Row, wanted: Wanted) -> Row:
    """Add what was asked for, and the custom fields last."""
    for name in wanted.extra:
        shown[name] = counts.optional_field(company, kind, row, name)
    if wanted.labels:
        field = company.fields.find(kind, "label_ids")
        known = {option.id: option.label for option in (field and field.options) or ()}
        shown["labels"] = [{"id": label, "label": known.get(label)} for label in row["label_ids"]]
    shown["custom_fields"] = custom_fields(company, kind, row, wanted)
    return shown
