"""The first match's list as a table to correct, and taking the corrections back (P-17).

The table is CSV, as spreadsheets read and write it. A line says what is to become of one record:
the key of its counterpart, ``new``, ``skip``, or nothing, which takes back what was said before.
A fault names line and column and stops nothing else.
"""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from ml_connector.audit import trail
from ml_connector.core.errors import ConfigurationError
from ml_connector.storage.database import Database
from ml_connector.sync import first_match
from ml_connector.sync.first_match import NEW, SKIP, Decided, Listed
from ml_connector.sync.first_matching import FirstMatch
from ml_connector.sync.works import FlowWorks

COLUMNS = (
    "record", "name", "verdict", "candidates", "decision", "share", "chosen_name", "because",
)  # fmt: skip
_PAGE = 1000
_LOOKED_UP_AT_ONCE = 50  # what the clients' loaders gather into one call
_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # a spreadsheet would compute what begins so
_YES = frozenset({"yes", "y", "true", "1", "x"})
_NO = frozenset({"", "no", "n", "false", "0"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What is wrong with one cell."""

    line: int
    column: str
    words: str

    def __str__(self) -> str:
        return f"line {self.line}, {self.column}: {self.words}"


@dataclass(slots=True)
class Imported:
    """What an import has taken in."""

    lines: int = 0
    decided: int = 0
    """Decisions that are new or other than before."""
    withdrawn: int = 0
    unchanged: int = 0
    faults: list[Fault] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Line:
    """One line of the table, with the record that it is about."""

    number: int
    row: Listed
    decision: str | None
    may_share: bool


# Exporting --------------------------------------------------------------------------------


async def exported(database: Database, task: FirstMatch) -> AsyncIterator[str]:
    """Yield the list as CSV, a page at a time; the first has the names of the columns."""
    yield _csv([COLUMNS])
    async for page in pages(database, task):
        yield _csv(_cells(row) for row in page)


async def pages(database: Database, task: FirstMatch) -> AsyncIterator[list[Listed]]:
    """Yield the records of the list, a page at a time."""
    after = 0
    while True:
        async with database.transaction() as db:
            page = await first_match.listed(db, task.key, after=after, limit=_PAGE)
        if not page:
            return
        yield page
        after = page[-1].id


def _cells(row: Listed) -> tuple[str, ...]:
    return (
        _inert(row.source_key),
        _inert(row.source_name),
        row.verdict,
        _inert("; ".join(f"{one.key} = {one.name or ''}".rstrip(" =") for one in row.candidates)),
        _inert(row.decision or ""),
        "yes" if row.may_share else "",
        _inert(row.decided_name or ""),
        _inert(row.because),
    )


def _inert(text: str) -> str:
    """Keep a spreadsheet from taking a vendor's text for a formula."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def _csv(rows: Iterable[Sequence[str]]) -> str:
    written = io.StringIO()
    csv.writer(written, lineterminator="\n").writerows(rows)
    return written.getvalue()


# Importing --------------------------------------------------------------------------------


async def take_in(
    content: bytes, task: FirstMatch, works: FlowWorks, database: Database, *, now: datetime
) -> Imported:
    """Take in what a person has decided; what is at fault is told, and the rest is kept.

    Raises ConfigurationError for what is no such table at all.
    """
    imported = Imported()
    rows = {row.source_key: row async for page in pages(database, task) for row in page}
    lines = _lines(_table(content), rows, imported)
    names = await _names(lines, rows, task, works)
    decided = list(_free(_known(lines, names, imported), rows, imported))
    changed = [each for each in decided if _differs(each, rows[each.source_key])]
    imported.unchanged = len(decided) - len(changed)
    imported.withdrawn = sum(each.decision is None for each in changed)
    imported.decided = len(changed) - imported.withdrawn
    imported.faults.sort(key=lambda fault: fault.line)
    for start in range(0, len(changed), _PAGE):
        batch = changed[start : start + _PAGE]

        async def keep(db: AsyncConnection, batch: Sequence[Decided] = batch) -> None:
            await first_match.decide(db, task.key, batch, who=task.who, now=now)
            await trail.write(db, [_entry(task, batch, now)])

        await database.run(keep)
    return imported


def _table(content: bytes) -> list[tuple[int, dict[str, str]]]:
    """Return the lines by column, with their numbers; whatever separates them."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ConfigurationError("the file is not UTF-8; save it as 'CSV UTF-8'") from None
    head = text.partition("\n")[0]
    separator = max((",", ";", "\t"), key=head.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    names = [name.strip().casefold() for name in next(reader, [])]
    missing = [name for name in ("record", "decision") if name not in names]
    if missing:
        raise ConfigurationError(
            f"the first line has no column {' and no column '.join(missing)}; `match export` "
            "shows which there are"
        )
    try:
        return [
            (reader.line_num, dict(zip(names, (cell.strip() for cell in cells), strict=False)))
            for cells in reader
            if any(cell.strip() for cell in cells)
        ]
    except csv.Error as exc:
        raise ConfigurationError(f"line {reader.line_num} is no line of a table: {exc}") from exc


def _lines(
    table: Sequence[tuple[int, Mapping[str, str]]],
    rows: Mapping[str, Listed],
    imported: Imported,
) -> list[_Line]:
    """Return the lines that name a record of the list, and read what they say."""
    imported.lines = len(table)
    seen: dict[str, int] = {}
    lines: list[_Line] = []
    for number, cells in table:
        record = _told(cells.get("record", ""))
        share = cells.get("share", "").casefold()
        if record not in rows:
            words = f"{record!r} is not on the list{_maybe(record, rows)}"
            imported.faults.append(Fault(line=number, column="record", words=words))
        elif record in seen:
            words = f"{record} stands in line {seen[record]} already"
            imported.faults.append(Fault(line=number, column="record", words=words))
        elif share not in _YES | _NO:
            words = f"{share!r} is neither yes nor no"
            imported.faults.append(Fault(line=number, column="share", words=words))
        else:
            seen[record] = number
            row = rows[record]
            lines.append(
                _Line(
                    number=number,
                    row=row,
                    decision=_decision(_told(cells.get("decision", "")), row),
                    may_share=share in _YES if "share" in cells else row.may_share,
                )
            )
    return lines


def _told(cell: str) -> str:
    """Return what a cell says, without what `_inert` put before it."""
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(_FORMULA) else cell


def _decision(cell: str, row: Listed) -> str | None:
    """Read a decision; ``New`` and ``SKIP`` are words too, unless a candidate is called so."""
    if cell not in {one.key for one in row.candidates} and cell.casefold() in {NEW, SKIP}:
        return cell.casefold()
    return cell or None


def _maybe(key: str, known: Iterable[str]) -> str:
    """Say what a spreadsheet may have done to a key."""
    bare = key.lstrip("0")
    alike = [one for one in known if bare and one != key and one.lstrip("0") == bare]
    if len(alike) != 1:
        return ""
    return f"; is it {alike[0]}? a spreadsheet takes zeros away unless the column is text"


async def _names(
    lines: Sequence[_Line], rows: Mapping[str, Listed], task: FirstMatch, works: FlowWorks
) -> dict[str, str | None]:
    """Return the targets that there are, with their names: from the list, or looked up."""
    names = {one.key: one.name for row in rows.values() for one in row.candidates}
    names |= {row.decision: row.decided_name for row in rows.values() if row.decision}
    wanted = [line.decision for line in lines if line.decision not in {None, NEW, SKIP}]
    unknown = [key for key in dict.fromkeys(wanted) if key is not None and key not in names]
    for start in range(0, len(unknown), _LOOKED_UP_AT_ONCE):
        found = await works.look_up(task.run, unknown[start : start + _LOOKED_UP_AT_ONCE])
        names |= {asked: one.name for asked, one in found.items()}
    return names


def _known(
    lines: Iterable[_Line], names: Mapping[str, str | None], imported: Imported
) -> Iterable[tuple[_Line, Decided]]:
    """Yield the decisions that can be carried out."""
    for line in lines:
        decision, row = line.decision, line.row
        words = None
        if decision == NEW and row.verdict == "linked":
            words = f"{row.source_key} is linked to {row.candidates[0].key}; name another, or skip"
        elif decision not in {None, NEW, SKIP} and decision not in names:
            words = (
                f"there is no {decision!r} on the other side{_maybe(str(decision), names)}; "
                f"write a key, {NEW} or {SKIP}"
            )
        if words is not None:
            imported.faults.append(Fault(line=line.number, column="decision", words=words))
            continue
        name = names.get(decision) if decision is not None else None
        yield (
            line,
            Decided(
                source_key=row.source_key,
                decision=decision,
                name=name,
                may_share=line.may_share,
            ),
        )


def _free(
    told: Iterable[tuple[_Line, Decided]], rows: Mapping[str, Listed], imported: Imported
) -> Iterable[Decided]:
    """Yield the decisions whose target nobody else has, unless they may share it."""
    lines = list(told)
    spoken = {line.row.source_key for line, each in lines if each.decision is not None}
    owners: dict[tuple[str, str], Listed] = {}
    for row in rows.values():
        if row.target is not None and row.source_key not in spoken:
            owners.setdefault((row.link, row.target.key), row)
    for line, each in lines:
        if each.decision in {None, NEW, SKIP}:
            yield each
            continue
        first = owners.setdefault((line.row.link, str(each.decision)), line.row)
        if first.source_key != each.source_key and not each.may_share:
            words = (
                f"{each.decision} belongs to {first.source_key} ({first.source_name}) already; "
                "choose another, or write yes under share"
            )
            imported.faults.append(Fault(line=line.number, column="decision", words=words))
            continue
        yield each


def _differs(each: Decided, row: Listed) -> bool:
    return (each.decision, each.may_share) != (row.decision, row.may_share)


def _entry(task: FirstMatch, batch: Sequence[Decided], now: datetime) -> trail.Entry:
    return trail.Entry(
        at=now,
        workspace_id=task.installation.workspace_id,
        event="first_match_decided",
        who=task.who,
        installation_id=task.installation.id,
        detail={
            "flow": task.flow.name,
            "decisions": {each.source_key: each.decision for each in batch},
        },
    )
