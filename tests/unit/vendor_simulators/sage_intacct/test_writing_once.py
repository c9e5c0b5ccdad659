from __future__ import annotations

from datetime import timedelta

import aiohttp
import pytest
from tests.unit.vendor_simulators.sage_intacct.conftest import create, entry, line, query, vendor

from vendor_simulators.kit import Effect, Match, Rule

UNBALANCED = create("GLBATCH", entry(line("1150", 1, 10), line("4000", -1, 9)))
POSTING = create("GLBATCH", entry(REFERENCENO="PD-1"))
WHOLE_ROLL_BACK = "The entire transaction in this operation has been rolled back due to an error."


async def test_without_uniqueid_a_repeat_posts_twice(books):
    await books.done(POSTING)
    await books.done(POSTING)

    assert len(books.records("journal_entries")) == 2


async def test_a_repeated_control_id_is_a_function_error_and_posts_nothing(books):
    await books.done(POSTING, unique=True)

    answer = await books.call(POSTING, unique=True)

    assert answer.statuses == ["failure"]
    assert answer.numbers == ["DUPLICATE-CONTROLID"]
    assert len(books.records("journal_entries")) == 1


async def test_the_refusal_may_come_at_control_level_before_anything_runs(books):
    await books.done(POSTING, unique=True)
    books.switch(duplicate_answer="control_error")

    answer = await books.call(POSTING, create("VENDOR", vendor()), unique=True)

    assert answer.text("control/status") == "failure"
    assert answer.root.find("operation") is None
    assert books.records("vendors") == []


async def test_the_first_answer_may_be_replayed(books):
    first = await books.done(POSTING, unique=True)
    books.switch(duplicate_answer="replay")

    answers = [await books.done(POSTING, unique=True) for _ in range(2)]

    numbers = {answer.data[0].findtext("RECORDNO") for answer in (first, *answers)}
    assert numbers == {"1"}
    assert len(books.records("journal_entries")) == 1


async def test_reads_use_control_ids_up_as_well(books):
    reading = query("JOURNAL", "SYMBOL")
    await books.done(reading, unique=True)

    assert (await books.call(reading, unique=True)).statuses == ["failure"]


async def test_a_failed_function_keeps_its_control_id_unless_told_otherwise(books):
    await books.call(UNBALANCED, unique=True)
    again = await books.call(POSTING, unique=True)
    books.switch(failed_functions_consume_ids=True)
    await books.call(POSTING, UNBALANCED, unique=True)
    consumed = await books.call(POSTING, POSTING, unique=True)

    assert again.statuses == ["success"]
    assert consumed.numbers == ["DUPLICATE-CONTROLID"] * 2


async def test_control_ids_are_forgotten_after_their_days(books):
    books.switch(unique_days=30)
    await books.done(POSTING, unique=True)
    books.clock.advance(timedelta(days=31))

    assert (await books.call(POSTING, unique=True)).statuses == ["success"]


async def test_a_transaction_is_rolled_back_whole_and_gives_its_control_ids_back(books):
    functions = create("VENDOR", vendor()), UNBALANCED, POSTING

    answer = await books.call(*functions, transaction=True, unique=True)

    assert answer.statuses == ["aborted", "failure"]
    assert answer.texts[0] == WHOLE_ROLL_BACK
    assert answer.numbers[-1] == "XL03000009"
    assert books.records("vendors") == books.records("contacts") == []
    assert books.records("control_ids") == []


async def test_the_other_forms_of_a_rolled_back_answer(books):
    books.switch(culprit_status="aborted", later_functions="aborted")

    answer = await books.call(create("VENDOR", vendor()), UNBALANCED, POSTING, transaction=True)

    assert answer.statuses == ["aborted"] * 3
    assert answer.data is None


async def test_without_a_transaction_functions_stand_for_themselves(books):
    answer = await books.call(create("VENDOR", vendor()), UNBALANCED, POSTING)

    assert answer.statuses == ["success", "failure", "success"]
    assert len(books.records("journal_entries")) == len(books.records("vendors")) == 1


async def test_a_create_of_several_tells_what_it_made_before_it_failed(books):
    answer = await books.call(
        create("VENDOR", vendor("V-1", "a"), vendor("V-1", "b"), vendor("V-2", "c"))
    )

    assert answer.statuses == ["failure"]
    assert answer.data.get("count") == "1"
    assert answer.data.find("vendor").findtext("VENDORID") == "V-1"
    assert [row["VENDORID"] for row in books.records("vendors")] == ["V-1"]


@pytest.mark.parametrize(("kind", "left"), [("cut_before", 0), ("cut_after", 1)])
async def test_a_lost_answer_leaves_what_was_committed(books, kind, left):
    match = Match(operation="create GLBATCH")
    books.simulator.faults.add(Rule(effect=Effect(kind=kind), match=match, times=1))

    with pytest.raises(aiohttp.ServerDisconnectedError):
        await books.call(POSTING, unique=True)

    assert len(books.records("journal_entries", REFERENCENO="PD-1")) == left
    assert len(books.records("control_ids")) == left


async def test_the_journal_names_functions_and_counts_transactions(books):
    await books.done(POSTING, query("JOURNAL", "SYMBOL"), query("JOURNAL", "TITLE"))

    call = books.simulator.journal.calls()[-1]

    assert (call["operation"], call["cost"]) == ("create GLBATCH + query JOURNAL", 3)
