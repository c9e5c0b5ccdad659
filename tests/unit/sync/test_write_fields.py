from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import pytest

from ml_connector.sync.context import RunContext
from ml_connector.sync.links import LinkKey, RecordLink
from ml_connector.sync.plan import Plan

LINK = RecordLink(
    key=LinkKey(installation_id=1, kind="organization:customer", source_key="7"),
    target_key="C1",
    written={"organization.number": "C1"},
)


class Reading:
    """The record as it is now, counted."""

    def __init__(self, **fields: Any) -> None:
        self.fields = fields
        self.times = 0

    async def __call__(self) -> Mapping[str, Any]:
        self.times += 1
        return self.fields


async def _never(_: Mapping[str, Any]) -> None:
    raise AssertionError("a plan sends nothing")


async def _changes(
    *,
    present: Mapping[str, Any],
    now: Reading,
    link: RecordLink = LINK,
    what: str = "organization",
    plan: Plan | None = None,
) -> Mapping[str, Any]:
    context: RunContext[Any] = RunContext(
        run=cast("Any", None),
        installation=cast("Any", None),
        integration=cast("Any", None),
        settings=None,
        sides={},
        engine=cast("Any", None),
        progress=cast("Any", None),
        plan=plan or Plan(),
    )
    return await context.write_fields(
        side="crm",
        link=link,
        what=what,
        present=present,
        wanted={"number": "C1"},
        apply=_never,
        on_conflict="overwrite",
        read_again=now,
    )


async def test_a_reading_older_than_another_runs_write_causes_no_second_write():
    now = Reading(number="C1")

    changes = await _changes(present={"number": None}, now=now)

    assert changes == {}
    assert now.times == 1


async def test_what_somebody_emptied_since_is_written_again():
    changes = await _changes(present={"number": None}, now=Reading(number=None))

    assert changes == {"number": "C1"}


async def test_what_was_never_written_is_not_read_again():
    now = Reading(number="C1")
    link = RecordLink(key=LINK.key, target_key="C1")

    changes = await _changes(present={"number": None}, now=now, link=link)

    assert changes == {"number": "C1"}
    assert now.times == 0


@pytest.mark.parametrize(("what", "key"), [("organization", "7"), ("customer", "C1")])
async def test_plan_names_the_record_that_would_be_changed(what: str, key: str):
    plan = Plan()

    await _changes(present={"number": None}, now=Reading(number=None), what=what, plan=plan)

    assert [write.key for write in plan.writes] == [key]
