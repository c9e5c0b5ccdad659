import asyncio
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import BigInteger, Column, DateTime, Identity, Index, Table, Text, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.schema import MetaData

from ml_connector.storage import partitions
from ml_connector.storage.database import sqlstate_of
from ml_connector.storage.partitions import Month

NOVEMBER = datetime(2026, 11, 20, 12, tzinfo=UTC)

letters = Table(
    "letters",
    MetaData(),
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("received_at", DateTime(timezone=True), primary_key=True),
    Column("content", Text, nullable=False),
    Index("letters_content", "content"),
    postgresql_partition_by="RANGE (received_at)",
)

parcels = Table(
    "parcels",
    letters.metadata,
    Column("received_at", DateTime(timezone=True), primary_key=True),
    postgresql_partition_by="RANGE (received_at)",
)


@pytest.fixture
async def mail(database):
    async with database.transaction() as db:
        await db.run_sync(letters.create)
        await db.execute(text(partitions.default_partition_ddl(letters)))
    return database


async def receive(database, *moments: datetime) -> None:
    async with database.transaction() as db:
        await db.execute(
            letters.insert(), [{"received_at": moment, "content": "x"} for moment in moments]
        )


async def homes(database) -> list[str]:
    """Return the partition of every row, oldest row first."""
    async with database.transaction() as db:
        rows = await db.execute(
            text("SELECT CAST(tableoid AS regclass)::text FROM letters ORDER BY received_at, id")
        )
        return list(rows.scalars())


async def ensure(database, now: datetime, months_ahead: int = 2) -> list[str]:
    async with database.transaction() as db:
        return await partitions.ensure(db, letters, now=now, months_ahead=months_ahead)


async def drop_before(database, moment: datetime) -> list[str]:
    async with database.transaction() as db:
        return await partitions.drop_before(db, letters, moment)


async def test_this_month_and_the_next_ones_are_made_once(mail):
    assert await ensure(mail, NOVEMBER) == [
        "letters_y2026m11",
        "letters_y2026m12",
        "letters_y2027m01",
    ]
    assert await ensure(mail, NOVEMBER) == []


async def test_rows_go_to_the_month_in_utc_that_they_belong_to(mail):
    await ensure(mail, NOVEMBER)
    new_years_eve_in_new_york = datetime(2026, 12, 31, 20, tzinfo=timezone(timedelta(hours=-5)))

    await receive(
        mail,
        datetime(2020, 1, 1, tzinfo=UTC),
        datetime(2026, 11, 1, tzinfo=UTC),
        datetime(2026, 11, 30, 23, 59, 59, 999999, tzinfo=UTC),
        datetime(2026, 12, 1, tzinfo=UTC),
        new_years_eve_in_new_york,
    )

    assert await homes(mail) == [
        "letters_default",
        "letters_y2026m11",
        "letters_y2026m11",
        "letters_y2026m12",
        "letters_y2027m01",
    ]


async def test_rows_in_default_move_when_their_month_is_made(mail):
    await receive(mail, datetime(2026, 9, 3, tzinfo=UTC), NOVEMBER, NOVEMBER)
    async with mail.transaction() as db:
        before = (await db.execute(select(letters).order_by(letters.c.id))).all()

    made = await ensure(mail, NOVEMBER, months_ahead=0)

    assert made == ["letters_y2026m09", "letters_y2026m11"]
    assert await homes(mail) == ["letters_y2026m09", "letters_y2026m11", "letters_y2026m11"]
    async with mail.transaction() as db:
        assert (await db.execute(select(letters).order_by(letters.c.id))).all() == before


async def test_new_month_carries_the_tables_indexes_and_numbers_go_on(mail):
    await receive(mail, NOVEMBER)
    await ensure(mail, NOVEMBER)
    await receive(mail, NOVEMBER)

    async with mail.transaction() as db:
        ids = (await db.execute(select(letters.c.id).order_by(letters.c.id))).scalars().all()
        attached = await db.scalar(
            text(
                "SELECT count(*) FROM pg_inherits WHERE inhparent IN "
                "('letters_content'::regclass, 'letters_pkey'::regclass)"
            )
        )
    assert ids == [1, 2]
    assert attached == 2 * 4  # three months and DEFAULT


async def test_two_processes_making_partitions_at_once_do_it_once(mail):
    await receive(mail, NOVEMBER)

    made = await asyncio.gather(*(ensure(mail, NOVEMBER) for _ in range(4)))

    assert sorted(len(each) for each in made) == [0, 0, 0, 3]


