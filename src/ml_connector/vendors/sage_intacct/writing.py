"""Writing one record, and what a refusal may mean.

A create carries a control id that the gateway refuses the second time. With which words, no
source tells, so none are matched: after a refusal the record is looked for by the reference that
it carries. It is there: then an earlier sending made it, or somebody else, and that is a
duplicate. It is not: then the refusal is the record's own (NOTES.md, "Idempotency").
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from ml_connector.core.errors import (
    ContractError,
    DuplicateRecordError,
    RejectedError,
)
from ml_connector.core.ids import new_trace_id
from ml_connector.transport.failures import PlanOnlyError, WriteNotPermittedError
from ml_connector.vendors.sage_intacct import bodies, wire
from ml_connector.vendors.sage_intacct.answers import Result
from ml_connector.vendors.sage_intacct.characters import Removed
from ml_connector.vendors.sage_intacct.drafts import RecordDraft
from ml_connector.vendors.sage_intacct.gateway import Gateway
from ml_connector.vendors.sage_intacct.pages import record_no
from ml_connector.vendors.sage_intacct.wire import Row

Look = Callable[[], Awaitable[bool]]
"""Whether the record is there by now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What a write came to."""

    record_no: int
    key: str
    """The record's ID where it has one, else its record number."""
    removed: tuple[Removed, ...]
    """Characters that could not be sent, by field; for the audit trail."""


async def create(
    gateway: Gateway, draft: RecordDraft, *, key: str, control_id: str, look: Look | None
) -> Written:
    """Create a record, refused if a function of this control id was carried out before.

    Raises DuplicateRecordError when it is refused and ``look`` finds the record.
    """
    function = bodies.create(draft)
    try:
        result, removed = await gateway.write(
            function, control_id=control_id, is_unique=True, is_safe=False
        )
    except (PlanOnlyError, WriteNotPermittedError, DuplicateRecordError):
        raise
    except (RejectedError, ContractError) as exc:
        if look is None or not await look():
            raise
        raise DuplicateRecordError(
            f"Intacct refuses {function.operation} {control_id}, and the record is there already: "
            f"{exc.message}",
            correlation_id=exc.correlation_id,
        ) from exc
    return _written(result, key=key, removed=removed)


async def update(
    gateway: Gateway, draft: RecordDraft, *, key: str, value: str, answers_with: str
) -> Written:
    """Change what ``draft`` sets of the record whose field ``key`` is ``value``.

    It only sets values, so it may be sent twice and carries no lasting control id: with one, a
    repeat that the network asked for would be refused although the first was carried out.
    """
    result, removed = await gateway.write(
        bodies.update(draft, key=key, value=value),
        control_id=new_trace_id(),
        is_unique=False,
        is_safe=True,
    )
    return _written(result, key=answers_with, removed=removed)


async def delete(gateway: Gateway, object_name: str, number: int) -> None:
    """Delete a record.

    Raises NotFoundError when it is not there (any more).
    """
    await gateway.write(
        bodies.delete(object_name, number),
        control_id=new_trace_id(),
        is_unique=False,
        is_safe=False,
    )


def _written(result: Result, *, key: str, removed: tuple[Removed, ...]) -> Written:
    rows = wire.rows(result)
    if len(rows) != 1:
        raise ContractError(f"Intacct answers a {result.function} with {len(rows)} records")
    (row,) = rows
    number = record_no(row)
    return Written(record_no=number, key=_key(row, key) or str(number), removed=removed)


def _key(row: Row, name: str) -> str:
    return row.get(name, "")
