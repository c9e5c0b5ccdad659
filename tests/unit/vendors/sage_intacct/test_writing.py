"""Writes: once for each control id, alone in their request, and with an outcome that is known."""

import asyncio
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from aiohttp import web
from tests.unit.vendors.sage_intacct.gateway import Gateway, control_refused, made, refused, rows

from ml_connector.core.errors import (
    ConfigurationError,
    ContractError,
    DuplicateRecordError,
    InvalidRecordError,
    NotFoundError,
    OutcomeUnknownError,
)
from ml_connector.core.logins import MemoryLogins
from ml_connector.core.permits import WritePermit, writing
from ml_connector.transport.failures import PlanOnlyError, WriteNotPermittedError
from ml_connector.transport.http import Transport, Writes
from ml_connector.vendors.sage_intacct import PROFILE, Client, PartlyDoneError, TakenError, Written
from ml_connector.vendors.sage_intacct.drafts import (
    ContactDraft,
    GLBatchDraft,
    GLEntryDraft,
    MailAddressDraft,
    Side,
    VendorDraft,
    reversal_of,
)
from ml_connector.vendors.sage_intacct.models import GLBatch, GLBatchInFull, GLEntry

KEY = "mlc-c3-4711-1770113700-je"
FOUND = {"RECORDNO": "6679", "JOURNAL": "GJ", "REFERENCENO": "PD-4711", "STATE": "Posted"}
NO_ROWS = rows("GLBATCH")


def entry(**values: Any) -> GLBatchDraft:
    lines = (
        GLEntryDraft(account_no="1200", side=1, trx_amount=Decimal("1500.00")),
        GLEntryDraft(account_no="4000", side=-1, trx_amount=Decimal("1500.00")),
    )
    known: dict[str, Any] = {
        "journal": "GJ",
        "batch_on": date(2026, 2, 3),
        "batch_title": "Deal 4711 won",
        "reference_no": "PD-4711",
        "state": "Posted",
        "entries": lines,
    }
    return GLBatchDraft(**(known | values))


async def post(client: Client) -> Written:
    return await client.create_gl_batch(entry(), control_id=KEY)


async def test_a_create_is_one_function_whose_control_id_counts(client, gateway):
    gateway.on("create", made("glbatch", RECORDNO="6679"))

    written = await post(client)

    (request,) = gateway.business
    assert (written.record_no, written.key, written.removed) == (6679, "6679", ())
    assert [each.get("controlid") for each in request.functions] == [KEY]
    assert request.text("control/uniqueid") == "true"
    assert request.root.find("operation").get("transaction") == "false"


async def test_reads_never_carry_lasting_control_ids(client, gateway):
    gateway.on("query", NO_ROWS)

    await client.find_gl_batches(reference_no="PD-4711")

    assert gateway.business[0].text("control/uniqueid") == "false"


async def test_two_creates_at_once_go_apart(client, gateway):
    gateway.on("create", made("glbatch", RECORDNO="1"))

    await asyncio.gather(
        client.create_gl_batch(entry(), control_id="a"),
        client.create_gl_batch(entry(reference_no="PD-2"), control_id="b"),
    )

    assert sorted(each.functions[0].get("controlid") for each in gateway.business) == ["a", "b"]


REFUSALS: dict[str, Callable[[Gateway], None]] = {
    "function": lambda gateway: gateway.on("create", refused(("XX00", "in words nobody knows"))),
    "control": lambda gateway: gateway.whole.append(control_refused("XX00", "in unknown words")),
}


@pytest.mark.parametrize("form", REFUSALS)
async def test_a_refused_repeat_is_a_duplicate_whatever_its_words(client, gateway, form):
    gateway.on("query", rows("GLBATCH", FOUND))
    await client.find_gl_batches(reference_no="PD-4711")
    REFUSALS[form](gateway)

    with pytest.raises(DuplicateRecordError, match=KEY):
        await post(client)


@pytest.mark.parametrize(("form", "kind"), [("function", InvalidRecordError),
                                            ("control", ContractError)])  # fmt: skip
async def test_a_refusal_of_what_is_not_there_is_the_records_own(client, gateway, form, kind):
    gateway.on("query", NO_ROWS)
    await client.find_gl_batches(reference_no="PD-4711")
    REFUSALS[form](gateway)

    with pytest.raises(kind, match="words"):
        await post(client)


async def test_an_entry_of_the_same_reference_in_another_journal_is_no_duplicate(client, gateway):
    gateway.on("query", rows("GLBATCH", FOUND | {"JOURNAL": "ADJ"}))
    gateway.on("create", refused(("BL01001973", "Account 4000 is not valid")))

    with pytest.raises(InvalidRecordError, match="Account 4000"):
        await post(client)


