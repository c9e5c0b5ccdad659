from __future__ import annotations

import pytest
from pydantic import ValidationError

from ml_connector.core.secret import Secret
from ml_connector.vendors.pipedrive.settings import Settings


def with_token(**more) -> Settings:
    return Settings.model_validate({"api_token": "0" * 40, **more})


@pytest.mark.parametrize(
    "entered",
    ["acme-1a2b3c", " ACME-1a2b3c ", "acme-1a2b3c.pipedrive.com",
     "https://acme-1a2b3c.pipedrive.com/pipeline/1"],
)  # fmt: skip
def test_company_domain_is_taken_from_whatever_is_pasted(entered):
    settings = with_token(company_domain=entered)

    assert settings.company_domain == "acme-1a2b3c"
    assert settings.company_origin() == "https://acme-1a2b3c.pipedrive.com"


@pytest.mark.parametrize("entered", ["", "app", "evil.example", "acme..", "-acme"])
def test_other_texts_are_no_company_domain(entered):
    with pytest.raises(ValidationError, match="is not a company domain"):
        with_token(company_domain=entered)


def test_shared_address_serves_where_no_company_is_named():
    assert with_token().company_origin() == "https://api.pipedrive.com"


def test_domain_of_the_token_goes_before_the_entered_one_and_an_address_before_both():
    told = "https://told.pipedrive.com"

    assert with_token(company_domain="acme").company_origin(told) == told
    assert with_token(api_url="http://127.0.0.1:9401/").company_origin(told) == (
        "http://127.0.0.1:9401"
    )


@pytest.mark.parametrize(
    "entered", ["127.0.0.1:9401", "ftp://a", "https://u:p@a", "https://a/api/v2", "https://a?x=1"]
)
def test_address_is_scheme_host_and_port_only(entered):
    with pytest.raises(ValidationError, match="api_url"):
        with_token(api_url=entered)


def test_each_login_needs_its_own_secrets():
    with pytest.raises(ValidationError, match="needs the API token"):
        Settings()
    with pytest.raises(ValidationError, match="client id and client secret"):
        Settings(login="oauth", client_id="only")


def test_space_pasted_around_a_secret_is_left_out():
    assert with_token(api_token=" 1234 \n").api_token == Secret("1234")


def test_secrets_do_not_show():
    settings = with_token()

    assert "0" * 40 not in repr(settings)
    assert "0" * 40 not in settings.model_dump_json()


def test_every_field_has_a_help_text():
    assert all(field.description for field in Settings.model_fields.values())
