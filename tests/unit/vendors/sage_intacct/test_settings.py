"""What may be entered, and what is told of what may not."""

import pytest
from pydantic import ValidationError

from ml_connector.connections.splitting import joined, split
from ml_connector.vendors.sage_intacct import PROFILE, Settings, limits_of

KNOWN = {
    "sender_id": "s",
    "sender_password": "sp",
    "company_id": "C",
    "user_id": "u",
    "user_password": "up",
}


def test_the_defaults_are_the_vendors_gateway_and_the_top_level():
    settings = Settings.model_validate(KNOWN | {"entity_id": " "})

    assert settings.gateway_url == "https://api.intacct.com/ia/xml/xmlgw.phtml"
    assert settings.entity_id is None
    assert settings.session_minutes == 50
    assert limits_of(settings).concurrency == PROFILE.limits.concurrency == 2


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("sender_id", "", "enter it"),
        ("sender_password", "a\x01b", "cannot be sent"),
        ("user_password", "", "enter it"),
        ("company_id", "a\x00", "cannot be sent"),
        ("time_zone", "Berlin", "not a time zone"),
        ("audit_time_zone", "../etc", "not a time zone"),
        ("gateway_url", "api.intacct.com", "not an address"),
        ("gateway_url", "https://u:p@api.intacct.com/", "leave out user"),
        ("allowed_hosts", ["*.example.com"], "not a host"),
        ("allowed_hosts", ["https://a.example"], "not a host"),
        ("session_minutes", 1, "greater than"),
        ("concurrent_requests", 0, "greater than"),
    ],
)
def test_what_cannot_be_is_told(name, value, words):
    with pytest.raises(ValidationError, match=words):
        Settings.model_validate(KNOWN | {name: value})


def test_settings_are_stored_without_their_secrets_and_come_back_whole():
    settings = Settings.model_validate(KNOWN | {"allowed_hosts": ["pod.example"]})

    plain, secrets = split(settings)

    assert set(secrets) == {"sender_password", "user_password"}
    assert "sender_password" not in plain
    assert Settings.model_validate(joined(plain, secrets)) == settings
