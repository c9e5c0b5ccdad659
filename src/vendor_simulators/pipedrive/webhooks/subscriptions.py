"""Webhook subscriptions: who asked for which events, and how their address has been doing."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from itertools import count
from typing import Any
from urllib.parse import urlsplit

from vendor_simulators.kit import SimClock
from vendor_simulators.pipedrive.answers import RefusedError, scope_mismatch
from vendor_simulators.pipedrive.company import COMPANY_ID, Company
from vendor_simulators.pipedrive.logins import Login
from vendor_simulators.pipedrive.v1 import bodies
from vendor_simulators.pipedrive.wire import Row

_FIRST_ID = 9001
_LONGEST_NAME = 255
_OBJECTS = frozenset({
    "activity", "deal", "note", "organization", "person", "pipeline", "product", "stage", "user",
    "*",
})  # fmt: skip
_OBJECTS_OF: Mapping[str, frozenset[str]] = {
    "1.0": _OBJECTS | {"activityType"},
    "2.0": _OBJECTS
    | {"lead", "deal_product", "deal_installment", "project", "task", "board", "phase"},
}
# Version 1.0 had words of its own; both vocabularies are understood there.
_OLD_WORDS = {"added": "create", "updated": "change", "deleted": "delete", "merged": "merge"}
_NEW_WORDS = frozenset({"create", "change", "delete", "*"})
NEW_OF_OLD: Mapping[str, str] = {new: old for old, new in _OLD_WORDS.items()}


@dataclass(slots=True, kw_only=True)
class Subscription:
    """One webhook."""

    id: int
    user_id: int
    owner_id: int
    event_action: str
    event_object: str
    url: str
    version: str
    name: str
    auth_user: str | None
    auth_password: str | None
    is_app: bool
    add_time: datetime
    last_delivery: datetime | None = None
    last_status: int | None = None
    first_failures: int = 0
    banned_until: datetime | None = None
    failing_since: datetime | None = None

    @property
    def action(self) -> str:
        """The action in the words of 2.0."""
        return _OLD_WORDS.get(self.event_action, self.event_action)

    def wants(self, action: str, kind: str) -> bool:
        """Say whether an event is asked for; a merge counts as a change in 2.0 only."""
        if self.event_object not in {"*", kind} or kind not in _OBJECTS_OF[self.version]:
            return False
        if action == "merge" and self.version == "2.0":
            action = "change"
        return self.action in {"*", action}

    def view(self) -> Row:
        """Show the subscription as v1 does."""
        return {
            "id": self.id,
            "company_id": COMPANY_ID,
            "owner_id": self.owner_id,
            "user_id": self.user_id,
            "event_action": self.event_action,
            "event_object": self.event_object,
            "subscription_url": self.url,
            "version": self.version,
            "is_active": 1,
            "add_time": _millis(self.add_time),
            "remove_time": None,
            "type": "application" if self.is_app else "general",
            "http_auth_user": self.auth_user,
            "http_auth_password": self.auth_password,
            "remove_reason": None,
            "last_delivery_time": self.last_delivery and _millis(self.last_delivery),
            "last_http_status": self.last_status,
            "admin_id": self.owner_id,
            "name": self.name,
        }


class SubscriptionBook:
    """All webhooks of the company."""

    def __init__(self, *, company: Company, clock: SimClock) -> None:
        self._company = company
        self._clock = clock
        self._ids = count(_FIRST_ID)
        self._all: dict[int, Subscription] = {}
        self.own_url = ""  # deliveries to ourselves are refused

    def all(self) -> list[Subscription]:
        """Return every subscription that is still there."""
        self._delete_dead()
        return list(self._all.values())

    def visible_to(self, login: Login) -> list[Subscription]:
        """Return what a caller sees: an app its own, a token the general ones."""
        return [one for one in self.all() if one.is_app == login.is_oauth]

    def find(self, subscription_id: int) -> Subscription | None:
        """Return a subscription."""
        self._delete_dead()
        return self._all.get(subscription_id)

    def wanting(self, action: str, kind: str) -> list[Subscription]:
        """Return the subscriptions of an event."""
        return [one for one in self._all.values() if one.wants(action, kind)]

    def create(self, given: Row, login: Login) -> Subscription:
        """Subscribe; raise the 400, 403 or 422 of what is wrong."""
        errors = self._errors(given)
        if errors:
            raise _refused(HTTPStatus.BAD_REQUEST, errors)
        self._check_url(str(given["subscription_url"]), login)
        self._check_count(login)
        made = Subscription(
            id=next(self._ids),
            user_id=bodies.whole(given.get("user_id")) or login.user_id,
            owner_id=login.user_id,
            event_action=given["event_action"],
            event_object=given["event_object"],
            url=given["subscription_url"],
            version=given.get("version") or "2.0",
            name=given["name"],
            auth_user=given.get("http_auth_user") or None,
            auth_password=given.get("http_auth_password") or None,
            is_app=login.is_oauth,
            add_time=self._clock.now(),
        )
        self._all[made.id] = made
        return made

    def delete(self, subscription_id: int) -> None:
        """Unsubscribe."""
        self._all.pop(subscription_id, None)

    def delete_of_app(self, user_id: int) -> None:
        """Remove what the app subscribed to for a user, as uninstalling does."""
        for one in list(self._all.values()):
            if one.is_app and one.owner_id == user_id:
                del self._all[one.id]

    def note_attempt(self, one: Subscription, *, attempt: int, status: int) -> None:
        """Take note of an attempt: the ban counter, and how long nothing has arrived."""
        now = self._clock.now()
        one.last_delivery, one.last_status = now, status or None
        switches = self._company.switches
        if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
            one.failing_since = None
            if switches["success_resets_ban_counter"]:
                one.first_failures = 0
            return
        one.failing_since = one.failing_since or now
        if attempt == 1:
            one.first_failures += 1
        if one.first_failures >= switches["ban_after"]:
            one.first_failures = 0
            one.banned_until = now + timedelta(seconds=switches["ban_seconds"])
        self._delete_dead()

    def is_banned(self, one: Subscription) -> bool:
        """Say whether events for it are lost now."""
        return one.banned_until is not None and self._clock.now() < one.banned_until

    def _delete_dead(self) -> None:
        patience = timedelta(days=self._company.switches["failing_days_until_deletion"])
        now = self._clock.now()
        for one in list(self._all.values()):
            if one.failing_since is not None and now - one.failing_since >= patience:
                del self._all[one.id]

    def _errors(self, given: Row) -> dict[str, list[str]]:
        version = given.get("version") or "2.0"
        if version not in _OBJECTS_OF:
            return {"version": ["must be 1.0 or 2.0"]}
        words = _NEW_WORDS | (_OLD_WORDS.keys() if version == "1.0" else frozenset())
        user_id = bodies.whole(given.get("user_id"))
        checks = {
            "subscription_url": isinstance(given.get("subscription_url"), str),
            "event_action": given.get("event_action") in words,
            "event_object": given.get("event_object") in _OBJECTS_OF[version],
            "name": isinstance(given.get("name"), str) and 0 < len(given["name"]) <= _LONGEST_NAME,
            "user_id": user_id is None or self._company["user"].find(user_id) is not None,
        }
        return {
            name: ["is invalid" if given.get(name) else "is required"]
            for name, is_right in checks.items()
            if not is_right
        }

    def _check_url(self, url: str, login: Login) -> None:
        parts = urlsplit(url)
        host = parts.hostname or ""
        is_ours = host.endswith("pipedrive.com") or (self.own_url and url.startswith(self.own_url))
        is_hidden = self._company.switches["webhook_public_only"] and not _is_public(host)
        if parts.scheme not in {"http", "https"} or not host or is_ours or is_hidden:
            raise _bad_url()
        if parts.scheme == "http" and self._company.switches["webhook_https_only"]:
            raise scope_mismatch() if login.is_oauth else _bad_url()

    def _check_count(self, login: Login) -> None:
        mine = [
            one
            for one in self.all()
            if one.owner_id == login.user_id and one.is_app == login.is_oauth
        ]
        if len(mine) >= self._company.switches["webhooks_per_user"]:
            raise _refused(HTTPStatus.UNPROCESSABLE_ENTITY, {"webhook": ["Webhooks limit reached"]})


def _bad_url() -> RefusedError:
    errors = {"subscription_url": ["invalid or non-reachable URL"]}
    return _refused(HTTPStatus.BAD_REQUEST, errors)


def not_found() -> RefusedError:
    """Return the 404 of webhooks."""
    return _refused(HTTPStatus.NOT_FOUND, {"id": ["not found"]})


def _refused(status: int, errors: Mapping[str, Any]) -> RefusedError:
    return RefusedError(status, {"status": "error", "success": False, "errors": errors})


def _is_public(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_global
    except ValueError:
        return "." in host and not host.endswith((".local", ".localhost", ".internal"))


def _millis(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds")[:23] + "Z"
