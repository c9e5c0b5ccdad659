from __future__ import annotations

from datetime import timedelta

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
    vendor,
)

from vendor_simulators.sage_intacct.small_sql import QuerySyntaxError, read_query

NESTED = f"<and>{is_('TAXID', '0')}<or>{is_('NAME', 'Vendor 3')}{is_('NAME', 'x')}</or></and>"


def paged(offset: int, size: int, *, order: bool = True) -> str:
    by = "<orderby><order><field>RECORDNO</field><ascending/></order></orderby>" if order else ""
    return query(
        "VENDOR", "RECORDNO", more=f"{by}<pagesize>{size}</pagesize><offset>{offset}</offset>"
    )


async def vendors(books: Books, number: int) -> None:
    rows = [vendor(f"V-{n:03d}", f"Vendor {n}", TAXID=str(n % 3)) for n in range(number)]
    await books.seed(vendors=rows)


async def ids(books: Books, where: str = "", more: str = "") -> list[str]:
    answer = await books.done(query("VENDOR", "VENDORID", where, more))
    return sorted(row["VENDORID"] for row in answer.rows())


async def test_pages_in_the_order_of_record_numbers_lose_nothing(books):
    await vendors(books, 25)
    seen, left, offset = [], 1, 0
    while left:
        answer = await books.done(paged(offset, 10))
        seen += [int(row["RECORDNO"]) for row in answer.rows()]
        left, offset = int(answer.data.get("numremaining")), offset + 10

    assert seen == sorted(set(seen))
    assert len(seen) == int(answer.data.get("totalcount")) == 25


async def test_pages_without_an_order_lose_and_repeat_rows(books):
    await vendors(books, 60)
    seen = []
    for offset in range(0, 60, 10):
        seen += [
            row["RECORDNO"] for row in (await books.done(paged(offset, 10, order=False))).rows()
        ]

    assert len(seen) == 60
    assert len(set(seen)) < 60


async def test_a_query_without_rows_says_so(books):
    data = (await books.done(query("VENDOR", "VENDORID"))).data

    assert dict(data.attrib) == {
        "listtype": "VENDOR", "totalcount": "0", "offset": "0", "count": "0", "numremaining": "0",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("where", "found"),
    [
        (is_("TAXID", "1"), ["V-001", "V-004"]),
        (is_("TAXID", "1", "notequalto"), ["V-000", "V-002", "V-003"]),
        (is_("VENDORID", "V-003", "greaterthanorequalto"), ["V-003", "V-004"]),
        (is_("VENDORID", "V-001", "lessthan"), ["V-000"]),
        (is_("NAME", "Vendor _", "like"), ["V-000", "V-001", "V-002", "V-003", "V-004"]),
        (is_("NAME", "%3", "notlike"), ["V-000", "V-001", "V-002", "V-004"]),
        (
            "<between><field>VENDORID</field><value>V-001</value><value>V-002</value></between>",
            ["V-001", "V-002"],
        ),
        (
            "<in><field>VENDORID</field><value>V-001</value><value>V-009</value></in>",
            ["V-001"],
        ),
        ("<notin><field>TAXID</field><value>1</value><value>2</value></notin>", ["V-000", "V-003"]),
        ("<isnull><field>COMMENTS</field></isnull>", ["V-000", "V-001", "V-002", "V-003", "V-004"]),
        ("<isnotnull><field>COMMENTS</field></isnotnull>", []),
        (is_("COMMENTS", "x", "notequalto"), []),
        (NESTED, ["V-003"]),
        (is_("DISPLAYCONTACT.PRINTAS", "Vendor 2"), ["V-002"]),
        (is_("WHENMODIFIED", "03/02/2026 00:00:00", "lessthan"), []),
    ],
)  # fmt: skip
async def test_filters(books, where, found):
    await vendors(books, 5)

    assert await ids(books, where) == found


async def test_case_matters_unless_told_otherwise(books):
    await vendors(books, 1)
    insensitive = "<options><caseinsensitive>true</caseinsensitive></options>"

    assert await ids(books, is_("NAME", "VENDOR 0")) == []
    assert await ids(books, is_("NAME", "VENDOR 0"), insensitive) == ["V-000"]


async def test_aggregates_group_by_the_plain_fields(books):
    await vendors(books, 5)
    select = "<select><field>TAXID</field><count>RECORDNO</count></select>"

    answer = await books.done(f"<query><object>VENDOR</object>{select}</query>")

    assert sorted((row["TAXID"], row["COUNT.RECORDNO"]) for row in answer.rows()) == [
        ("0", "2"),
        ("1", "2"),
        ("2", "1"),
    ]


