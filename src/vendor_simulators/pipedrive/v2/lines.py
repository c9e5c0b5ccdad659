"""v2: a deal's products, discounts and installments."""

from __future__ import annotations

from http import HTTPStatus

from vendor_simulators.pipedrive import deals, lines
from vendor_simulators.pipedrive.answers import Answer, invalid, page, single, v2_missing
from vendor_simulators.pipedrive.calls import Call, Operation, scopes
from vendor_simulators.pipedrive.v2 import validation as v
from vendor_simulators.pipedrive.v2.lists import page_readers, sorted_page
from vendor_simulators.pipedrive.v2.views import discount_view, installment_view, line_view
from vendor_simulators.pipedrive.wire import Row

_MOST_AT_ONCE = 100
_SORTABLE = ("id", "add_time", "update_time", "order_nr")
_LIST = page_readers(*_SORTABLE)
_BATCH = {"deal_ids": v.query_ids, **page_readers(*_SORTABLE, "deal_id")}
_INSTALLMENTS = {"deal_ids": v.query_ids, **page_readers("id", "billing_date", "deal_id")}
_BODY: dict[str, v.Reader] = {
    "product_id": v.integer,
    "item_price": v.number,
    "quantity": v.number,
    "tax": v.number,
    "comments": v.text(),
    "discount": v.number,
    "discount_type": v.choice("percentage", "amount"),
    "is_enabled": v.flag,
    "tax_method": v.choice("exclusive", "inclusive", "none"),
    "product_variation_id": v.optional(v.integer),
    "billing_frequency": v.choice("one-time", *lines.CYCLES_A_YEAR),
    "billing_frequency_cycles": v.optional(v.integer),
    "billing_start_date": v.optional(v.day),
}
_REQUIRED = ("product_id", "item_price", "quantity")
_DISCOUNT: dict[str, v.Reader] = {
    "description": v.text(255, shortest=1),
    "amount": v.positive,
    "type": v.choice("percentage", "amount"),
}
_INSTALLMENT: dict[str, v.Reader] = {
    "description": v.text(255, shortest=1),
    "amount": v.positive,
    "billing_date": v.day,
}
_READ, _WRITE = scopes("products:read", "deals:read"), scopes("products:full", "deals:full")
_DEALS = scopes("deals:read")  # the documents ask no more than this for discounts


def _writable_deal(call: Call) -> Row:
    deal = call.found("deal")
    deals.refuse_archived(call.company, deal)
    return deal


def _list(call: Call) -> Answer:
    query = v.read_query(call, _LIST)
    return sorted_page(lines.lines_of(call.company, call.found("deal")["id"]), query, line_view)


def _batch(call: Call) -> Answer:
    query = v.read_query(call, _BATCH, required=("deal_ids",))
    found = [
        line
        for deal_id in query["deal_ids"]
        if call.company["deal"].live(deal_id) is not None
        for line in lines.lines_of(call.company, deal_id)
    ]
    return sorted_page(found, query, line_view)


def _add(call: Call) -> Answer:
    deal = _writable_deal(call)
    given = v.read_body(call, _BODY, required=_REQUIRED)
    made = lines.add_lines(call.company, deal, [given], call.actor)
    return single(line_view(made[0]), status=HTTPStatus.CREATED)


def _add_many(call: Call) -> Answer:
    deal = _writable_deal(call)
    one = v.nested(_BODY, required=_REQUIRED)
    given = v.read_body(call, {"data": v.listed(one)}, required=("data",))["data"]
    if not 0 < len(given) <= _MOST_AT_ONCE:
        raise invalid(f"data: expected 1 to {_MOST_AT_ONCE} products")
    made = lines.add_lines(call.company, deal, given, call.actor)
    return single([line_view(line) for line in made], status=HTTPStatus.CREATED)


def _line(call: Call, deal: Row) -> Row:
    line = call.found("deal_product", "product_attachment_id")
    if line["deal_id"] != deal["id"]:
        raise v2_missing()
    return line


def _update(call: Call) -> Answer:
    deal = _writable_deal(call)
    line = _line(call, deal)
    given = v.read_body(call, _BODY)
    lines.update_line(call.company, deal, line, given, call.actor)
    return single(line_view(line))


def _delete(call: Call) -> Answer:
    deal = _writable_deal(call)
    line = _line(call, deal)
    lines.remove_lines(call.company, deal, [line], call.actor)
    return single({"id": line["id"]})


def _delete_many(call: Call) -> Answer:
    deal = _writable_deal(call)
    wanted = v.read_query(call, {"ids": v.query_ids}).get("ids")
    known = lines.lines_of(call.company, deal["id"])
    chosen = [line for line in known if wanted is None or line["id"] in wanted]
    gone = chosen[:_MOST_AT_ONCE]
    lines.remove_lines(call.company, deal, gone, call.actor)
    answer = single({"ids": [line["id"] for line in gone]})
    answer.body["additional_data"] = {"more_items_in_collection": len(chosen) > len(gone)}
    return answer


