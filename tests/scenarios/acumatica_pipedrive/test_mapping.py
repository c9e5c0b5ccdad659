"""Fields of both sides map by configuration, whatever becomes of them (P-12, P-13, P-20)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from itertools import count
from typing import Any

import pytest
from tests.scenarios.acumatica_pipedrive.conftest import OpenShop
from tests.scenarios.acumatica_pipedrive.shop import Shop

from ml_connector.core.errors import ConfigurationError
from ml_connector.transport import kept

_CUSTOMERS = count(1)
REGIONS = {"Nord": "NORTH", "Süd": "SOUTH"}


def settings(entries: dict[str, str] | None = None, **fields: Any) -> dict[str, Any]:
    return {
        "order_mapping": {
            "fields": {
                "Document.UsrRegion": {"from": "deal.Region", "table": "regions", "required": True},
                "CustomerOrder": {"template": "{deal.Bestellnummer} / {deal.id}"},
                "ShipToAttention": {"from": "deal.Ansprechpartner", "default": "Wareneingang"},
                **fields,
            },
            "tables": {"regions": {"entries": REGIONS if entries is None else entries}},
        }
    }


@asynccontextmanager
async def fitted(opened: OpenShop, **mapping: Any) -> AsyncIterator[tuple[Shop, dict[str, str]]]:
    """Open a shop, make custom fields on both sides, and map them at once; return their keys."""
    async with opened() as shop:
        await shop.world.seed("acumatica", custom_fields=[
            {"entity": "SalesOrder", "view": "Document", "field": "UsrRegion"},
        ])  # fmt: skip
        keys = {
            "Region": await field(shop, "Region", "enum", options=list(REGIONS)),
            "Bestellnummer": await field(shop, "Bestellnummer"),
            "Ansprechpartner": await field(shop, "Ansprechpartner"),
        }
        # They are minutes younger than the definitions that the process has read: apply finds them.
        await shop.world.apply(settings=settings(**mapping))
        yield shop, keys


async def field(shop: Shop, name: str, kind: str = "varchar", **more: Any) -> str:
    made = await shop.world.play(
        "pipedrive", "add_field", kind="deal", field_name=name, field_type=kind, **more
    )
    return str(made["field_code"])


async def option(shop: Shop, label: str) -> int:
    """Return the id of a choice of a deal's field."""
    (found,) = [
        each["id"]
        for one in await shop.records("pipedrive", "fields")
        if one["kind"] == "deal" and one["is_custom_field"]
        for each in one["options"] or ()
        if each["label"] == label
    ]
    return int(found)


async def won(shop: Shop, **custom_fields: Any) -> int:
    """Win a deal of an organization of its own, so that no name brings two together."""
    deal = await shop.deal(
        shop.line(), organization=f"Kunde {next(_CUSTOMERS)} AG", custom_fields=custom_fields
    )
    await shop.win(deal)
    return deal


async def test_custom_fields_table_template_and_default_make_an_order(opened: OpenShop):
    async with fitted(opened) as (shop, keys):
        deal = await won(shop, **{
            keys["Region"]: await option(shop, "Süd"), keys["Bestellnummer"]: "B-77",
        })  # fmt: skip

        order = await shop.order(deal)

        assert order["custom"] == {"Document.UsrRegion": "SOUTH"}
        assert order["CustomerOrder"] == f"B-77 / {deal}"
        assert order["ShipToContact"]["Attention"] == "Wareneingang"
        because = {one["field"]: one["because"] for one in await shop.noted(deal, "mapped")}
        assert "by table 'regions'" in because["Document.UsrRegion"]
        assert because["ShipToAttention"] == "default"


async def test_required_field_without_a_value_holds_naming_it_until_it_is_filled_in(
    opened: OpenShop,
):
    async with fitted(opened) as (shop, keys):
        deal = await won(shop)
        row = await shop.world.row(deal)
        assert (row.state, row.waits_for) == ("held", f"deal:{deal}")
        assert "has no Region" in row.reason
        assert await shop.writes("acumatica") == []

        await shop.then(deal, shop.world.play(
            "pipedrive", "edit", kind="deal", id=deal,
            changes={"custom_fields": {keys["Region"]: await option(shop, "Nord")}},
        ))  # fmt: skip

        assert (await shop.order(deal))["custom"] == {"Document.UsrRegion": "NORTH"}


