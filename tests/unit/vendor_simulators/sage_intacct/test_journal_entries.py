from __future__ import annotations

import random
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.vendor_simulators.sage_intacct.conftest import (
    Books,
    create,
    entry,
    is_,
    line,
    query,
    tagged,
    update,
)

from vendor_simulators.kit import SimClock
from vendor_simulators.sage_intacct import SageIntacct
from vendor_simulators.sage_intacct.answers import FunctionError
from vendor_simulators.sage_intacct.balancing import settle_rounding
from vendor_simulators.sage_intacct.entry_lines import Line
from vendor_simulators.sage_intacct.given import from_mapping
from vendor_simulators.sage_intacct.seeding import ADMINISTRATOR
from vendor_simulators.sage_intacct.values import rounded

ENTITY_LINES = (line("1150", 1, 5, LOCATION="L110"), line("4000", -1, 5, LOCATION="L110"))


def euros(account: str, side: int, amount: Any, **more: Any) -> dict[str, Any]:
    kept = {"CURRENCY": "EUR", "EXCH_RATE_TYPE_ID": "Intacct Daily Rate", **more}
    return line(account, side, amount, **kept)


async def refusal(books: Books, *lines: dict[str, Any], **head: Any) -> str:
    answer = await books.call(create("GLBATCH", entry(*lines, **head)))
    assert answer.statuses == ["failure"], answer.body
    assert books.records("GLDETAIL") == []
    return answer.cause


async def test_a_posted_entry_answers_its_number_and_enters_the_ledger(books):
    number = await books.post(REFERENCENO="PD-4711")

    found = await books.done(
        query("GLBATCH", "RECORDNO BATCHNO STATE", is_("REFERENCENO", "PD-4711")),
        query("GLENTRY", "LINE_NO ACCOUNTNO TR_TYPE TRX_AMOUNT", is_("BATCHNO", str(number))),
    )
    head, lines = (
        [{c.tag: c.text for c in row} for row in one.find("data")] for one in found.results
    )

    assert head == [{"RECORDNO": str(number), "BATCHNO": "1", "STATE": "Posted"}]
    assert sorted(lines, key=lambda row: row["LINE_NO"]) == [
        {"LINE_NO": "1", "ACCOUNTNO": "1150", "TR_TYPE": "1", "TRX_AMOUNT": "1500"},
        {"LINE_NO": "2", "ACCOUNTNO": "4000", "TR_TYPE": "-1", "TRX_AMOUNT": "1500"},
    ]
    assert {row["DESCRIPTION"] for row in books.records("GLENTRY")} == {"Deal 4711 won"}


async def test_numbers_run_within_each_journal(books):
    for journal in ("GJ", "SJ", "GJ"):
        await books.post(JOURNAL=journal)

    assert [row["BATCHNO"] for row in books.records("journal_entries")] == [1, 1, 2]


async def test_an_entry_that_does_not_balance_is_refused_with_its_wrappers(books):
    lines = (line("1150", 1, "100.00"), line("4000", -1, "99.99"))

    answer = await books.call(create("GLBATCH", entry(*lines)))

    assert answer.texts[0].startswith("Transactions do not balance for Location ,")
    assert answer.texts[1].startswith("Could not create GLBatch record.")
    assert answer.texts[2].startswith("Currently, we can't create the transaction 'Deal 4711 won'")
    assert set(answer.numbers) == {"BL01001973"}


