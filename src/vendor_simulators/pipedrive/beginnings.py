"""What a fresh company holds: two users, currencies, activity types, one pipeline."""

from __future__ import annotations

from collections.abc import Sequence

from vendor_simulators.pipedrive import pipelines
from vendor_simulators.pipedrive.company import FIRST_USER, Actor, Company
from vendor_simulators.pipedrive.wire import Row

_SINCE = "2024-01-10T08:00:00Z"
_CURRENCIES: Sequence[tuple[str, str, int, str]] = (
    ("EUR", "Euro", 2, "€"),
    ("USD", "US Dollar", 2, "$"),
    ("GBP", "British Pound", 2, "£"),
    ("SEK", "Swedish Krona", 2, "kr"),
    ("NOK", "Norwegian Krone", 2, "kr"),
    ("DKK", "Danish Krone", 2, "kr"),
    ("CHF", "Swiss Franc", 2, "CHF"),
    ("PLN", "Polish Zloty", 2, "zł"),
    ("CAD", "Canadian Dollar", 2, "C$"),
    ("AUD", "Australian Dollar", 2, "A$"),
    ("JPY", "Japanese Yen", 0, "¥"),
    ("KWD", "Kuwaiti Dinar", 3, "KD"),
)
_ACTIVITY_TYPES = ("Call", "Meeting", "Task", "Deadline", "Email", "Lunch")
_STAGES: Sequence[tuple[str, int]] = (
    ("Qualified", 20),
    ("Contact made", 40),
    ("Demo scheduled", 60),
    ("Proposal made", 70),
    ("Negotiation", 80),
)


def furnish(company: Company) -> None:
    """Put the beginnings into an empty company."""
    add_user(company, {"name": "Rep One", "email": "rep.one@acme.example", "is_admin": 1})
    add_user(company, {"name": "Rep Two", "email": "rep.two@acme.example", "is_admin": 0})
    for number, (code, name, places, symbol) in enumerate(_CURRENCIES, start=2):
        company["currency"].add(
            {
                "id": number,
                "code": code,
                "name": name,
                "decimal_points": places,
                "active_flag": True,
                "is_custom_flag": False,
                "symbol": symbol,
            }
        )
    for number, name in enumerate(_ACTIVITY_TYPES, start=1):
        company["activity_type"].add(_activity_type(number, name))
    actor = Actor(FIRST_USER)
    given = {"name": "Sales", "is_deal_probability_enabled": True, "add_time": _SINCE}
    pipeline = pipelines.create_pipeline(company, given, actor)
    for name, probability in _STAGES:
        stage = {
            "name": name,
            "pipeline_id": pipeline["id"],
            "deal_probability": probability,
            "add_time": _SINCE,
        }
        pipelines.create_stage(company, stage, actor)


def add_user(company: Company, given: Row) -> Row:
    """Add a user with v1's keys."""
    is_admin = bool(given.get("is_admin"))
    row: Row = {
        "id": given.get("id") or company["user"].take_id(),
        "name": given["name"],
        "default_currency": given.get("default_currency") or "EUR",
        "locale": "en_US",
        "lang": 1,
        "email": given["email"],
        "phone": given.get("phone"),
        "activated": True,
        "last_login": "2024-01-10 08:00:00",
        "has_created_company": is_admin,
        "access": [
            {"app": app, "admin": is_admin, "permission_set_id": company.new_uuid()}
            for app in ("sales", "global", "account_settings")
        ],
        "active_flag": True,
        "timezone_name": given.get("timezone_name") or "UTC",
        "timezone_offset": "+00:00",
        "role_id": 1,
        "icon_url": None,
        "is_you": False,
        "is_deleted": False,
        "is_admin": int(is_admin),
        "add_time": _SINCE,
        "update_time": _SINCE,
    }
    company["user"].add(row)
    return row


def _activity_type(number: int, name: str) -> Row:
    return {
        "id": number,
        "order_nr": number,
        "name": name,
        "key_string": name.lower(),
        "icon_key": name.lower(),
        "active_flag": True,
        "color": "FFFFFF",
        "is_custom_flag": False,
        "add_time": "2024-01-10 08:00:00",
        "update_time": None,
    }
