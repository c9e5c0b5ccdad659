"""The function `query`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cmp_to_key
from typing import Any

from vendor_simulators.sage_intacct.answers import REFUSED, Fault, FunctionError
from vendor_simulators.sage_intacct.columns import Column, column, text
from vendor_simulators.sage_intacct.company import Company
from vendor_simulators.sage_intacct.conditions import (
    Comparison,
    Condition,
    Junction,
    Reading,
    candidates,
    test_of,
)
from vendor_simulators.sage_intacct.definitions import Definition
from vendor_simulators.sage_intacct.elements import Element, child, children, element, leaf, text_of
from vendor_simulators.sage_intacct.rights import Rights
from vendor_simulators.sage_intacct.sessions import Caller
from vendor_simulators.sage_intacct.tables import Row
from vendor_simulators.sage_intacct.values import InvalidValueError, number_text

_DEFAULT_PAGE = 100
_NUMBER_KINDS = frozenset({"d", "n"})


@dataclass(frozen=True)
class _Selected:
    """A field or an aggregate of it, with the element that shows it."""

    function: str
    column: Column
    tag: str


class Queries:
    """Answers `query`."""

    def __init__(self, company: Company, rights: Rights) -> None:
        self._company = company
        self._rights = rights

    def query(self, caller: Caller, asked: Element) -> list[Element]:
        """Return the page of rows that are asked for."""
        definition = known_object(self._company, text_of(asked, "object"))
        self._rights.check(caller, definition, "List")
        self._check_format(asked)
        missing: list[str] = []
        selected = self._selected(definition, asked, missing)
        condition = self._filter(definition, asked, missing)
        order = self._order(definition, asked, missing)
        if missing:
            names = ", ".join(dict.fromkeys(missing))
            text_ = f"The following fields cannot be queried: [{definition.name}: [{names}] ]"
            raise FunctionError(Fault(REFUSED, text_))
        rows = self._rows(caller, definition, condition, asked)
        if any(one.function != "field" for one in selected):
            return [self._page(definition, asked, self._grouped(definition, selected, rows))]
        ordered = self._ordered(rows, order)
        shown = [self._shown(definition, selected, row) for row in self._cut(asked, ordered)]
        return [self._page(definition, asked, shown, len(ordered))]

    def _check_format(self, asked: Element) -> None:
        form = text_of(asked, "options/returnformat") or "xml"
        if form.lower() != "xml":
            raise FunctionError(Fault("Query Failed", f"The simulator does not answer {form}"))

    def _rows(
        self, caller: Caller, definition: Definition, condition: Condition | None, asked: Element
    ) -> list[Row]:
        def said(option: str) -> bool:
            return text_of(asked, f"options/{option}").lower() == "true"

        reading = Reading(self._company, ignores_case=said("caseinsensitive"))
        table = self._company.table(definition.name)
        try:
            found = candidates(table, condition, reading)
            test = None if condition is None else test_of(condition, reading)
        except InvalidValueError as exc:
            raise FunctionError(Fault("Query Failed", f"Invalid value in filter: {exc}")) from exc
        seen = self._company.seen(found, caller.actor, has_private=said("showprivate"))
        listed = [row for row in seen if is_listed(self._company, row)]
        return listed if test is None else [row for row in listed if test(row)]

    def _selected(
        self, definition: Definition, asked: Element, missing: list[str]
    ) -> list[_Selected]:
        chosen = []
        select = child(asked, "select")
        for one in children(select) if select is not None else ():
            found = self._column(definition, (one.text or "").strip(), missing)
            if found is None:
                continue
            function = str(one.tag)
            is_bare = function == "field" or self._company.switches["aggregates_bare"]
            tag = found.path if is_bare else f"{function.upper()}.{found.path}"
            chosen.append(_Selected(function, found, tag))
        return chosen

    def _filter(
        self, definition: Definition, asked: Element, missing: list[str]
    ) -> Condition | None:
        given = child(asked, "filter")
        tops = list(children(given)) if given is not None else []
        return self._condition(definition, tops[0], missing) if tops else None

    def _condition(
        self, definition: Definition, given: Element, missing: list[str]
    ) -> Condition | None:
        op = str(given.tag)
        if op in {"and", "or"}:
            parts = [self._condition(definition, part, missing) for part in children(given)]
            return Junction(op, tuple(part for part in parts if part is not None))
        found = self._column(definition, text_of(given, "field"), missing)
        if found is None:
            return None
        return Comparison(found, op, tuple(one.text or "" for one in given.iterfind("value")))

    def _order(
        self, definition: Definition, asked: Element, missing: list[str]
    ) -> list[tuple[Column, bool]]:
        order = []
        for one in asked.iterfind("orderby/order"):
            found = self._column(definition, text_of(one, "field"), missing)
            if found is not None:
                order.append((found, child(one, "descending") is not None))
        return order

    def _column(self, definition: Definition, path: str, missing: list[str]) -> Column | None:
        found = column(self._company, definition, path)
        if found is None:
            missing.append(path)
        return found

    def _ordered(self, rows: list[Row], order: Sequence[tuple[Column, bool]]) -> list[Row]:
        """Return rows as asked; what the order leaves open is open indeed."""
        if self._company.switches["shuffle_unordered"]:
            self._company.rng.shuffle(rows)
        for one, is_descending in reversed(order):
            rows.sort(key=_sort_key(one), reverse=is_descending)
        return rows

    def _cut(self, asked: Element, rows: list[Any]) -> list[Any]:
        offset = int(text_of(asked, "offset") or 0)
        return rows[offset : offset + int(text_of(asked, "pagesize") or _DEFAULT_PAGE)]

    def _shown(self, definition: Definition, selected: Iterable[_Selected], row: Row) -> Element:
        cells = [leaf(one.tag, text(self._company, one.column, row)) for one in selected]
        return element(definition.name, *cells)

    def _grouped(
        self, definition: Definition, selected: Sequence[_Selected], rows: list[Row]
    ) -> list[Element]:
        plain = [one for one in selected if one.function == "field"]
        groups: dict[tuple[str, ...], list[Row]] = {} if plain else {(): []}
        for row in rows:
            key = tuple(text(self._company, one.column, row) for one in plain)
            groups.setdefault(key, []).append(row)
        return [
            element(
                definition.name,
                *(self._aggregate(one, members) for one in selected),
            )
            for members in groups.values()
        ]

    def _aggregate(self, one: _Selected, rows: Sequence[Row]) -> Element:
        if one.function == "field":
            return leaf(one.tag, text(self._company, one.column, rows[0]))
        values = [value for row in rows if (value := one.column.value(row)) is not None]
        if one.function == "count":
            return leaf(one.tag, str(len(values)))
        if not values:
            return leaf(one.tag)
        if one.function in {"min", "max"}:
            extreme = (min if one.function == "min" else max)(values)
            row = next(row for row in rows if one.column.value(row) == extreme)
            return leaf(one.tag, text(self._company, one.column, row))
        if one.column.field.kind not in _NUMBER_KINDS:
            raise FunctionError(Fault("Query Failed", f"{one.column.path} is not a number"))
        total = sum((Decimal(value) for value in values), Decimal(0))
        return leaf(one.tag, number_text(total if one.function == "sum" else total / len(values)))

    def _page(
        self, definition: Definition, asked: Element, shown: list[Element], total: int | None = None
    ) -> Element:
        if total is None:
            total, shown = len(shown), self._cut(asked, shown)
        offset = int(text_of(asked, "offset") or 0)
        return element(
            "data",
            *shown,
            listtype=definition.name,
            totalcount=str(total),
            offset=str(offset),
            count=str(len(shown)),
            numremaining=str(max(0, total - offset - len(shown))),
        )


def known_object(company: Company, name: str) -> Definition:
    """Return an object by its name; refuse an unknown one."""
    definition = company.definition(name)
    if definition is None:
        text_ = f"Object definition {name} not found"
        if company.switches["unknown_object_form"] == "new":
            what = "There was an error processing the function"
            raise FunctionError(Fault("DL02000001", text_, description=what))
        raise FunctionError(Fault("Query Failed", text_))
    return definition


def is_listed(company: Company, row: Row) -> bool:
    """Say whether lists show a record: not entities where there are none, nor lines of drafts."""
    name = row.definition.name
    if name == "LOCATIONENTITY":
        return bool(company.switches["multi_entity"])
    if name == "GLENTRY" and not company.switches["draft_lines_queried"]:
        batch = company.table("GLBATCH").numbered(row["BATCHNO"])
        return batch is not None and batch["STATE"] in {"Posted", "Reversed"}
    return True


def _sort_key(one: Column) -> Callable[[Row], Any]:
    def compare(first: Row, second: Row) -> int:
        left, right = one.value(first), one.value(second)
        if left is None or right is None:
            return (left is not None) - (right is not None)
        return int(left > right) - int(left < right)

    return cmp_to_key(compare)
