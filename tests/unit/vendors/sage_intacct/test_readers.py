"""Reads: gathered into few requests, each with its own outcome, and nothing lost by paging."""

import asyncio
from collections import Counter
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.vendors.sage_intacct.gateway import refused, rows

from ml_connector.core.errors import ConfigurationError, ContractError, NotFoundError
from ml_connector.vendors.sage_intacct import streams, wire
from ml_connector.vendors.sage_intacct.models import (
    Customer,
    GLBatch,
    GLEntry,
    ReportingPeriod,
    Vendor,
)
from ml_connector.vendors.sage_intacct.queries import Query

GLACCOUNT_FIELDS = ("ACCOUNTNO", "REQUIREDEPT", "REQUIRELOC", "REQUIRECUSTOMER",
                    "REQUIREGLDIMREGION")  # fmt: skip
UTC_ZONE = ZoneInfo("UTC")


def lookup(object_name: str, *fields: str) -> str:
    listed = "".join(
        f"<Field><ID>{name}</ID><LABEL>{name}</LABEL><DESCRIPTION/><REQUIRED>false</REQUIRED>"
        f"<READONLY>false</READONLY><DATATYPE>TEXT</DATATYPE><ISCUSTOM>false</ISCUSTOM></Field>"
        for name in fields
    )
    return (
        f'<status>success</status><data listtype="All" count="1"><Type Name="{object_name}" '
        f'DocumentType=""><Fields>{listed}</Fields><Relationships/></Type></data>'
    )


class Table:
    """Answers queries of one object as the gateway does: filter, order, page."""

    def __init__(self, object_name: str, *records: dict[str, str]) -> None:
        self.object_name = object_name
        self.records = list(records)
        self.asked: list[Any] = []

    def __call__(self, query: Any) -> str:
        self.asked.append(query)
        found = [each for each in self.records if self._fits(query.find("filter"), each)]
        order = query.findtext("orderby/order/field")
        found.sort(key=lambda each: int(each[order]))
        size = int(query.findtext("pagesize"))
        names = [each.text for each in query.iterfind("select/field")]
        shown = [{name: each.get(name, "") for name in names} for each in found[:size]]
        return rows(self.object_name, *shown, remaining=max(0, len(found) - size))

    def _fits(self, filter_: Any, record: dict[str, str]) -> bool:
        return filter_ is None or self._holds(filter_[0], record)

    def _holds(self, operator: Any, record: dict[str, str]) -> bool:
        if operator.tag == "and":
            return all(self._holds(each, record) for each in operator)
        value = record.get(operator.findtext("field"), "")
        wanted = [each.text or "" for each in operator.iterfind("value")]
        if operator.tag == "greaterthan":
            return int(value) > int(wanted[0])
        if operator.tag == "greaterthanorequalto":
            return wire.stamp(value, UTC_ZONE) >= wire.stamp(wanted[0], UTC_ZONE)
        return value.casefold() in {each.casefold() for each in wanted}


def by_object(*tables: Table) -> Callable[[Any], str]:
    known = {table.object_name: table for table in tables}
    return lambda query: known[query.findtext("object")](query)


# --- gathering -------------------------------------------------------------------------------


async def test_what_many_ask_for_at_once_is_one_request(client, gateway):
    gateway.on(
        "query",
        by_object(
            Table("VENDOR", *({"RECORDNO": str(n), "VENDORID": f"V{n}", "NAME": f"N{n}"}
                              for n in range(1, 41))),
            Table("GLBATCH", {"RECORDNO": "9", "REFERENCENO": "PD-1", "JOURNAL": "GJ"}),
        ),
    )  # fmt: skip
    await client.find_gl_batches(reference_no="warm-up")

    found = await asyncio.gather(
        *(client.vendor(f"V{n}") for n in range(1, 31)),
        *(client.find_gl_batches(reference_no=f"PD-{n}") for n in range(1, 31)),
        *(client.vendors_by_name(f"n{n}") for n in range(1, 11)),
    )

    requests = gateway.business[1:]
    assert [one.vendor_id for one in found[:30]] == [f"V{n}" for n in range(1, 31)]
    assert [len(one) for one in found[30:60]] == [1] + [0] * 29
    assert [one[0].vendor_id for one in found[60:]] == [f"V{n}" for n in range(1, 11)]
    assert len(requests) <= 2  # 70 reads
    assert sum(len(each.functions) for each in requests) == 12


