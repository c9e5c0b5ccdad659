"""What an answer says, whatever its form: JSON fault, refused record, plain text or HTML."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import cached_property
from typing import Any
from urllib.parse import unquote, urlsplit

import msgspec

from ml_connector.transport.messages import Request, Response

_EXCERPT = 300  # characters of the vendor's own words in a message
_ENTITY_PATH = re.compile(r"/entity/[^/]+/\d{2}\.\d{3}\.\d{3}/(?P<entity>[^/]+)(?P<rest>/.*)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldError:
    """One error in a refused record."""

    path: str
    """``CustomerID``, ``Details[0]/InventoryID``; empty for the record's own."""
    text: str
    value: object
    """What was refused; None where the error is a whole record's."""


@dataclass(frozen=True)
class Fault:
    """An exception as Acumatica tells it, together with those inside it."""

    types: str
    texts: str
    message: str = ""
    """What stands above the exception; of most it says only that there is one."""

    @classmethod
    def of(cls, raw: object) -> Fault:
        """Read the documented HttpError form; empty when it is none."""
        types, texts = [], []
        message = member(raw, "message")
        while isinstance(raw, dict):
            types.append(member(raw, "exceptionType"))
            texts.append(member(raw, "exceptionMessage"))
            raw = raw.get("innerException")
        return cls(" ".join(filter(None, types)), " ".join(filter(None, texts)), message)

    def mentions(self, *hints: str) -> bool:
        """Whether a hint is part of an exception's type or text, or of the message above it."""
        told = f"{self.types} {self.texts} {self.message}".lower()
        return any(hint.lower() in told for hint in hints)

    @property
    def words(self) -> str:
        """What Acumatica says, cut."""
        return " ".join(self.texts.split())[:_EXCERPT] or "no reason given"


@dataclass(frozen=True)
class Answer:
    """One answer together with its request."""

    request: Request
    response: Response

    @cached_property
    def json(self) -> Any:
        """The body as JSON, or None when it is HTML, plain text or nothing."""
        try:
            return msgspec.json.decode(self.response.body)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return None

    @cached_property
    def fault(self) -> Fault:
        """The exception in the body."""
        return Fault.of(self.json)

    @cached_property
    def field_errors(self) -> tuple[FieldError, ...]:
        """The errors in a refused record: its own, its fields', those of its rows."""
        return tuple(errors_in(self.json))

    @property
    def is_html(self) -> bool:
        """Whether a page came instead of data."""
        return "html" in self.response.content_type

    @property
    def words(self) -> str:
        """What the answer says, cut and without its stack trace."""
        raw = self.json
        if not isinstance(raw, dict):
            text = "" if self.is_html else self.response.excerpt(_EXCERPT)
            return " ".join(text.split()) or "no reason given"
        told = self.fault.texts or member(raw, "messageDetail") or member(raw, "message")
        state = raw.get("modelState")
        if isinstance(state, dict):
            told = f"{told} {' '.join(str(text) for texts in state.values() for text in texts)}"
        return " ".join(told.split())[:_EXCERPT] or "no reason given"

    @property
    def path(self) -> str:
        """The path that was called, decoded."""
        return unquote(urlsplit(self.request.url).path)

    @property
    def entity(self) -> str:
        """The entity that was called, or ``request`` when it was none."""
        found = _ENTITY_PATH.search(urlsplit(self.request.url).path)
        return found["entity"] if found else "request"

    @property
    def record(self) -> str:
        """The key in the path, decoded; empty for a list."""
        found = _ENTITY_PATH.search(urlsplit(self.request.url).path)
        return unquote((found["rest"] or "") if found else "").strip("/")

    @property
    def location(self) -> str:
        """Where the answer points to."""
        return self.response.headers.get("location", "")[:_EXCERPT]

    @property
    def retry_after(self) -> timedelta | None:
        """Retry-After, which Acumatica does not document but a proxy before it may send."""
        told = self.response.headers.get("retry-after", "").strip()
        if told.isdigit():
            return timedelta(seconds=int(told))
        moment = http_date(told)
        if moment is None:
            return None
        sent = http_date(self.response.headers.get("date", "")) or datetime.now(UTC)
        return max(timedelta(), moment - sent)


def errors_in(raw: object, path: str = "") -> Iterator[FieldError]:
    """Walk a refused record for its errors."""
    if not isinstance(raw, dict):
        return
    error = raw.get("error")
    if isinstance(error, str) and error:
        text = " ".join(error.removeprefix("Error: ").split())
        yield FieldError(path=path, text=text, value=raw.get("value"))
    for name, value in raw.items():
        below = f"{path}/{name}" if path else str(name)
        if isinstance(value, list):
            for number, row in enumerate(value):
                yield from errors_in(row, f"{below}[{number}]")
        elif name != "_links":
            yield from errors_in(value, below)


def member(raw: object, name: str) -> str:
    """Return a text member of a JSON object; empty when there is none."""
    found = raw.get(name) if isinstance(raw, dict) else None
    return found if isinstance(found, str) else ""


def http_date(text: str) -> datetime | None:
    """Read a date as HTTP headers write it; None for anything else."""
    try:
        moment = parsedate_to_datetime(text) if text else None
    except ValueError:
        return None
    return moment if moment is not None and moment.tzinfo is not None else None
