from __future__ import annotations

from pathlib import Path

import pytest
from tests.unit.vendor_simulators.sage_intacct.conftest import (
    create,
    entry,
    function,
    line,
    query,
    tagged,
    update,
    vendor,
)

import vendor_simulators.sage_intacct
from vendor_simulators.sage_intacct.switches import SWITCHES

RATED = {"CURRENCY": "USD"}


def test_every_switch_is_asked_for_somewhere():
    folder = Path(str(vendor_simulators.sage_intacct.__file__)).parent
    files = [file for file in folder.glob("*.py") if file.name != "switches.py"]
    code = "".join(file.read_text("utf-8") for file in files)

    assert [name for name in SWITCHES if f'"{name}"' not in code] == []


def in_country(**address: str) -> str:
    return create("VENDOR", vendor(DISPLAYCONTACT={"MAILADDRESS": address}))


def on_account(account: str, amount: int) -> str:
    return create("GLBATCH", entry(line(account, 1, amount), line("4000", -1, amount)))


@pytest.mark.parametrize(
    ("switch", "content", "refused_by_default"),
    [
        ({"unknown_fields": "refuse"}, create("VENDOR", vendor(FOO="1")), False),
        ({"unknown_countries": "accept"}, in_country(COUNTRY="USA"), True),
        ({"iso_country_codes": True}, in_country(COUNTRY="Germany"), False),
        ({"negative_amounts": "accept"}, on_account("1150", -5), True),
        ({"zero_amounts": "accept"}, on_account("1150", 0), True),
        ({"subledger_control": False}, on_account("1200", 5), True),
        ({"unknown_keys": "failure"}, tagged("read", {"object": "VENDOR", "keys": "9"}), False),
    ],
)
async def test_a_switch_turns_a_refusal_on_or_off(books, switch, content, refused_by_default):
    first = await books.call(content)
    await books.simulator.reset()
    books.switch(**switch)
    second = await books.call(content)

    assert first.statuses == ["failure" if refused_by_default else "success"]
    assert second.statuses == ["success" if refused_by_default else "failure"]


async def test_base_currency_lines_may_need_a_rate(books):
    books.switch(multi_currency=True, base_currency_rate="required")
    lines = (line("1150", 1, 5, **RATED), line("4000", -1, 5, **RATED))

    refused = await books.call(create("GLBATCH", entry(*lines)))
    await books.post(*({**one, "EXCHANGE_RATE": "1"} for one in lines))

    assert "EXCH_RATE_TYPE_ID" in refused.cause


async def test_lines_of_drafts_may_be_queried(books):
    books.switch(draft_lines_queried=True)
    await books.post(STATE="Draft")

    assert len((await books.done(query("GLENTRY", "RECORDNO"))).rows()) == 2


async def test_a_reversal_may_leave_the_reference_out(books):
    books.switch(reversal_copies_reference=False)
    await books.post(REFERENCENO="PD-1", REVERSEDATE="03/01/2026")

    assert len(books.records("journal_entries", REFERENCENO="PD-1")) == 1


async def test_the_top_level_may_see_everything(books):
    books.switch(multi_entity=True, top_level_sees="all")
    await books.seed(vendors=[vendor(MEGAENTITYID="E100")])

    assert len((await books.done(query("VENDOR", "VENDORID"))).rows()) == 1


async def test_a_deleted_vendor_may_take_its_contact_along(books):
    books.switch(deleted_party_leaves_contact=False)
    await books.done(create("VENDOR", vendor()))

    await books.done(tagged("delete", {"object": "VENDOR", "keys": "1"}))

    assert (await books.call(create("VENDOR", vendor()))).statuses == ["success"]


async def test_control_ids_may_be_each_senders_own(books):
    books.switch(unique_per_sender=True)
    await books.seed(senders=[{"sender_id": "other", "password": "p"}])
    await books.done(create("GLBATCH", entry()), unique=True)
    books.described = {**books.described, "sender_id": "other", "sender_password": "p"}

    assert (await books.call(create("GLBATCH", entry()), unique=True)).statuses == ["success"]


async def test_answers_may_look_as_seen_elsewhere(books):
    books.switch(
        escaped_quotes=True,
        support_ids=False,
        unknown_object_form="new",
        aggregates_bare=True,
        read_by_query_values="display",
        session_offset="-08:00",
        dtdversion_required=False,
        shuffle_unordered=False,
        posting_errorno="GL-1009",
    )
    await books.done(create("VENDOR", vendor("V-2", "b"), vendor("V-1", "a")))
    count = "<query><object>VENDOR</object><select><count>RECORDNO</count></select></query>"
    sql = tagged("readByQuery", {"object": "VENDOR", "query": "", "fields": "VENDORID,STATUS"})

    body = books.request(
        *(
            function(one, str(number))
            for number, one in enumerate(
                (count, sql, query("NOPE", "X"), create("GLBATCH", entry(JOURNAL="XX")))
            )
        )
    ).replace(b"<dtdversion>3.0</dtdversion>", b"")
    answer = await books.send(body)
    counted, listed, unknown, refused = answer.results

    assert counted.findtext("data/VENDOR/RECORDNO") == "2"
    assert [one.findtext("VENDORID") for one in listed.iter("vendor")] == ["V-2", "V-1"]
    assert listed.findtext("data/vendor/STATUS") == "active"
    assert unknown.findtext("errormessage/error/description").startswith("There was an error")
    error = refused.find("errormessage/error")
    assert (error.findtext("errorno"), error.findtext("description2")) == (
        "GL-1009",
        "Journal &#039;XX&#039; is not valid",
    )
    assert (answer.text("operation/authentication/sessiontimestamp") or "").endswith("-08:00")


async def test_moments_may_be_in_the_companys_zone(books):
    books.switch(company_zone="America/New_York")
    await books.done(create("VENDOR", vendor()))

    row = (await books.done(query("VENDOR", "WHENMODIFIED"))).rows()[0]

    assert row["WHENMODIFIED"].startswith("03/02/2026 07:")


async def test_an_answer_may_be_two_documents_in_a_row(books):
    books.switch(trailing_answer=True)

    body = books.request(function(query("JOURNAL", "SYMBOL")))
    async with books.http.post(books.url, data=body) as answer:
        assert (await answer.read()).count(b"<response>") == 2


async def test_the_number_of_a_missing_right_is_a_switch(books):
    books.switch(permission_errorno="PL-X")
    await books.play("set_rights", rights={"Vendors": ""})

    answer = await books.call(update("VENDOR", {"VENDORID": "x"}))

    assert answer.numbers == ["PL-X"]
