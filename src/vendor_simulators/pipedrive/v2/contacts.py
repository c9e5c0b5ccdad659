"""v2: organizations and persons."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from vendor_simulators.pipedrive import contacts
from vendor_simulators.pipedrive.answers import Answer, invalid
from vendor_simulators.pipedrive.calls import Call, Operation, scopes
from vendor_simulators.pipedrive.filters import matcher
from vendor_simulators.pipedrive.v2 import validation as v
from vendor_simulators.pipedrive.v2.lists import list_page, page_readers
from vendor_simulators.pipedrive.v2.reading import (
    CUSTOM_READERS,
    LABEL_READERS,
    alive_keep,
    answer_ids,
    delete_call,
    one,
    readable,
)
from vendor_simulators.pipedrive.v2.views import View, Wanted, organization_view, person_view
from vendor_simulators.pipedrive.wire import Row

_EXTRA_BOTH = (
    "next_activity_id", "last_activity_id", "open_deals_count", "related_open_deals_count",
    "closed_deals_count", "related_closed_deals_count", "email_messages_count",
    "activities_count", "done_activities_count", "undone_activities_count", "files_count",
    "notes_count", "followers_count", "won_deals_count", "related_won_deals_count",
    "lost_deals_count", "related_lost_deals_count", "smart_bcc_email",
)  # fmt: skip
_EXTRA_PERSON = (
    *_EXTRA_BOTH, "participant_open_deals_count", "participant_closed_deals_count",
    "last_incoming_mail_time", "last_outgoing_mail_time", "marketing_status", "doi_status",
)  # fmt: skip
_EXTRA_ORGANIZATION = (*_EXTRA_BOTH, "people_count")
_POINTS = v.listed(
    v.nested(
        {"value": v.text(shortest=1), "primary": v.flag, "label": v.text()}, required=("value",)
    )
)
_BODY_BOTH: dict[str, v.Reader] = {
    "owner_id": v.integer,
    "add_time": v.moment,
    "visible_to": v.integer,
    "label_ids": v.optional(v.listed(v.integer)),
    "custom_fields": v.optional(v.nested({})),
}
_ORGANIZATION_BODY: dict[str, v.Reader] = {
    **_BODY_BOTH,
    "name": v.text(255, shortest=1),
    "address": v.optional(v.ADDRESS),
}
_ENRICHED_BODY: dict[str, v.Reader] = {
    **_ORGANIZATION_BODY,
    "website": v.optional(v.text()),
    "linkedin": v.optional(v.text()),
    "industry": v.optional(v.integer),
    "annual_revenue": v.optional(v.integer),
    "employee_count": v.optional(v.integer),
}
_PERSON_BODY: dict[str, v.Reader] = {
    **_BODY_BOTH,
    "name": v.text(255, shortest=1),
    "first_name": v.optional(v.text(255)),
    "last_name": v.optional(v.text(255)),
    "org_id": v.optional(v.integer),
    "emails": v.optional(_POINTS),
    "phones": v.optional(_POINTS),
    "im": v.optional(_POINTS),
    "postal_address": v.optional(v.ADDRESS),
    "notes": v.optional(v.text()),
    "birthday": v.optional(v.day),
    "job_title": v.optional(v.text()),
    "marketing_status": v.choice("no_consent", "unsubscribed", "subscribed", "archived"),
}


def _list_readers(*equal: str, extra: tuple[str, ...]) -> dict[str, v.Reader]:
    return {
        "filter_id": v.query_number,
        "ids": v.query_ids,
        **dict.fromkeys(equal, v.query_number),
        "updated_since": v.query_moment,
        "updated_until": v.query_moment,
        "include_fields": v.query_choices(*extra),
        **CUSTOM_READERS,
        **LABEL_READERS,
        **page_readers("id", "update_time", "add_time"),
    }


_ORGANIZATION_LIST = _list_readers("owner_id", extra=_EXTRA_ORGANIZATION)
_PERSON_LIST = _list_readers("owner_id", "org_id", "deal_id", extra=_EXTRA_PERSON)
_ORGANIZATION_ONE = {
    "include_fields": v.query_choices(*_EXTRA_ORGANIZATION), **CUSTOM_READERS, **LABEL_READERS,
}  # fmt: skip
_PERSON_ONE = {
    "include_fields": v.query_choices(*_EXTRA_PERSON), **CUSTOM_READERS, **LABEL_READERS,
}  # fmt: skip
_READ, _WRITE = scopes("contacts:read"), scopes("contacts:full")


def _listed(
    call: Call, kind: str, query: Row, view: View, also: Callable[[Row], bool] | None = None
) -> Answer:
    table = call.company[kind]
    if "filter_id" in query:
        filter_type = {"person": "people", "organization": "org"}[kind]
        keep = matcher(call.company, filter_type, query["filter_id"])
        return list_page(table, query, keep=keep, equal={}, view=view)
    alive = alive_keep(call, query)
    equal: Row = {name: query[name] for name in ("owner_id", "org_id") if name in query}

    def wanted(row: Row) -> bool:
        return alive(row) and (also is None or also(row))

    if "ids" in query:
        return answer_ids(table, query, keep=wanted, equal=equal, view=view)
    return list_page(table, query, keep=wanted, equal=equal, view=view)


def _people_of_deal(call: Call, query: Mapping[str, int]) -> Callable[[Row], bool] | None:
    if "deal_id" not in query:
        return None
    deal = call.company["deal"].live(query["deal_id"])
    people = {
        one["person_id"] for one in call.company["participant"].where("deal_id", query["deal_id"])
    }
    if deal is not None:
        people.add(deal["person_id"])
    return lambda person: person["id"] in people


def _list_organizations(call: Call) -> Answer:
    query = v.read_query(call, _ORGANIZATION_LIST)
    view = organization_view(call.company, Wanted.of(query))
    return _listed(call, "organization", query, view)


def _list_persons(call: Call) -> Answer:
    query = v.read_query(call, _PERSON_LIST)
    view = person_view(call.company, Wanted.of(query))
    return _listed(call, "person", query, view, _people_of_deal(call, query))


def _get_organization(call: Call) -> Answer:
    query = v.read_query(call, _ORGANIZATION_ONE)
    view = organization_view(call.company, Wanted.of(query))
    return one(readable(call, "organization"), view)


def _get_person(call: Call) -> Answer:
    query = v.read_query(call, _PERSON_ONE)
    return one(readable(call, "person"), person_view(call.company, Wanted.of(query)))


def _organization_body(call: Call) -> Mapping[str, v.Reader]:
    return _ENRICHED_BODY if call.switches["organization_enrichment"] else _ORGANIZATION_BODY


def _without_add_time(readers: Mapping[str, v.Reader]) -> dict[str, v.Reader]:
    """Return what a PATCH may set: everything but the time of creation."""
    return {name: reader for name, reader in readers.items() if name != "add_time"}


def _create_organization(call: Call) -> Answer:
    given = v.read_body(call, _organization_body(call), required=("name",), custom="organization")
    row = contacts.create_organization(call.company, given, call.actor)
    return one(row, organization_view(call.company))


def _update_organization(call: Call) -> Answer:
    row = call.found("organization")
    given = v.read_body(call, _without_add_time(_organization_body(call)), custom="organization")
    contacts.update_organization(call.company, row, given, call.actor)
    return one(row, organization_view(call.company))


def _create_person(call: Call) -> Answer:
    given = v.read_body(call, _PERSON_BODY, custom="person")
    if not given.get("name") and not (given.get("first_name") and given.get("last_name")):
        raise invalid("name: Parameter 'name' is required")
    row = contacts.create_person(call.company, given, call.actor)
    return one(row, person_view(call.company))


def _update_person(call: Call) -> Answer:
    row = call.found("person")
    given = v.read_body(call, _without_add_time(_PERSON_BODY), custom="person")
    contacts.update_person(call.company, row, given, call.actor)
    return one(row, person_view(call.company))


def _operations(
    noun: str, kind: str, runs: tuple[Callable[[Call], Answer], ...]
) -> tuple[Operation, ...]:
    listing, get, create, update = runs
    path, path_one = f"/{noun}", f"/{noun}/{{id}}"
    return (
        Operation(method="GET", path=path, cost=10, run=listing, scopes=_READ),
        Operation(method="GET", path=path_one, cost=1, run=get, scopes=_READ),
        Operation(method="POST", path=path, cost=5, run=create, scopes=_WRITE),
        Operation(method="PATCH", path=path_one, cost=5, run=update, scopes=_WRITE),
        Operation(method="DELETE", path=path_one, cost=3, run=delete_call(kind), scopes=_WRITE),
    )


OPERATIONS = (
    *_operations(
        "organizations",
        "organization",
        (_list_organizations, _get_organization, _create_organization, _update_organization),
    ),
    *_operations("persons", "person", (_list_persons, _get_person, _create_person, _update_person)),
)