async def test_each_function_of_a_request_has_its_own_outcome(client, gateway):
    def answer(query: Any) -> str:
        if query.findtext("object") == "PROJECT":
            return refused(("Query Failed", "Object definition PROJECT not found"))
        return Table("DEPARTMENT", {"RECORDNO": "1", "DEPARTMENTID": "S", "STATUS": "active"})(
            query
        )

    gateway.on("query", answer)
    gateway.on("getDimensions", DIMENSIONS)
    dimensions = {one.object_name: one for one in await client.definitions.dimensions()}

    outcomes: tuple[Any, Any] = await asyncio.gather(
        client.definitions.values(dimensions["DEPARTMENT"]),
        client.definitions.values(dimensions["PROJECT"]),
        return_exceptions=True,
    )

    assert [one.value for one in outcomes[0]] == ["S"]
    assert isinstance(outcomes[1], ConfigurationError)
    assert outcomes[1].waits_for == "object:PROJECT"
    assert len(gateway.business) == 2  # both in one request, after the dimensions


async def test_a_missing_record_is_told_as_missing(client, gateway):
    gateway.on("query", rows("VENDOR"))

    with pytest.raises(NotFoundError, match="VENDOR PD-9"):
        await client.vendor("PD-9")
    assert await client.find_vendor("PD-9") is None
    with pytest.raises(NotFoundError):
        await client.gl_batch("not-a-number")


async def test_a_result_that_is_missing_is_a_breach_of_contract(client, gateway):
    gateway.on("query", lambda _: "<status>success</status>")

    with pytest.raises(ContractError, match="has no data"):
        await client.vendor("PD-9")


# --- paging ----------------------------------------------------------------------------------


async def test_pages_go_by_record_number_and_lose_nothing_that_moves(client, gateway):
    table = Table(
        "VENDOR",
        *({"RECORDNO": str(n), "VENDORID": f"V{n}", "WHENMODIFIED": "02/03/2026 10:00:00"}
          for n in range(1, 2501)),
    )  # fmt: skip

    def moving(query: Any) -> str:
        answer = table(query)
        table.records = table.records[5:]  # those read first disappear while it is read
        return answer

    gateway.on("query", moving)

    seen = Counter([one.vendor_id async for one in client.vendors()])

    assert set(seen) == {f"V{n}" for n in range(1, 2501)}
    assert set(seen.values()) == {1}
    assert len(table.asked) == 3
    assert all(each.findtext("orderby/order/field") == "RECORDNO" for each in table.asked)
    assert all(each.find("orderby/order/ascending") is not None for each in table.asked)


async def test_rows_out_of_order_are_not_taken_for_a_whole_list(client, gateway):
    gateway.on(
        "query",
        rows("VENDOR", {"RECORDNO": "2", "VENDORID": "b"}, {"RECORDNO": "1", "VENDORID": "a"}),
    )

    with pytest.raises(ContractError, match="was not kept"):
        [one async for one in client.vendors()]


async def test_the_top_level_sees_what_entities_own(client, gateway):
    gateway.on("query", rows("GLBATCH"))

    await client.find_gl_batches(reference_no="PD-1")
    await client.at("E100").find_gl_batches(reference_no="PD-1")

    shown = [
        each.root.findtext("operation/content/function/query/options/showprivate")
        for each in gateway.business
    ]
    assert shown == ["true", None]


# --- records ---------------------------------------------------------------------------------


