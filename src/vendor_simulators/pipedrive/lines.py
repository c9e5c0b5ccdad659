"""A deal's products, discounts and installments, and the deal value that they make."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from vendor_simulators.pipedrive.company import Actor, Company
from vendor_simulators.pipedrive.rules import UnfitError, decimal_places, require
from vendor_simulators.pipedrive.wire import Amount, Row, rounded, tidy

CYCLES_A_YEAR: Mapping[str, int] = {
    "annually": 1, "semi-annually": 2, "quarterly": 4, "monthly": 12, "weekly": 52,
}  # fmt: skip
MOST_CYCLES = 208
MOST_RECURRING = 20
_MONTHS = 12
_HUNDRED = Decimal(100)
_SETTABLE = (
    "item_price", "quantity", "tax", "comments", "discount", "discount_type", "is_enabled",
    "product_variation_id", "billing_frequency", "billing_frequency_cycles", "billing_start_date",
)  # fmt: skip


def lines_of(company: Company, deal_id: int) -> list[Row]:
    """Return a deal's lines, oldest first."""
    return company["deal_product"].where("deal_id", deal_id)


def enabled_lines(company: Company, deal_id: int) -> list[Row]:
    """Return the lines that count."""
    return [line for line in lines_of(company, deal_id) if line["is_enabled"]]


def add_lines(
    company: Company, deal: Row, wanted: Sequence[Mapping[str, Any]], actor: Actor
) -> list[Row]:
    """Attach products; all of them are checked before the first is attached."""
    drafts = [_draft(company, deal, given) for given in wanted]
    _check_recurring(company, deal, drafts)
    made = []
    for draft in drafts:
        draft["id"] = draft["id"] or company["deal_product"].take_id()
        draft["order_nr"] = len(lines_of(company, deal["id"])) + 1
        _share_tax_method(company, deal, draft["tax_method"], actor)
        made.append(company.insert("deal_product", draft, actor))
    recompute(company, deal, actor)
    return made


def update_line(
    company: Company, deal: Row, line: Row, given: Mapping[str, Any], actor: Actor
) -> None:
    """Change a line and, with tax_method, all lines of the deal."""
    changes: Row = {name: given[name] for name in _SETTABLE if name in given}
    if given.get("product_id"):
        product = require(company, "product", given["product_id"], name="product_id")
        changes |= {"product_id": product["id"], "name": product["name"]}
    changed = {**line, **changes}
    _check_billing(changed)
    _check_recurring(company, deal, [changed])
    _check_last_enabled(company, deal, line, changed)
    if given.get("tax_method"):
        changes["tax_method"] = changed["tax_method"] = given["tax_method"]
        _share_tax_method(company, deal, given["tax_method"], actor)
    changes["sum"] = line_sum(company, changed)
    company.change("deal_product", line, changes, actor)
    recompute(company, deal, actor)


def remove_lines(company: Company, deal: Row, gone: list[Row], actor: Actor) -> None:
    """Detach lines."""
    for line in gone:
        company.erase("deal_product", line, actor)
    recompute(company, deal, actor)


def add_discount(company: Company, deal: Row, given: Mapping[str, Any], actor: Actor) -> Row:
    """Give a discount on the whole deal."""
    now = company.stamp()
    discount = {
        "id": company["discount"].take_id(),
        "uuid": company.new_uuid(),
        "description": given["description"],
        "amount": given["amount"],
        "type": given["type"],
        "deal_id": deal["id"],
        "created_at": now,
        "created_by": actor.user_id,
        "updated_at": now,
        "updated_by": actor.user_id,
    }
    company["discount"].add(discount)
    recompute(company, deal, actor)
    return discount


def update_discount(
    company: Company, deal: Row, discount: Row, given: Mapping[str, Any], actor: Actor
) -> None:
    """Change a discount."""
    stamp = {"updated_at": company.stamp(), "updated_by": actor.user_id}
    company["discount"].apply(discount, {**given, **stamp})
    recompute(company, deal, actor)


def remove_discount(company: Company, deal: Row, discount: Row, actor: Actor) -> None:
    """Take a discount back."""
    company["discount"].remove(discount["id"])
    recompute(company, deal, actor)


def add_installment(company: Company, deal: Row, given: Mapping[str, Any], actor: Actor) -> Row:
    """Add an installment; the deal needs an enabled line and no recurring one."""
    enabled = enabled_lines(company, deal["id"])
    if not enabled or any(_is_recurring(line) for line in enabled):
        raise UnfitError("id", "Installments need one-time products on the deal")
    installment = {
        "id": company["deal_installment"].take_id(),
        "amount": given["amount"],
        "billing_date": given["billing_date"],
        "description": given["description"],
        "deal_id": deal["id"],
    }
    return company.insert("deal_installment", installment, actor)


def follow_currency(company: Company, deal: Row, actor: Actor) -> None:
    """Give all lines the deal's currency."""
    for line in lines_of(company, deal["id"]):
        company.change("deal_product", line, {"currency": deal["currency"]}, actor)
    recompute(company, deal, actor)


def line_sum(company: Company, line: Mapping[str, Any]) -> Amount:
    """Return item price x quantity less the line's discount, rounded to the currency."""
    full = Decimal(line["item_price"]) * line["quantity"]
    if line["discount_type"] == "percentage":
        net = full * (1 - Decimal(line["discount"]) / _HUNDRED)
    elif company.switches["line_discount_amount"] == "per_unit":
        net = full - Decimal(line["discount"]) * line["quantity"]
    else:
        net = full - line["discount"]
    if line["tax_method"] == "exclusive" and company.switches["exclusive_tax_in_sum"]:
        net *= 1 + Decimal(line["tax"]) / _HUNDRED
    return rounded(net, decimal_places(company, line["currency"]))