async def test_amounts_are_rounded_line_by_line_so_a_split_can_stop_balancing(books):
    third = "33.333333"
    parts = [line("4000", -1, third) for _ in range(3)]

    cause = await refusal(books, line("1150", 1, "100.00"), *parts)
    await books.post(line("1150", 1, "100.00"), *parts[:2], line("4000", -1, "33.34"))

    assert cause.startswith("Transactions do not balance")


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"ACCOUNTNO": ""}, "Required field ACCOUNTNO is missing"),
        ({"ACCOUNTNO": "16200"}, "Account 16200 is not valid"),
        ({"ACCOUNTNO": "9000"}, "Account 9000 is not valid"),
        ({"ACCOUNTNO": "1000"}, "The account number 1000 is associated to the Bank account BANK1."),
        ({"ACCOUNTNO": "1200"}, "The specified GL account '1200' is not valid."),
        ({"ACCOUNTNO": "2000"}, "The specified GL account '2000' is not valid."),
        ({"TR_TYPE": "debit"}, "Invalid TR_TYPE 'debit', use 1 or -1"),
        ({"TRX_AMOUNT": "-5"}, "The amount -5 is negative"),
        ({"TRX_AMOUNT": "0.001"}, "The amount of a line may not be zero"),
        ({"TRX_AMOUNT": "1,500.00"}, "Invalid value for TRX_AMOUNT"),
        ({"TRX_AMOUNT": ""}, "Required field TRX_AMOUNT is missing"),
        ({"DEPARTMENT": "300"}, "The department '300' is invalid."),
        ({"LOCATION": "600"}, "The location '600' is invalid."),
        ({"PROJECTID": "10064"}, "Invalid Project '10064' specified."),
        ({"CUSTOMERID": "10001"}, "Customer '10001' specified is not valid."),
        ({"VENDORID": "10001"}, "Vendor '10001' specified is not valid."),
        ({"ITEMID": "X"}, "Invalid Item 'X' specified."),
        ({"CLASSID": "X"}, "Invalid Class 'X' specified."),
        ({"CURRENCY": "EUR"}, "The currency 'EUR' is invalid."),
        ({"ALLOCATION": "A"}, "The simulator does not know ALLOCATION"),
    ],
)
async def test_what_a_line_may_not_be(books, changed, said):
    cause = await refusal(books, line("1150", 1, 5), {**line("4000", -1, 5), **changed})

    assert cause.startswith(said)
    assert cause.endswith("line no. 2")


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"JOURNAL": "XX"}, "Journal 'XX' is not valid"),
        ({"JOURNAL": "OLD"}, "Journal 'OLD' is inactive"),
        ({"JOURNAL": ""}, "Required field JOURNAL is missing"),
        ({"BATCH_DATE": ""}, "Required field BATCH_DATE is missing"),
        ({"BATCH_DATE": "2026-02-03"}, "Invalid value for BATCH_DATE"),
        ({"BATCH_DATE": "02/30/2026"}, "Invalid value for BATCH_DATE"),
        ({"BATCH_TITLE": ""}, "Required field BATCH_TITLE is missing"),
        ({"BATCH_TITLE": "x" * 81}, "BATCH_TITLE may have at most 80 characters"),
        ({"REFERENCENO": "x" * 21}, "REFERENCENO may have at most 20 characters"),
        ({"STATE": "Approved"}, "Invalid STATE 'Approved', use Draft or Posted"),
        ({"REVERSEDATE": "02/03/2026"}, "REVERSEDATE must be after BATCH_DATE"),
    ],
)
async def test_what_a_head_may_not_be(books, changed, said):
    assert (await refusal(books, **changed)).startswith(said)


async def test_an_entry_needs_two_lines(books):
    assert (await refusal(books, line("1150", 1, 5))).startswith("ENTRIES needs at least 2")


async def test_long_text_may_be_cut_without_a_word(books):
    books.switch(overlong_text="cut")

    await books.post(REFERENCENO="x" * 25)

    assert books.records("journal_entries")[0]["REFERENCENO"] == "x" * 20


async def test_inactive_accounts_and_dimension_values_are_refused(books):
    await books.play("set_status", kind="gl_accounts", key="4010", status="inactive")
    await books.play("set_status", kind="departments", key="SERV", status="inactive")

    account = await refusal(books, line("1150", 1, 5), line("4010", -1, 5))
    department = await refusal(books, line("1150", 1, 5), line("4000", -1, 5, DEPARTMENT="SERV"))

    assert account.startswith("Account 4010 is inactive")
    assert department.startswith("Activate the department SERV, then try again.")


async def test_a_required_dimension_is_named_by_the_companys_own_term(books):
    await books.seed(dimension_terms={"DEPARTMENT": "Team"})
    await books.play("set_account", key="4000", values={"REQUIREDEPT": True})

    cause = await refusal(books)

    assert cause.startswith("This transaction is missing the Team dimension for the Account 4000")
    await books.post(line("1150", 1, 5), line("4000", -1, 5, DEPARTMENT="SALES"))


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ("long", "Your transaction date (02/03/2026) is within a period that's been closed."),
        ("short", "Date must be on or after 03/01/26"),
    ],
)
async def test_a_closed_day_is_refused_in_both_known_wordings(books, form, said):
    books.switch(closed_period_text=form)
    await books.play("close_books", date="02/28/2026")

    assert (await refusal(books)).startswith(said)
    await books.play("open_books")
    assert await books.post()