async def test_sums_of_the_ledger_balance(books):
    await books.post()
    select = "<select><sum>DEBITAMOUNT</sum><sum>CREDITAMOUNT</sum></select>"

    answer = await books.done(f"<query><object>GLDETAIL</object>{select}</query>")

    assert answer.rows() == [{"SUM.DEBITAMOUNT": "1500", "SUM.CREDITAMOUNT": "1500"}]


async def test_unknown_objects_and_fields_are_named(books):
    unknown = await books.call(query("VENDOR9", "RECORDNO"))
    fields = await books.call(query("VENDOR", "FOO NAME BAR"))
    star = await books.call(query("VENDOR", "*"))

    assert unknown.numbers == ["Query Failed"]
    assert unknown.cause == "Object definition VENDOR9 not found"
    assert fields.numbers == ["XL03000006"]
    assert fields.cause == "The following fields cannot be queried: [VENDOR: [FOO, BAR] ]"
    assert star.statuses == ["failure"]


async def test_dotted_fields_come_as_dotted_elements_and_nested_in_whole_records(books):
    await books.seed(vendors=[vendor(DISPLAYCONTACT={"MAILADDRESS": {"CITY": "Portland"}})])

    row = (await books.done(query("VENDOR", "DISPLAYCONTACT.MAILADDRESS.CITY"))).rows()[0]
    whole = await books.done(
        tagged("readByName", {"object": "VENDOR", "keys": "PD-9001", "fields": "*"})
    )

    assert row == {"DISPLAYCONTACT.MAILADDRESS.CITY": "Portland"}
    assert whole.data.findtext("VENDOR/DISPLAYCONTACT/MAILADDRESS/CITY") == "Portland"


async def test_read_leaves_unknown_keys_out_and_names_an_unknown_field(books):
    await books.seed(vendors=[vendor()])

    some = await books.done(
        tagged("read", {"object": "VENDOR", "keys": "1,99", "fields": "VENDORID"})
    )
    wrong = await books.call(tagged("read", {"object": "VENDOR", "keys": "1", "fields": "x"}))

    assert some.rows() == [{"VENDORID": "PD-9001"}]
    assert wrong.numbers == ["Invalid fields list x"]


async def test_read_by_query_and_read_more_page_through_lower_case_records(books):
    await vendors(books, 5)
    sql = "STATUS = 'T' AND (NAME like 'Vendor%' OR TAXID IS NULL)"
    first = await books.done(
        tagged(
            "readByQuery",
            {"object": "VENDOR", "query": sql, "pagesize": 3, "fields": "VENDORID,STATUS"},
        )
    )
    more = tagged("readMore", {"resultId": first.data.get("resultId")})
    second = await books.done(more)

    assert [row.tag for row in first.data] == ["vendor"] * 3
    assert {row["STATUS"] for row in first.rows()} == {"T"}
    assert (first.data.get("totalcount"), first.data.get("numremaining")) == ("5", "2")
    assert (second.data.get("count"), second.data.get("resultId")) == ("2", "")
    assert (await books.call(more)).statuses == ["failure"]


async def test_a_result_id_expires(books):
    await vendors(books, 3)
    asked = {"object": "VENDOR", "query": "", "pagesize": 1}
    first = await books.done(tagged("readByQuery", asked))
    books.clock.advance(timedelta(hours=1))

    answer = await books.call(tagged("readMore", {"resultId": first.data.get("resultId")}))

    assert answer.statuses == ["failure"]


async def test_a_quote_in_a_query_is_escaped(books):
    await books.seed(vendors=[vendor(name="O'Neil")])
    asked = {"object": "VENDOR", "query": r"NAME = 'O\'Neil'", "fields": "NAME"}

    assert (await books.done(tagged("readByQuery", asked))).rows() == [{"NAME": "O'Neil"}]


@given(st.text(max_size=30))
@settings(max_examples=200, deadline=None)
def test_any_text_is_a_query_or_a_syntax_error(text):
    def column(name):
        raise QuerySyntaxError(name)

    try:
        assert read_query(text, column) is None
    except QuerySyntaxError:
        pass
    else:
        assert not text.strip()