def recompute(company: Company, deal: Row, actor: Actor) -> None:
    """Set the deal's value and recurring revenue from its enabled lines, if it has any."""
    enabled = enabled_lines(company, deal["id"])
    if not enabled:
        nothing = {"mrr": None, "arr": None, "acv": None}
        company.change("deal", deal, nothing, actor)
        return
    places = decimal_places(company, deal["currency"])
    total = sum((_contribution(company, line) for line in enabled), Decimal())
    value = rounded(max(Decimal(), _discounted(company, deal["id"], total)), places)
    monthly = sum((_monthly(line) for line in enabled), Decimal())
    once = sum((Decimal(line["sum"]) for line in enabled if not _is_recurring(line)), Decimal())
    revenue = {
        "mrr": rounded(monthly, places),
        "arr": rounded(monthly * _MONTHS, places),
        "acv": rounded(monthly * _MONTHS + once, places),
    }
    company.change("deal", deal, {"value": value, **revenue}, actor)


def _draft(company: Company, deal: Row, given: Mapping[str, Any]) -> Row:
    product = require(company, "product", given.get("product_id"), name="product_id")
    now = company.stamp()
    known = lines_of(company, deal["id"])
    default_method = known[0]["tax_method"] if known else company.switches["default_tax_method"]
    draft: Row = {
        "id": given.get("id"),
        "sum": 0,
        "tax": given.get("tax") or 0,
        "deal_id": deal["id"],
        "name": product["name"],
        "product_id": product["id"],
        "product_variation_id": given.get("product_variation_id"),
        "order_nr": 0,
        "add_time": now,
        "update_time": now,
        "comments": given.get("comments") or "",
        "currency": deal["currency"],
        "discount": given.get("discount") or 0,
        "discount_type": given.get("discount_type") or "percentage",
        "quantity": tidy(given["quantity"]),
        "item_price": tidy(given["item_price"]),
        "tax_method": given.get("tax_method") or default_method,
        "is_enabled": given.get("is_enabled", True),
        "billing_frequency": given.get("billing_frequency") or "one-time",
        "billing_frequency_cycles": given.get("billing_frequency_cycles"),
        "billing_start_date": given.get("billing_start_date"),
    }
    if draft["product_variation_id"] is not None:
        require(company, "variation", draft["product_variation_id"], name="product_variation_id")
    _check_billing(draft)
    draft["sum"] = line_sum(company, draft)
    return draft


def _share_tax_method(company: Company, deal: Row, method: str, actor: Actor) -> None:
    for line in lines_of(company, deal["id"]):
        if line["tax_method"] != method:
            changed = {**line, "tax_method": method}
            shared = {"tax_method": method, "sum": line_sum(company, changed)}
            company.change("deal_product", line, shared, actor)


def _is_recurring(line: Mapping[str, Any]) -> bool:
    return bool(line["billing_frequency"] != "one-time")


def _check_billing(line: Mapping[str, Any]) -> None:
    cycles, frequency = line["billing_frequency_cycles"], line["billing_frequency"]
    if frequency == "one-time" and cycles is not None:
        raise UnfitError("billing_frequency_cycles", "must be null for one-time billing")
    if frequency == "weekly" and cycles is None:
        raise UnfitError("billing_frequency_cycles", "cannot be null for weekly billing")
    if cycles is not None and not 0 < cycles <= MOST_CYCLES:
        raise UnfitError("billing_frequency_cycles", f"expected 1 to {MOST_CYCLES}")


def _check_recurring(company: Company, deal: Row, changed: list[Row]) -> None:
    new = [line for line in changed if _is_recurring(line)]
    if not new:
        return
    if company["deal_installment"].count("deal_id", deal["id"]):
        raise UnfitError("billing_frequency", "the deal has installments")
    new_ids = {line["id"] for line in new} - {None}
    old = [line for line in lines_of(company, deal["id"]) if line["id"] not in new_ids]
    if len(new) + sum(_is_recurring(line) for line in old) > MOST_RECURRING:
        raise UnfitError("billing_frequency", f"at most {MOST_RECURRING} recurring products")


def _check_last_enabled(company: Company, deal: Row, line: Row, changed: Row) -> None:
    if changed["is_enabled"] or not company["deal_installment"].count("deal_id", deal["id"]):
        return
    if [other["id"] for other in enabled_lines(company, deal["id"])] == [line["id"]]:
        raise UnfitError("is_enabled", "the last enabled product of a deal with installments")


def _contribution(company: Company, line: Row) -> Decimal:
    """Return what a line adds to the deal's value."""
    amount = Decimal(line["sum"])
    if not _is_recurring(line):
        return amount
    if line["billing_frequency_cycles"] is not None:
        return amount * int(line["billing_frequency_cycles"])
    counted = {
        "one_cycle": 1,
        "one_year": CYCLES_A_YEAR[line["billing_frequency"]],
        "nothing": 0,
    }[company.switches["endless_lines_in_value"]]
    return amount * counted


def _monthly(line: Row) -> Decimal:
    if not _is_recurring(line):
        return Decimal()
    return Decimal(line["sum"]) * CYCLES_A_YEAR[line["billing_frequency"]] / _MONTHS


def _discounted(company: Company, deal_id: int, total: Decimal) -> Decimal:
    left = total
    for discount in company["discount"].where("deal_id", deal_id):
        amount = Decimal(discount["amount"])
        if discount["type"] == "percentage":
            one_by_one = company.switches["deal_discounts"] == "one_after_another"
            amount = (left if one_by_one else total) * amount / _HUNDRED
        left -= amount
    return left
