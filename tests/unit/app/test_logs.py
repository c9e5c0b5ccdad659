"""A traceback in a log says where something failed, and nothing of what the variables held."""

from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from ml_connector.app.logs import never_show_variables, set_up_logs
from ml_connector.app.settings import DeploymentSettings

_HIDDEN = "held by a variable"
_A_COMMAND_THAT_FAILS_EARLY = f"""
import structlog
from ml_connector.app.cli import command_line
def fails():
    connection_settings = {{"password": "{_HIDDEN}"}}
    try:
        raise ValueError("it failed")
    except ValueError:
        structlog.get_logger().exception("command_broke")
command_line.program = fails
command_line.main()
"""


def _fail() -> None:
    connection_settings = {"password": _HIDDEN}
    raise ValueError(f"it failed with {len(connection_settings)} settings")


def _log_a_failure() -> None:
    try:
        _fail()
    except ValueError:
        structlog.get_logger().exception("something_failed")


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    before, kept = structlog.get_config(), io.StringIO()
    yield kept
    structlog.configure(**before)


@pytest.mark.parametrize("form", ["json", "console"])
def test_logs_of_the_service_show_no_variables(log, form):
    set_up_logs(DeploymentSettings(home=Path("nowhere"), log_format=form), stream=log)

    _log_a_failure()

    assert "something_failed" in log.getvalue()
    assert "in _fail" in log.getvalue()
    assert "it failed with 1 settings" in log.getvalue()
    assert _HIDDEN not in log.getvalue()


def test_logs_that_nobody_set_up_show_no_variables(log):
    structlog.reset_defaults()
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(log))

    _log_a_failure()

    assert "in _fail" in log.getvalue()
    assert _HIDDEN not in log.getvalue()


def test_structlog_shows_them_by_itself_so_that_this_is_needed(log):
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(log))
    renderer = structlog.dev.ConsoleRenderer.get_active()
    renderer.exception_formatter = structlog.dev.RichTracebackFormatter()

    _log_a_failure()
    never_show_variables()

    assert _HIDDEN in log.getvalue()


def test_a_command_that_fails_before_its_logs_are_set_up_shows_no_variables():
    ended = subprocess.run(  # noqa: S603 - our own program, and no shell in between
        [sys.executable, "-c", _A_COMMAND_THAT_FAILS_EARLY],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip

    assert "command_broke" in ended.stdout
    assert "ValueError: it failed" in ended.stdout
    assert _HIDDEN not in ended.stdout + ended.stderr