async def test_statistical_journals_take_statistical_accounts_alone_and_need_no_balance(books):
    await books.post(line("9000", 1, 12), JOURNAL="STJ")

    revenue = entry(line("4000", 1, 12), JOURNAL="STJ")
    answer = await books.call(create("GLBATCH", revenue))

    assert answer.cause.startswith("Account 4000 is not valid")


# Currencies and entities


async def test_with_several_currencies_each_line_needs_currency_and_rate(books):
    books.switch(multi_currency=True)

    without = await refusal(books)
    no_rate = await refusal(
        books, line("1150", 1, 100, CURRENCY="EUR"), line("4000", -1, 100, CURRENCY="EUR")
    )
    no_type = await refusal(
        books, euros("1150", 1, 5, EXCH_RATE_TYPE_ID="Mine"), euros("4000", -1, 5)
    )
    await books.post(euros("1150", 1, "100.00"), euros("4000", -1, "100.00"))

    assert without.startswith("Required field CURRENCY is missing")
    assert no_rate.startswith("Required field EXCH_RATE_TYPE_ID is missing")
    assert no_type.startswith("Exchange rate type 'Mine' is not valid")
    rows = books.records("GLENTRY")
    assert {(row["TRX_AMOUNT"], row["AMOUNT"], row["EXCHANGE_RATE"]) for row in rows} == {
        ("100", "108.5", "1.085")
    }


async def test_each_currency_balances_by_itself(books):
    books.switch(multi_currency=True)

    cause = await refusal(books, euros("1150", 1, 100), line("4000", -1, "108.50", CURRENCY="USD"))

    assert cause.startswith("Transactions do not balance")


@given(
    amounts=st.lists(st.integers(1, 99_999), min_size=1, max_size=6),
    rate=st.decimals("0.0001", "9.9999", places=4),
)
@settings(max_examples=60, deadline=None)
def test_converted_lines_balance_in_the_base_currency_too(amounts, rate):
    def made(number: int, side: int, amount: Decimal) -> Line:
        base = rounded(amount * rate)
        return Line(number, None, side, amount, "EUR", base, "")  # type: ignore[arg-type]

    parts = [Decimal(amount) / 100 for amount in amounts]
    lines = [made(1, 1, sum(parts, Decimal(0)))]
    lines += [made(number, -1, amount) for number, amount in enumerate(parts, 2)]

    settle_rounding(lines)

    assert sum(one.signed_base for one in lines) == 0


async def test_in_a_company_with_entities_each_line_needs_a_location_of_one(books):
    books.switch(multi_entity=True)
    await books.seed(locations=[{"LOCATIONID": "NOWHERE", "NAME": "Outside"}])

    none = await refusal(books)
    outside = await refusal(
        books, line("1150", 1, 5, LOCATION="NOWHERE"), line("4000", -1, 5, LOCATION="L110")
    )
    await books.post(*ENTITY_LINES)

    assert none.startswith("The account number '1150' requires a Location")
    assert outside.startswith("The location 'NOWHERE' is invalid.")


async def test_entities_balance_each_or_name_who_pays(books):
    books.switch(multi_entity=True)
    lines = (line("1150", 1, 5, LOCATION="L110"), line("4000", -1, 5, LOCATION="L210"))

    cause = await refusal(books, *lines)
    await books.post(*lines, BASELOCATION_NO="E100")
    between = [row for row in books.records("GLDETAIL") if row["ACCOUNTNO"] == "1900"]

    assert cause.startswith("Transactions do not balance for Location E100,")
    assert [(row["LOCATION"], row["TR_TYPE"]) for row in between] == [("E100", "-1"), ("E200", "1")]


async def test_a_session_of_an_entity_posts_there_alone_and_the_entry_is_its_own(books):
    books.switch(multi_entity=True)
    await books.open_session("E200")

    cause = await refusal(books, *ENTITY_LINES)
    await books.post(line("1150", 1, 5, LOCATION="L210"), line("4000", -1, 5, LOCATION="E200"))
    await books.open_session("")
    top = await books.done(query("GLBATCH", "RECORDNO"))

    assert cause.startswith("The location 'L110' is invalid.")
    assert top.rows() == []


