"""The run fails when a secret is left behind, and says where."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import asyncpg
import pytest
from tests.security.looking import LeftBehind, canary_master_key

from ml_connector.storage.urls import connection_arguments
from ml_connector.vault.keyring import Keyring
from vendor_simulators import catalogue
from vendor_simulators.kit.marks import MARK
from vendor_simulators.kit.sandbox import Sandbox

_ROOT = Path(__file__).parents[2]
_SECRET_NAMES = ("password", "secret", "token")
_LEAKS = """
import base64
import logging

import pytest
from opentelemetry import trace
from vendor_simulators.kit.marks import MARK

def test_file(tmp_path):
    (tmp_path / "worker.log").write_text(f"token={MARK}0123")

def test_output():
    print("Authorization: Basic", base64.b64encode(f"api:{MARK}0123".encode()).decode())

def test_log():
    logging.getLogger("somebody").warning("cookie %s", MARK.upper())

def test_span():
    with trace.get_tracer("somebody").start_as_current_span("call") as span:
        span.set_attribute("url", f"https://erp.example.com/?token={MARK}0123")

def test_that_leaves_nothing(tmp_path):
    (tmp_path / "worker.log").write_text("token=***")
    print("nothing of interest")
"""


@pytest.mark.parametrize("processes", ["0", "2"])
def test_a_run_that_leaks_fails_and_names_every_place(tmp_path: Path, processes: str):
    ended = _run(tmp_path / "leaks-on-purpose", _LEAKS, processes)

    assert ended.returncode == pytest.ExitCode.TESTS_FAILED, ended.stdout
    assert "5 passed" in ended.stdout
    told = [line for line in ended.stdout.splitlines() if line.partition(", ")[0] in {
        "files", "output of tests", "spans",
    }]  # fmt: skip
    assert len(told) == 4, ended.stdout
    for place in ("/worker.log", "::test_output", "::test_log", "::test_span"):
        assert any(place in line for line in told), place
    assert not any("leaves_nothing" in line for line in told)


def test_a_run_that_leaks_nothing_passes_and_says_what_was_looked_at(tmp_path: Path):
    innocent = _LEAKS[_LEAKS.index("def test_that_leaves_nothing") :]
    ended = _run(tmp_path / "leaks-on-purpose", innocent, "0")

    assert ended.returncode == pytest.ExitCode.OK, ended.stdout
    assert "no secret is left behind: 1 files, 1 output of tests" in ended.stdout


async def test_a_secret_in_a_table_is_found_in_whatever_type_it_has(database_url: str):
    connection = await asyncpg.connect(**connection_arguments(database_url))
    await connection.execute("CREATE TABLE leak (as_bytes bytea, as_json jsonb)")
    await connection.execute(
        "INSERT INTO leak VALUES ($1, NULL), (NULL, jsonb_build_object('token', $2::text))",
        f"xx{MARK}yy".encode(), f"{MARK}0123",
    )  # fmt: skip
    looking = LeftBehind()

    await looking.look_into_database(database_url)

    await connection.execute("DROP TABLE leak")
    await connection.close()
    assert [found.partition(",")[0] for found in looking.found] == ["tables"]
    assert "leak" in looking.found[0]


def test_master_keys_of_tests_carry_the_mark_and_are_keys():
    key = canary_master_key()

    assert key.startswith(MARK)
    assert Keyring.from_text(key).ids


@pytest.mark.parametrize("vendor", catalogue.available())
async def test_every_secret_that_a_simulator_tells_carries_the_mark(vendor: str):
    async with Sandbox.start(vendors=[vendor]) as sandbox:
        told = sandbox.describe()[vendor]

    secrets = {name: value for name, value in told.items()
               if name.endswith(_SECRET_NAMES) and not name.endswith("_url")}  # fmt: skip
    assert secrets
    assert [name for name, value in secrets.items() if MARK not in value] == []


def _run(folder: Path, tests: str, processes: str) -> subprocess.CompletedProcess[str]:
    folder.mkdir()
    (folder / "test_leaks.py").write_text(tests)
    return subprocess.run(  # noqa: S603 - our own program, and no shell in between
        [sys.executable, "-m", "pytest", "-q", "-p", "tests.security.left_behind",
         "-n", processes, "--basetemp", str(folder / "kept"), str(folder)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(_ROOT)},
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
