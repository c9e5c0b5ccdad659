"""A tiny pair of vendors in memory, to drive the engine without any HTTP."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import BaseModel
from sqlalchemy import text

from ml_connector.core.changes import Change, ChangePage
from ml_connector.core.clock import Clock
from ml_connector.core.errors import OutcomeUnknownError
from ml_connector.core.lanes import Lane
from ml_connector.core.permits import current_permit
from ml_connector.core.profile import Profile, Stream
from ml_connector.storage.database import Database
from ml_connector.sync import backlog, installations
from ml_connector.sync.context import RunContext, Side
from ml_connector.sync.engine import Engine
from ml_connector.sync.flow import EffectKind, Flow, Found, Integration, OnStream, Outcome
from ml_connector.sync.installations import Installation
from ml_connector.sync.rows import POLL, SECOND_LOOK, Wanted
from ml_connector.sync.runner import Runner
from ml_connector.sync.works import FlowWorks, OpenedSide
from ml_connector.transport.vendor import Vendor

START = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
FLOW = "toy_pair.deal_to_order"
STREAM = Stream(name="deals", kind="deal")


class ManualClock:
    """Business time that a test moves; monotonic time is the machine's."""

    def __init__(self, now: datetime = START) -> None:
        self.time = now

    def now(self) -> datetime:
        return self.time

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time()

    def advance(self, **duration: float) -> None:
        self.time += timedelta(**duration)


class ToySettings(BaseModel):
    """Nothing to set."""


@dataclass
class ToyERP:
    """Takes orders, twice if asked twice; can lose answers and hide what is new."""

    orders: list[tuple[str, str]] = field(default_factory=list)  # (number, reference)
    lost_answers: int = 0
    hidden: set[str] = field(default_factory=set)
    finds: int = 0
    delay: float = 0.0
    failing: list[Exception] = field(default_factory=list)

    async def create_order(self, reference: str) -> Found:
        if current_permit() is None:
            raise AssertionError("a write without a permit")
        await asyncio.sleep(self.delay)
        if self.failing:
            raise self.failing.pop(0)
        number = f"SO{len(self.orders) + 1:04}"
        self.orders.append((number, reference))
        if self.lost_answers:
            self.lost_answers -= 1
            raise OutcomeUnknownError(f"no answer to the order {reference}")
        return Found(key=number, name=number)

    async def find_orders(self, reference: str) -> list[Found]:
        self.finds += 1
        return [
            Found(key=number, name=number)
            for number, carried in self.orders
            if carried == reference and number not in self.hidden
        ]


class ToyContext(RunContext[ToySettings]):
    @property
    def erp(self) -> ToyERP:
        client: ToyERP = self.sides["erp"].client
        return client


async def deal_to_order(deal_id: str, ctx: ToyContext) -> Outcome:
    written = await ctx.write_once(
        "order",
        link="deal:order",
        source_key=deal_id,
        reference=f"deal-{deal_id}",
        draft={"deal": deal_id},
        create=lambda: ctx.erp.create_order(f"deal-{deal_id}"),
    )
    if written.is_new:
        return Outcome.written(f"order {written.key} created")
    return Outcome.unchanged(f"order {written.key} is there")


async def find_order(ctx: ToyContext, reference: str) -> Sequence[Found]:
    return await ctx.erp.find_orders(reference)


def toy_profile(name: str) -> Profile:
    return Profile(name=name, title=name.title(), streams=(STREAM,))


def toy_integration(*more: Flow) -> Integration:
    vendors = {
        role: Vendor(profile=toy_profile(name), settings=ToySettings, open_client=_no_client)
        for role, name in (("crm", "toy_crm"), ("erp", "toy_erp"))
    }
    return Integration(
        name="toy_pair",
        title="Toy",
        vendors=vendors,  # type: ignore[arg-type] # the keys are the roles
        settings=ToySettings,
        flows=(
            Flow(
                name="deal_to_order",
                title="Deal to order",
                record_kind="deal",
                source="crm",
                started_by=(OnStream(role="crm", stream="deals"),),
                run=deal_to_order,
                spacing=timedelta(0),
            ),
            *more,
        ),
        effects=(EffectKind(name="order", role="erp", find=find_order),),
        context=ToyContext,
    )


def _no_client(*_: Any, **__: Any) -> Any:
    raise AssertionError("the toy pair opens its own clients")


