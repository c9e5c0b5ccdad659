"""A ping: what is good, what is not, and what to do about it."""

import pytest
from aiohttp import web
from tests.unit.vendors.sage_intacct.gateway import Gateway, control_refused, refused, rows

from ml_connector.transport.vendor import PingLine

SETUP = (
    "<status>success</status><data><financialSetup><baseCurrency>USD</baseCurrency>"
    "<multiCurrency>false</multiCurrency></financialSetup></data>"
)
BOOKS = (
    "<status>success</status><data><closedbooksdate><year>2025</year><month>12</month>"
    "<day>31</day></closedbooksdate></data>"
)


def permissions(rights: str) -> str:
    return (
        "<status>success</status><data><permissions><appSubscription><applicationName>General "
        "Ledger</applicationName><policies><policy><policyName>Journal Entries</policyName>"
        f"<rights>{rights}</rights></policy></policies></appSubscription></permissions></data>"
    )


@pytest.fixture
def company(gateway: Gateway) -> Gateway:
    gateway.on("getFinancialSetup", SETUP)
    gateway.on("get_closedbooksdate", BOOKS)
    gateway.on("query", rows("X"))
    gateway.on("getUserPermissions", permissions("List|View|Add|Edit"))
    return gateway


def told(lines: list[PingLine]) -> list[tuple[str, str, bool]]:
    return [(line.check, line.subject, line.is_good) for line in lines]


@pytest.mark.usefixtures("company")
async def test_a_good_connection_is_told_step_by_step(client):
    lines = await client.ping(["GLACCOUNT", "GLBATCH:write", "VENDOR:write"])

    assert told(lines) == [
        ("address", client.settings.gateway_url, True),
        ("login", "xml_ml", True),
        ("tenant", "BRIGHTWELL", True),
        ("right", "GLACCOUNT", True),
        ("right", "GLBATCH:write", True),
        ("right", "VENDOR:write", True),
        ("fact", "currency", True),
        ("fact", "books", True),
    ]
    assert "added and edited" in lines[4].message
    assert "first write" in lines[5].message  # no policy of that name is told
    assert "no other currency" in lines[6].message
    assert "2025-12-31" in lines[7].message


async def test_a_role_that_may_not_add_is_told(client, company):
    company.on("getUserPermissions", permissions("List|View"))

    (line,) = [one for one in await client.ping(["GLBATCH:write"]) if one.check == "right"]

    assert not line.is_good
    assert "lacks Add or Edit of Journal Entries" in line.message


async def test_a_right_that_is_missing_is_told_and_the_others_are_looked_at(client, company):
    company.on(
        "query",
        refused(("X", "You do not have permission for API operation READ on VENDOR")),
        rows("GLACCOUNT"),
    )

    lines = [one for one in await client.ping(["VENDOR", "GLACCOUNT", "NOSUCH"])
             if one.check == "right"]  # fmt: skip

    assert [one.is_good for one in lines] == [False, True, False]


@pytest.mark.usefixtures("company")
async def test_a_wrong_password_is_a_matter_of_the_login(open_client):
    lines = await open_client(user_password="wrong-one").ping(["VENDOR"])

    assert [(one.check, one.is_good) for one in lines] == [("address", True), ("login", False)]


@pytest.mark.parametrize(
    ("answer", "check"),
    [
        (lambda: web.Response(status=404, text="<html>"), "address"),
        (lambda: control_refused("GW-0011", "Invalid Request", status=400), "address"),
        (lambda: control_refused("XL03000006", "Incorrect Intacct XML Partner ID or password."),
         "login"),
    ],
)  # fmt: skip
async def test_what_fails_first_is_told_and_nothing_after_it(client, company, answer, check):
    company.whole.append(answer())

    lines = await client.ping(["VENDOR"])

    assert [one.check for one in lines if not one.is_good] == [check]
    assert lines[-1].check == check


async def test_nobody_at_the_address_is_told(open_client):
    (line,) = await open_client(gateway_url="http://127.0.0.1:1/ia/xml/xmlgw.phtml").ping([])

    assert (line.check, line.is_good) == ("address", False)
