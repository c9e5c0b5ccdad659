"""The ``$filter`` language: OData version 3, as far as the contract API takes it.

A filter is compiled once to a function over records. Conditions of the form ``Field eq 'x'``,
also several joined by ``or``, are answered from an index where the table has one.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any
from uuid import UUID

from vendor_simulators.acumatica.answers import RefusalError, fault
from vendor_simulators.acumatica.contract import Contract, Entity, Field
from vendor_simulators.acumatica.records import Key, Record, Table, normal
from vendor_simulators.acumatica.values import read_date, read_moment

_ODATA = "Microsoft.Data.OData.ODataException"
_TOKEN = re.compile(
    r"""\s*(?:
      (?P<typed>datetimeoffset|datetime|date|guid)'(?P<inner>[^']*)'
    | '(?P<text>(?:[^']|'')*)'
    | cf\.(?P<cftype>\w+)\(\s*f\s*=\s*'(?P<cfpath>[^']*)'\s*\)
    | (?P<number>-?\d+(?:\.\d+)?)(?P<suffix>[MmLlDdFf]?)(?![\w.])
    | (?P<name>[A-Za-z_][\w]*(?:/[A-Za-z_]\w*)*)
    | (?P<mark>[(),])
    )""",
    re.VERBOSE,
)
_EDM = {
    "s": "Edm.String",
    "b": "Edm.Boolean",
    "i": "Edm.Int32",
    "d": "Edm.Decimal",
    "q": "Edm.Decimal",
    "t": "Edm.DateTimeOffset",
    "D": "Edm.DateTimeOffset",
    "g": "Edm.Guid",
}
_FITS = {  # kind of field: kinds of literal it may be compared with
    "s": "s",
    "b": "b",
    "i": "id",
    "d": "id",
    "q": "id",
    "t": "t",
    "D": "tD",
    "g": "g",
}
_CF_KINDS = {
    "String": "s",
    "Boolean": "b",
    "Int": "i",
    "Short": "i",
    "Long": "i",
    "Byte": "i",
    "Decimal": "d",
    "Double": "d",
    "DateTime": "t",
    "Guid": "g",
}
_OPERATORS: dict[str, tuple[str, Callable[[Any, Any], Any]]] = {
    "eq": ("Equal", operator.eq),
    "ne": ("NotEqual", operator.ne),
    "gt": ("GreaterThan", operator.gt),
    "ge": ("GreaterThanOrEqual", operator.ge),
    "lt": ("LessThan", operator.lt),
    "le": ("LessThanOrEqual", operator.le),
}
_FUNCTIONS: dict[str, Callable[[str, str], bool]] = {
    "substringof": operator.contains,
    "startswith": str.startswith,
    "endswith": str.endswith,
}

Test = Callable[[Record], bool]
Lookup = tuple[str, Any]  # indexed path, value


@dataclass(frozen=True)
class Filter:
    """A compiled filter: the test, the fields it names, and index look-ups that cover it."""

    test: Test
    names: frozenset[str]
    lookups: tuple[Lookup, ...] | None  # records outside their union cannot match

    def candidates(self, table: Table) -> Iterable[Record] | None:
        """Return the records worth testing, in key order; None when all are."""
        if self.lookups is None:
            return None
        found: dict[Key, Record] = {}
        for path, value in self.lookups:
            matching = table.matching(path, value)
            if matching is None:
                return None
            found.update((record.key, record) for record in matching)
        return [found[key] for key in sorted(found)]


@lru_cache(maxsize=2048)
def compile_filter(text: str, entity: Entity, contract: Contract, version: int) -> Filter:
    """Return the filter; HTTP 500 for one that cannot be read or compares what cannot be."""
    parser = _Parser(text, entity, contract, version)
    node = parser.disjunction()
    if parser.left():
        raise _unreadable(text)
    return Filter(test=node.test, names=frozenset(parser.names), lookups=node.lookups)


@dataclass(frozen=True)
class _Node:
    test: Test
    lookups: tuple[Lookup, ...] | None = None


@dataclass(frozen=True)
class _Operand:
    kind: str
    read: Callable[[Record], Any]
    path: str | None  # where an index may exist


class _Parser:
    def __init__(self, text: str, entity: Entity, contract: Contract, version: int) -> None:
        self._text = text
        self._entity = entity
        self._contract = contract
        self._version = version
        self._tokens = _tokens(text)
        self._at = 0
        self.names: set[str] = set()

    def left(self) -> bool:
        return self._at < len(self._tokens)

    def disjunction(self) -> _Node:
        terms = [self._conjunction()]
        while self._accept("or"):
            terms.append(self._conjunction())
        if len(terms) == 1:
            return terms[0]
        tests = [term.test for term in terms]
        lookups: list[Lookup] | None = []
        for term in terms:
            lookups = None if lookups is None or term.lookups is None else [*lookups, *term.lookups]
        return _Node(
            lambda record: any(test(record) for test in tests),
            None if lookups is None else tuple(lookups),
        )

    def _conjunction(self) -> _Node:
        terms = [self._term()]
        while self._accept("and"):
            terms.append(self._term())
        if len(terms) == 1:
            return terms[0]
        tests = [term.test for term in terms]
        covered = [term.lookups for term in terms if term.lookups is not None]
        return _Node(
            lambda record: all(test(record) for test in tests),
            min(covered, key=len) if covered else None,
        )

    def _term(self) -> _Node:
        if self._accept("not"):
            inner = self._term()
            return _Node(lambda record: not inner.test(record))
        if self._accept("("):
            inner = self.disjunction()
            self._expect(")")
            return inner
        token = self._next()
        if token["name"] in _FUNCTIONS and self._accept("("):
            return self._function(token["name"])
        return self._comparison(self._operand(token))

    def _comparison(self, left: _Operand) -> _Node:
        token = self._next()
        name = token["name"]
        if name not in _OPERATORS:
            raise _unreadable(self._text)
        word, compare = _OPERATORS[name]
        kind, literal = self._literal(self._next())
        if kind == "null":
            return _null_test(left, name)
        if kind not in _FITS[left.kind]:
            raise _incompatible(left.kind, kind, word)
        value = _comparable(left.kind, literal)
        read, text = left.read, left.kind in "sg"

        def test(record: Record) -> bool:
            found = read(record)
            if found is None:
                return False
            return bool(compare(normal(found) if text else found, value))

        covered = name == "eq" and left.path is not None and left.kind in "si"
        return _Node(test, ((left.path or "", literal),) if covered else None)

    def _function(self, name: str) -> _Node:
        first = self._next()
        self._expect(",")
        second = self._next()
        self._expect(")")
        self._accept_true()
        field, wanted = (second, first) if name == "substringof" else (first, second)
        operand = self._operand(field)
        kind, literal = self._literal(wanted)
        if operand.kind != "s" or kind != "s":
            raise _unreadable(self._text)
        part, read = literal.upper(), operand.read
        check = _FUNCTIONS[name]
        return _Node(lambda record: check(str(read(record) or "").rstrip().upper(), part))

    def _operand(self, token: re.Match[str]) -> _Operand:
        if token["cfpath"] is not None:
            return _custom_operand(token["cftype"], token["cfpath"], self._text)
        if token["name"] is None:
            raise _unreadable(self._text)
        path = tuple(token["name"].split("/"))
        field = self._field(path)
        self.names.add(token["name"])
        name = path[0]
        if len(path) == 1:
            return _Operand(field.kind, lambda record: record.values.get(name), name)
        return _Operand(field.kind, lambda record: record.at(path), "/".join(path))

    def _field(self, path: tuple[str, ...]) -> Field:
        entity = self._entity
        for name in path[:-1]:
            if name in entity.details:
                # The documentation leaves the result of filtering by detail rows undefined.
                raise fault(f"Detail field {'/'.join(path)} cannot be used in a filter.", _ODATA)
            if name not in entity.links:
                raise _no_property(name, entity)
            entity = self._contract[entity.links[name]]
        field = entity.fields.get(path[-1])
        if field is None or not field.is_in(self._version):
            raise _no_property(path[-1], entity)
        return field

    def _literal(self, token: re.Match[str]) -> tuple[str, Any]:
        if token["text"] is not None:
            return "s", token["text"].replace("''", "'")
        if token["number"] is not None:
            return _number(token["number"], token["suffix"])
        if token["typed"] is not None:
            return _typed(token["typed"], token["inner"], self._text)
        word = (token["name"] or "").lower()
        if word in {"true", "false"}:
            return "b", word == "true"
        if word == "null":
            return "null", None
        raise _unreadable(self._text)

    def _next(self) -> re.Match[str]:
        if not self.left():
            raise _unreadable(self._text)
        self._at += 1
        return self._tokens[self._at - 1]

    def _accept(self, word: str) -> bool:
        if not self.left():
            return False
        token = self._tokens[self._at]
        if token["mark"] == word or token["name"] == word:
            self._at += 1
            return True
        return False

    def _accept_true(self) -> None:
        """Skip the ``eq true`` that some clients write behind a function."""
        if self._accept("eq") and not self._accept("true"):
            raise _unreadable(self._text)

    def _expect(self, mark: str) -> None:
        if not self._accept(mark):
            raise _unreadable(self._text)


def _tokens(text: str) -> list[re.Match[str]]:
    found, at, end = [], 0, len(text.rstrip())
    while at < end:
        token = _TOKEN.match(text, at)
        if token is None or token.end() == at:
            raise _unreadable(text)
        found.append(token)
        at = token.end()
    return found


def _custom_operand(type_name: str, path: str, text: str) -> _Operand:
    kind = _CF_KINDS.get(type_name)
    view, _, name = path.rpartition(".")
    if kind is None or not view:
        raise _unreadable(text)

    def read(record: Record) -> Any:
        held = record.custom.get((view, name))
        return None if held is None else held[1]

    return _Operand(kind, read, None)


def _number(text: str, suffix: str) -> tuple[str, Any]:
    if suffix in {"", "L", "l"} and "." not in text:
        return "i", int(text)
    return "d", Decimal(text)


def _typed(name: str, inner: str, text: str) -> tuple[str, Any]:
    try:
        if name == "guid":
            return "g", str(UUID(inner)).upper()
        if name == "date":
            return "D", read_date(inner)
        return "t", read_moment(inner)
    except ValueError as exc:
        raise _unreadable(text) from exc


def _comparable(kind: str, literal: Any) -> Any:
    if kind in "sg":
        return normal(literal)
    if kind == "D" and isinstance(literal, datetime):
        return literal.date()
    if kind == "t" and not isinstance(literal, datetime) and isinstance(literal, date):
        return read_moment(literal.isoformat())
    return literal


def _null_test(operand: _Operand, name: str) -> _Node:
    read = operand.read
    if name == "eq":
        return _Node(lambda record: read(record) is None)
    return _Node(lambda record: read(record) is not None)


def _unreadable(text: str) -> RefusalError:
    return fault(f"Syntax error in the filter '{text}'.", _ODATA)


def _no_property(name: str, entity: Entity) -> RefusalError:
    return fault(
        f"Could not find a property named '{name}' on type 'Default.{entity.name}'.", _ODATA
    )


def _incompatible(left: str, right: str, word: str) -> RefusalError:
    return fault(
        "A binary operator with incompatible types was detected. Found operand types "
        f"'{_EDM[left]}' and '{_EDM[right]}' for operator kind '{word}'.",
        _ODATA,
    )
