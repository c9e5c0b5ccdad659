"""Structured logs: one event a line, with what is bound at the edges.

Tracebacks show where, never with what: a function's variables hold settings, passwords among
them. Structlog's own default prints them, so a process turns that off before anything else.
"""

from __future__ import annotations

import logging
import sys
from typing import TextIO

import structlog

from ml_connector.app.settings import DeploymentSettings

_LEVELS = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
}


def never_show_variables() -> None:
    """Take variables out of the tracebacks of logs that nobody has set up yet.

    Every process calls it first, so that what fails before `set_up_logs` is safe too. It holds
    for what `structlog.reset_defaults` goes back to as well.
    """
    structlog.reset_defaults()
    structlog.dev.ConsoleRenderer.get_active().exception_formatter = structlog.dev.plain_traceback


def set_up_logs(settings: DeploymentSettings, *, stream: TextIO | None = None) -> None:
    """Send every log of this process to standard error: standard output is for results.

    ``stream`` is where they go instead.
    """
    target = stream or sys.stderr
    level = _LEVELS[settings.log_level]
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer()
        if settings.log_format == "json"
        else structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.StackInfoRenderer(),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(target),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(level=max(level, logging.WARNING), stream=target)
