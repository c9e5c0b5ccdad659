"""v2: products and their variations."""

from __future__ import annotations

from http import HTTPStatus

from vendor_simulators.pipedrive import products
from vendor_simulators.pipedrive.answers import Answer, single, v2_missing
from vendor_simulators.pipedrive.calls import Call, Operation, scopes
from vendor_simulators.pipedrive.filters import matcher
from vendor_simulators.pipedrive.lines import CYCLES_A_YEAR
from vendor_simulators.pipedrive.v2 import validation as v
from vendor_simulators.pipedrive.v2.lists import list_page, page_readers, sorted_page
from vendor_simulators.pipedrive.v2.reading import (
    CUSTOM_READERS,
    alive_keep,
    answer_ids,
    delete_call,
    one,
    readable,
)
from vendor_simulators.pipedrive.v2.views import Wanted, product_view
from vendor_simulators.pipedrive.wire import Row

_LIST = {
    "owner_id": v.query_number,
    "ids": v.query_ids,
    "filter_id": v.query_number,
    "updated_since": v.query_moment,
    **CUSTOM_READERS,
    **page_readers("id", "name", "add_time", "update_time"),
}
_PRICE = v.nested(
    {
        "currency": v.text(3, shortest=3),
        "price": v.number,
        "cost": v.number,
        "direct_cost": v.optional(v.number),
        "notes": v.text(),
    },
    required=("currency", "price"),
)
_BODY: dict[str, v.Reader] = {
    "name": v.text(255, shortest=1),
    "code": v.optional(v.text()),
    "description": v.optional(v.text()),
    "unit": v.optional(v.text()),
    "tax": v.number,
    "category": v.optional(v.number),
    "owner_id": v.integer,
    "is_linkable": v.flag,
    "visible_to": v.number,
    "prices": v.listed(_PRICE),
    "custom_fields": v.optional(v.nested({})),
    "billing_frequency": v.choice("one-time", *CYCLES_A_YEAR),
    "billing_frequency_cycles": v.optional(v.integer),
}
_VARIATION_BODY: dict[str, v.Reader] = {
    "name": v.text(255, shortest=1),
    "prices": v.listed(_PRICE),
}
_READ, _WRITE = scopes("products:read"), scopes("products:full")


def _list(call: Call) -> Answer:
    query = v.read_query(call, _LIST)
    table, view = call.company["product"], product_view(call.company, Wanted.of(query))
    if "filter_id" in query:
        keep = matcher(call.company, "products", query["filter_id"])
        return list_page(table, query, keep=keep, equal={}, view=view)
    equal = {"owner_id": query["owner_id"]} if "owner_id" in query else {}
    if "ids" in query:
        return answer_ids(table, query, keep=alive_keep(call, query), equal=equal, view=view)
    return list_page(table, query, keep=alive_keep(call, query), equal=equal, view=view)


def _get(call: Call) -> Answer:
    v.read_query(call, {})
    return one(readable(call, "product"), product_view(call.company))


def _create(call: Call) -> Answer:
    given = v.read_body(call, _BODY, required=("name",), custom="product")
    row = products.create_product(call.company, given, call.actor)
    return one(row, product_view(call.company), status=HTTPStatus.CREATED)


def _update(call: Call) -> Answer:
    row = call.found("product")
    given = v.read_body(call, _BODY, custom="product")
    products.update_product(call.company, row, given, call.actor)
    return one(row, product_view(call.company))


def _duplicate(call: Call) -> Answer:
    copy = products.duplicate_product(call.company, call.found("product"), call.actor)
    return one(copy, product_view(call.company), status=HTTPStatus.CREATED)


def _list_variations(call: Call) -> Answer:
    query = v.read_query(call, page_readers())
    product = call.found("product")
    return sorted_page(call.company["variation"].where("product_id", product["id"]), query, dict)


def _create_variation(call: Call) -> Answer:
    product = call.found("product")
    given = v.read_body(call, _VARIATION_BODY, required=("name",))
    made = products.create_variation(call.company, product, given)
    return single(made, status=HTTPStatus.CREATED)


def _update_variation(call: Call) -> Answer:
    variation = _variation(call)
    given = v.read_body(call, _VARIATION_BODY)
    call.company["variation"].apply(variation, given)
    return single(variation)


def _delete_variation(call: Call) -> Answer:
    variation = _variation(call)
    call.company["variation"].remove(variation["id"])
    return single({"id": variation["id"]})


def _variation(call: Call) -> Row:
    product = call.found("product")
    found = call.found("variation", "product_variation_id")
    if found["product_id"] != product["id"]:
        raise v2_missing()
    return found


_ONE = "/products/{id}"
_VARIATIONS = "/products/{id}/variations"
_VARIATION = "/products/{id}/variations/{product_variation_id}"
OPERATIONS = (
    Operation(method="GET", path="/products", cost=10, run=_list, scopes=_READ),
    Operation(method="GET", path=_ONE, cost=1, run=_get, scopes=_READ),
    Operation(method="POST", path="/products", cost=5, run=_create, scopes=_WRITE),
    Operation(method="PATCH", path=_ONE, cost=5, run=_update, scopes=_WRITE),
    Operation(method="DELETE", path=_ONE, cost=3, run=delete_call("product"), scopes=_WRITE),
    Operation(method="POST", path=f"{_ONE}/duplicate", cost=5, run=_duplicate, scopes=_WRITE),
    Operation(method="GET", path=_VARIATIONS, cost=10, run=_list_variations, scopes=_READ),
    Operation(method="POST", path=_VARIATIONS, cost=5, run=_create_variation, scopes=_WRITE),
    Operation(method="PATCH", path=_VARIATION, cost=5, run=_update_variation, scopes=_WRITE),
    Operation(method="DELETE", path=_VARIATION, cost=3, run=_delete_variation, scopes=_WRITE),
)
