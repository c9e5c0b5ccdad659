from pathlib import Path

import pytest

from ml_connector.app.configuration import Loaded, load
from ml_connector.core.errors import ConfigurationError

CANARY = "canary-7f3a"


def written(folder: Path, text: str) -> Path:
    path = folder / "connector.yaml"
    path.write_text(text, "utf-8")
    return path


def faults_in(folder: Path, text: str) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        load(written(folder, text), environment={})
    return caught.value.message.splitlines()


def read(folder: Path, text: str, **environment: str) -> Loaded:
    return load(written(folder, text), environment=environment)


def test_every_fault_is_told_at_once_with_its_line_path_value_and_way_out(tmp_path):
    found = faults_in(
        tmp_path,
        """\
connections:
  crm:
    vendr: pipedrive
    settings: {api_token: "${env:CRM_TOKEN}"}
installations:
  acme:
    crm: crm
    erp: erp
    webhooks: perhaps
    flows:
      won_deal_to_sales_order: {when: {every: 10x}}
""",
    )

    file = tmp_path / "connector.yaml"
    assert sorted(found) == sorted(
        [
            (
                f"{file}:4: connections.crm.settings.api_token: the environment has no variable "
                "CRM_TOKEN; set it"
            ),
            f"{file}:2: connections.crm.vendor: is missing: the vendor's name, such as pipedrive",
            (
                f"{file}:3: connections.crm.vendr: there is no setting 'vendr' here; did you mean "
                "'vendor'?"
            ),
            (
                f"{file}:6: installations.acme.pair: is missing: which vendors it links: the ERP's "
                "name, such as acumatica"
            ),
            (
                f"{file}:9: installations.acme.webhooks: 'perhaps': input should be a valid "
                "boolean, unable to interpret input"
            ),
            (
                f"{file}:11: installations.acme.flows.won_deal_to_sales_order.when: every '10x': "
                "give a number with its unit, such as 10m or 2h"
            ),
        ]
    )


def test_a_secret_in_the_wrong_place_is_not_repeated(tmp_path):
    found = faults_in(
        tmp_path, f"connections: {{crm: {{vendor: pipedrive, api_token: {CANARY}}}}}\n"
    )

    assert len(found) == 1
    assert "there is no setting 'api_token' here" in found[0]
    assert CANARY not in found[0]


def test_variables_and_files_stand_for_their_content(tmp_path):
    (tmp_path / "token.txt").write_text("from-file\n")

    loaded = read(
        tmp_path,
        "connections: {crm: {vendor: pipedrive, settings: {api_token: '${file:token.txt}', "
        "client_id: 'app-${env:APP}'}}}\n",
        APP="17",
    )

    settings = loaded.file.connections["crm"].settings
    assert settings == {"api_token": "from-file", "client_id": "app-17"}


def test_a_missing_file_is_a_fault_of_the_entry_that_names_it(tmp_path):
    found = faults_in(
        tmp_path,
        "connections:\n  crm:\n    vendor: pipedrive\n"
        "    settings:\n      api_token: ${file:token.txt}\n",
    )

    assert found == [
        (
            f"{tmp_path / 'connector.yaml'}:5: connections.crm.settings.api_token: the file "
            "token.txt: No such file or directory"
        )
    ]


def test_a_key_that_stands_twice_is_a_fault(tmp_path):
    found = faults_in(
        tmp_path, "connections:\n  crm: {vendor: pipedrive}\n  crm: {vendor: acumatica}\n"
    )

    assert found == [
        (
            f"{tmp_path / 'connector.yaml'}:3: connections.crm: stands here a second time; the "
            "first is in line 2"
        )
    ]


@pytest.mark.parametrize("word", ["on", "'on'"])
def test_the_key_on_is_read_as_the_word(tmp_path, word):
    loaded = read(
        tmp_path,
        f"installations: {{acme: {{pair: acumatica, crm: crm, erp: erp, "
        f"flows: {{won_deal_to_sales_order: {{{word}: false}}}}}}}}\n",
    )

    assert loaded.file.installations["acme"].flows["won_deal_to_sales_order"].is_on is False


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("connections: [1, 2\n", ":2: expected ',' or ']'"),
        ("- crm\n- erp\n", ":1: a configuration file names connections and installations"),
        ("connections: 7\n", ":1: connections: 7: input should be a valid dictionary"),
    ],
)
def test_what_is_no_configuration_is_told_in_one_line(tmp_path, text, words):
    found = faults_in(tmp_path, text)

    assert len(found) == 1
    assert words in found[0]


def test_a_file_that_is_no_text_or_is_not_there_is_told(tmp_path):
    path = tmp_path / "connector.yaml"
    path.write_bytes(b"\xff\xfe\x00")

    with pytest.raises(ConfigurationError, match="is not text in UTF-8; save it so"):
        load(path)
    with pytest.raises(ConfigurationError, match=r"missing\.yaml: No such file or directory"):
        load(tmp_path / "missing.yaml")


def test_a_go_live_without_a_zone_is_utc(tmp_path):
    loaded = read(
        tmp_path,
        "installations: {acme: {pair: acumatica, crm: crm, erp: erp, "
        "flows: {won_deal_to_sales_order: {go_live: 2026-11-01T06:00:00}}}}\n",
    )

    go_live = loaded.file.installations["acme"].flows["won_deal_to_sales_order"].go_live
    assert str(go_live) == "2026-11-01 06:00:00+00:00"