async def test_missing_entry_is_held_told_once_and_runs_by_itself_once_it_is_applied(
    opened: OpenShop,
):
    async with fitted(opened, entries={"Nord": "NORTH"}) as (shop, keys):
        south = {keys["Region"]: await option(shop, "Süd")}
        deals = [await won(shop, **south) for _ in range(2)]
        (told,) = await shop.told()
        assert "Süd" in told
        assert "add one under Mappings" in told

        await shop.world.apply(settings=settings())
        await shop.settled(*deals)

        for deal in deals:
            assert (await shop.order(deal))["custom"] == {"Document.UsrRegion": "SOUTH"}


async def test_option_made_a_moment_ago_is_known_to_apply_and_to_the_worker(opened: OpenShop):
    async with fitted(opened) as (shop, keys):
        await won(shop, **{keys["Region"]: await option(shop, "Nord")})
        await shop.world.play(
            "pipedrive", "edit_field", kind="deal", field="Region", options=[{"label": "West"}]
        )
        await shop.world.apply(settings=settings(entries={**REGIONS, "West": "WEST"}))

        deal = await won(shop, **{keys["Region"]: await option(shop, "West")})

        assert (await shop.order(deal))["custom"] == {"Document.UsrRegion": "WEST"}


async def test_renamed_field_goes_on_working_and_its_new_name_is_told(
    opened: OpenShop, monkeypatch: pytest.MonkeyPatch
):
    async with fitted(opened) as (shop, keys):
        for old in ("Region", "Bestellnummer"):
            await shop.world.play(
                "pipedrive", "edit_field", kind="deal", field=old, field_name=f"{old} (neu)"
            )
        definitions_age(monkeypatch)

        deal = await won(shop, **{
            keys["Region"]: await option(shop, "Süd"),
            keys["Bestellnummer"]: "B-78",
        })  # fmt: skip

        order = await shop.order(deal)
        assert order["custom"] == {"Document.UsrRegion": "SOUTH"}
        assert order["CustomerOrder"] == f"B-78 / {deal}"
        told = await shop.told("drift")
        assert any("'Region (neu)'" in words for words in told)
        assert any("'Bestellnummer (neu)'" in words for words in told)
        await shop.world.apply(settings=settings())  # by the old names, which the keys lead on


async def test_deleted_field_is_told_and_its_deals_are_held_until_another_is_mapped(
    opened: OpenShop, monkeypatch: pytest.MonkeyPatch
):
    async with fitted(opened) as (shop, keys):
        await shop.world.play("pipedrive", "delete_field", kind="deal", field="Bestellnummer")
        definitions_age(monkeypatch)
        deal = await won(shop, **{keys["Region"]: await option(shop, "Nord")})
        row = await shop.world.row(deal)
        assert (row.state, row.waits_for) == ("held", "mapping")
        assert "Bestellnummer" in row.reason
        (told,) = await shop.told()
        assert "Bestellnummer" in told
        with pytest.raises(ConfigurationError, match=r":\d+: .*Bestellnummer"):
            await shop.world.apply(settings=settings())

        await shop.world.apply(settings=settings(CustomerOrder={"template": "{deal.id}"}))
        await shop.settled(deal)

        assert (await shop.order(deal))["CustomerOrder"] == str(deal)


async def test_deleted_field_of_ours_is_told_and_orders_are_made_without_it(
    opened: OpenShop, monkeypatch: pytest.MonkeyPatch
):
    async with opened() as shop:
        key = (await shop.own_fields())["order_number"]
        await shop.world.play("pipedrive", "delete_field", kind="deal", field=key)
        definitions_age(monkeypatch)

        deal = await shop.sold()

        assert await shop.order(deal)
        assert any(key in words for words in await shop.told("drift"))


def definitions_age(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let what was read of fields be too old at once."""
    monkeypatch.setattr(kept, "KEPT_FOR", timedelta(0))
