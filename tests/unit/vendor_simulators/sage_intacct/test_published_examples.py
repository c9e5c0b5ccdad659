"""The vendor's own files as data: what its SDK sends is taken, what it recorded looks like ours."""

from __future__ import annotations

import re
from typing import Any

import pytest
from lxml import etree
from tests import specifications
from tests.specifications import sage_intacct as schemas
from tests.unit.vendor_simulators.sage_intacct.conftest import (
    create,
    entry,
    function,
    query,
    tagged,
    update,
    vendor,
)

_GOLDEN = re.compile(r"const expected = `(<\?xml.*?)`", re.DOTALL)
_FOLDERS = ("AccountsPayable", "AccountsReceivable", "GeneralLedger", "Common", "Projects")
# The simulator has no object-specific function but the two for journal entries (NOTES.md).
_GENERIC = re.compile("create|update|delete|read[A-Z]*[a-zA-Z]*|query|lookup|inspect|get_list")


def shape(element: Any) -> list[str]:
    """The tags of a response down to its result, with what texts are not the point."""
    return [one.tag for one in element]


def recorded_answer(name: str) -> Any:
    return etree.parse(specifications.needed(schemas.VENDOR) / "recorded" / f"{name}.xml").getroot()


async def test_the_published_schema_and_ours_agree_on_our_requests(books):
    schema = schemas.needed()
    requests = [
        books.request(function("<getAPISession/>")),
        books.request(function(create("VENDOR", vendor()), "a"), unique=True, transaction=True),
        books.request(function(create("GLBATCH", entry()))),
        books.request(function(update("VENDOR", {"VENDORID": "PD-9001", "NAME": "x"}))),
        books.request(function(query("VENDOR", "NAME"))),
        books.request(function(tagged("readByName", {"object": "VENDOR", "keys": "PD-9001"}))),
        books.request(function('<get_list object="journal"/>')),
    ]

    for body in requests:
        assert schema.validate(etree.fromstring(body)), schema.error_log
        assert (await books.send(body)).text("control/status") == "success"


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        (b"<userid>xml_ml</userid>", b""),
        (b'controlid="f1"', b""),
        (b"<controlid>c-1</controlid>", b""),
        (b"<content>", b"<content><other/>"),
        (b"<getAPISession/>", b"<getApiSession/>"),
    ],
)
async def test_what_the_published_schema_refuses_we_refuse(books, right, wrong):
    body = books.request(function("<getAPISession/>", "f1")).replace(right, wrong, 1)
    assert not schemas.needed().validate(etree.fromstring(body))

    assert (await books.send(body)).numbers == ["XL03000003"]


async def test_what_the_vendors_sdk_sends_is_taken_as_well_formed(books):
    folder = specifications.needed(schemas.VENDOR) / "sdk_js_tests" / "test" / "Functions"
    schema = schemas.needed()
    taken = 0
    for group in _FOLDERS:
        for file in sorted((folder / group).rglob("*Test.ts")):
            for text in _GOLDEN.findall(file.read_text("utf-8")):
                for one in etree.fromstring(text.encode()).iter("function"):
                    body = books.request(etree.tostring(one, encoding="unicode"))
                    # Half-filled examples of the SDK's tests are not valid for the vendor either.
                    is_here = _GENERIC.fullmatch(one[0].tag) is not None
                    if not is_here or not schema.validate(etree.fromstring(body)):
                        continue
                    answer = await books.send(body)
                    assert answer.text("control/status") == "success", (file.name, answer.body)
                    taken += 1

    assert taken > 20


async def test_an_invalid_session_looks_as_recorded(books):
    books.session = "qwerty"
    recorded = recorded_answer("sessionInvalid")

    answer = await books.call(query("VENDOR", "NAME"))

    for path in (
        ".",
        "control",
        "operation",
        "operation/authentication",
        "operation/errormessage/error",
    ):
        assert shape(answer.root.find(path)) == shape(recorded.find(path))
    error = "operation/errormessage/error/"
    assert answer.text(f"{error}errorno") == recorded.findtext(f"{error}errorno")
    assert answer.text(f"{error}description2") == recorded.findtext(f"{error}description2")


async def test_a_wrong_login_looks_as_recorded(books):
    recorded = recorded_answer("execLoginInvalid")

    answer = await books.call(query("VENDOR", "NAME"), login=books.login(password="wrong"))

    for path in ("operation/authentication", "operation/errormessage/error"):
        assert shape(answer.root.find(path)) == shape(recorded.find(path))
    assert answer.cause == recorded.findtext("operation/errormessage/error/description2")


async def test_a_partial_creation_looks_as_recorded(books):
    recorded = recorded_answer("execFuncError")
    project = {"PROJECTID": "P-1", "NAME": "Rollout"}

    answer = await books.call(create("PROJECT", project, project))
    ours, theirs = answer.results[0], recorded.find("operation/result")

    assert shape(ours) == shape(theirs)
    assert dict(ours.find("data").attrib) == dict(theirs.find("data").attrib)
    assert shape(ours.find("data/project")) == shape(theirs.find("data/project"))
    assert answer.numbers[:2] == [one.text for one in theirs.iter("errorno")][:2]
    assert answer.cause == "Another Project with the given value(s) P-1  already exists"


async def test_an_unknown_field_of_read_looks_as_recorded(books):
    recorded = recorded_answer("functionErrorSuccess")

    answer = await books.call(tagged("read", {"object": "APBILL", "keys": "1", "fields": "x"}))
    ours, theirs = answer.results[0], recorded.find("operation/result")

    assert shape(ours) == shape(theirs)
    assert answer.numbers == [theirs.findtext("errormessage/error/errorno")]


async def test_a_broken_request_looks_as_recorded(books):
    recorded = recorded_answer("execXMLError")
    body = books.request(function("<create><PROJECT><PROJECTID>x</PROJECT></create>"))

    answer = await books.send(body)

    assert shape(answer.root) == shape(recorded)
    words = (
        "XML Parse schema error: Fatal Error 76: Opening and ending tag mismatch: PROJECTID line"
    )
    assert answer.texts[0].startswith(words)
    assert recorded.findtext("errormessage/error/description2").startswith(words)