async def test_lookup_and_inspect_describe_objects(books):
    await books.seed(custom_fields={"VENDOR": ["PIPEDRIVE_ID t40"]})

    lookup = await books.done("<lookup><object>VENDOR</object></lookup>")
    names = await books.done("<inspect><object>*</object></inspect>")
    fields = {one.findtext("ID"): one for one in lookup.data.iter("Field")}

    assert fields["PIPEDRIVE_ID"].findtext("ISCUSTOM") == "true"
    assert fields["NAME"].findtext("REQUIRED") == "true"
    assert (
        lookup.data.find("Type/Relationships/Relationship").findtext("OBJECTPATH")
        == "DISPLAYCONTACT"
    )
    assert "vendor" in {one.get("typename") for one in names.data}


async def test_set_up_is_told(books):
    books.switch(multi_entity=True, multi_currency=True)
    await books.play("close_books", date="12/31/2025")
    await books.play("set_rights", rights={"Vendors": "List|View"})

    answer = await books.done(
        "<getFinancialSetup/>",
        "<readEntityDetails/>",
        "<getDimensions/>",
        "<get_closedbooksdate/>",
        '<get_list object="reportingperiod" maxitems="5"/>',
        "<getUserPermissions><userId>xml_ml</userId></getUserPermissions>",
    )
    setup, entities, dimensions, closed, periods, rights = answer.results

    assert setup.findtext("data/financialSetup/multiCurrency") == "true"
    assert [one.findtext("id") for one in entities.iter("entity")] == ["E100", "E200"]
    assert "CUSTOMER" in [one.findtext("objectName") for one in dimensions.iter("dimension")]
    assert [part.text for part in closed.find("data/closedbooksdate")] == ["2025", "12", "31"]
    assert (periods.find("listtype").get("end"), len(periods.find("data"))) == ("5", 5)
    policies = {one.findtext("policyName"): one.findtext("rights") for one in rights.iter("policy")}
    assert policies["Vendors"] == "List|View"
    assert policies["Journal Entries"].startswith("List|View|Add")


async def test_a_missing_right_is_refused_at_the_function(books):
    await books.play("set_rights", rights={"Vendors": "List", "Journal Entries": ""})

    answer = await books.call(
        query("VENDOR", "NAME"), create("VENDOR", vendor()), create("GLBATCH", entry())
    )

    assert answer.statuses == ["success", "failure", "failure"]
    assert answer.cause.startswith("You do not have permission for API operation CREATE")


async def test_changes_may_become_visible_late(books):
    books.switch(visible_after_seconds=60)
    await books.done(create("VENDOR", vendor()))

    assert await ids(books, is_("VENDORID", "PD-9001")) == []
    books.clock.advance(timedelta(seconds=61))
    assert await ids(books, is_("VENDORID", "PD-9001")) == ["PD-9001"]


async def test_a_user_defined_dimension_is_an_object_with_lower_case_fields(books):
    await books.seed(
        user_defined_dimensions=[
            {
                "name": "SALES_REGION",
                "label": "Sales Region",
                "values": [{"id": 10003, "name": "North"}],
            }
        ]
    )
    lines = (line("1150", 1, 5), line("4000", -1, 5, GLDIMSALES_REGION=10003))

    await books.post(*lines)
    unknown = await books.call(
        create("GLBATCH", entry(line("1150", 1, 5), line("4000", -1, 5, GLDIMSALES_REGION=7)))
    )

    assert (await books.done(query("SALES_REGION", "id name"))).rows() == [
        {"id": "10003", "name": "North"}
    ]
    assert "Invalid Sales Region '7' specified." in unknown.cause
    await books.play("set_account", key="4010", values={"REQUIREGLDIMSALES_REGION": True})
    needed = await books.call(create("GLBATCH", entry(line("1150", 1, 5), line("4010", -1, 5))))
    assert "missing the Sales Region dimension" in needed.cause


async def test_the_audit_trail_tells_who_did_what(books):
    await books.done(create("VENDOR", vendor()))
    await books.play("edit", kind="vendors", key="PD-9001", values={"NAME": "New"})

    rows = await books.done(
        query("AUDITHISTORY", "ACCESSMODE SOURCE USERID", is_("OBJECTKEY", "PD-9001"))
    )

    assert sorted((row["ACCESSMODE"], row["SOURCE"], row["USERID"]) for row in rows.rows()) == [
        ("C", "api", "xml_ml"),
        ("M", "ui", "finance"),
    ]