async def test_a_vendor_id_that_is_taken_is_a_duplicate_and_a_taken_contact_is_not(client, gateway):
    taken = refused(("BL34000061", "Another Vendor with the given value(s) PD-1  already exists"))
    contact = refused(("BL34000061", "Another Contact with the given value(s) X  already exists"))
    gateway.on("create", taken, contact)
    gateway.on("query", rows("VENDOR", {"RECORDNO": "41", "VENDORID": "PD-1"}), rows("VENDOR"))
    draft = VendorDraft(vendor_id="PD-1", name="Brightwell")

    with pytest.raises(DuplicateRecordError):
        await client.create_vendor(draft, control_id="v1")
    with pytest.raises(TakenError, match="Another Contact"):
        await client.create_vendor(draft, control_id="v2")


async def test_what_a_failure_created_all_the_same_is_told_as_being_there(client, gateway):
    data = '<data listtype="objects" count="1"><glbatch><RECORDNO>6679</RECORDNO></glbatch></data>'
    gateway.on("create", refused(("BL01001973", "Error while saving"), data=data))

    with pytest.raises(PartlyDoneError, match="6679"):
        await post(client)


@pytest.mark.parametrize("status", [502, 503, 524])
async def test_a_create_whose_answer_is_an_outage_is_unknown_and_not_sent_again(
    client, gateway, status
):
    gateway.on("query", NO_ROWS)
    await client.find_gl_batches(reference_no="x")
    gateway.whole.append(web.Response(status=status, text="<html>gone"))

    with pytest.raises(OutcomeUnknownError):
        await post(client)

    assert len(gateway.business) == 2


@pytest.mark.parametrize("body", ["", "<?xml version='1.0'?><response><control><status>success"])
async def test_a_create_whose_answer_was_cut_is_unknown(client, gateway, body):
    gateway.on("query", NO_ROWS)
    await client.find_gl_batches(reference_no="x")
    gateway.whole.append(web.Response(text=body, content_type="text/xml"))

    with pytest.raises(OutcomeUnknownError):
        await post(client)


async def test_an_answer_to_another_request_is_not_taken_for_ours(client, gateway):
    gateway.on("create", made("glbatch", RECORDNO="1"))
    gateway.on("query", NO_ROWS)
    await client.find_gl_batches(reference_no="x")
    other = gateway._wrapped("<control><status>success</status><controlid>z</controlid></control>",
                             "")  # fmt: skip
    gateway.whole.append(web.Response(text=other, content_type="text/xml"))

    with pytest.raises(ContractError, match="another request"):
        await post(client)


async def test_a_create_that_was_declined_for_the_rate_is_sent_again(client, gateway):
    gateway.on("create", made("glbatch", RECORDNO="6679"))
    gateway.on("query", NO_ROWS)
    await client.find_gl_batches(reference_no="x")
    gateway.whole.append(control_refused("GW-0010", "API rate limit exceeded", status=429))

    assert (await post(client)).key == "6679"


async def test_a_create_that_meets_a_session_that_is_over_is_posted_with_one_login(client, gateway):
    gateway.on("query", NO_ROWS)
    gateway.on("create", made("glbatch", RECORDNO="6679"))
    await client.find_gl_batches(reference_no="PD-4711")

    gateway.revoke()
    written = await post(client)

    assert written.key == "6679"
    assert len(gateway.logins) == 2
    assert [each.get("controlid") for one in gateway.business[1:] for each in one.functions] == [
        KEY,
        KEY,
    ]


@pytest.mark.parametrize(
    ("writes", "kind"),
    [(Writes.PERMITTED, WriteNotPermittedError), (Writes.REFUSED, PlanOnlyError)],
)
async def test_no_write_leaves_without_a_permit_and_none_in_a_plan(
    make_settings, gateway, clock, writes, kind
):
    gateway.on("query", NO_ROWS)
    transport = Transport(
        profile_limits=PROFILE.limits, clock=clock, writes=writes, allow_private_targets=True
    )
    client = Client(make_settings(), transport=transport, logins=MemoryLogins(), clock=clock)

    with pytest.raises(kind):
        await post(client)
    with pytest.raises(kind):
        await client.update_vendor("V", VendorDraft(name="x"))
    with pytest.raises(kind):
        await client.delete_gl_batch("1")

    assert gateway.business == []
    assert await client.find_gl_batches(reference_no="PD-4711") == ()
    await transport.close()


async def test_a_write_under_its_permit_carries_its_purpose(
    make_settings, gateway, clock, recorded
):
    gateway.on("create", made("glbatch", RECORDNO="6679"))
    transport = Transport(
        profile_limits=PROFILE.limits,
        clock=clock,
        writes=Writes.PERMITTED,
        recorder=recorded,
        allow_private_targets=True,
    )
    client = Client(make_settings(), transport=transport, logins=MemoryLogins(), clock=clock)

    with writing(WritePermit(not_after=60, purpose="journal_entry deal/4711 #1")):
        await post(client)

    purposes = {call.operation: call.purpose for call in recorded.calls}
    assert purposes["GLBATCH.create"] == "journal_entry deal/4711 #1"
    await transport.close()


