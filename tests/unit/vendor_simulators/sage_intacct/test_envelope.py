from __future__ import annotations

import pytest
from tests.unit.vendor_simulators.sage_intacct.conftest import (
    Books,
    create,
    function,
    query,
    tagged,
    vendor,
)

JOURNALS = query("JOURNAL", "SYMBOL")


def control_without(books: Books, name: str) -> str:
    given = {
        "senderid": books.described["sender_id"],
        "password": books.described["sender_password"],
        "controlid": "c-1",
        "uniqueid": "false",
        "dtdversion": "3.0",
    }
    return tagged("control", {key: value for key, value in given.items() if key != name})


async def test_a_success_echoes_control_login_and_function(books):
    answer = await books.call(JOURNALS)

    told = [
        answer.text(path)
        for path in (
            "control/status",
            "control/controlid",
            "control/uniqueid",
            "control/dtdversion",
            "operation/authentication/userid",
            "operation/authentication/companyid",
            "operation/result/function",
            "operation/result/controlid",
        )
    ]
    assert told == ["success", "c-1", "false", "3.0", "xml_ml", "BRIGHTWELL", "query", "f1"]
    assert answer.headers["Content-Type"] == "text/xml; charset=UTF-8"


@pytest.mark.parametrize("missing", ["senderid", "controlid", "dtdversion"])
async def test_a_missing_control_element_is_refused_as_a_whole(books, missing):
    control = control_without(books, missing)

    answer = await books.call(JOURNALS, control=control)

    assert answer.status == 200
    assert answer.text("control/status") == "failure"
    assert answer.root.find("operation") is None
    assert answer.numbers == ["XL03000003"]


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        (b"<dtdversion>3.0", b"<dtdversion>1.0"),
        (b"<request>", b"<request><extra/>"),
        (b'controlid="f1"', b'control="f1"'),
        (b'controlid="f1"', b'controlid="' + b"x" * 257 + b'"'),
        (b"<object>JOURNAL</object>", b"<object>JOURNAL</object><pagesize>2001</pagesize>"),
        (b"<query>", b"<Query>"),
        (b"transaction=", b"transactions="),
        (
            b"</select>",
            b"</select><filter><and><isnull><field>SYMBOL</field></isnull></and></filter>",
        ),
    ],
)
async def test_what_the_schema_does_not_allow_is_a_control_failure(books, right, wrong):
    body = books.request(function(JOURNALS)).replace(right, wrong)
    body = body.replace(b"</query>", b"</Query>") if wrong == b"<Query>" else body

    answer = await books.send(body)

    assert answer.text("control/status") == "failure"
    assert answer.numbers == ["XL03000003"]
    assert answer.cause.startswith("XML Parse schema error: ")


async def test_the_order_inside_login_matters(books):
    login = (
        "<login><companyid>BRIGHTWELL</companyid><userid>u</userid><password>p</password></login>"
    )

    answer = await books.call(JOURNALS, login=login)

    assert "This element is not expected" in answer.cause


async def test_a_request_that_is_not_well_formed_tells_line_and_column_and_echoes_the_sender(books):
    body = books.request(function("<create><VENDOR><NAME>x</VENDOR></create>"))

    answer = await books.send(body)

    assert answer.numbers[0] == "XL03000003"
    assert "Fatal Error 76: Opening and ending tag mismatch: NAME" in answer.texts[0]
    assert "Line: 1, column: " in answer.texts[0]
    assert answer.text("control/senderid") == books.described["sender_id"]
    assert answer.text("control/controlid") == "c-1"


@pytest.mark.parametrize("bad", [b"&#x1;", b"\x01", b"&#xFFFE;"])
async def test_a_forbidden_character_in_one_field_kills_the_whole_request(books, bad):
    body = books.request(
        function(create("VENDOR", vendor("V-1", "fine")), "a"),
        function(create("VENDOR", vendor("V-2", "BAD")), "b"),
    )

    answer = await books.send(body.replace(b"BAD", bad))

    assert answer.numbers[0] == "XL03000003"
    assert books.records("vendors") == []


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
async def test_document_types_and_entities_are_refused(books, encoding):
    body = books.request(function(JOURNALS)).decode()
    declared = '<!DOCTYPE request [<!ENTITY a "b">]><request>'
    text = body.replace("<request>", declared).replace('encoding="UTF-8"', f'encoding="{encoding}"')

    answer = await books.send(text.encode(encoding))

    assert answer.numbers == ["XL03000003"]
    assert "Document type declarations" in answer.cause


async def test_booleans_are_read_in_any_case_and_uniqueid_is_true_when_left_out(books):
    books.control = {"includewhitespace": "False"}

    left_out = await books.call(JOURNALS, unique=None)

    assert left_out.statuses == ["success"]
    assert left_out.text("control/uniqueid") == "true"


async def test_whitespace_is_sent_only_when_asked_for(books):
    compact = await books.call(JOURNALS)
    books.control = {"includewhitespace": "true"}
    spaced = await books.call(JOURNALS)

    assert compact.body.count(b"\n") < 3
    assert spaced.body.count(b"\n") > 10


async def test_additional_error_information_comes_on_request(books):
    books.control = {"showadditionalerrorinfo": "true"}
    account = {"ACCOUNTNO": "4000", "TITLE": "Again"}

    answer = await books.call(create("GLACCOUNT", account))

    assert answer.cause == "Duplicate account number"
    info = answer.root.find("operation/result/errormessage/error/additionalinfo")
    assert info.findtext("errorid") == "GL-0493"
    assert info.findtext("description/messageid") == "IA.DUPLICATE_ACCOUNT_NUMBER"


async def test_only_post_is_answered(books):
    async with books.http.get(books.url) as answer:
        assert answer.status == 405


@pytest.mark.parametrize(
    ("form", "status", "number"), [("control", 200, "XL03000006"), ("gateway", 400, "GW-0011")]
)
async def test_a_wrong_sender_is_refused_in_both_known_forms(books, form, status, number):
    books.switch(bad_sender_answer=form)
    await books.play("change_sender_password", sender="ml_connector_mpp", password="other")

    answer = await books.call(JOURNALS)

    assert (answer.status, answer.numbers) == (status, [number])
    assert answer.text("control/status") == "failure"


async def test_an_unknown_transport_policy_is_refused(books):
    body = books.request(function(JOURNALS)).replace(
        b"<includewhitespace>", b"<policyid>test</policyid><includewhitespace>"
    )

    answer = await books.send(body)

    assert answer.texts == ["test is not a valid transport policy."]


async def test_an_expired_demo_company_is_a_control_failure(books):
    await books.play("expire_demo")

    assert (await books.call(JOURNALS)).numbers == ["PL04000055"]
