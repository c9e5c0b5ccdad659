import pytest
from pydantic import ValidationError

from ml_connector.vendors.acumatica import PROFILE, Settings, limits_of

CLIENT = {"client_id": "6B1F0C2E-9A44-4E57-BD13-2C7705A1D9E4@Company", "client_secret": "s"}
USER = {"username": "api", "password": "p"}


def settings(**values: object) -> Settings:
    return Settings.model_validate({"instance_url": "https://erp.example.com", **CLIENT, **values})


def test_the_virtual_directory_is_kept_and_the_last_slash_is_not():
    made = settings(instance_url=" https://erp.example.com/AcumaticaERP/ ")

    assert made.instance_url == "https://erp.example.com/AcumaticaERP"
    assert made.endpoint_path == "entity/Default/24.200.001"
    assert made.version == (24, 200, 1)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("erp.example.com", "full address"),
        ("ftp://erp.example.com", "full address"),
        ("https://", "full address"),
        ("https://me:pw@erp.example.com", "leave user and password"),
        ("https://erp.example.com/ERP/Main?ScreenId=SO301000", "leave out"),
        ("https://erp.example.com/ERP/Main", "leave out /main"),
        ("https://erp.example.com/ERP/Frames/Login.aspx", "leave out /frames"),
        ("https://erp.example.com/entity/Default/24.200.001", "leave out /entity"),
    ],
)
def test_an_address_that_is_not_the_sites_is_explained(url, words):
    with pytest.raises(ValidationError, match=words):
        settings(instance_url=url)


@pytest.mark.parametrize("client_id", ["6B1F0C2E", "@Company", "6B1F0C2E@", " @ "])
def test_a_client_id_without_its_tenant_is_explained(client_id):
    with pytest.raises(ValidationError, match="part after @ selects the tenant"):
        settings(client_id=client_id)


def test_the_client_id_names_the_tenant():
    assert settings().tenant_name == "Company"


@pytest.mark.parametrize(
    ("values", "missing"),
    [
        ({"client_id": None, "client_secret": None}, "client_id, client_secret"),
        ({"login_mode": "oauth_password"}, "username, password"),
        ({"login_mode": "cookie", **USER}, "tenant"),
        ({"login_mode": "cookie", "tenant": "Company"}, "username, password"),
    ],
)
def test_what_a_login_needs_is_named(values, missing):
    with pytest.raises(ValidationError, match=missing):
        settings(**values)


@pytest.mark.parametrize("mode", ["oauth_code", "oauth_password", "cookie"])
def test_each_way_of_logging_in_is_accepted(mode):
    made = settings(login_mode=mode, tenant="Company", **USER)

    assert made.tenant_name == "Company"


@pytest.mark.parametrize(
    ("version", "words"), [("24.2", "24.200.001"), ("18.200.001", "no longer served")]
)
def test_a_version_that_cannot_be_served_is_explained(version, words):
    with pytest.raises(ValidationError, match=words):
        settings(endpoint_version=version)


def test_a_newer_version_is_tolerated():
    assert settings(endpoint_version="26.200.001").version == (26, 200, 1)


def test_an_unknown_time_zone_is_explained():
    with pytest.raises(ValidationError, match="Europe/Berlin"):
        settings(time_zone="Berlin")


def test_an_unknown_setting_is_refused():
    with pytest.raises(ValidationError):
        settings(endpoint="Default")


def test_secrets_do_not_show():
    made = settings(login_mode="oauth_password", username="api", password="hush-hush")

    assert "hush-hush" not in repr(made)
    assert "hush-hush" not in made.model_dump_json()


def test_the_licences_own_figures_are_the_connections_limits():
    limits = limits_of(settings(requests_per_minute=100, concurrent_requests=4))

    assert limits.concurrency == 4
    assert [(window.calls, window.seconds) for window in limits.windows] == [(100, 60.0)]
    assert limits.call_deadline.total_seconds() == 120


def test_without_a_figure_no_window_is_assumed():
    assert limits_of(settings()).windows == ()


def test_every_stream_is_known_to_be_unordered():
    assert not any(stream.is_ordered for stream in PROFILE.streams)