async def test_an_entry_comes_with_its_lines_in_their_order_and_their_dimensions(client, gateway):
    lines = (
        {"RECORDNO": "11", "BATCHNO": "6679", "LINE_NO": "2", "TR_TYPE": "-1", "ACCOUNTNO": "4000",
         "TRX_AMOUNT": "1500", "CURRENCY": "USD", "LOCATION": "E100", "GLDIMREGION": "10003"},
        {"RECORDNO": "12", "BATCHNO": "6679", "LINE_NO": "1", "TR_TYPE": "1", "ACCOUNTNO": "1200",
         "TRX_AMOUNT": "1500", "CURRENCY": "USD", "CUSTOMERID": "C-1"},
        {"RECORDNO": "13", "BATCHNO": "1", "LINE_NO": "1", "TR_TYPE": "1", "ACCOUNTNO": "1"},
    )  # fmt: skip
    gateway.on(
        "query",
        by_object(
            Table("GLBATCH", {"RECORDNO": "6679", "BATCHNO": "17", "STATE": "Submitted",
                              "BATCH_DATE": "11/30/2026", "JOURNAL": "GJ"}),
            Table("GLENTRY", *lines),
        ),
    )  # fmt: skip
    gateway.on("lookup", lookup("GLENTRY", "LOCATION", "CUSTOMERID", "GLDIMREGION", "ACCOUNTNO"))

    found = await client.gl_batch_in_full("6679")

    assert (found.batch.key, found.batch.batch_no, found.batch.state) == ("6679", 17, "Submitted")
    assert found.batch.batch_on == date(2026, 11, 30)
    assert [(one.account_no, one.side, one.trx_amount) for one in found.lines] == [
        ("1200", 1, Decimal(1500)),
        ("4000", -1, Decimal(1500)),
    ]
    assert [one.dimensions for one in found.lines] == [
        {"CUSTOMERID": "C-1"},
        {"LOCATION": "E100", "GLDIMREGION": "10003"},
    ]


async def test_lines_of_a_draft_that_no_query_tells_are_read_with_the_entry(client, gateway):
    gateway.on(
        "query",
        by_object(
            Table("GLBATCH", {"RECORDNO": "6680", "STATE": "Draft", "JOURNAL": "GJ"}),
            Table("GLENTRY"),
        ),
    )
    gateway.on("lookup", lookup("GLENTRY", "LOCATION", "CUSTOMERID", "ACCOUNTNO"))
    lines = "".join(
        f"<GLENTRY><RECORDNO>{number}</RECORDNO><LINE_NO>{number}</LINE_NO><TR_TYPE>{side}</TR_TYPE>"
        f"<ACCOUNTNO>{account}</ACCOUNTNO><TRX_AMOUNT>80</TRX_AMOUNT>"
        "<CUSTOMERID>C-1</CUSTOMERID></GLENTRY>"
        for number, side, account in ((2, -1, "4000"), (1, 1, "1160"))
    )
    gateway.on(
        "read",
        '<status>success</status><data listtype="GLBATCH" count="1"><GLBATCH>'
        f"<RECORDNO>6680</RECORDNO><ENTRIES>{lines}</ENTRIES></GLBATCH></data>",
    )

    found = await client.gl_batch_in_full("6680")

    assert [(one.batch, one.account_no, one.side, dict(one.dimensions)) for one in found.lines] == [
        (6680, "1160", 1, {"CUSTOMERID": "C-1"}),
        (6680, "4000", -1, {"CUSTOMERID": "C-1"}),
    ]


async def test_an_account_tells_which_dimensions_it_requires(client, gateway):
    gateway.on("lookup", lookup("GLACCOUNT", *GLACCOUNT_FIELDS))
    gateway.on(
        "query",
        Table("GLACCOUNT", {
            "RECORDNO": "1", "ACCOUNTNO": "4000", "STATUS": "active",
            "ACCOUNTTYPE": "incomestatement", "ALTERNATIVEACCOUNT": "None",
            "REQUIREDEPT": "true", "REQUIRELOC": "false", "REQUIRECUSTOMER": "T",
            "REQUIREGLDIMREGION": "true",
        }),
    )  # fmt: skip

    account = await client.gl_account("4000")

    assert account.requires == {"DEPARTMENT", "CUSTOMERID", "GLDIMREGION"}
    assert account.is_active
    assert account.is_income_statement
    assert not account.is_control_account


