"""Tables kept in months: what has aged leaves by dropping a table, not by deleting rows.

A table is declared with `postgresql_partition_by="RANGE (<column>)"` over a TIMESTAMPTZ. It
always has a DEFAULT partition, so that no insert fails because a month is missing; what landed
there moves when the month's own partition is made.

These functions take locks that inserts wait for. Call each in a transaction of its own; it gives
up with LockNotAvailable (55P03) rather than hold inserts up, and the next round tries again.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Table, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.asyncio import AsyncConnection

MONTHS_AHEAD = 2  # a service that is not maintained for a month still has where to write
_LOCK_TIMEOUT = "3s"  # inserts queue behind a waiting lock, so it must not wait long
_ROWS_AT_ONCE = 10_000  # of aged rows in DEFAULT; the next round takes the rest
_NAME = re.compile(r"_y(\d{4})m(\d{2})$")
_MONTHS_IN_A_YEAR = 12

_quote = postgresql.dialect().identifier_preparer.quote  # type: ignore[no-untyped-call]  # SQLAlchemy leaves dialect() untyped


@dataclass(frozen=True, order=True)
class Month:
    """A month in UTC."""

    year: int
    number: int

    @classmethod
    def of(cls, moment: datetime) -> Month:
        """Return the month that ``moment`` lies in."""
        in_utc = moment.astimezone(UTC)
        return cls(in_utc.year, in_utc.month)

    def plus(self, months: int) -> Month:
        """Return the month so many later."""
        years, index = divmod(self.number - 1 + months, _MONTHS_IN_A_YEAR)
        return Month(self.year + years, index + 1)

    @property
    def begins_at(self) -> datetime:
        """Its first moment, which is also the end of the month before."""
        return datetime(self.year, self.number, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Shrunk:
    """What a retention by size has done."""

    dropped: Sequence[str]
    bytes_left: int


def partition_name(table: Table, month: Month) -> str:
    """Return the name of the partition of ``table`` for ``month``."""
    return f"{table.name}_y{month.year:04}m{month.number:02}"


def default_partition_name(table: Table) -> str:
    """Return the name of the partition that takes what no month takes."""
    return f"{table.name}_default"


def default_partition_ddl(table: Table) -> str:
    """Return the statement that gives a new ``table`` its DEFAULT partition: for migrations."""
    return (
        f"CREATE TABLE {_quote(default_partition_name(table))} "
        f"PARTITION OF {_quote(table.name)} DEFAULT"
    )


async def ensure(
    db: AsyncConnection, table: Table, *, now: datetime, months_ahead: int = MONTHS_AHEAD
) -> list[str]:
    """Make the partitions of this month and of the next ones; return the names of the new ones.

    Also those of the months before, when rows of theirs lie in DEFAULT.
    """
    await _begin(db, table)
    wanted = {Month.of(now).plus(months) for months in range(months_ahead + 1)}
    wanted |= await _months_in_default(db, table)
    wanted -= (await _existing(db, table)).keys()
    made = []
    for month in sorted(wanted):
        if month <= Month.of(now):
            # Inserts into this month go to DEFAULT now. One that has chosen it and waits for its
            # lock would be refused afterwards; so they wait before they choose.
            await db.execute(text(f"LOCK TABLE ONLY {_quote(table.name)} IN ACCESS EXCLUSIVE MODE"))
        made.append(partition_name(table, month))
        await _make(db, table, month)
    return made


async def drop_before(db: AsyncConnection, table: Table, moment: datetime) -> list[str]:
    """Drop the partitions that hold nothing at or after ``moment``; return their names.

    Aged rows in DEFAULT go too, a bounded number at a time.
    """
    await _begin(db, table)
    dropped = []
    for month, name in sorted((await _existing(db, table)).items()):
        if month.plus(1).begins_at <= moment:
            await db.execute(text(f"DROP TABLE {_quote(name)}"))
            dropped.append(name)
    default = _quote(default_partition_name(table))
    await db.execute(
        text(
            f"DELETE FROM {default} WHERE ctid IN (SELECT ctid FROM {default} "  # noqa: S608 - names of our own tables, quoted
            f"WHERE {_column(table)} < :moment LIMIT :most)"
        ),
        {"moment": moment, "most": _ROWS_AT_ONCE},
    )
    return dropped


async def drop_until_smaller(
    db: AsyncConnection, tables: Sequence[Table], *, largest_bytes: int, now: datetime
) -> Shrunk:
    """Drop the oldest months until the tables together are no larger than ``largest_bytes``.

    The present month stays, whatever its size: ``bytes_left`` tells whether it is still too much.
    """
    left = 0
    months: list[tuple[Month, str, int]] = []
    for table in sorted(tables, key=lambda one: one.name):
        await _begin(db, table)
        sizes = await _sizes(db, table)
        left += sum(sizes.values())
        existing = await _existing(db, table)
        months += [(month, name, sizes[name]) for month, name in existing.items()]
    dropped = []
    for month, name, size in sorted(months):
        if left <= largest_bytes or month >= Month.of(now):
            break
        await db.execute(text(f"DROP TABLE {_quote(name)}"))
        dropped.append(name)
        left -= size
    return Shrunk(dropped, left)


async def _begin(db: AsyncConnection, table: Table) -> None:
    """Keep other processes out that do the same, and do not wait long for anybody."""
    await db.execute(text(f"SET LOCAL lock_timeout = '{_LOCK_TIMEOUT}'"))
    await db.execute(
        text("SELECT pg_advisory_xact_lock(hashtextextended('partitions of ' || :name, 0))"),
        {"name": table.name},
    )


async def _existing(db: AsyncConnection, table: Table) -> dict[Month, str]:
    months = {}
    for name in await _sizes(db, table):
        match = _NAME.search(name)
        if match is not None:
            months[Month(int(match[1]), int(match[2]))] = name
    return months


async def _sizes(db: AsyncConnection, table: Table) -> dict[str, int]:
    """Return every partition's name and size in bytes, indexes and TOAST included."""
    rows = await db.execute(
        text(
            "SELECT c.relname, pg_total_relation_size(c.oid) AS size FROM pg_inherits i "
            "JOIN pg_class c ON c.oid = i.inhrelid "
            "WHERE i.inhparent = CAST(:parent AS regclass)"
        ),
        {"parent": _quote(table.name)},
    )
    return {row.relname: row.size for row in rows}