@dataclass
class Toy:
    """One installation of the toy pair on a real database, with the engine of one process."""

    database: Database
    clock: ManualClock
    erp: ToyERP
    engine: Engine
    runner: Runner
    works: FlowWorks
    installation_id: int
    search_lag: timedelta
    write_deadline: timedelta
    integration: Integration
    openings: list[bool]
    """For each connection that was lent, whether that was for a plan."""

    async def installation(self) -> Installation:
        async with self.database.transaction() as db:
            return await installations.get(db, self.installation_id)

    async def want(self, *records: object, flow: str = FLOW, lane: Lane = Lane.EVENT) -> None:
        async with self.database.transaction() as db:
            await backlog.capture(
                db, [self.wanted(record, flow=flow, lane=lane) for record in records]
            )

    def wanted(self, record: object, *, flow: str = FLOW, lane: Lane = Lane.EVENT) -> Wanted:
        now = self.clock.now()
        return Wanted(
            workspace_id=1,
            owner=f"installation:{self.installation_id}",
            installation_id=self.installation_id,
            flow=flow,
            record=str(record),
            lane=lane,
            due_at=now,
            wanted_at=now,
            trigger={"by": "test"},
        )

    async def queue(self) -> list[tuple[int, int]]:
        """Do what the feeder does, without the run queue; return the jobs."""
        async with self.database.transaction() as db:
            rows = await db.execute(
                text(
                    "UPDATE backlog SET state = 'queued', run_no = run_no + 1, attempt = 0,"
                    " queued_at = clock_timestamp() WHERE state = 'ready' AND due_at <= :now"
                    " RETURNING id, run_no"
                ),
                {"now": self.clock.now()},
            )
            return [(row.id, row.run_no) for row in rows]

    async def work_off(self) -> int:
        """Carry out everything that is due; return how many runs that took."""
        runs = 0
        while jobs := await self.queue():
            runs += len(jobs)
            await asyncio.gather(*(self.runner.carry_out(*job) for job in jobs))
        return runs

    async def rows(self) -> list[Any]:
        async with self.database.transaction() as db:
            return list((await db.execute(text("SELECT * FROM backlog ORDER BY id"))).all())

    async def row(self) -> Any:
        (row,) = await self.rows()
        return row

    async def scalar(self, statement: str) -> Any:
        async with self.database.transaction() as db:
            return (await db.execute(text(statement))).scalar_one()


async def toy(
    database: Database,
    *,
    erp: ToyERP | None = None,
    search_lag: timedelta = timedelta(0),
    write_deadline: timedelta = timedelta(seconds=5),
    clock: ManualClock | None = None,
    more: Sequence[Flow] = (),
) -> Toy:
    """Install the toy pair and return an engine for it; further engines join an installation.

    ``more`` are flows beside the one that every toy has.
    """
    clock = clock or ManualClock()
    erp = erp or ToyERP()
    integration = toy_integration(*more)
    engine = Engine(database, clock)
    openings: list[bool] = []

    @asynccontextmanager
    async def open_side(connection_id: int, *, is_plan: bool) -> AsyncIterator[OpenedSide]:
        openings.append(is_plan)
        yield OpenedSide(
            side=Side(
                client=erp,
                connection_id=connection_id,
                search_lag=search_lag,
                write_deadline=write_deadline,
            ),
            profile=toy_profile("toy_erp"),
            raised=lambda _: False,
            report=_nobody_told,
        )

    works = FlowWorks(engine, {"toy_pair": integration}, open_side)
    runner = Runner(
        engine,
        works={
            **{integration.qualified(flow): works.run_flow for flow in integration.flows},
            SECOND_LOOK: works.second_look,
            POLL: works.run_flow,
        },
        rng=random.Random(7),
    )
    return Toy(
        database=database,
        clock=clock,
        erp=erp,
        engine=engine,
        runner=runner,
        works=works,
        installation_id=await _install(database, clock, integration),
        search_lag=search_lag,
        write_deadline=write_deadline,
        integration=integration,
        openings=openings,
    )


async def _nobody_told(*_: Any) -> bool:
    return False


async def _install(database: Database, clock: Clock, integration: Integration) -> int:
    now = {"now": clock.now()}
    async with database.transaction() as db:
        await db.execute(
            text("INSERT INTO workspace (name, created_at) VALUES ('main', :now)"
                 " ON CONFLICT DO NOTHING"), now
        )  # fmt: skip
        known = await db.execute(text("SELECT id FROM installation WHERE name = 'toy'"))
        if (row := known.first()) is not None:
            return int(row.id)
        installation_id: int = (
            await db.execute(
                text(
                    "INSERT INTO installation (workspace_id, name, pair, connections, settings,"
                    " configuration_version, created_at, updated_at)"
                    " SELECT id, 'toy', 'toy_pair', '{\"crm\": 1, \"erp\": 2}', '{}', 1,"
                    " :now, :now FROM workspace RETURNING id"
                ),
                now,
            )
        ).scalar_one()
        await db.execute(
            text(
                "WITH version AS (INSERT INTO configuration_version (workspace_id, installation_id,"
                " digest, document, who, created_at)"
                " SELECT workspace_id, id, '', '{}', 'test', :now FROM installation RETURNING id)"
                " UPDATE installation SET configuration_version = (SELECT id FROM version)"
            ),
            now,
        )
        await db.execute(
            text(
                "INSERT INTO installation_flow (installation_id, flow, is_on, go_live_at, schedule)"
                " SELECT :id, unnest(CAST(:flows AS text[])), true, :now, '{}'"
            ),
            {"id": installation_id, "flows": [flow.name for flow in integration.flows], **now},
        )
        return installation_id


def page(
    *changes: tuple[str, datetime], read_at: datetime, next_page: str | None = None
) -> ChangePage:
    return ChangePage(
        changes=tuple(Change(kind="deal", key=key, changed_at=at) for key, at in changes),
        next_page=next_page,
        read_at=read_at,
    )