async def test_switches_that_the_company_lacks_are_not_asked_for(client, gateway):
    table = Table("GLACCOUNT", {"RECORDNO": "1", "ACCOUNTNO": "4000", "STATUS": "active"})
    gateway.on("lookup", lookup("GLACCOUNT", "REQUIREDEPT"))
    gateway.on("query", table)

    await client.gl_accounts()
    await client.gl_accounts()

    asked = [each.text for each in table.asked[0].iterfind("select/field")]
    assert [name for name in asked if name.startswith("REQUIRE")] == ["REQUIREDEPT"]
    assert [each.names for each in gateway.business].count(["lookup"]) == 1


async def test_vendors_are_found_by_tax_number_and_fields_of_any_name_are_read(client, gateway):
    gateway.on("query", Table("VENDOR", {"RECORDNO": "1", "VENDORID": "V", "TAXID": "12-3",
                                         "CUSTOM01": ""}))  # fmt: skip

    (found,) = await client.vendors_by_tax_id("12-3")
    values = await client.values_of("VENDOR", ("VENDORID", "V"), ["TAXID", "CUSTOM01"])

    assert found.vendor_id == "V"
    assert values == {"TAXID": "12-3", "CUSTOM01": None}
    with pytest.raises(NotFoundError, match="VENDORID is W"):
        await client.values_of("VENDOR", ("VENDORID", "W"), ["TAXID"])


LISTS = {
    "journals": ("JOURNAL", {"RECORDNO": "1", "SYMBOL": "GJ", "STATUS": "active"}),
    "entities": ("LOCATIONENTITY", {"RECORDNO": "1", "LOCATIONID": "E100", "STATUS": "active"}),
    "reporting_periods": ("REPORTINGPERIOD", {"RECORDNO": "1", "NAME": "Month", "BUDGETING": "T",
                                              "START_DATE": "02/01/2026"}),
    "account_labels": ("APACCOUNTLABEL", {"RECORDNO": "1", "ACCOUNTLABEL": "Rent"}),
}  # fmt: skip


@pytest.mark.parametrize("name", LISTS)
async def test_reference_records_are_listed(client, gateway, name):
    object_name, record = LISTS[name]
    gateway.on("query", Table(object_name, record))

    (found,) = await getattr(client, name)()

    assert found.key == next(iter(list(record.values())[1:]))


async def test_customers_are_read_and_found_by_name(client, gateway):
    gateway.on("query", Table("CUSTOMER", {"RECORDNO": "1", "CUSTOMERID": "C-1", "NAME": "Bright"}))

    assert (await client.customer("C-1")).name == "Bright"
    assert [one.key for one in await client.customers_by_name("BRIGHT")] == ["C-1"]
    asked = gateway.business[-1].root.findtext(
        "operation/content/function/query/options/caseinsensitive"
    )
    assert asked == "true"


# --- definitions -----------------------------------------------------------------------------

DIMENSIONS = (
    "<status>success</status><data><dimensions>"
    + "".join(
        f"<dimension><objectName>{name}</objectName><objectLabel>{name}</objectLabel>"
        f"<termLabel>{term}</termLabel><userDefinedDimension>{own}</userDefinedDimension>"
        "<enabledInGL>true</enabledInGL></dimension>"
        for name, term, own in (
            ("LOCATION", "Site", "false"),
            ("DEPARTMENT", "Department", "false"),
            ("PROJECT", "Job", "false"),
            ("WAREHOUSE", "Warehouse", "false"),
            ("SALES_REGION", "Sales Region", "true"),
        )
    )
    + "</dimensions></data>"
)