async def test_rows_written_meanwhile_are_neither_lost_nor_refused(mail):
    written = 0
    is_done = asyncio.Event()

    async def write() -> None:
        nonlocal written
        while not is_done.is_set():
            await receive(mail, NOVEMBER)
            written += 1

    writers = [asyncio.create_task(write()) for _ in range(3)]
    for months in range(6):
        await ensure(mail, NOVEMBER, months_ahead=months)
    is_done.set()
    await asyncio.gather(*writers)

    assert len(await homes(mail)) == written


async def test_only_months_that_are_wholly_before_the_moment_are_dropped(mail):
    await receive(mail, *(datetime(2026, month, 15, tzinfo=UTC) for month in (7, 8, 9, 11)))
    await ensure(mail, NOVEMBER)

    dropped = await drop_before(mail, datetime(2026, 9, 1, tzinfo=UTC))

    assert dropped == ["letters_y2026m07", "letters_y2026m08"]
    assert await homes(mail) == ["letters_y2026m09", "letters_y2026m11"]


async def test_aged_rows_in_default_go_too(mail):
    await receive(mail, datetime(2026, 1, 1, tzinfo=UTC), NOVEMBER)

    await drop_before(mail, datetime(2026, 11, 1, tzinfo=UTC))

    assert len(await homes(mail)) == 1


async def test_oldest_months_go_until_the_table_is_small_enough_but_never_this_one(mail):
    await receive(mail, *(datetime(2026, month, 15, tzinfo=UTC) for month in (8, 9, 10, 11)))
    await ensure(mail, NOVEMBER)

    async def shrink_to(largest: int) -> partitions.Shrunk:
        async with mail.transaction() as db:
            return await partitions.drop_until_smaller(
                db, [letters], largest_bytes=largest, now=NOVEMBER
            )

    whole = (await shrink_to(1 << 40)).bytes_left
    first = await shrink_to(whole - 1)
    rest = await shrink_to(0)

    assert first.dropped == ["letters_y2026m08"]
    assert first.bytes_left < whole
    assert rest.dropped == ["letters_y2026m09", "letters_y2026m10"]
    assert rest.bytes_left > 0
    assert await homes(mail) == ["letters_y2026m11"]


async def test_several_tables_share_a_size_and_lose_their_oldest_months_together(mail):
    async with mail.transaction() as db:
        await db.run_sync(parcels.create)
        await db.execute(text(partitions.default_partition_ddl(parcels)))
        for month in (9, 11):
            moment = {"received_at": datetime(2026, month, 15, tzinfo=UTC)}
            await db.execute(parcels.insert(), [moment])
    await receive(mail, *(datetime(2026, month, 15, tzinfo=UTC) for month in (8, 10)))
    for table in (letters, parcels):
        async with mail.transaction() as db:
            await partitions.ensure(db, table, now=NOVEMBER, months_ahead=0)

    async with mail.transaction() as db:
        shrunk = await partitions.drop_until_smaller(
            db, [parcels, letters], largest_bytes=0, now=NOVEMBER
        )

    assert shrunk.dropped == ["letters_y2026m08", "parcels_y2026m09", "letters_y2026m10"]


async def test_maintenance_gives_up_rather_than_hold_inserts_up(mail, monkeypatch):
    monkeypatch.setattr(partitions, "_LOCK_TIMEOUT", "50ms")
    async with mail.transaction() as reader:
        await reader.execute(select(letters))

        with pytest.raises(DBAPIError) as failed:
            await ensure(mail, NOVEMBER)

    assert sqlstate_of(failed.value) == "55P03"
    assert len(await ensure(mail, NOVEMBER)) == 3


def test_table_that_is_not_partitioned_is_named():
    plain = Table("plain", MetaData(), Column("n", BigInteger))

    with pytest.raises(ValueError, match="plain is not partitioned"):
        partitions._column(plain)


@given(moment=st.datetimes(timezones=st.just(UTC)), months=st.integers(-24, 24))
def test_months_add_up(moment, months):
    month = Month.of(moment)

    if 1 < month.year + months // 12 < 9998:
        assert month.plus(months).plus(-months) == month
        assert (month.plus(months) > month) == (months > 0)
        assert month.begins_at <= moment < month.plus(1).begins_at
