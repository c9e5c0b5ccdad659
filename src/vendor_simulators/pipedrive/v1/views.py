"""Rows as v1 shows them: flat custom keys, times without a zone, relations as objects.

Version 1.0 webhooks carry the same records with relations as plain ids.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from vendor_simulators.pipedrive import counts, custom_values
from vendor_simulators.pipedrive.company import COMPANY_ID, Company
from vendor_simulators.pipedrive.contacts import ENRICHMENT, main_point
from vendor_simulators.pipedrive.fields import ADDRESS_PARTS
from vendor_simulators.pipedrive.rules import decimal_places
from vendor_simulators.pipedrive.v1.attached import attached_views
from vendor_simulators.pipedrive.wire import Row, rounded, tidy, v1_time

_DEAL_COUNTS = (
    "products_count", "files_count", "notes_count", "followers_count", "email_messages_count",
    "activities_count", "done_activities_count", "undone_activities_count",
    "participants_count",
)  # fmt: skip
_CONTACT_COUNTS = (
    "open_deals_count", "related_open_deals_count", "closed_deals_count",
    "related_closed_deals_count", "email_messages_count", "activities_count",
    "done_activities_count", "undone_activities_count", "files_count", "notes_count",
    "followers_count", "won_deals_count", "related_won_deals_count", "lost_deals_count",
    "related_lost_deals_count",
)  # fmt: skip
_PARTICIPANT_COUNTS = ("participant_open_deals_count", "participant_closed_deals_count")
_NEXT_DETAILS = {"subject": "subject", "type": "type", "duration": "duration", "note": "note"}


class V1Views:
    """Shows records in v1's form; ``flat`` leaves relations as ids."""

    def __init__(self, company: Company, *, flat: bool = False) -> None:
        self._company = company
        self._flat = flat

    def of(self, kind: str) -> Callable[[Row], Row]:
        """Return the view of a kind."""
        views: Mapping[str, Callable[[Row], Row]] = {
            "deal": self.deal,
            "person": self.person,
            "organization": self.organization,
            "product": self.product,
            **attached_views(self._company),
        }
        return views[kind]

    def deal(self, row: Row) -> Row:
        """Show a deal."""
        company = self._company
        person = company["person"].find(row["person_id"])
        organization = company["organization"].find(row["org_id"])
        stage = company["stage"].find(row["stage_id"])
        owner = company["user"].find(row["owner_id"])
        currency = row["currency"]
        weighted = tidy(Decimal(row["value"]) * (row["probability"] or 100) / 100)
        return {
            "id": row["id"],
            "creator_user_id": self.user(row["creator_user_id"]),
            "user_id": self.user(row["owner_id"]),
            "person_id": self.person_relation(row["person_id"]),
            "org_id": self.organization_relation(row["org_id"]),
            **{name: row[name] for name in ("stage_id", "title", "value", "currency")},
            **{name: v1_time(row[name]) for name in ("archive_time", "add_time", "update_time")},
            "stage_change_time": v1_time(row["stage_change_time"]),
            "active": row["status"] == "open" and not row["is_deleted"],
            "deleted": row["is_deleted"],
            "is_archived": row["is_archived"],
            "status": "deleted" if row["is_deleted"] else row["status"],
            "probability": row["probability"],
            **self._activities("deal", row),
            **self._next_details(row),
            "lost_reason": row["lost_reason"],
            "visible_to": str(row["visible_to"]),
            "close_time": v1_time(row["close_time"]),
            "pipeline_id": row["pipeline_id"],
            **{name: v1_time(row[name]) for name in ("won_time", "first_won_time", "lost_time")},
            **{name: counts.optional_field(company, "deal", row, name) for name in _DEAL_COUNTS},
            "expected_close_date": row["expected_close_date"],
            "last_incoming_mail_time": None,
            "last_outgoing_mail_time": None,
            "label": ",".join(str(label) for label in row["label_ids"]) or None,
            **{name: row[name] for name in ("origin", "origin_id", "channel", "channel_id")},
            "stage_order_nr": stage["order_nr"] if stage else None,
            "person_name": person["name"] if person else None,
            "org_name": organization["name"] if organization else None,
            "formatted_value": self._money(row["value"], currency),
            "weighted_value": weighted,
            "formatted_weighted_value": self._money(weighted, currency),
            "weighted_value_currency": currency,
            "rotten_time": None,
            "owner_name": owner["name"] if owner else None,
            "cc_email": counts.smart_bcc("deal", row["id"]),
            "org_hidden": False,
            "person_hidden": False,
            **{name: row[name] for name in ("acv", "arr", "mrr")},
            **{
                f"{name}_currency": None if row[name] is None else currency
                for name in ("acv", "arr", "mrr")
            },
            **self._custom("deal", row),
        }

    def person(self, row: Row) -> Row:
        """Show a person; e-mail and phone have a placeholder when empty."""
        organization = self._company["organization"].find(row["org_id"])
        return {
            "id": row["id"],
            "company_id": COMPANY_ID,
            "owner_id": self.user(row["owner_id"]),
            "org_id": self.organization_relation(row["org_id"]),
            **{name: row[name] for name in ("name", "first_name", "last_name")},
            **self._contact("person", row),
            "phone": row["phones"] or [{"value": "", "primary": True}],
            "email": row["emails"] or [{"value": "", "primary": True}],
            "primary_email": main_point(row["emails"]),
            **dict.fromkeys(_PARTICIPANT_COUNTS, 0),
            "marketing_status": "no_consent",
            "last_incoming_mail_time": None,
            "last_outgoing_mail_time": None,
            "org_name": organization["name"] if organization else None,
            **self._custom("person", row),
        }

    def organization(self, row: Row) -> Row:
        """Show an organization; its address is spread over flat keys."""
        address = row["address"] or {}
        return {
            "id": row["id"],
            "company_id": COMPANY_ID,
            "owner_id": self.user(row["owner_id"]),
            "name": row["name"],
            "people_count": counts.optional_field(
                self._company, "organization", row, "people_count"
            ),
            **self._contact("organization", row),
            "country_code": None,
            "address": address.get("value"),
            **{f"address_{part}": address.get(part) for part in ADDRESS_PARTS},
            "address_country_code": None,
            **{name: row[name] for name in ENRICHMENT},
            "edit_name": True,
            **self._custom("organization", row),
        }

    def product(self, row: Row) -> Row:
        """Show a product; prices have ids, and direct cost its old name."""
        prices = [
            {
                "id": row["id"] * 100 + number,
                **{name: price[name] for name in ("product_id", "price", "currency", "cost")},
                "overhead_cost": price["direct_cost"],
                "notes": price["notes"],
            }
            for number, price in enumerate(row["prices"], start=1)
        ]
        return {
            **{name: row[name] for name in ("id", "name", "code", "description", "unit", "tax")},
            "category": row["category"],
            "active_flag": not row["is_deleted"],
            "selectable": row["is_linkable"],
            "first_char": row["name"][:1].lower(),
            "visible_to": str(row["visible_to"]),
            "owner_id": self.user(row["owner_id"]),
            "files_count": None,
            "add_time": v1_time(row["add_time"]),
            "update_time": v1_time(row["update_time"]),
            "billing_frequency": row["billing_frequency"],
            "billing_frequency_cycles": row["billing_frequency_cycles"],
            "prices": prices,
            **self._custom("product", row),
        }

    def user(self, user_id: int | None) -> Any:
        """Show a relation to a user."""
        row = self._company["user"].find(user_id)
        if self._flat or row is None:
            return user_id
        return {
            "id": user_id,
            "name": row["name"],
            "email": row["email"],
            "has_pic": 0,
            "pic_hash": None,
            "active_flag": row["active_flag"],
            "value": user_id,
        }

    def person_relation(self, person_id: int | None) -> Any:
        """Show a relation to a person."""
        row = self._company["person"].find(person_id)
        if self._flat or row is None:
            return person_id
        return {
            "active_flag": not row["is_deleted"],
            "name": row["name"],
            "email": row["emails"] or [{"value": "", "primary": True}],
            "phone": row["phones"] or [{"value": "", "primary": True}],
            "owner_id": row["owner_id"],
            "value": person_id,
        }

    def organization_relation(self, organization_id: int | None) -> Any:
        """Show a relation to an organization."""
        row = self._company["organization"].find(organization_id)
        if self._flat or row is None:
            return organization_id
        return {
            "name": row["name"],
            "people_count": counts.optional_field(
                self._company, "organization", row, "people_count"
            ),
            "owner_id": row["owner_id"],
            "address": (row["address"] or {}).get("value"),
            "active_flag": not row["is_deleted"],
            "cc_email": counts.smart_bcc("organization", organization_id or 0),
            "value": organization_id,
        }

    def _contact(self, kind: str, row: Row) -> Row:
        owner = self._company["user"].find(row["owner_id"])
        return {
            **{
                name: counts.optional_field(self._company, kind, row, name)
                for name in _CONTACT_COUNTS
            },
            "active_flag": not row["is_deleted"],
            "picture_id": row["picture_id"],
            "first_char": row["name"][:1].lower(),
            "add_time": v1_time(row["add_time"]),
            "update_time": v1_time(row["update_time"]),
            "delete_time": v1_time(row["delete_time"]),
            "visible_to": str(row["visible_to"]),
            **self._activities(kind, row),
            "label": row["label_ids"][0] if row["label_ids"] else None,
            "label_ids": row["label_ids"],
            "owner_name": owner["name"] if owner else None,
            "cc_email": counts.smart_bcc(kind, row["id"]),
        }

    def _activities(self, kind: str, row: Row) -> Row:
        """Show the next and the last activity."""
        shown: Row = {}
        for name in ("next_activity", "last_activity"):
            activity_id = counts.optional_field(self._company, kind, row, f"{name}_id")
            activity = self._company["activity"].find(activity_id)
            shown[f"{name}_id"] = activity_id
            shown[f"{name}_date"] = activity and activity["due_date"]
            if name == "next_activity":
                shown["next_activity_time"] = activity and activity["due_time"]
        return shown

    def _next_details(self, row: Row) -> Row:
        next_id = counts.optional_field(self._company, "deal", row, "next_activity_id")
        activity = self._company["activity"].find(next_id) or {}
        return {
            f"next_activity_{name}": activity.get(column) for name, column in _NEXT_DETAILS.items()
        }

    def _custom(self, kind: str, row: Row) -> Row:
        shown: Row = {}
        for field in self._company.fields.custom(kind):
            shown |= custom_values.as_v1(field, row["custom_fields"].get(field.code))
        return shown

    def _money(self, amount: Any, currency: str) -> str:
        places = decimal_places(self._company, currency)
        text = f"{rounded(amount, places):,.{places}f}"
        return f"{text.translate(str.maketrans(',.', '.,'))} {currency}"
