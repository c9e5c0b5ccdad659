"""From an item of Acumatica to a product of Pipedrive, field by field."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from msgspec import UNSET

from ml_connector.integrations.acumatica_pipedrive.item_settings import FieldRule, ItemRules
from ml_connector.sync.values import same
from ml_connector.vendors.acumatica.models import Item
from ml_connector.vendors.pipedrive.drafts import PriceDraft, ProductDraft
from ml_connector.vendors.pipedrive.models import Product

WHAT = "product"
"""Under which links remember what was written."""

_LONGEST_NAME = 255  # characters; what Pipedrive takes is not documented
_PRICE = "price."


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """In which currency the items' default prices are, and what of them is written."""

    currency: str
    zero_too: bool


def why_left_out(item: Item, rules: ItemRules) -> str | None:
    """Return the first rule that keeps an item from being taken up, or None."""
    if item.kind == "stock_item" and not rules.stock_items:
        return f"item {item.inventory_id} is a stock item, which are left out (items.stock_items)"
    if item.kind == "non_stock_item" and not rules.non_stock_items:
        return (
            f"item {item.inventory_id} is a non-stock item, which are left out "
            "(items.non_stock_items)"
        )
    classes = {name.strip().casefold() for name in rules.classes}
    if classes and (item.item_class or "").strip().casefold() not in classes:
        return (
            f"item {item.inventory_id} is of class {item.item_class or '(none)'}, which is none of "
            f"items.classes: {', '.join(rules.classes)}"
        )
    return None


def wanted_of(
    item: Item, prices: Prices, *, units: Mapping[str, str], present_unit: str | None = None
) -> dict[str, Any]:
    """Return what the item's product should say.

    The unit is the base unit, because the default price is per base unit. ``units`` is the
    user's table from Pipedrive's words to Acumatica's codes.
    """
    wanted: dict[str, Any] = {
        "code": item.inventory_id,
        "name": (item.description or "").strip()[:_LONGEST_NAME] or item.inventory_id,
        "active": item.is_sellable,
    }
    if item.base_unit:
        wanted["unit"] = _unit_word(item.base_unit, units, present_unit)
    price = item.default_price
    if price is not None and (price or prices.zero_too):
        wanted[f"{_PRICE}{prices.currency}"] = price
    return wanted


def present_of(product: Product) -> dict[str, Any]:
    """Return what a product says now."""
    return {
        "code": product.code,
        "name": product.name,
        "unit": product.unit,
        "active": product.is_linkable,
        **{f"{_PRICE}{price.currency}": price.price for price in product.prices},
    }


def product_draft(wanted: Mapping[str, Any]) -> ProductDraft:
    """Return a product to make."""
    return _draft(wanted, kept=())


def changed_product(product: Product, changes: Mapping[str, Any]) -> ProductDraft:
    """Return changes to a product; a list of prices is sent whole, so the others go along."""
    written = {_currency(name) for name in changes}
    kept = [
        PriceDraft(
            currency=price.currency,
            price=changes.get(f"{_PRICE}{price.currency}", price.price),
            cost=UNSET if price.cost is None else price.cost,
            direct_cost=UNSET if price.direct_cost is None else price.direct_cost,
            notes=price.notes or UNSET,
        )
        for price in product.prices
    ]
    return _draft(changes, kept=kept if written - {None} else ())


def _draft(values: Mapping[str, Any], *, kept: Sequence[PriceDraft]) -> ProductDraft:
    there = {price.currency for price in kept}
    new = [
        PriceDraft(currency=currency, price=value)
        for name, value in values.items()
        if (currency := _currency(name)) is not None and currency not in there
    ]
    prices = (*kept, *new)
    return ProductDraft(
        name=values.get("name", UNSET),
        code=values.get("code", UNSET),
        unit=values.get("unit", UNSET),
        is_linkable=values.get("active", UNSET),
        prices=prices or UNSET,
    )


def _currency(name: str) -> str | None:
    return name.removeprefix(_PRICE) if name.startswith(_PRICE) else None


def _unit_word(unit: str, units: Mapping[str, str], present: str | None) -> str:
    """Return what Pipedrive calls a unit: as the product says it already, or the only word."""
    words = [word for word, code in units.items() if code.strip().casefold() == unit.casefold()]
    if present is not None and present.strip().casefold() in {
        unit.casefold(),
        *(word.strip().casefold() for word in words),
    }:
        return present
    return words[0] if len(words) == 1 else unit


# Which side wins --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """What the rules say of each field."""

    wanted: Mapping[str, Any]
    """To be as the item has it."""
    kept: Mapping[str, str] = field(default_factory=dict)
    """What stays as it is in Pipedrive, with the reason."""
    held: tuple[str, ...] = ()
    """What a person has to decide."""
    other_unit: str | None = None
    """Why the price is left alone: the product is sold by another unit than it is for."""


def decide(
    wanted: Mapping[str, Any],
    present: Mapping[str, Any],
    last: Mapping[str, Any],
    rules: ItemRules,
) -> Decided:
    """Compare an item with its product; ``last`` is what we last wrote there.

    A price per base unit is no price of a product that is sold by another unit.
    """
    follows: dict[str, Any] = {}
    kept: dict[str, str] = {}
    held: list[str] = []
    for name, value in wanted.items():
        now, rule = present.get(name), _rule(name, value, rules)
        if same(now, value) or rule == "erp":
            follows[name] = value
        elif rule == "creation":
            kept[name] = "it is set when the product is made only"
        elif _is_theirs(name, now, last):
            if rule == "hold":
                held.append(name)
            else:
                kept[name] = "somebody changed it in Pipedrive"
        else:
            follows[name] = value
    other_unit = None
    if "unit" in kept and present.get("unit"):
        because = f"it is per {wanted['unit']}, and the product is sold by {present['unit']}"
        for name in [each for each in follows if each.startswith(_PRICE)]:
            if not same(present.get(name), follows.pop(name)):
                kept[name] = other_unit = because
    return Decided(wanted=follows, kept=kept, held=tuple(held), other_unit=other_unit)


def _rule(name: str, value: Any, rules: ItemRules) -> FieldRule:
    if name == "code" or (name == "active" and not value):
        return "erp"  # what is not for sale is not offered, whatever else is agreed
    if name.startswith(_PRICE):
        return rules.fields.price
    rule: FieldRule = getattr(rules.fields, name)
    return rule


def _is_theirs(name: str, now: Any, last: Mapping[str, Any]) -> bool:
    """Tell whether somebody entered what stands there: a blank and our own word are nobody's."""
    if now is None or same(now, None):
        return False
    return name not in last or not same(now, last[name])
