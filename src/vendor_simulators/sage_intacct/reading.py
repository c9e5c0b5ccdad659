"""The older reads: read, readByName, readByQuery and readMore."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from vendor_simulators.sage_intacct.answers import Fault, FunctionError
from vendor_simulators.sage_intacct.columns import Column, column, related, text
from vendor_simulators.sage_intacct.company import Company
from vendor_simulators.sage_intacct.conditions import Reading, candidates, test_of
from vendor_simulators.sage_intacct.definitions import Definition
from vendor_simulators.sage_intacct.elements import Element, child, element, leaf, text_of
from vendor_simulators.sage_intacct.queries import is_listed, known_object
from vendor_simulators.sage_intacct.rights import Rights
from vendor_simulators.sage_intacct.sessions import Caller
from vendor_simulators.sage_intacct.small_sql import QuerySyntaxError, read_query
from vendor_simulators.sage_intacct.tables import Row
from vendor_simulators.sage_intacct.values import InvalidValueError

_DEFAULT_PAGE, _LARGEST_PAGE = 100, 1000
_MOST_KEYS = 100


@dataclass
class _Left:
    """What readMore goes on with."""

    definition: Definition
    columns: Sequence[Column] | None
    rows: list[Row]
    page_size: int
    total: int
    made_at: float
    session: str | None


class Reads:
    """Answers the older reads."""

    def __init__(self, company: Company, rights: Rights) -> None:
        self._company = company
        self._rights = rights
        self._left: dict[str, _Left] = {}

    def read(self, caller: Caller, asked: Element) -> list[Element]:
        """Return the records with the record numbers that are asked for."""
        return self._keyed(caller, asked, "RECORDNO")

    def read_by_name(self, caller: Caller, asked: Element) -> list[Element]:
        """Return the records with the business keys that are asked for."""
        definition = known_object(self._company, text_of(asked, "object"))
        return self._keyed(caller, asked, definition.key)

    def read_by_query(self, caller: Caller, asked: Element) -> list[Element]:
        """Return the first page of the records that a small SQL query finds."""
        definition = known_object(self._company, text_of(asked, "object"))
        self._rights.check(caller, definition, "List")
        columns = self._columns(definition, asked)
        rows = self._found(caller, definition, text_of(asked, "query"))
        if self._company.switches["shuffle_unordered"]:
            self._company.rng.shuffle(rows)
        left = _Left(
            definition,
            columns,
            rows,
            self._page_size(asked),
            len(rows),
            self._company.clock.monotonic(),
            _session(caller),
        )
        return [self._next_page(left)]

    def read_more(self, caller: Caller, asked: Element) -> list[Element]:
        """Return the next page of an earlier read."""
        result_id = text_of(asked, "resultId")
        left = self._left.pop(result_id, None)
        if left is None and child(asked, "object") is not None:
            wanted = text_of(asked, "object").upper()
            mine = [
                key
                for key, one in self._left.items()
                if one.definition.name == wanted and one.session == _session(caller)
            ]
            left = self._left.pop(mine[-1]) if mine else None
        if left is None or self._is_over(left, caller):
            raise FunctionError(Fault("readMore failed", f"Invalid resultId {result_id}"))
        return [self._next_page(left)]

    # Inside

    def _keyed(self, caller: Caller, asked: Element, by: str) -> list[Element]:
        definition = known_object(self._company, text_of(asked, "object"))
        self._rights.check(caller, definition, "View")
        columns = self._columns(definition, asked)
        keys = [key.strip() for key in text_of(asked, "keys").split(",") if key.strip()]
        if len(keys) > _MOST_KEYS:
            raise FunctionError(Fault("Query Failed", f"More than {_MOST_KEYS} keys were given"))
        rows: list[Row] = []
        for key in dict.fromkeys(keys):
            found = self._one(caller, definition, by, key)
            if found is None and self._company.switches["unknown_keys"] == "failure":
                raise FunctionError(Fault("Query Failed", f"No {definition.name} with key {key}"))
            rows += [] if found is None else [found]
        shown = [self._shown(definition.name, row, columns) for row in rows]
        return [element("data", *shown, listtype=definition.name, count=str(len(shown)))]

    def _one(self, caller: Caller, definition: Definition, by: str, key: str) -> Row | None:
        value: int | str = key
        if definition.fields[by].kind == "n":
            if not key.isdigit():
                return None
            value = int(key)
        found = self._company.table(definition.name).where(by, value)
        has_it = definition.name != "LOCATIONENTITY" or self._company.switches["multi_entity"]
        seen = self._company.seen(found, caller.actor) if has_it else []
        return seen[0] if seen else None

    def _columns(self, definition: Definition, asked: Element) -> list[Column] | None:
        """Return the fields that are asked for, None for all of them."""
        names = [name.strip() for name in text_of(asked, "fields", "*").split(",") if name.strip()]
        if not names or names == ["*"]:
            return None
        return [self._column(definition, name) for name in names]

    def _column(self, definition: Definition, name: str) -> Column:
        found = column(self._company, definition, name)
        if found is None:
            raise FunctionError(Fault(f"Invalid fields list {name}", is_final=True))
        return found

    def _found(self, caller: Caller, definition: Definition, query: str) -> list[Row]:
        reading = Reading(self._company, as_stored=True)
        try:
            condition = read_query(query, lambda name: self._column(definition, name))
            rows = candidates(self._company.table(definition.name), condition, reading)
            test = None if condition is None else test_of(condition, reading)
        except (QuerySyntaxError, InvalidValueError) as exc:
            raise FunctionError(Fault("Query Failed", f"Error in query: {exc}")) from exc
        seen = [
            row for row in self._company.seen(rows, caller.actor) if is_listed(self._company, row)
        ]
        return seen if test is None else [row for row in seen if test(row)]

    def _page_size(self, asked: Element) -> int:
        said = text_of(asked, "pagesize") or str(_DEFAULT_PAGE)
        if not said.isdigit() or not 1 <= int(said) <= _LARGEST_PAGE:
            raise FunctionError(Fault("Query Failed", f"Invalid pagesize {said}"))
        return int(said)

    def _next_page(self, left: _Left) -> Element:
        page, left.rows = left.rows[: left.page_size], left.rows[left.page_size :]
        result_id = ""
        if left.rows:
            result_id = self._company.secret(39)
            self._left[result_id] = left
        name = left.definition.name.lower()
        stored = self._company.switches["read_by_query_values"] == "database"
        shown = [self._shown(name, row, left.columns, as_stored=stored) for row in page]
        return element(
            "data",
            *shown,
            listtype=name,
            count=str(len(page)),
            totalcount=str(left.total),
            numremaining=str(len(left.rows)),
            resultId=result_id,
        )

    def _is_over(self, left: _Left, caller: Caller) -> bool:
        age = self._company.clock.monotonic() - left.made_at
        return age > self._company.switches["result_seconds"] or left.session != _session(caller)

    def _shown(
        self, tag: str, row: Row, columns: Iterable[Column] | None, *, as_stored: bool = False
    ) -> Element:
        if columns is None:
            return whole(self._company, tag, row, as_stored=as_stored)
        cells = [
            leaf(one.path, text(self._company, one, row, as_stored=as_stored)) for one in columns
        ]
        return element(tag, *cells)


def whole(company: Company, tag: str, row: Row, *, as_stored: bool = False) -> Element:
    """Return a record with all its fields, the parts of dotted names one inside the other."""
    made = element(tag)
    for name in row.definition.fields:
        one = column(company, row.definition, name)
        if one is not None:
            _place(made, name, text(company, one, row, as_stored=as_stored))
    contact = row.definition.relations.get("DISPLAYCONTACT")
    if contact is not None:
        found = related(company, contact, row)
        if found is not None:
            made.append(whole(company, "DISPLAYCONTACT", found, as_stored=as_stored))
    if row.definition.name == "GLBATCH":
        lines = company.table("GLENTRY").where("BATCHNO", row.number)
        made.append(element("ENTRIES", *(whole(company, "GLENTRY", line) for line in lines)))
    return made


def _place(made: Element, path: str, value: str) -> None:
    *heads, name = path.split(".")
    for head in heads:
        found = child(made, head)
        if found is None:
            found = element(head)
            made.append(found)
        made = found
    made.append(leaf(name, value))


def _session(caller: Caller) -> str | None:
    return None if caller.session is None else caller.session.session_id