def _list_discounts(call: Call) -> Answer:
    v.read_query(call, {})
    found = call.company["discount"].where("deal_id", call.found("deal")["id"])
    return single([discount_view(discount) for discount in found])


def _add_discount(call: Call) -> Answer:
    deal = _writable_deal(call)
    given = v.read_body(call, _DISCOUNT, required=tuple(_DISCOUNT))
    made = lines.add_discount(call.company, deal, given, call.actor)
    return single(discount_view(made), status=HTTPStatus.CREATED)


def _discount(call: Call, deal: Row) -> Row:
    for discount in call.company["discount"].where("deal_id", deal["id"]):
        if discount["uuid"] == call.path["discount_id"]:
            return discount
    raise v2_missing()


def _update_discount(call: Call) -> Answer:
    deal = _writable_deal(call)
    discount = _discount(call, deal)
    given = v.read_body(call, _DISCOUNT)
    lines.update_discount(call.company, deal, discount, given, call.actor)
    return single(discount_view(discount))


def _delete_discount(call: Call) -> Answer:
    deal = _writable_deal(call)
    discount = _discount(call, deal)
    lines.remove_discount(call.company, deal, discount, call.actor)
    return single({"id": discount["uuid"]})


def _list_installments(call: Call) -> Answer:
    query = v.read_query(call, _INSTALLMENTS, required=("deal_ids",))
    table = call.company["deal_installment"]
    found = [row for deal_id in query["deal_ids"] for row in table.where("deal_id", deal_id)]
    answer = sorted_page(found, query, installment_view)
    more = answer.body["additional_data"]["next_cursor"]
    return page(answer.body["data"], more) if more else single(answer.body["data"])


def _add_installment(call: Call) -> Answer:
    deal = _writable_deal(call)
    given = v.read_body(call, _INSTALLMENT, required=tuple(_INSTALLMENT))
    made = lines.add_installment(call.company, deal, given, call.actor)
    return single(installment_view(made))


def _installment(call: Call, deal: Row) -> Row:
    row = call.found("deal_installment", "installment_id")
    if row["deal_id"] != deal["id"]:
        raise v2_missing()
    return row


def _update_installment(call: Call) -> Answer:
    row = _installment(call, _writable_deal(call))
    given = v.read_body(call, _INSTALLMENT)
    call.company.change("deal_installment", row, given, call.actor)
    return single(installment_view(row))


def _delete_installment(call: Call) -> Answer:
    row = _installment(call, _writable_deal(call))
    call.company.erase("deal_installment", row, call.actor)
    return single({"id": row["id"]})


_PRODUCTS = "/deals/{id}/products"
_PRODUCT = f"{_PRODUCTS}/{{product_attachment_id}}"
_DISCOUNTS = "/deals/{id}/discounts"
_ONE_DISCOUNT = f"{_DISCOUNTS}/{{discount_id}}"
_ONE_INSTALLMENT = "/deals/{id}/installments/{installment_id}"
OPERATIONS = (
    Operation(method="GET", path="/deals/products", cost=10, run=_batch, scopes=_READ),
    Operation(method="GET", path=_PRODUCTS, cost=10, run=_list, scopes=_READ),
    Operation(method="POST", path=_PRODUCTS, cost=5, run=_add, scopes=_WRITE),
    Operation(method="POST", path=f"{_PRODUCTS}/bulk", cost=25, run=_add_many, scopes=_WRITE),
    Operation(method="PATCH", path=_PRODUCT, cost=5, run=_update, scopes=_WRITE),
    Operation(method="DELETE", path=_PRODUCT, cost=3, run=_delete, scopes=_WRITE),
    Operation(method="DELETE", path=_PRODUCTS, cost=15, run=_delete_many, scopes=_WRITE),
    Operation(method="GET", path=_DISCOUNTS, cost=10, run=_list_discounts, scopes=_DEALS),
    Operation(method="POST", path=_DISCOUNTS, cost=5, run=_add_discount, scopes=_DEALS),
    Operation(method="PATCH", path=_ONE_DISCOUNT, cost=5, run=_update_discount, scopes=_DEALS),
    Operation(method="DELETE", path=_ONE_DISCOUNT, cost=3, run=_delete_discount, scopes=_DEALS),
    Operation(
        method="GET", path="/deals/installments", cost=10, run=_list_installments, scopes=_DEALS
    ),
    Operation(
        method="POST",
        path="/deals/{id}/installments",
        cost=5,
        run=_add_installment,
        scopes=_DEALS,
    ),
    Operation(
        method="PATCH", path=_ONE_INSTALLMENT, cost=5, run=_update_installment, scopes=_DEALS
    ),
    Operation(
        method="DELETE", path=_ONE_INSTALLMENT, cost=3, run=_delete_installment, scopes=_DEALS
    ),
)