async def test_books_may_be_closed_for_one_entity(books):
    books.switch(multi_entity=True)
    await books.play("close_books", date="02/28/2026", entity="E100")

    assert "02/03/2026" in await refusal(books, *ENTITY_LINES)
    assert await books.post(
        line("1150", 1, 5, LOCATION="L210"), line("4000", -1, 5, LOCATION="L210")
    )


# States


async def test_a_draft_is_not_in_the_ledger_until_it_is_posted(books):
    number = await books.post(STATE="Draft")
    in_draft = await books.done(query("GLENTRY", "RECORDNO"))
    whole = await books.done(tagged("read", {"object": "GLBATCH", "keys": number}))

    await books.done(update("GLBATCH", {"RECORDNO": number, "STATE": "Posted"}))

    assert in_draft.rows() == []
    assert len(whole.data.findall("GLBATCH/ENTRIES/GLENTRY")) == 2
    assert len(books.records("GLDETAIL")) == 2
    assert len((await books.done(query("GLENTRY", "RECORDNO"))).rows()) == 2


async def test_an_update_replaces_all_lines_and_keeps_them_when_none_are_given(books):
    number = await books.post(STATE="Draft")
    lines = [line("1150", 1, 800), line("4000", -1, 500), line("4010", -1, 300)]

    await books.done(update("GLBATCH", {"RECORDNO": number, "BATCH_TITLE": "New"}))
    kept = books.records("journal_entries")[0]
    await books.done(update("GLBATCH", {"RECORDNO": number, "ENTRIES": {"GLENTRY": lines}}))
    replaced = books.records("journal_entries")[0]

    assert (kept["BATCH_TITLE"], len(kept["ENTRIES"])) == ("New", 2)
    assert [row["TRX_AMOUNT"] for row in replaced["ENTRIES"]] == ["800", "500", "300"]


async def test_with_approval_posting_means_submitted_until_somebody_approves(books):
    books.switch(journal_approval=True)
    number = await books.post(REFERENCENO="PD-1")
    submitted = books.records("journal_entries")[0]["STATE"]
    change = await books.call(update("GLBATCH", {"RECORDNO": number, "BATCH_TITLE": "x"}))

    await books.play("approve_entry", reference="PD-1", partly=True)
    partly = books.records("journal_entries")[0]["STATE"]
    before = books.records("GLDETAIL")
    await books.play("approve_entry", entry=number)

    assert (submitted, partly, before) == ("Submitted", "Partially Approved", [])
    assert change.numbers[0] == "BL03002129"
    assert books.records("journal_entries")[0]["STATE"] == "Posted"
    assert len(books.records("GLDETAIL")) == 2


async def test_a_declined_entry_never_enters_the_ledger(books):
    books.switch(journal_approval=True)
    number = await books.post()

    await books.play("decline_entry", entry=number)

    assert books.records("journal_entries")[0]["STATE"] == "Declined"
    assert books.records("GLDETAIL") == []


async def test_a_posted_entry_can_be_changed_while_its_period_is_open(books):
    number = await books.post()
    change = update("GLBATCH", {"RECORDNO": number, "BATCH_TITLE": "New"})

    await books.done(change)
    back_to_draft = await books.call(update("GLBATCH", {"RECORDNO": number, "STATE": "Draft"}))
    await books.play("close_books", date="02/28/2026")
    closed = await books.call(change)
    deleted = await books.call(tagged("delete", {"object": "GLBATCH", "keys": number}))

    assert "cannot become a draft" in back_to_draft.cause
    assert "closed" in closed.cause
    assert "closed" in deleted.cause


async def test_posted_entries_may_be_frozen_for_clients_but_not_for_people(books):
    books.switch(posted_changes="never")
    number = await books.post()

    refused = await books.call(update("GLBATCH", {"RECORDNO": number, "BATCH_TITLE": "New"}))
    await books.play("edit_entry", entry=number, values={"BATCH_TITLE": "By hand"})

    assert refused.numbers[0] == "BL03002129"
    row = books.records("journal_entries")[0]
    assert (row["BATCH_TITLE"], row["MODIFIEDBYID"]) == ("By hand", "finance")


