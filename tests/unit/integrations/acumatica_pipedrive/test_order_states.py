"""What an order may be moved to: the decision alone, for every status and memory."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml_connector.integrations.acumatica_pipedrive.order_state_settings import OrderStates
from ml_connector.integrations.acumatica_pipedrive.order_states import (
    Memory,
    Refusal,
    as_seen,
    before_step,
    next_step,
    state_table,
)
from ml_connector.sync.mapping.compiling import MappingFaultsError

STATES: Any = st.sampled_from(["hold", "open", "cancelled"])
MOVED = [
    "On Hold", "Open", "Pending Approval", "Awaiting Payment", "Pending Processing", "Back Order",
    "Canceled",
]  # fmt: skip
OTHERS = [
    "Credit Hold", "Risk Hold", "Rejected", "Shipping", "Invoiced", "Completed", "Expired",
    "Von Hand", None,
]  # fmt: skip
STATUSES = st.sampled_from([*MOVED, *OTHERS])
MEMORIES = st.builds(
    Memory, last=st.none() | STATES, not_ours=st.none() | st.just("finance said so")
)


@given(wanted=STATES, status=st.sampled_from(OTHERS), memory=MEMORIES)
def test_what_is_finances_or_past_being_moved_is_never_released(
    wanted: Any, status: str | None, memory: Memory
):
    step = next_step(wanted, status, memory)

    assert isinstance(step, Refusal) or (status == "Credit Hold" and step == "cancel")


@given(wanted=STATES, status=STATUSES, memory=MEMORIES)
def test_only_our_own_hold_is_released_and_our_own_cancellation_reopened(
    wanted: Any, status: str | None, memory: Memory
):
    step = next_step(wanted, status, memory)

    if step in {"release", "reopen"}:
        own = {"release": ("On Hold", "hold"), "reopen": ("Canceled", "cancelled")}
        assert (status, memory.last) == own[str(step)]
        assert memory.not_ours is None


@given(wanted=STATES, status=st.sampled_from(MOVED), last=STATES)
def test_what_somebody_changed_since_is_overwritten_by_nothing(wanted: Any, status: str, last: Any):
    memory = Memory(last=last)
    is_as_we_made_it = memory.last == Memory(aim=last).after(status).last

    if not is_as_we_made_it:
        assert not isinstance(next_step(wanted, status, memory), str)


@given(seen=STATUSES, memory=MEMORIES, wanted=STATES)
def test_state_that_was_there_already_is_not_undone_later_unless_we_made_it(
    seen: str | None, memory: Memory, wanted: Any
):
    if next_step(wanted, seen, memory) is None and wanted not in {"open", memory.last}:
        assert isinstance(next_step("open", seen, as_seen(wanted, seen, memory)), Refusal)


@given(memory=MEMORIES)
def test_order_cancelled_from_credit_hold_is_not_reopened(memory: Memory):
    if next_step("cancelled", "Credit Hold", memory) == "cancel":
        after = before_step("cancel", "cancelled", "Credit Hold", memory).after("Canceled")

        assert isinstance(next_step("open", "Canceled", after), Refusal)
        assert isinstance(next_step("hold", "Canceled", after), Refusal)


@given(wanted=STATES, status=st.sampled_from(MOVED), memory=MEMORIES)
def test_crash_after_a_step_leaves_no_doubt_whose_it_was(wanted: Any, status: str, memory: Memory):
    step = next_step(wanted, status, memory)
    became = {
        "hold": "On Hold", "release": "Open", "cancel": "Canceled", "reopen": "Open", "open": "Open"
    }  # fmt: skip
    if isinstance(step, str):
        after = before_step(step, wanted, status, memory).after(became[step])

        assert after.aim is None
        assert not isinstance(next_step(wanted, became[step], after), Refusal)


STAGES = {"1": "Qualified", "2": "Demo", "3": "demo"}


def test_stages_are_found_by_id_by_name_and_by_what_was_pinned():
    rules = OrderStates(by_stage={"1": "hold", "Angebot": "open"})

    table = state_table(rules, STAGES, {"order_states.by_stage.Angebot": "2"})

    assert table.by_stage == {"1": "hold", "2": "open"}
    assert table.pins == {"order_states.by_stage.1": "1", "order_states.by_stage.Angebot": "2"}


def test_faults_of_all_stages_are_told_together():
    rules = OrderStates(by_stage={"Qualifyed": "hold", "Demo": "open"})

    with pytest.raises(MappingFaultsError) as raised:
        state_table(rules, STAGES, {})

    unknown, doubled = raised.value.faults
    assert unknown.path == ("order_states", "by_stage", "Qualifyed")
    assert "Qualified" in unknown.words
    assert "2, 3; give the id" in doubled.words


def test_stage_named_twice_with_two_states_is_a_fault():
    with pytest.raises(MappingFaultsError, match="named twice"):
        state_table(OrderStates(by_stage={"1": "hold", "Qualified": "open"}), STAGES, {})


@given(wanted=STATES, memory=MEMORIES)
def test_back_order_is_undone_only_where_our_own_reopening_ended_in_it(wanted: Any, memory: Memory):
    reopened = before_step("reopen", wanted, "Canceled", memory).after("Back Order")

    assert next_step(wanted, "Back Order", memory) != "open"
    steps = {"open": "open", "hold": "hold", "cancelled": "cancel"}
    assert next_step(wanted, "Back Order", reopened) == steps[wanted]
