"""What is sent: well-formed, in the schema's order, and what it was made of."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree
from tests import specifications
from tests.specifications import sage_intacct as schema

from ml_connector.core.errors import ConfigurationError
from ml_connector.core.secret import Secret
from ml_connector.vendors.sage_intacct import Settings, bodies, queries, requests
from ml_connector.vendors.sage_intacct.characters import Removed, cleaned, is_clean
from ml_connector.vendors.sage_intacct.drafts import (
    ContactDraft,
    GLBatchDraft,
    GLEntryDraft,
    VendorDraft,
)
from ml_connector.vendors.sage_intacct.nodes import Encoded, leaf, parent
from ml_connector.vendors.sage_intacct.queries import Query
from ml_connector.vendors.sage_intacct.requests import Numbered

SETTINGS = Settings(
    sender_id="sender",
    sender_password=Secret("s p"),
    company_id="C",
    user_id="u",
    user_password=Secret("u&<p"),
)
any_text = st.text(st.characters(), max_size=40) | st.text(
    st.sampled_from("a\x00\x01\x08\t\n\r\x1f \x7f\x85\xa0é\ud800\udfff\ufffe\uffff😀&<>\"'"),
    max_size=40,
)


def encoded(*functions: requests.Function, is_unique: bool = False) -> Encoded:
    numbered = [Numbered(control_id=str(n), function=f) for n, f in enumerate(functions, 1)]
    return requests.encode(
        numbered,
        settings=SETTINGS,
        authentication=requests.with_session(Secret("s..")),
        control_id="c",
        is_unique=is_unique,
    )


def found_in(request: Encoded, path: str) -> etree._Element:
    found = etree.fromstring(request.body).find(f"operation/content/function/{path}")
    assert found is not None
    return found


def vendor(name: str) -> VendorDraft:
    return VendorDraft(
        vendor_id="V", name=name, display_contact=ContactDraft(print_as=name), comments=name
    )


@given(any_text, st.booleans())
def test_whatever_a_text_holds_only_what_can_be_read_is_sent(text, keeps_lines):
    clean, count = cleaned(text, keeps_lines=keeps_lines)

    assert is_clean(clean)
    assert cleaned(clean, keeps_lines=keeps_lines) == (clean, 0)
    assert (count == 0) == is_clean(text)
    assert clean == clean.strip()
    assert "\r" not in clean
    assert keeps_lines or "\n" not in clean


@given(any_text)
def test_whatever_a_text_holds_it_reads_back_as_it_was_cleaned(text):
    request = encoded(bodies.create(vendor(text)))

    record = found_in(request, "create/VENDOR")
    assert record.findtext("NAME") == cleaned(text, keeps_lines=False)[0]
    assert record.findtext("COMMENTS") == cleaned(text, keeps_lines=True)[0]
    removed = cleaned(text, keeps_lines=False)[1]
    fields = {each.field: each.characters for each in request.removed}
    assert fields == (
        {"VENDOR/NAME": removed, "VENDOR/DISPLAYCONTACT/PRINTAS": removed,
         "VENDOR/COMMENTS": removed} if removed else {}
    )  # fmt: skip


def test_what_was_taken_out_is_told_with_its_field():
    request = encoded(bodies.create(VendorDraft(vendor_id="V\x01", name="Har\x00bor\x1f\ud800")))

    assert request.removed == (
        Removed(field="VENDOR/VENDORID", characters=1),
        Removed(field="VENDOR/NAME", characters=3),
    )


def test_secrets_are_sent_as_they_are():
    root = etree.fromstring(
        requests.encode(
            [Numbered(control_id="1", function=bodies.delete("VENDOR", 1))],
            settings=SETTINGS,
            authentication=requests.with_login(SETTINGS, None),
            control_id="c",
            is_unique=False,
        ).body
    )

    assert root.findtext("control/password") == "s p"
    assert root.findtext("operation/authentication/login/password") == "u&<p"


def test_uniqueid_is_always_said():
    said = [
        etree.fromstring(encoded(bodies.delete("VENDOR", 1), is_unique=each).body).findtext(
            "control/uniqueid"
        )
        for each in (True, False)
    ]

    assert said == ["true", "false"]


@pytest.mark.parametrize("control_id", ["", "x" * 257, "a\nb", "ä", "\x00"])
def test_a_control_id_that_cannot_be_sent_is_refused_before(control_id):
    with pytest.raises(ValueError, match="control id"):
        requests.checked_control_id(control_id)


@pytest.mark.parametrize("name", ["1A", "A B", "<x>", "", "a:b", "GLDIM\x00"])
def test_a_name_from_a_user_that_is_no_name_is_told(name):
    with pytest.raises(ConfigurationError, match="cannot be the name"):
        encoded(bodies.create(VendorDraft(name="x", fields={name: "1"})))


@pytest.mark.parametrize("values", [[], ["x"] * 1001])
def test_a_condition_names_at_least_one_value_and_at_most_a_thousand(values):
    with pytest.raises(ValueError, match="1 to 1000"):
        queries.one_of("VENDORID", values)


def test_the_schema_is_one_that_refuses():
    specifications.needed(schema.VENDOR)
    wrong = [
        encoded(bodies.delete("VENDOR", 1)).body.replace(b"<senderid>sender</senderid>", b""),
        encoded(bodies.delete("VENDOR", 1)).body.replace(b'controlid="1"', b""),
        encoded(Query(object_name="V", select=()).function()).body,
    ]

    assert all(schema.faults_of(each) for each in wrong)
    assert not schema.faults_of(encoded(bodies.delete("VENDOR", 1)).body)


@given(any_text, st.lists(any_text, min_size=1, max_size=3), st.booleans())
def test_every_query_is_valid_against_the_published_schema(text, values, ignores_case):
    specifications.needed(schema.VENDOR)
    where = queries.all_of(
        queries.one_of("VENDORID", values), queries.compare("NAME", "equalto", text)
    )
    query = Query(
        object_name="VENDOR",
        select=("RECORDNO", "DISPLAYCONTACT.EMAIL1"),
        where=where,
        ignores_case=ignores_case,
        shows_private=not ignores_case,
    )

    assert schema.faults_of(encoded(query.function()).body) == []


def test_a_journal_entry_is_written_as_the_vendors_own_library_writes_it():
    line: dict[str, Any] = {
        "currency": "USD",
        "location": "E100",
        "department": "SALES",
        "customer_id": "C-9001",
    }
    draft = GLBatchDraft(
        journal="GJ",
        batch_title="Deal 4711 won",
        reference_no="PD-4711",
        state="Draft",
        entries=(
            GLEntryDraft(account_no="1200", side=1, trx_amount=Decimal("1E+3"), **line),
            GLEntryDraft(
                account_no="4000",
                side=-1,
                trx_amount=Decimal("1000.00"),
                item_id="SKU-1",
                description="licences",
                fields={"GLDIMSALES_REGION": "10003"},
                **line,
            ),
        ),
    )

    batch = found_in(encoded(bodies.create(draft)), "create/GLBATCH")

    assert [each.tag for each in batch] == [
        "JOURNAL", "BATCH_TITLE", "REFERENCENO", "STATE", "ENTRIES",
    ]  # fmt: skip
    assert [(each.tag, each.text) for each in batch.findall("ENTRIES/GLENTRY")[1]] == [
        ("ACCOUNTNO", "4000"), ("TR_TYPE", "-1"), ("TRX_AMOUNT", "1000.00"), ("CURRENCY", "USD"),
        ("LOCATION", "E100"), ("DEPARTMENT", "SALES"), ("CUSTOMERID", "C-9001"),
        ("ITEMID", "SKU-1"), ("DESCRIPTION", "licences"), ("GLDIMSALES_REGION", "10003"),
    ]  # fmt: skip
    assert batch.findtext("ENTRIES/GLENTRY/TRX_AMOUNT") == "1000"


def test_an_update_names_its_record_first_and_empties_what_is_none():
    draft = VendorDraft(vendor_id="no", comments=None, on_hold=True)

    request = encoded(bodies.update(draft, key="VENDORID", value="PD-1"))

    assert [(each.tag, each.text) for each in found_in(request, "update/VENDOR")] == [
        ("VENDORID", "PD-1"),
        ("ONHOLD", "true"),
        ("COMMENTS", None),
    ]


def test_attributes_and_text_are_never_put_together_from_pieces():
    node = parent("a", leaf("b", "]]></b><c>"))

    assert b"&lt;c&gt;" in encoded(requests.Function(operation="a", subject="a", content=node)).body