async def _months_in_default(db: AsyncConnection, table: Table) -> set[Month]:
    column = _column(table)
    rows = await db.execute(
        text(
            f"SELECT DISTINCT date_trunc('month', {column} AT TIME ZONE 'UTC') "  # noqa: S608 - names of our own tables, quoted
            f"FROM {_quote(default_partition_name(table))}"
        )
    )
    return {Month(beginning.year, beginning.month) for (beginning,) in rows}


async def _make(db: AsyncConnection, table: Table, month: Month) -> None:
    """Make a partition beside the table, fill it from DEFAULT, and attach it.

    CREATE TABLE ... PARTITION OF would lock the whole table; ATTACH locks DEFAULT alone, into
    which nobody writes as long as the months are there.
    """
    name = _quote(partition_name(table, month))
    default = _quote(default_partition_name(table))
    bounds = {"lower": month.begins_at, "upper": month.plus(1).begins_at}
    column = _column(table)
    columns = ", ".join(_quote(each.name) for each in table.columns if each.computed is None)
    # The identity stays the parent's: a partition with one of its own cannot be attached.
    await db.execute(
        text(f"CREATE TABLE {name} (LIKE {_quote(table.name)} INCLUDING ALL EXCLUDING IDENTITY)")
    )
    await db.execute(text(f"LOCK TABLE {default} IN ACCESS EXCLUSIVE MODE"))
    await db.execute(
        text(
            f"WITH moved AS (DELETE FROM {default} "  # noqa: S608 - names of our own tables, quoted
            f"WHERE {column} >= :lower AND {column} < :upper RETURNING {columns}) "
            f"INSERT INTO {name} ({columns}) SELECT {columns} FROM moved"
        ),
        bounds,
    )
    # DDL takes no bound parameters; these are moments of our own making.
    await db.execute(
        text(
            f"ALTER TABLE {_quote(table.name)} ATTACH PARTITION {name} "
            f"FOR VALUES FROM ('{bounds['lower'].isoformat()}') "
            f"TO ('{bounds['upper'].isoformat()}')".replace(":", r"\:")
        )
    )


def _column(table: Table) -> str:
    """Return the column that ``table`` is partitioned by."""
    declared = str(table.dialect_options["postgresql"]["partition_by"])
    match = re.fullmatch(r"RANGE \((\w+)\)", declared)
    if match is None:
        raise ValueError(f"{table.name} is not partitioned by a RANGE of one column: {declared}")
    return _quote(match[1])
