"""What all kinds of records share: references, ownership, custom values, refusals."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from vendor_simulators.pipedrive.company import Actor, Company
from vendor_simulators.pipedrive.wire import Row

SMALL_PLANS = frozenset({"lite", "growth"})  # know only owner (1) and everyone (3)
ALL_VISIBILITIES = frozenset({1, 3, 5, 7})
_SMALL_VISIBILITIES = frozenset({1, 3})
_EVERYONE = 3


class UnfitError(Exception):
    """A value that has the right type but not the right meaning."""

    def __init__(self, name: str, problem: str, status: int = HTTPStatus.BAD_REQUEST) -> None:
        super().__init__(f"{name}: {problem}")
        self.name = name
        self.problem = problem
        self.status = status


def exists(company: Company, kind: str, row_id: int) -> bool:
    """Say whether a record is there and not deleted."""
    return company[kind].live(row_id) is not None


def require(company: Company, kind: str, row_id: Any, *, name: str) -> Row:
    """Return the record that a column names; raise UnfitError if it is not there."""
    row = company[kind].live(row_id) if isinstance(row_id, int) else None
    if row is None:
        raise UnfitError(name, f"{kind.replace('_', ' ').capitalize()} {row_id} was not found")
    return row


def checked_references(
    company: Company, given: Mapping[str, Any], references: Mapping[str, str]
) -> None:
    """Raise UnfitError unless each column of ``references`` that is set names a record."""
    for column, kind in references.items():
        if given.get(column) is not None:
            require(company, kind, given[column], name=column)


def checked_visibility(company: Company, given: Mapping[str, Any]) -> int:
    """Return visible_to; raise UnfitError (403) for a setting that the plan lacks."""
    wanted = given.get("visible_to")
    if wanted is None:
        return _EVERYONE
    if wanted not in ALL_VISIBILITIES:
        raise UnfitError("visible_to", "expected one of 1, 3, 5, 7")
    if wanted not in _SMALL_VISIBILITIES and company.switches["plan"] in SMALL_PLANS:
        raise UnfitError(
            "visible_to", "You do not have permissions to do this.", HTTPStatus.FORBIDDEN
        )
    return int(wanted)


def custom_after(current: Mapping[str, Any], given: Mapping[str, Any]) -> Row:
    """Return custom values after a write: named keys replaced, None clears."""
    return {key: value for key, value in {**current, **given}.items() if value is not None}


def default_currency(company: Company, user_id: int) -> str:
    """Return the user's default currency."""
    user = company["user"].find(user_id)
    return "EUR" if user is None else str(user["default_currency"])


def checked_currency(company: Company, code: Any) -> str:
    """Return a currency code; raise UnfitError unless it is an active currency's."""
    for currency in company["currency"]:
        if currency["code"] == code and currency["active_flag"]:
            return str(code)
    raise UnfitError("currency", f"Currency {code} is not supported")


def decimal_places(company: Company, code: str) -> int:
    """Return the decimals of a currency's amounts."""
    for currency in company["currency"]:
        if currency["code"] == code:
            return int(currency["decimal_points"])
    return 2


def owner_of(given: Mapping[str, Any], actor: Actor) -> int:
    """Return the owner of a new record: the one named, or whoever creates it."""
    return int(given.get("owner_id") or actor.user_id)


def born(company: Company, given: Mapping[str, Any]) -> Row:
    """Return the times of a new record; seeding may give them."""
    now = company.stamp()
    added = given.get("add_time") or now
    return {"add_time": added, "update_time": given.get("update_time") or max(added, now)}
