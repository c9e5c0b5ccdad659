"""One operation of the API, and one call of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import parse_qsl

import msgspec
from multidict import MultiMapping

from vendor_simulators.pipedrive.answers import (
    Answer,
    invalid,
    v1_bad_request,
    v1_missing,
    v2_missing,
)
from vendor_simulators.pipedrive.company import Actor, Company
from vendor_simulators.pipedrive.logins import Login
from vendor_simulators.pipedrive.wire import Row, decode

_FORM = "application/x-www-form-urlencoded"


@dataclass
class Call:
    """What one request asks: everything that carrying it out needs."""

    company: Company
    login: Login
    version: int
    path: Mapping[str, str]
    query: MultiMapping[str]
    body: bytes
    content_type: str
    user_agent: str | None
    correlation_id: str

    @property
    def switches(self) -> Mapping[str, Any]:
        """The settings of the company."""
        return self.company.switches

    @cached_property
    def actor(self) -> Actor:
        """Who changes what this call changes."""
        return Actor(self.login.user_id, "api", self.user_agent, self.correlation_id)

    def number(self, name: str = "id") -> int:
        """Return a number from the path."""
        text = self.path[name]
        if text.isascii() and text.isdigit():
            return int(text)
        if self.version > 1:
            raise invalid(f"{name}: expected a number")
        raise v1_bad_request()

    def found(self, kind: str, name: str = "id") -> Row:
        """Return the record that the path names, unless it is gone or deleted."""
        row = self.company[kind].live(self.number(name))
        if row is None or not self.sees(row):
            raise self.missing(kind)
        return row

    def sees(self, row: Row) -> bool:
        """Say whether the caller may see a record."""
        return self.company.sees(self.login.user_id, row)

    def missing(self, kind: str) -> Exception:
        """Return the 404 of this version."""
        if self.version > 1:
            return v2_missing()
        return v1_missing(kind.replace("_", " ").capitalize())

    def json(self) -> Any:
        """Return the parsed JSON body of a v2 call."""
        try:
            return decode(self.body)
        except msgspec.DecodeError as exc:
            raise invalid("body: not valid JSON") from exc

    def form(self) -> Row:
        """Return the body of a v1 call: a JSON object, or form fields."""
        if self.content_type.startswith(_FORM):
            return dict(parse_qsl(self.body.decode("utf-8", "replace"), keep_blank_values=True))
        if not self.body.strip():
            return {}
        try:
            given = decode(self.body)
        except msgspec.DecodeError as exc:
            raise v1_bad_request() from exc
        if not isinstance(given, dict):
            raise v1_bad_request()
        return given


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One method on one path, below the version's prefix."""

    method: str
    path: str
    cost: int
    run: Callable[[Call], Answer]
    version: int = 2
    scopes: frozenset[str] = frozenset()  # any of them will do; none: every token
    is_search: bool = False

    @property
    def name(self) -> str:
        """What journal and fault rules call it."""
        return f"{self.method} /{'api/v2' if self.version > 1 else 'v1'}{self.path}"


def scopes(*names: str) -> frozenset[str]:
    """Return scopes of which any one is needed; ``x:full`` stands in for ``x:read``."""
    implied = (f"{name.removesuffix(':read')}:full" for name in names if name.endswith(":read"))
    return frozenset({*names, *implied})