@pytest.mark.parametrize("state", ["Posted", "Reversed"])
async def test_a_reversal_by_hand_swaps_the_sides_and_links_both(books, state):
    books.switch(reversed_state=state)
    number = await books.post(REFERENCENO="PD-1")

    reversal = await books.play("reverse_entry", reference="PD-1", date="03/01/2026")
    original, _ = books.records("journal_entries")
    change = await books.call(update("GLBATCH", {"RECORDNO": number, "BATCH_TITLE": "x"}))

    assert [row["TR_TYPE"] for row in reversal["ENTRIES"]] == ["-1", "1"]
    assert (reversal["REVERSEDKEY"], reversal["REVERSEDFROM"]) == (number, "02/03/2026")
    assert (original["REVERSED"], original["STATE"]) == ("03/01/2026", state)
    assert original["REVERSEDKEY"] == reversal["RECORDNO"]
    assert "is reversed" in change.cause


async def test_a_reversal_needs_an_open_day_and_a_posted_entry(books):
    draft = await books.post(STATE="Draft")
    posted = await books.post()
    await books.play("close_books", date="02/28/2026")

    for body, text in (
        ({"entry": draft}, "cannot be reversed"),
        ({"entry": posted}, "closed"),
        ({"entry": posted, "date": "01/01/2026"}, "before that of the entry"),
    ):
        with pytest.raises(Exception, match=text):
            await books.play("reverse_entry", **body)


async def test_a_reversal_date_makes_the_reversal_with_the_entry(books):
    await books.post(REVERSEDATE="03/01/2026")

    original, reversal = books.records("journal_entries")

    assert (original["REVERSED"], reversal["BATCH_DATE"]) == ("03/01/2026", "03/01/2026")
    assert len(books.records("GLDETAIL")) == 4


async def test_a_reversal_date_in_an_update_is_refused_or_carried_out(books):
    number = await books.post()
    asked = update("GLBATCH", {"RECORDNO": number, "REVERSEDATE": "03/01/2026"})

    refused = await books.call(asked)
    books.switch(reversedate_on_update="reverse")
    await books.done(asked)

    assert refused.numbers[0] == "BL03002129"
    assert len(books.records("journal_entries")) == 2


async def test_the_older_function_posts_the_same_and_answers_a_key(books):
    day = {"year": "2026", "month": "2", "day": "3"}
    lines = [
        {"trtype": "debit", "amount": "5", "glaccountno": "1150"},
        {"trtype": "credit", "amount": "5", "glaccountno": "4000", "departmentid": "SALES"},
    ]
    given = {
        "journalid": "GJ",
        "datecreated": day,
        "description": "Old",
        "referenceno": "PD-1",
        "gltransactionentries": {"glentry": lines},
    }

    answer = await books.done(tagged("create_gltransaction", given))

    assert answer.text("operation/result/key") == "1"
    assert books.records("journal_entries")[0]["ENTRIES"][1]["DEPARTMENT"] == "SALES"
    await books.done('<delete_gltransaction key="1"/>')
    assert books.records("journal_entries") == books.records("GLENTRY") == []


async def test_custom_fields_of_entries_and_lines_are_kept(books):
    await books.seed(custom_fields={"GLBATCH": ["DEAL t20"], "GLENTRY": ["DEAL_LINE t20"]})
    lines = (line("1150", 1, 5, DEAL_LINE="a"), line("4000", -1, 5))

    number = await books.post(*lines, DEAL="4711", STATE="Draft")
    await books.done(update("GLBATCH", {"RECORDNO": number, "STATE": "Posted"}))

    row = books.records("journal_entries", DEAL="4711")[0]
    assert row["ENTRIES"][0]["DEAL_LINE"] == "a"


@given(
    debits=st.lists(st.integers(1, 10**7), min_size=1, max_size=5),
    credited=st.lists(st.integers(1, 10**7), min_size=1, max_size=5),
)
@settings(max_examples=50, deadline=None)
def test_only_balanced_entries_are_ever_in_the_ledger(debits, credited):
    simulator = SageIntacct(clock=SimClock(), rng=random.Random(1))
    lines = [line("1150", 1, Decimal(n) / 100) for n in debits]
    lines += [line("4000", -1, Decimal(n) / 100) for n in credited]
    form = simulator.gateway.saving.entries
    try:
        form.create(from_mapping(entry(*lines)), ADMINISTRATOR)
        is_taken = True
    except FunctionError:
        is_taken = False

    rows = simulator.records("GLDETAIL", {})
    assert is_taken is (sum(debits) == sum(credited))
    assert sum(Decimal(row["DEBITAMOUNT"]) - Decimal(row["CREDITAMOUNT"]) for row in rows) == 0
