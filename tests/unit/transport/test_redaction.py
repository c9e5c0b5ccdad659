"""Secrets leave no trace, in whatever form they travel."""

from __future__ import annotations

import base64
import html
import json
from urllib.parse import quote, quote_plus, urlencode

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ml_connector.core.secret import Secret
from ml_connector.transport.redaction import MASK, SHORTEST, Redactor

texts = st.text(st.characters(codec="utf-8"), max_size=20)
secrets = st.text(st.characters(codec="utf-8"), min_size=SHORTEST, max_size=40)


@given(secret=secrets, before=texts, after=texts)
def test_a_known_secret_is_gone_from_every_form_in_which_it_travels(secret, before, after):
    redactor = Redactor(Secret(secret))
    forms = {
        "plain": secret,
        "percent": quote(secret, safe=""),
        "form": quote_plus(secret),
        "json": json.dumps({"note": before + secret + after}),
        "json kept": json.dumps({"note": before + secret + after}, ensure_ascii=False),
        "xml": f"<a>{html.escape(secret)}</a>",
    }

    for name, form in forms.items():
        inner = {"json": json.dumps(secret)[1:-1]}.get(name, form if name != "xml" else form[3:-4])
        assume(inner not in MASK and inner not in before + after)
        assert inner not in redactor.text(before + form + after).replace(MASK, "\0"), name


@given(secret=st.text(min_size=8, max_size=40, alphabet=st.characters(codec="ascii")), user=texts)
def test_a_secret_inside_http_basic_is_gone(secret, user):
    redactor = Redactor(secret)
    header = base64.b64encode(f"{user}:{secret}".encode()).decode()

    clean = redactor.text(f"sent Basic {header}")

    kept = clean.removeprefix("sent Basic ")
    assert len(kept) < len(header)
    assert MASK in kept


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ('{"access_token":"abc","n":1}', '{"access_token":"***","n":1}'),
        ('{"refresh_token": "a\\"b" }', '{"refresh_token": "***" }'),
        ('{"access_token":"cut off he', '{"access_token":"***'),
        ('"{\\"password\\":\\"abc\\",\\"x\\":1}"', '"{\\"password\\":\\"***\\",\\"x\\":1}"'),
        ("grant_type=x&client_secret=abc&scope=y", "grant_type=x&client_secret=***&scope=y"),
        ("password=abc", "password=***"),
        ("https://x/y?api_token=abc&limit=2", "https://x/y?api_token=***&limit=2"),
        ("<login><password>abc</password></login>", "<login><password>***</password></login>"),
        ('<x:SessionId a="1">abc</x:SessionId>', '<x:SessionId a="1">***</x:SessionId>'),
    ],
)
def test_fields_that_hold_secrets_are_masked_though_their_value_is_unknown(said, kept):
    assert Redactor().text(said) == kept


def test_ordinary_text_is_returned_as_it_is():
    body = b'{"id": 1, "title": "Tokens and passwords for sale", "stage": "3"}'

    assert Redactor("s3cr3t-value").data(body) is body


def test_a_secret_across_the_cut_of_a_bounded_body_leaves_no_part_of_itself():
    redactor = Redactor("0123456789abcdef")

    assert redactor.bounded(b"xx 0123456789abcdef yy", 8) == b"xx *** y"


def test_the_longer_of_two_secrets_goes_as_a_whole():
    redactor = Redactor("token-1", "token-1-and-more")

    assert redactor.text("is token-1-and-more.") == "is ***."


def test_secrets_are_learnt_from_the_headers_of_a_login():
    redactor = Redactor()
    basic = base64.b64encode(b"bob:hunter22").decode()

    redactor.learn_headers(
        {
            "Authorization": f"Basic {basic}",
            "x-api-token": "tok-123",
            "Cookie": "ASP.NET_SessionId=sess-9; x=y",
            "X-Company": "ACME",
        }
    )

    assert redactor.text(f"{basic} hunter22 tok-123 sess-9 ACME") == "*** *** *** *** ACME"


def test_secret_headers_are_masked_by_name():
    shown = Redactor().headers({"Authorization": "Bearer abc", "Accept": "text/plain"})

    assert shown == {"Authorization": MASK, "Accept": "text/plain"}


def test_a_form_body_with_a_known_secret_is_clean():
    redactor = Redactor("p&s=w ö")

    assert redactor.text(urlencode({"x": "p&s=w ö"})) == "x=***"
