"""What deliveries carry, in both formats.

2.0 has shapes of its own, neither v1's nor v2's: visible_to is a text, custom fields are typed
objects and only set ones appear. 1.0 carries v1's flat record.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from vendor_simulators.pipedrive import custom_values
from vendor_simulators.pipedrive.company import COMPANY_DOMAIN, COMPANY_ID, Company, Event
from vendor_simulators.pipedrive.fields import ADDRESS_PARTS
from vendor_simulators.pipedrive.v1.attached import user_view
from vendor_simulators.pipedrive.v1.views import V1Views
from vendor_simulators.pipedrive.v2.views import installment_view, line_view
from vendor_simulators.pipedrive.webhooks.subscriptions import NEW_OF_OLD, Subscription
from vendor_simulators.pipedrive.wire import Row

_HOST = f"{COMPANY_DOMAIN}.pipedrive.com"
_BERLIN = 82  # a timezone_id
_DEAL = (
    "add_time", "channel", "channel_id", "close_time", "creator_user_id", "currency",
    "expected_close_date", "first_won_time", "id", "label_ids", "lost_reason", "lost_time",
    "org_id", "origin", "origin_id", "owner_id", "person_id", "pipeline_id", "probability",
    "stage_change_time", "stage_id", "status", "title", "update_time", "value", "won_time",
)  # fmt: skip
_ORGANIZATION = ("add_time", "id", "name", "owner_id", "picture_id", "update_time")
_PERSON = (
    "add_time", "emails", "first_name", "id", "last_name", "name", "org_id", "owner_id",
    "phones", "update_time",
)  # fmt: skip
_PRODUCT = (
    "add_time", "category", "code", "description", "id", "name", "owner_id", "tax", "unit",
    "update_time", "prices",
)  # fmt: skip
_NOTE = (
    "id", "user_id", "deal_id", "person_id", "org_id", "lead_id", "project_id", "active_flag",
    "content", "add_time", "update_time", "pinned_to_deal_flag", "pinned_to_person_flag",
    "pinned_to_organization_flag",
)  # fmt: skip
_ACTIVITY = (
    "id", "subject", "type", "owner_id", "creator_user_id", "add_time", "update_time",
    "deal_id", "lead_id", "person_id", "org_id", "project_id", "due_date", "busy", "done",
    "marked_as_done_time", "participants", "public_description", "priority", "note",
)  # fmt: skip
_STATES = ("is_deleted", "is_archived", "label_ids")


class Payloads:
    """Makes the bodies of deliveries."""

    def __init__(self, company: Company) -> None:
        self._company = company
        self._shapes: Mapping[str, Callable[[Row], Row]] = {
            "deal": self._deal,
            "organization": self._organization,
            "person": self._person,
            "product": self._product,
            "note": lambda row: {name: row[name] for name in _NOTE},
            "activity": _activity,
            "pipeline": _pipeline,
            "stage": _stage,
            "user": user_view,
            "deal_product": line_view,
            "deal_installment": installment_view,
        }

    def permitted_users(self, kind: str, row: Row) -> list[int]:
        """Return who may see a record; webhooks of others do not fire."""
        users = [user for user in self._company["user"] if user["active_flag"]]
        if kind in {"deal_product", "deal_installment"}:
            row = self._company["deal"].find(row["deal_id"]) or row
        return [user["id"] for user in users if self._company.sees(user["id"], row)]

    def body(
        self, event: Event, subscription: Subscription, permitted: list[int]
    ) -> Callable[[int], Row]:
        """Return what makes the body of an attempt, numbered from 1."""
        if subscription.version == "1.0":
            return self._body_1_0(event, subscription, permitted)
        return self._body_2_0(event, subscription, permitted)

    def _body_2_0(
        self, event: Event, subscription: Subscription, permitted: list[int]
    ) -> Callable[[int], Row]:
        meta = self._meta_2_0(event, subscription, permitted)
        data, previous = self._contents_2_0(event)
        keeps_id = self._company.switches["retries_keep_event_id"]

        def make(attempt: int) -> Row:
            own = {**meta, "attempt": attempt}
            if attempt > 1 and not keeps_id and event.kind != "user":
                own["id"] = self._company.new_uuid()
            return {"meta": own, "data": data, "previous": previous}

        return make

    def _meta_2_0(self, event: Event, subscription: Subscription, permitted: list[int]) -> Row:
        is_user = event.kind == "user"
        millis = event.at.isoformat(timespec="milliseconds")[:23] + "Z"
        meta: Row = {
            "action": event.action,
            "entity": event.kind,
            "entity_id": str(event.row["id"]),
            "company_id": str(COMPANY_ID),
            "id": str(event.row["id"]) if is_user else self._company.new_uuid(),
            "correlation_id": event.actor.correlation_id or self._company.new_uuid(),
            "is_bulk_edit": False,
            "timestamp": int(event.at.timestamp()) if is_user else millis,
            "type": "application" if subscription.is_app else "general",
            "user_id": str(event.actor.user_id),
            "version": "2.0",
            "webhook_id": str(subscription.id),
            "webhook_owner_id": str(subscription.owner_id),
            "change_source": event.actor.source,
            "attempt": 1,
            "host": _HOST,
        }
        if not is_user:
            meta["permitted_user_ids"] = [str(user_id) for user_id in permitted]
        if event.merged_to is not None:
            meta["merged_to_id"] = str(event.merged_to)
        if event.merged_from is not None:
            meta["merged_from_id"] = str(event.merged_from)
        return meta

    def _contents_2_0(self, event: Event) -> tuple[Row | None, Row | None]:
        shape = self._shapes[event.kind]
        if event.action == "delete":
            return None, shape(event.previous or event.row)
        data = shape(event.row)
        if event.previous is None:
            return data, None
        before = shape({**event.row, **event.previous})
        changed = {name: old for name, old in before.items() if old != data[name]}
        if "custom_fields" in changed:
            old, new = changed["custom_fields"], data["custom_fields"]
            keys = [key for key in {**old, **new} if old.get(key) != new.get(key)]
            changed["custom_fields"] = {key: old.get(key) for key in keys}
        return data, changed

    def _deal(self, row: Row) -> Row:
        return self._shared("deal", row, _DEAL)

    def _organization(self, row: Row) -> Row:
        address = row["address"]
        if address is not None:
            parts = {part: address.get(part) or "" for part in ADDRESS_PARTS}
            address = {"type": "address", "value": address["value"], **parts}
        return {
            **self._shared("organization", row, _ORGANIZATION),
            "address": address,
            "country_code": None,
            "label": row["label_ids"][0] if row["label_ids"] else None,
        }

    def _person(self, row: Row) -> Row:
        label = row["label_ids"][0] if row["label_ids"] else None
        return {**self._shared("person", row, _PERSON), "label": label}

    def _product(self, row: Row) -> Row:
        return {**self._shared("product", row, _PRODUCT), "selectable": row["is_linkable"]}

    def _shared(self, kind: str, row: Row, names: tuple[str, ...]) -> Row:
        shown = {name: row[name] for name in names}
        if self._company.switches["webhook_states"]:
            shown |= {name: row[name] for name in _STATES if name in row}
        values = row["custom_fields"]
        shown["custom_fields"] = {
            field.code: custom_values.as_webhook(field, values[field.code])
            for field in self._company.fields.custom(kind)
            if field.code in values
        }
        shown["visible_to"] = str(row["visible_to"])
        return shown

    def _body_1_0(
        self, event: Event, subscription: Subscription, permitted: list[int]
    ) -> Callable[[int], Row]:
        is_flat = self._company.switches["v1_relations"] == "ids"
        view = V1Views(self._company, flat=is_flat).of(event.kind)
        action = NEW_OF_OLD["merge" if event.merged_from is not None else event.action]
        current: Any = None if event.action == "delete" else view(event.row)
        previous: Any = None
        if event.previous is not None:
            previous = view({**event.row, **event.previous})
        if event.kind == "user":
            current, previous = ([one] if one else one for one in (current, previous))
        body = {
            "v": 1,
            "matches_filters": {"current": [], "previous": []},
            "meta": _meta_1_0(event, subscription, permitted, action),
            "retry": 0,
            "current": current,
            "previous": previous,
            "event": f"{action}.{event.kind}",
        }
        return lambda attempt: {**body, "retry": attempt - 1}


def _meta_1_0(event: Event, subscription: Subscription, permitted: list[int], action: str) -> Row:
    extra: dict[str, Any] = {}
    if event.kind == "activity":
        extra = {"send_activity_notifications": False, "activity_notifications_language": "en"}
    return {
        "v": 1,
        "action": action,
        "object": event.kind,
        "id": event.row["id"],
        "company_id": COMPANY_ID,
        "user_id": event.actor.user_id,
        "host": _HOST,
        "timestamp": int(event.at.timestamp()),
        "timestamp_micro": int(event.at.timestamp() * 1_000_000),
        "permitted_user_ids": permitted,
        "trans_pending": False,
        "is_bulk_update": False,
        "pipedrive_service_name": False,
        "change_source": event.actor.source,
        "matches_filters": {"current": [], "previous": []},
        "webhook_id": subscription.id,
        **extra,
    }


def _activity(row: Row) -> Row:
    shown = {name: row[name] for name in _ACTIVITY}
    for name in ("due_time", "duration"):
        shown[name] = row[name] and {"timezone_id": _BERLIN, "value": row[name]}
    return shown


def _pipeline(row: Row) -> Row:
    return {
        **{name: row[name] for name in ("id", "name", "order_nr", "add_time", "update_time")},
        "active_flag": not row["is_deleted"],
        "deal_probability": row["is_deal_probability_enabled"],
    }


def _stage(row: Row) -> Row:
    same = ("id", "name", "order_nr", "pipeline_id", "deal_probability", "add_time", "update_time")
    return {
        **{name: row[name] for name in same},
        "active_flag": not row["is_deleted"],
        "rotten_days": row["days_to_rotten"],
    }
