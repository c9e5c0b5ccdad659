"""What became of the fields that a write sent.

Acumatica ignores unknown, read-only and switched-off fields without an error, and its form
logic may set others than were sent (NOTES.md, "Echo"). So the answer is compared with the
request, and what differs is told.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, Generic, TypeVar

from ml_connector.vendors.acumatica.models import Record

R = TypeVar("R", bound=Record)

_ISO_DAY = len("2026-01-31")


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A field that did not come back as it was sent."""

    path: str
    """``CustomerOrder``, ``Details[0]/OrderQty``."""
    sent: str
    returned: str | None
    """None: the field is empty or absent in the answer, so it was dropped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Written(Generic[R]):
    """A record as Acumatica answered a write."""

    record: R
    differences: tuple[Difference, ...] = ()
    """Fields that were dropped or changed by the site; M-02 decides what that means."""

    @property
    def dropped(self) -> tuple[str, ...]:
        """Paths of the fields that did not arrive at all."""
        return tuple(one.path for one in self.differences if one.returned is None)


def differences(sent: Mapping[str, Any], returned: Mapping[str, Any]) -> tuple[Difference, ...]:
    """Compare a request's body with the answer's record."""
    return tuple(_compared(sent, returned, prefix=""))


def _compared(sent: Mapping[str, Any], returned: Any, *, prefix: str) -> Iterable[Difference]:
    found = returned if isinstance(returned, dict) else {}
    for name, value in sent.items():
        path = f"{prefix}{name}"
        if name in {"id", "delete", "type"}:
            continue
        if isinstance(value, list):
            yield from _rows(value, found.get(name), path=path)
        elif "value" in value:
            yield from _field(value["value"], found.get(name), path=path)
        else:
            yield from _compared(value, found.get(name), prefix=f"{path}/")


def _rows(sent: Sequence[Any], returned: Any, *, path: str) -> Iterable[Difference]:
    """Match rows: those with an id by it, new ones in the order in which they were added."""
    rows = [row for row in returned if isinstance(row, dict)] if isinstance(returned, list) else []
    known = {row["id"] for row in sent if "id" in row}
    by_id = {row.get("id"): row for row in rows}
    added = [row for row in rows if row.get("id") not in known]
    news = [row for row in sent if "id" not in row]
    answers = iter(added[len(added) - len(news) :] if len(added) >= len(news) else added)
    for number, row in enumerate(sent):
        if row.get("delete"):
            continue
        answer = by_id.get(row["id"]) if "id" in row else next(answers, None)
        yield from _compared(row, answer, prefix=f"{path}[{number}]/")


def _field(sent: Any, returned: Any, *, path: str) -> Iterable[Difference]:
    answer = returned.get("value") if isinstance(returned, dict) else None
    if not _is_same(sent, answer):
        yield Difference(
            path=path, sent=_shown(sent) or "", returned=None if answer is None else _shown(answer)
        )


def _is_same(sent: Any, answer: Any) -> bool:
    if sent is None or sent == "":
        return answer is None or answer == ""
    if answer is None:
        return False
    if isinstance(sent, bool) or isinstance(answer, bool):
        return str(sent).lower() == str(answer).lower()
    if isinstance(sent, (int, Decimal)):
        return _as_number(answer) == sent
    return _as_text(sent) == _as_text(answer) or _is_same_day(sent, answer)


def _as_number(answer: Any) -> Decimal | None:
    try:
        return Decimal(str(answer))
    except InvalidOperation:
        return None


def _as_text(value: Any) -> str:
    # Keys are upper-cased and padded by the site; neither is a change.
    return str(value).strip().casefold().replace("\r\n", "\n")


def _is_same_day(sent: Any, answer: Any) -> bool:
    text = str(sent)
    return len(text) == _ISO_DAY and text[4] == text[7] == "-" and str(answer)[:_ISO_DAY] == text


def _shown(value: Any) -> str | None:
    return None if value is None else str(value)
