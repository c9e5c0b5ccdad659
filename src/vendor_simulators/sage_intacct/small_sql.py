"""The small SQL of readByQuery: comparisons, like, in, IS NULL, AND, OR and brackets."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from vendor_simulators.sage_intacct.columns import Column
from vendor_simulators.sage_intacct.conditions import Comparison, Condition, Junction

_TOKEN = re.compile(
    r"""\s*(?:
        (?P<text>'(?:\\.|[^'\\])*')
      | (?P<operator><=|>=|<>|!=|=|<|>)
      | (?P<mark>[(),])
      | (?P<word>[A-Za-z0-9_.+\-:/]+)
    )""",
    re.VERBOSE,
)
_OPERATORS = {
    "=": "equalto",
    "<": "lessthan",
    "<=": "lessthanorequalto",
    ">": "greaterthan",
    ">=": "greaterthanorequalto",
    "<>": "notequalto",
    "!=": "notequalto",
}


class QuerySyntaxError(Exception):
    """A text that is no query."""


def read_query(text: str, column: Callable[[str], Column]) -> Condition | None:
    """Return the condition that ``text`` writes, None for an empty one.

    ``column`` finds a field by its name and raises when there is none.
    """
    if not text.strip():
        return None
    reader = _Reader(list(_tokens(text)), column)
    condition = reader.alternatives()
    reader.expect_end()
    return condition


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    at = 0
    while text[at:].strip():
        found = _TOKEN.match(text, at)
        if found is None:
            raise QuerySyntaxError(f"unexpected {text[at : at + 12].strip()}")
        at = found.end()
        yield str(found.lastgroup), found[str(found.lastgroup)]


class _Reader:
    def __init__(self, tokens: list[tuple[str, str]], column: Callable[[str], Column]) -> None:
        self._tokens = tokens
        self._column = column

    def alternatives(self) -> Condition:
        parts = [self._conjunction()]
        while self._takes("OR"):
            parts.append(self._conjunction())
        return parts[0] if len(parts) == 1 else Junction("or", tuple(parts))

    def expect_end(self) -> None:
        if self._tokens:
            raise QuerySyntaxError(f"unexpected {self._tokens[0][1]}")

    def _conjunction(self) -> Condition:
        parts = [self._term()]
        while self._takes("AND"):
            parts.append(self._term())
        return parts[0] if len(parts) == 1 else Junction("and", tuple(parts))

    def _term(self) -> Condition:
        if self._takes("("):
            inner = self.alternatives()
            self._expect(")")
            return inner
        one = self._column(self._next("word"))
        if self._takes("IS"):
            op = "isnotnull" if self._takes("NOT") else "isnull"
            self._expect("NULL")
            return Comparison(one, op)
        prefix = "not" if self._takes("NOT") else ""
        if self._takes("LIKE"):
            return Comparison(one, f"{prefix}like", (self._value(),))
        if self._takes("IN"):
            return Comparison(one, f"{prefix}in", self._values())
        return Comparison(one, _OPERATORS[self._next("operator")], (self._value(),))

    def _values(self) -> tuple[str, ...]:
        self._expect("(")
        values = [self._value()]
        while self._takes(","):
            values.append(self._value())
        self._expect(")")
        return tuple(values)

    def _value(self) -> str:
        kind, text = self._tokens.pop(0) if self._tokens else ("end", "the end")
        if kind == "text":
            return re.sub(r"\\(.)", r"\1", text[1:-1])
        if kind == "word":
            return text
        raise QuerySyntaxError(f"a value is missing before {text}")

    def _takes(self, word: str) -> bool:
        if self._tokens and self._tokens[0][0] != "text" and self._tokens[0][1].upper() == word:
            self._tokens.pop(0)
            return True
        return False

    def _expect(self, word: str) -> None:
        if not self._takes(word):
            found = self._tokens[0][1] if self._tokens else "the end"
            raise QuerySyntaxError(f"{word} is missing before {found}")

    def _next(self, kind: str) -> str:
        if not self._tokens or self._tokens[0][0] != kind:
            raise QuerySyntaxError(f"a {kind} is missing")
        return self._tokens.pop(0)[1]
