"""How a command ends: the exit codes, and the one line that says why."""

from __future__ import annotations

from enum import IntEnum

import asyncpg
from sqlalchemy.exc import SQLAlchemyError

from ml_connector.core.errors import (
    AttentionError,
    ConfigurationError,
    ConnectorError,
    NotFoundError,
    UnavailableError,
)
from ml_connector.storage.database import is_database_away
from ml_connector.storage.ownership import NotRunningError
from ml_connector.vault.rotation import RotationRefusedError


class Exit(IntEnum):
    """The documented exit codes (docs/cli.md)."""

    OK = 0
    WRONG = 1
    """Something is wrong with what was asked about."""
    USAGE = 2
    """The command, a name in it, or the configuration is not right."""
    UNREACHABLE = 3
    """The database, a worker or a vendor could not be reached."""
    STOPPED = 130
    """Stopped with Ctrl-C."""


EXIT_CODES = (
    "Exit codes: 0 ok; 1 something is wrong with what was asked about; 2 usage or configuration; "
    "3 not reachable (database, worker or vendor)."
)


class UsageError(ConfigurationError):
    """The command line names something that there is not."""


class WrongError(ConnectorError):
    """What was asked about is not as it should be."""


class NoWorkerError(UnavailableError):
    """Nobody is there to carry the work out."""


def exit_code_of(error: BaseException) -> Exit:
    """Return the code that a command ends with because of ``error``."""
    match error:
        case NotRunningError() | UnavailableError():
            return Exit.UNREACHABLE
        case RotationRefusedError():
            return Exit.WRONG
        case ConfigurationError() | NotFoundError():
            return Exit.USAGE
        case AttentionError() | ConnectorError():
            return Exit.WRONG
        case _:
            return Exit.UNREACHABLE if is_database_away(error) else Exit.WRONG


def words_of(error: BaseException) -> str:
    """Return what to tell a person, without a traceback."""
    if isinstance(error, ConnectorError):
        return error.message
    if is_database_away(error):
        return f"the database does not answer: {_first_line(error)}"
    if isinstance(error, SQLAlchemyError | asyncpg.PostgresError):
        return f"the database refused a statement: {_first_line(error)}"
    return (
        f"internal error: {type(error).__name__}: {_first_line(error)}; "
        "ML_CONNECTOR_LOG_LEVEL=debug shows where"
    )


def _first_line(error: BaseException) -> str:
    cause = getattr(error, "orig", None) or error
    return str(cause).strip().partition("\n")[0] or type(cause).__name__
