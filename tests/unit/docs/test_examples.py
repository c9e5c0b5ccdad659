"""Examples in the documents work: files load, commands exist, programs compile."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import typer
import typer.main
import yaml
from tests.documents.pages import ROOT, Block, blocks, inline_codes, name_of, pages
from typer.core import TyperGroup

from ml_connector.app.cli.command_line import program
from ml_connector.app.configuration import load
from ml_connector.app.pairs import VENDORS, pair

_OF_AN_INSTALLATION = "# settings of an installation\n"
_VARIABLE = re.compile(r"\$\{env:([A-Z0-9_]+)\}")
_FILE = re.compile(r"\$\{file:([^}]+)\}")
_LANGUAGES = {"", "console", "json", "python", "sql", "text", "yaml"}
_OTHER_PROGRAMS = {"cd", "cp", "curl", "export", "git", "jq", "pg_dump", "pg_restore", "psql"}


def _configurations() -> list[Block]:
    return [block for block in blocks("yaml") if "connections:" in block.text]


def _commands() -> list[Any]:
    """Return every line of a session, by its place."""
    return [
        pytest.param(line.removeprefix("$ "), id=f"{block} {line}")
        for block in blocks("console")
        for line in block.text.replace("\\\n", " ").splitlines()
        if line.startswith("$ ")
    ]


@pytest.mark.parametrize("block", _configurations(), ids=str)
def test_configuration_loads_and_every_setting_in_it_is_good(block: Block, tmp_path: Path):
    path = tmp_path / "example.yaml"
    path.write_text(block.text)
    for name in _FILE.findall(block.text):
        (tmp_path / name).write_text("a secret")

    file = load(path, environment=_environment(block)).file

    for connection in file.connections.values():
        VENDORS[connection.vendor].settings.model_validate(connection.settings)
    for installation in file.installations.values():
        integration = pair(installation.pair)
        integration.settings.model_validate(installation.settings)
        for flow in installation.flows:
            integration.flow(flow)


@pytest.mark.parametrize(
    "block", [block for block in blocks("yaml") if block not in _configurations()], ids=str
)
def test_other_files_are_settings_of_an_installation(block: Block):
    assert block.text.startswith(_OF_AN_INSTALLATION), "say what it is a part of"

    of_a_pair = block.page.parent.name == "pairs"
    integration = pair(block.page.stem if of_a_pair else "acumatica")
    integration.settings.model_validate(yaml.safe_load(block.text))


@pytest.mark.parametrize("line", _commands())
def test_command_is_one_that_there_is(line: str):
    words = shlex.split(line.partition(" | ")[0].partition(" > ")[0].rstrip(" &"))
    while words and re.fullmatch(r"[A-Z][A-Z0-9_]*=.*", words[0]):
        words = words[1:]

    match words[0]:
        case "ml-connector":
            _parse(words[1:])
        case "make":
            targets = re.findall(r"^(\w+):.*##", (ROOT / "Makefile").read_text(), re.MULTILINE)
            assert words[1] in targets
        case "python":
            assert words[1] == "-m"
            assert _is_module(words[2])
        case other:
            assert other in _OTHER_PROGRAMS


@pytest.mark.parametrize("page", pages(), ids=name_of)
def test_commands_named_in_sentences_are_ones_that_there_are(page: Path):
    for code in inline_codes(page):
        if code.startswith("ml-connector "):
            _find(re.split(r"\s+", code)[1:])
        elif code.startswith("python -m "):
            assert _is_module(code.split()[2])


@pytest.mark.parametrize("block", blocks("json"), ids=str)
def test_json_can_be_read(block: Block):
    for line in block.text.splitlines() if _is_lines(block.text) else [block.text]:
        json.loads(line)


def test_programs_compile():
    for block in blocks("python"):
        compile(block.text, str(block), "exec")


@pytest.mark.parametrize("page", pages(), ids=name_of)
def test_every_example_says_its_language(page: Path):
    fences = re.findall(r"^ *```(\w*)$", page.read_text("utf-8"), re.MULTILINE)

    assert len(fences) % 2 == 0
    assert set(fences[::2]) <= _LANGUAGES - {""}


def _environment(block: Block) -> Mapping[str, str]:
    named = dict.fromkeys(_VARIABLE.findall(block.text), "a secret")
    # a client id is checked for its tenant
    return {name: f"id@{name}" if name.endswith("CLIENT_ID") else value
            for name, value in named.items()}  # fmt: skip


def _parse(words: list[str]) -> None:
    """Read a command line as it would be read, without carrying it out."""
    command, rest, context = _find(words)
    command.make_context(command.name, rest, parent=context)


def _find(words: list[str]) -> tuple[Any, list[str], typer.Context]:
    command: Any = typer.main.get_command(program())
    context = typer.Context(command, info_name="ml-connector")
    rest = list(words)
    while isinstance(command, TyperGroup) and rest and not rest[0].startswith("-"):
        name = rest.pop(0).rstrip(".,;:")
        found = command.get_command(context, name)
        assert found is not None, f"there is no command {' '.join(words)!r}"
        command, context = found, typer.Context(found, info_name=name, parent=context)
    return command, rest, context


def _is_module(name: str) -> bool:
    path = Path(*name.split("."))
    roots = (ROOT, ROOT / "src")
    return any((root / path).with_suffix(".py").is_file() or (root / path / "__main__.py").is_file()
               for root in roots)  # fmt: skip


def _is_lines(text: str) -> bool:
    return all(line.startswith("{") and line.endswith("}") for line in text.splitlines())
