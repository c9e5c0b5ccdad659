"""A flow about to change more of one kind than is usual stops and asks (P-21)."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from sqlalchemy import text
from tests.engine_support.pair import START, ManualClock, Toy, ToyContext, toy

from ml_connector.storage.database import Database
from ml_connector.sync import links
from ml_connector.sync.brake import WINDOW, BrakeRules
from ml_connector.sync.flow import Flow, Outcome
from ml_connector.sync.links import LinkKey, RecordLink
from ml_connector.sync.rehearsing import rehearsal, rehearse
from ml_connector.sync.releasing import BrakeFigures, brakes, release

PRICES = "toy_pair.prices"
KIND = "item:product"
CAUSE = f"brake:prices:{KIND}"


class Shop:
    """Products on the other side, and how often each was changed."""

    def __init__(self) -> None:
        self.price = 1
        self.prices: dict[str, int] = {}
        self.writes: list[str] = []

    @property
    def changed(self) -> set[str]:
        return set(self.writes)


def prices_flow(shop: Shop, rules: BrakeRules) -> Flow:
    async def prices(item: str, ctx: ToyContext) -> Outcome:
        async def apply(fields: Mapping[str, Any]) -> None:
            shop.prices[item] = fields["price"]
            shop.writes.append(item)
            await asyncio.sleep(0)

        link = await ctx.link(KIND, item)
        assert link is not None
        changes = await ctx.write_fields(
            side="crm",
            link=link,
            what="product",
            present={"price": shop.prices.get(item, 0)},
            wanted={"price": shop.price},
            apply=apply,
            brake=rules,
        )
        return Outcome.written("changed") if changes else Outcome.unchanged("the same")

    return Flow(
        name="prices", title="Prices", record_kind="item", source="erp", started_by=(), run=prices
    )


async def shop_of(
    database: Database, rules: BrakeRules, *, items: int, clock: ManualClock | None = None
) -> tuple[Toy, Shop]:
    """Return a pair with so many linked products, none of them priced yet."""
    shop = Shop()
    pair = await toy(database, more=[prices_flow(shop, rules)], clock=clock)
    async with database.transaction() as db:
        await links.write(
            db,
            [
                RecordLink(
                    key=LinkKey(
                        installation_id=pair.installation_id, kind=KIND, source_key=str(item)
                    ),
                    target_key=f"P{item}",
                    target_name=f"Pump {item}",
                    origin="found",
                )
                for item in range(items)
            ],
            now=START,
        )
    return pair, shop


async def listed(pair: Toy) -> BrakeFigures:
    async with pair.database.transaction() as db:
        (found,) = await brakes(db, 1)
    return found


async def released(pair: Toy) -> int:
    figures = await listed(pair)
    installation = await pair.installation()
    async with pair.database.transaction() as db:
        return await release(db, installation, [figures], who="ann", now=pair.clock.now())


async def states(pair: Toy) -> dict[str, int]:
    rows = await pair.rows()
    return {state: sum(row.state == state for row in rows) for state in {row.state for row in rows}}


# What passes --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("base", "most"),
    [(0, 20), (100, 20), (101, 20), (500, 100), (1000, 200), (50_000, 200)],
)
def test_share_counts_above_the_least_and_the_count_bounds_it(base: int, most: int):
    assert BrakeRules().most(base) == most


def test_a_brake_that_lets_nothing_through_is_no_rule():
    with pytest.raises(ValidationError):
        BrakeRules(count=0)


async def test_no_more_than_the_share_of_what_was_linked_is_changed_without_a_person(
    database: Database,
):
    pair, shop = await shop_of(database, BrakeRules(share_percent=10, at_least=2), items=50)
    await pair.want(*range(50), flow=PRICES)

    await pair.work_off()

    figures = await listed(pair)
    assert len(shop.changed) == 5
    assert await states(pair) == {"done": 5, "held": 45}
    assert (figures.changed, figures.most, figures.base, figures.held) == (5, 5, 50, 45)
    assert figures.state(pair.clock.now()) == "stopped"
    assert len(figures.examples) == 5
    assert all(example.startswith("Pump ") for example in figures.examples)


async def test_what_was_stopped_waits_for_the_brake_and_people_are_told_once(database: Database):
    pair, _ = await shop_of(database, BrakeRules(count=3), items=30)
    await pair.want(*range(30), flow=PRICES)

    await pair.work_off()

    held = [row for row in await pair.rows() if row.state == "held"]
    assert {row.waits_for for row in held} == {CAUSE}
    assert all("3 of 30 linked records" in row.reason for row in held)
    assert all("`brakes release prices`" in row.reason for row in held)
    assert await pair.scalar("SELECT count(*) FROM notification") == 1
    assert await pair.scalar("SELECT count(*) FROM trail WHERE event = 'brake_stopped'") == 1


async def test_a_record_that_is_changed_again_and_again_counts_once(database: Database):
    pair, shop = await shop_of(database, BrakeRules(count=2), items=10)

    for _ in range(5):
        shop.price += 1
        await pair.want(1, 2, flow=PRICES)
        await pair.work_off()

    assert await states(pair) == {"done": 2}
    assert (await listed(pair)).changed == 2


async def test_a_record_that_needs_no_change_is_not_counted(database: Database):
    pair, shop = await shop_of(database, BrakeRules(count=2), items=10)
    shop.price = 0
    await pair.want(*range(10), flow=PRICES)

    await pair.work_off()

    assert await states(pair) == {"done": 10}
    assert await pair.scalar("SELECT count(*) FROM brake") == 0


async def test_a_dry_run_counts_nothing_and_is_not_stopped(database: Database):
    pair, shop = await shop_of(database, BrakeRules(count=1), items=10)
    await pair.want(1, 2, flow=PRICES)
    await pair.work_off()
    installation = await pair.installation()
    flow = pair.integration.flow("prices")

    rehearsed = await rehearse(
        pair.works, rehearsal(installation, pair.integration, flow, "3", trigger={})
    )

    assert rehearsed.error is None
    assert [write.fields for write in rehearsed.writes] == [{"price": 1}]
    assert len(shop.changed) == 1
    assert (await listed(pair)).changed == 1


# The window ---------------------------------------------------------------------------------


async def test_an_hour_later_as_many_pass_again(database: Database):
    pair, shop = await shop_of(database, BrakeRules(count=3), items=20)
    await pair.want(0, 1, 2, flow=PRICES)
    await pair.work_off()
    pair.clock.advance(hours=1)
    await pair.want(3, 4, 5, flow=PRICES)

    await pair.work_off()

    assert len(shop.changed) == 6
    assert (await listed(pair)).changed == 3


async def test_a_brake_that_has_stopped_lets_nothing_through_however_long_nobody_looks(
    database: Database,
):
    pair, shop = await shop_of(database, BrakeRules(count=3), items=20)
    await pair.want(*range(10), flow=PRICES)
    await pair.work_off()

    for _ in range(5):
        pair.clock.advance(hours=7)
        await pair.want(*range(20), flow=PRICES)
        await pair.work_off()

    assert len(shop.changed) == 3


# Releasing ----------------------------------------------------------------------------------


async def test_releasing_lets_the_mass_change_pass_and_says_who_did(database: Database):
    pair, shop = await shop_of(database, BrakeRules(count=3), items=20)
    await pair.want(*range(10), flow=PRICES)
    await pair.work_off()

    woken = await released(pair)
    await pair.want(*range(10, 20), flow=PRICES)  # the rest of the same mass change
    await pair.work_off()

    figures = await listed(pair)
    assert woken == 7
    assert len(shop.changed) == 20
    assert await states(pair) == {"done": 20}
    assert (figures.released_by, figures.changed, figures.held) == ("ann", 20, 0)
    assert figures.state(pair.clock.now()) == "released"
    assert await pair.scalar("SELECT who FROM trail WHERE event = 'brake_released'") == "ann"


async def test_what_was_held_passes_also_when_working_it_off_takes_longer_than_an_hour(
    database: Database,
):
    pair, shop = await shop_of(database, BrakeRules(count=3), items=20)
    await pair.want(*range(10), flow=PRICES)
    await pair.work_off()
    await released(pair)
    pair.clock.advance(hours=5)

    await pair.work_off()
    await pair.want(*range(10, 20), flow=PRICES)
    await pair.work_off()

    assert len(shop.changed) == 10 + 3  # what was let go takes no place of what comes new
    assert await states(pair) == {"done": 13, "held": 7}


async def test_after_the_released_hour_the_brake_is_there_again_and_tells_anew(database: Database):
    pair, shop = await shop_of(database, BrakeRules(count=3), items=40)
    await pair.want(*range(10), flow=PRICES)
    await pair.work_off()
    await released(pair)
    await pair.work_off()
    pair.clock.advance(hours=1)
    await pair.want(*range(10, 40), flow=PRICES)

    await pair.work_off()

    assert len(shop.changed) == 13
    assert (await listed(pair)).state(pair.clock.now()) == "stopped"
    assert await pair.scalar("SELECT resolved_at FROM notification") is None
    assert await pair.scalar("SELECT count(*) FROM trail WHERE event = 'brake_stopped'") == 2


async def test_two_people_who_release_at_once_release_once(database: Database):
    pair, _ = await shop_of(database, BrakeRules(count=3), items=20)
    await pair.want(*range(10), flow=PRICES)
    await pair.work_off()

    woken = await asyncio.gather(released(pair), released(pair))

    assert sorted(woken) == [0, 7]
    assert await pair.scalar("SELECT count(*) FROM trail WHERE event = 'brake_released'") == 1


# Actions ------------------------------------------------------------------------------------


async def test_inactivations_are_counted_where_a_flow_says_so(database: Database):
    inactivated: list[str] = []

    async def items(item: str, ctx: ToyContext) -> Outcome:
        await ctx.count_change(KIND, BrakeRules(count=2), name=f"Pump {item}")
        inactivated.append(item)
        return Outcome.written("inactivated")

    flow = Flow(
        name="prices", title="Prices", record_kind="item", source="erp", started_by=(), run=items
    )
    pair = await toy(database, more=[flow])
    await pair.want(*range(5), flow=PRICES)

    await pair.work_off()

    assert len(inactivated) == 2
    assert (await listed(pair)).held == 3


# The law ------------------------------------------------------------------------------------

STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("want"), st.lists(st.integers(0, 11), min_size=1, max_size=12)),
        st.tuples(st.just("minutes"), st.integers(1, 70)),
        st.tuples(st.just("price"), st.none()),
    ),
    min_size=3,
    max_size=12,
)


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS, most=st.integers(1, 4))
async def test_without_a_release_no_window_changes_more_than_may_be_whoever_works_when(
    database: Database, steps: Sequence[tuple[str, Any]], most: int
):
    """Two workers, each with an engine of its own; a window begins with its first change."""
    await emptied(database)
    clock, rules = ManualClock(), BrakeRules(count=most)
    first, shop = await shop_of(database, rules, items=12, clock=clock)
    second = await toy(database, more=[prices_flow(shop, rules)], clock=clock)
    in_window: set[str] = set()
    opened_at, has_stopped = START, False
    for step, value in steps:
        if step == "minutes":
            clock.advance(minutes=value)
        elif step == "price":
            shop.price += 1
        else:
            before = len(shop.writes)
            await first.want(*value, flow=PRICES)
            await asyncio.gather(first.work_off(), second.work_off())
            changed = set(shop.writes[before:])
            if changed and not has_stopped and clock.now() - opened_at >= WINDOW:
                in_window = set()
            if changed and not in_window:
                opened_at = clock.now()
            in_window |= changed
            has_stopped |= "held" in await states(first)
        assert len(in_window) <= most


async def emptied(database: Database) -> None:
    async with database.transaction() as db:
        await db.execute(
            text(
                "TRUNCATE workspace, installation, installation_flow, backlog, record_link, brake,"
                " brake_record, notification RESTART IDENTITY CASCADE"
            )
        )
