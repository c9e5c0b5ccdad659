"""Every promise of a pair has its row, and every row names what there is."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest
from tests.architecture.source import ROOT, SERVICE

from ml_connector.app.pairs import INTEGRATIONS

# What each pair's road promises now, by the numbers of the requirement.
PROMISED = {
    "acumatica_pipedrive": {
        *(f"P-{number:02}" for number in (*range(1, 19), 20, 21, 22)),
        *(f"M-{number:02}" for number in range(1, 12)),
        *(f"PD-{number:02}" for number in range(1, 8)),
        *(f"ACU-{number:02}" for number in range(1, 12)),
        *(f"X-{number:02}" for number in (1, 3, 4, 5, 6, 14)),
    },
    "sage_intacct_pipedrive": {
        *(f"P-{number:02}" for number in (4, 7, 8, 10, 12, 16, 17, 18, 20, 22)),
        *(f"M-{number:02}" for number in (1, 2, 3, 4, 5, 8, 9, 10)),
        *(f"INT-{number:02}" for number in range(1, 14)),
        *(f"X-{number:02}" for number in (1, 4, 5)),
    },
}
_ID = re.compile(r"[A-Z][A-Z0-9]*-\d\d")
_CODE = re.compile(r"`([^`]+)`")
_MISSING = "## Not yet, or in part"

every_pair = pytest.mark.parametrize(
    "folder",
    [SERVICE / "integrations" / name for name in INTEGRATIONS],
    ids=lambda folder: folder.name,
)


@dataclass(frozen=True)
class Row:
    """One promise, who keeps it, and what shows it."""

    id: str
    promise: str
    modules: tuple[str, ...]
    tests: tuple[str, ...]


@every_pair
def test_every_promise_of_the_pair_is_there(folder: Path):
    rows, missing = _read(folder)

    assert {row.id for row in rows} | missing.keys() == PROMISED[folder.name]


@every_pair
def test_every_row_has_a_sentence_a_module_and_a_test(folder: Path):
    rows, missing = _read(folder)

    assert [row for row in rows if not (row.promise and row.modules and row.tests)] == []
    assert len({(row.id, row.promise) for row in rows}) == len(rows)
    assert all(missing.values())


@every_pair
def test_every_module_named_exists(folder: Path):
    rows, _ = _read(folder)

    assert {name for row in rows for name in row.modules if not (SERVICE / name).is_file()} == set()


@every_pair
def test_every_test_named_exists(folder: Path):
    rows, _ = _read(folder)
    named = {name for row in rows for name in row.tests}

    assert {name for name in named if "::" not in name} == set()
    assert {
        name
        for name in named
        for path, _, test in [name.partition("::")]
        if test not in _tests_of(ROOT / "tests" / path)
    } == set()


@every_pair
def test_a_promise_without_a_test_through_everything_says_so(folder: Path):
    """Narrower tests alone are not enough: what is missing stands in the last table."""
    rows, missing = _read(folder)
    through_everything = {
        row.id for row in rows for name in row.tests if name.startswith(("scenarios/", "crash/"))
    }

    assert {row.id for row in rows} - through_everything - missing.keys() <= _OF_A_CLIENT


# Promises about a vendor's client alone are shown against its simulator over a socket.
_OF_A_CLIENT = {"PD-02", "PD-05", "ACU-03", "X-06"}


@cache
def _read(folder: Path) -> tuple[tuple[Row, ...], dict[str, str]]:
    text = (folder / "PROMISES.md").read_text("utf-8")
    kept, _, missing = text.partition(_MISSING)
    rows = tuple(
        Row(cells[0], cells[1], tuple(_CODE.findall(cells[2])), tuple(_CODE.findall(cells[3])))
        for cells in _table(kept)
    )
    return rows, {cells[0]: cells[1] for cells in _table(missing)}


def _table(text: str) -> list[list[str]]:
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in text.splitlines()
        if line.startswith("| ")
    ]
    return [cells for cells in rows if _ID.fullmatch(cells[0])]


@cache
def _tests_of(path: Path) -> frozenset[str]:
    if not path.is_file():
        return frozenset()
    return frozenset(
        node.name
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.name.startswith("test_")
    )