async def test_characters_that_cannot_be_sent_are_told_with_the_write(client, gateway):
    gateway.on("create", made("vendor", RECORDNO="41", VENDORID="PD-1"))

    written = await client.create_vendor(
        VendorDraft(vendor_id="PD-1", name="Har\x00bor\x0b"), control_id="v"
    )

    assert written.key == "PD-1"
    assert [(each.field, each.characters) for each in written.removed] == [("VENDOR/NAME", 2)]
    assert gateway.business[0].text("operation/content/function/create/VENDOR/NAME") == "Harbor"


async def test_an_update_may_be_sent_twice_and_is_repeated_after_an_outage(client, gateway):
    gateway.on("query", rows("VENDOR"))
    await client.find_vendor("x")
    gateway.on("update", made("vendor", RECORDNO="41", VENDORID="PD-1"))
    gateway.whole.append(web.Response(status=503, text=""))
    contact = ContactDraft(email1=None, mail_address=MailAddressDraft(city="Portland"))

    written = await client.update_vendor("PD-1", VendorDraft(display_contact=contact))

    assert written.key == "PD-1"
    sent = gateway.business[-1]
    assert sent.text("control/uniqueid") == "false"
    assert (
        sent.root.find("operation/content/function/update/VENDOR/DISPLAYCONTACT/EMAIL1") is not None
    )
    assert len({each.functions[0].get("controlid") for each in gateway.business[1:]}) == 1


async def test_a_draft_entry_is_deleted_once(client, gateway):
    gateway.on(
        "delete",
        "<status>success</status>",
        refused(("BL01001973", "Cannot find glbatch with key '6679' to delete.")),
    )

    await client.delete_gl_batch("6679")
    with pytest.raises(NotFoundError):
        await client.delete_gl_batch("6679")

    assert gateway.business[0].text("operation/content/function/delete/keys") == "6679"


async def test_a_closed_period_names_what_it_waits_for(client, gateway):
    gateway.on("query", NO_ROWS)
    gateway.on("create", refused(("BL01001973", "Date must be on or after 11/01/25")))

    with pytest.raises(ConfigurationError) as caught:
        await post(client)

    assert caught.value.waits_for == "closed_books"


# --- what the gateway would round or refuse ---------------------------------------------------


def line(amount: str, side: Side = 1, **values: Any) -> GLEntryDraft:
    return GLEntryDraft(account_no="1", side=side, trx_amount=Decimal(amount), **values)


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ((line("1"),), "at least two lines"),
        ((line("1"), line("0.99", -1)), "exceed credits by 0.01"),
        ((line("1", currency="EUR"), line("1", -1, currency="USD")), "does not balance"),
        ((line("0"), line("0", -1)), "above zero"),
        ((line("-1"), line("-1", -1)), "above zero"),
        ((line("NaN"), line("1", -1)), "above zero"),
        ((line("1.001"), line("1.001", -1)), "two digits"),
        ((line("1", exchange_rate=Decimal("1.00001")), line("1", -1)), "four digits"),
    ],
)
async def test_lines_that_the_gateway_would_refuse_or_round_are_not_sent(
    client, gateway, lines, words
):
    with pytest.raises(InvalidRecordError, match=words):
        await client.create_gl_batch(entry(entries=lines), control_id=KEY)

    assert gateway.requests == []


def test_amounts_are_compared_by_value_and_not_by_their_digits():
    entry(entries=(line("1.500"), line("1.5", -1))).check()
    entry(entries=(line("1E+3"), line("1000.00", -1))).check()


def test_a_reversal_takes_every_line_back():
    lines = tuple(
        GLEntry(
            record_no=number,
            batch=6679,
            line_no=number,
            side=side,
            account_no=account,
            trx_amount=Decimal(amount),
            currency="EUR",
            dimensions={"CUSTOMERID": "C-1", "GLDIMREGION": "3"},
        )
        for number, side, account, amount in ((1, 1, "1200", "10"), (2, -1, "4000", "10"))
    )
    whole = GLBatchInFull(batch=GLBatch(record_no=6679, base_location_no="E100"), lines=lines)

    draft = reversal_of(
        whole,
        journal="GJ",
        batch_on=date(2026, 3, 1),
        batch_title="Reversal",
        reference_no="PD-4711-R",
        state="Posted",
        rates={"EXCH_RATE_TYPE_ID": "Intacct Daily Rate"},
    )

    draft.check()
    assert [(each.account_no, each.side, each.trx_amount) for each in draft.entries] == [
        ("1200", -1, Decimal(10)),
        ("4000", 1, Decimal(10)),
    ]
    assert draft.base_location_no == "E100"
    assert draft.entries[0].fields == {
        "EXCH_RATE_TYPE_ID": "Intacct Daily Rate",
        "CUSTOMERID": "C-1",
        "GLDIMREGION": "3",
    }


def test_a_line_without_a_side_cannot_be_taken_back():
    broken = GLEntry(record_no=1, batch=1, account_no="1", trx_amount=Decimal(1))

    with pytest.raises(InvalidRecordError, match="cannot be taken back"):
        reversal_of(
            GLBatchInFull(batch=GLBatch(record_no=1), lines=(broken,)),
            journal="GJ",
            batch_on=date(2026, 3, 1),
            batch_title="x",
            reference_no="x",
            state="Draft",
        )
