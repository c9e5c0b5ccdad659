"""Parameters arrive as they were meant, and the login stays at its origin."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from ml_connector.transport.addresses import Base
from ml_connector.transport.failures import AddressError

BASE = Base(URL("https://erp.example/entity/Default/24.200.001"))
texts = st.text(st.characters(codec="utf-8"), max_size=20)


@given(params=st.lists(st.tuples(texts.filter(bool), texts), min_size=1, max_size=5))
def test_parameters_survive_the_way_to_the_vendor(params):
    address = BASE.address_of("Customer", params)

    query = URL(address, encoded=True).raw_query_string
    assert parse_qsl(query, keep_blank_values=True) == params


@given(path=st.text(max_size=60))
def test_no_path_leads_to_another_origin(path):
    try:
        address = BASE.address_of(path, None)
    except AddressError:
        return

    parts = urlsplit(address)
    assert (parts.scheme, parts.netloc) == ("https", "erp.example")
    assert address.isascii()
    assert not set(address) & set(' \r\n\t"<>\\^`{|}#')


@pytest.mark.parametrize(
    ("path", "address"),
    [
        ("", "https://erp.example/entity/Default/24.200.001"),
        ("Customer", "https://erp.example/entity/Default/24.200.001/Customer"),
        ("/Customer", "https://erp.example/entity/Default/24.200.001/Customer"),
        ("a b%2Fc", "https://erp.example/entity/Default/24.200.001/a%20b%2Fc"),
        ("//evil.example/x", "https://erp.example/entity/Default/24.200.001/evil.example/x"),
        ("HTTPS://erp.example:443/next?c=1", "HTTPS://erp.example:443/next?c=1"),
    ],
)
def test_paths_stand_below_the_base(path, address):
    assert BASE.address_of(path, None) == address


def test_parameters_join_a_query_that_is_there():
    address = BASE.address_of("x?a=1", [("b", "2")])

    assert address.endswith("/x?a=1&b=2")