async def test_dimensions_tell_what_a_line_calls_them_and_their_values(client, gateway):
    gateway.on("getDimensions", DIMENSIONS)
    gateway.on("query", Table("SALES_REGION", {"id": "10003", "name": "North"}))

    dimensions = {one.object_name: one for one in await client.definitions.dimensions()}
    values = await client.definitions.values(dimensions["SALES_REGION"])

    assert {name: one.line_field for name, one in dimensions.items()} == {
        "LOCATION": "LOCATION",
        "DEPARTMENT": "DEPARTMENT",
        "PROJECT": "PROJECTID",
        "WAREHOUSE": "WAREHOUSEID",
        "SALES_REGION": "GLDIMSALES_REGION",
    }
    assert [(one.value, one.title, one.is_active) for one in values] == [("10003", "North", True)]
    with pytest.raises(ConfigurationError, match="cannot be listed"):
        await client.definitions.values(dimensions["WAREHOUSE"])


@pytest.mark.parametrize("wrapped", ["{}", "<financialSetup>{}</financialSetup>"])
async def test_the_company_tells_its_currency(client, gateway, wrapped):
    inner = "<baseCurrency>USD</baseCurrency><multiCurrency>true</multiCurrency>"
    gateway.on("getFinancialSetup", f"<status>success</status><data>{wrapped.format(inner)}</data>")

    company = await client.definitions.company()

    assert (company.base_currency, company.has_multi_currency) == ("USD", True)


@pytest.mark.parametrize(
    ("inner", "day"),
    [
        ("<year>2025</year><month>12</month><day>31</day>", date(2025, 12, 31)),
        ("<year></year><month></month><day></day>", None),
        ("", None),
    ],
)
async def test_the_books_tell_through_which_day_they_are_closed(client, gateway, inner, day):
    gateway.on(
        "get_closedbooksdate",
        f"<status>success</status><data><closedbooksdate>{inner}</closedbooksdate></data>",
    )

    assert await client.closed_through() == day


async def test_what_the_gateway_finds_is_never_dropped_for_its_spelling(client, gateway):
    found = {"RECORDNO": "7", "JOURNAL": "GJ", "REFERENCENO": "pd-4711 "}
    gateway.on("query", rows("GLBATCH", found))

    (entry,) = await client.find_gl_batches(reference_no="PD-4711")

    assert entry.record_no == 7


# --- streams ---------------------------------------------------------------------------------

SINCE = datetime(2026, 2, 3, 9, 0, tzinfo=UTC)


async def test_a_stream_tells_what_changed_since_in_pages_of_record_numbers(client, gateway):
    gateway.on(
        "query",
        Table("GLBATCH", *({"RECORDNO": str(n), "WHENMODIFIED": "02/03/2026 09:00:00",
                            "BATCH_DATE": "02/03/2026"} for n in range(1, 1201)),
              {"RECORDNO": "5000", "WHENMODIFIED": "02/03/2026 08:59:59",
               "BATCH_DATE": "02/03/2026"}),
    )  # fmt: skip

    first = await client.changes("gl_batches", since=SINCE, page=None)
    second = await client.changes("gl_batches", since=SINCE, page=first.next_page)

    assert (len(first.changes), len(second.changes), second.next_page) == (1000, 200, None)
    assert first.changes[0].kind == "gl_batch"
    assert first.changes[0].key == "1"
    assert first.changes[0].changed_at == SINCE
    assert first.read_at == gateway.clock.at


async def test_stamps_and_days_are_in_the_zones_that_the_settings_name(open_client, gateway):
    table = Table("GLBATCH", {"RECORDNO": "1", "WHENMODIFIED": "02/03/2026 04:00:00",
                              "BATCH_DATE": "11/30/2026"})  # fmt: skip
    gateway.on("query", table)
    client = open_client(time_zone="America/New_York", audit_time_zone="America/New_York")

    page = await client.changes("gl_batches", since=SINCE, page=None)

    (change,) = page.changes
    assert change.changed_at == SINCE
    assert change.moment == datetime(2026, 12, 1, 4, 59, 59, 999999, tzinfo=UTC)
    assert table.asked[0].findtext("filter/greaterthanorequalto/value") == "02/03/2026 04:00:00"


