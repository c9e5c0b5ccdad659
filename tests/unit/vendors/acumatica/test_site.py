import pytest

from ml_connector.core.errors import ContractError
from ml_connector.vendors.acumatica.site import Offers

# The form is the documentation's.
DOCUMENTED = {
    "version": {"acumaticaBuildVersion": "25.201.0213", "databaseVersion": "25.201.0213"},
    "endpoints": [
        {"name": "MANUFACTURING", "version": "24.200.001", "href": "/ERP/entity/"},
        {"name": "Default", "version": "25.200.001", "href": "/ERP/entity/"},
        {"name": "Default", "version": "20.200.001", "href": "/ERP/entity/"},
        {"name": "Default", "version": "23.200.001", "href": "/ERP/entity/"},
    ],
}


def test_versions_are_sorted_by_number():
    offers = Offers.read(DOCUMENTED)

    assert offers.build == "25.201.0213"
    assert offers.versions_of("default") == ("20.200.001", "23.200.001", "25.200.001")
    assert offers.serves("Default", "23.200.001")
    assert not offers.serves("Default", "24.200.001")


def test_an_older_builds_bare_list_is_read():
    offers = Offers.read(DOCUMENTED["endpoints"])

    assert offers.build is None
    assert offers.serves("MANUFACTURING", "24.200.001")


def test_the_newest_version_that_was_tried_is_suggested():
    offers = Offers.read(DOCUMENTED)

    found = offers.not_served("Default", "21.200.001")

    assert found.message == (
        "The site does not serve endpoint version Default/21.200.001; it offers 20.200.001, "
        "23.200.001, 25.200.001; enter 23.200.001"
    )
    assert found.waits_for == "setting:endpoint_version"


def test_an_unknown_endpoint_names_those_there_are():
    found = Offers.read(DOCUMENTED).not_served("Connector", "1.0")

    assert "Default, MANUFACTURING" in found.message
    assert found.waits_for == "setting:endpoint_name"


def test_a_custom_endpoints_version_may_have_any_form():
    offers = Offers.read([{"name": "Connector", "version": "v1"}])

    assert offers.versions_of("Connector") == ("v1",)


@pytest.mark.parametrize("raw", [None, {}, {"endpoints": 3}, "x"])
def test_another_answer_is_not_as_documented(raw):
    with pytest.raises(ContractError):
        Offers.read(raw)