@pytest.mark.parametrize("stream", streams._SOURCES)
async def test_every_stream_can_be_read(client, gateway, stream):
    source = streams._SOURCES[stream]
    gateway.on("query", Table(source.object_name, {
        "RECORDNO": "1", source.key: "1", "WHENMODIFIED": "02/03/2026 09:00:00",
    }))  # fmt: skip

    page = await client.changes(stream, since=SINCE, page=None)

    assert [one.key for one in page.changes] == ["1"]


# --- values ----------------------------------------------------------------------------------


@given(
    st.decimals(
        allow_nan=False, allow_infinity=False, places=4, min_value=-(10**12), max_value=10**12
    )
)
def test_a_number_reads_back_as_it_was_sent(number):
    row = {"RECORDNO": "1", "BATCHNO": "1", "TRX_AMOUNT": wire.number_text(number)}

    assert wire.record(GLEntry, row, zone=UTC_ZONE).trx_amount == number
    assert "E" not in row["TRX_AMOUNT"]


@given(st.dates())
def test_a_day_reads_back_as_it_was_sent(day):
    row = {"RECORDNO": "1", "BATCH_DATE": wire.day_text(day)}

    assert wire.record(GLBatch, row, zone=UTC_ZONE).batch_on == day


@given(st.datetimes(), st.sampled_from(["UTC", "America/New_York", "Australia/Lord_Howe"]))
def test_a_moment_reads_back_as_it_was_sent_or_earlier_by_what_a_clock_change_repeats(moment, zone):
    sent = moment.replace(microsecond=0, tzinfo=UTC)
    there = ZoneInfo(zone)

    found = wire.stamp(wire.stamp_text(sent, there), there)

    assert found <= sent
    assert (sent - found).total_seconds() in {0, 1800, 3600}
    assert zone != "UTC" or found == sent


@pytest.mark.parametrize(
    ("model", "row"),
    [
        (GLBatch, {"RECORDNO": "x"}),
        (GLBatch, {"RECORDNO": ""}),
        (GLBatch, {"RECORDNO": "1", "BATCH_DATE": "2026-02-03"}),
        (GLBatch, {"RECORDNO": "1", "WHENMODIFIED": "02/03/2026"}),
        (GLEntry, {"RECORDNO": "1", "BATCHNO": "1", "TRX_AMOUNT": "1,000.00"}),
        (GLEntry, {"RECORDNO": "1", "BATCHNO": "1", "TRX_AMOUNT": "NaN"}),
        (Vendor, {"RECORDNO": "1", "VENDORID": "V", "ONHOLD": "maybe"}),
        (Vendor, {"RECORDNO": "1"}),
    ],
)
def test_a_field_that_is_not_as_documented_is_told_and_not_guessed(model, row):
    with pytest.raises(ContractError):
        wire.record(model, row, zone=UTC_ZONE)


def test_an_empty_field_and_a_missing_one_are_the_same():
    row = {"RECORDNO": "1", "CUSTOMERID": "C", "NAME": "", "DISPLAYCONTACT.EMAIL1": ""}

    found = wire.record(Customer, row, zone=UTC_ZONE)

    assert found.name is None
    assert found.display_contact.email1 is None
    assert (
        wire.record(ReportingPeriod, {"RECORDNO": "1", "NAME": "M"}, zone=UTC_ZONE).start_on is None
    )


def test_queries_name_related_fields_by_their_path():
    names = wire.field_names(Vendor)

    assert "DISPLAYCONTACT.MAILADDRESS.CITY" in names
    assert names[0] == "RECORDNO"
    assert Query(object_name="VENDOR", select=names).function().operation == "VENDOR.query"
