"""Rules that hold everywhere, each with the places where they do not and why."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import pytest
from tests.architecture.source import Module, modules

# Where everything is caught: the edge of a run, a request, a chore, a command and a task whose
# outcome somebody else waits for. What is left of a failure there is named.
EDGES = {
    "ml_connector/app/cli/session.py::carry_out": "a command ends with words and an exit code",
    "ml_connector/app/keeping.py::_each_of": "a failed chore is logged and left to the next round",
    "ml_connector/app/worker.py::_guarded": "a loop of the worker is logged and begun again",
    "ml_connector/audit/calls.py::_write_batch": "the trail must not stop the work; logged",
    "ml_connector/connections/ping.py::keep_probing": "logged, and the next probe comes",
    "ml_connector/connections/ping.py::_lines": "one vendor must not end a ping of all; logged",
    "ml_connector/storage/groups.py::_commit": "handed on to those who submitted the items",
    "ml_connector/sync/runner.py::_settlement": "a run's failure becomes its settlement; logged",
    "ml_connector/transport/loaders.py::_fetch_and_tell": "told to all who wait for these keys",
    "ml_connector/transport/pacing.py::_keep_asking": "handed to those who wait for their turn",
    "ml_connector/transport/pacing.py::_keep_borrowing": "handed to those who wait for a place",
    "ml_connector/transport/recording.py::_guarded": "a call's outcome stands however it is kept",
    "ml_connector/webhooks/receiver.py::_status": "a request gets 503, so that it is sent again",
}
READS_THE_ENVIRONMENT = {
    "ml_connector/app/configuration.py": "`${env:NAME}` in a configuration file; handed on",
    "ml_connector/storage/programs.py": "what PostgreSQL's programs may inherit, by name",
}
READS_THE_WALL_CLOCK = {
    "ml_connector/core/clock.py": "the clock itself",
    "ml_connector/app/cli/sandbox.py": "how far the simulators' clock is from the machine's",
    "ml_connector/app/demo/crm.py": "simulators are seeded before any clock is set",
    "ml_connector/vendors/acumatica/answers.py": "an answer without a date was read just now",
    "vendor_simulators/kit/clock.py": "the simulators' clock itself",
}
ASKS_THE_DATABASE_FOR_ITS_CLOCK = {
    "ml_connector/app/keeping.py": "age of the run queue's own rows, which carry that clock",
    "ml_connector/connections/budgets.py": "windows that all workers share, seconds long",
    "ml_connector/connections/health.py": "whose turn it is to probe",
    "ml_connector/jobs/lifelines.py": "the run queue's own column, which PgQueuer fills so",
    "ml_connector/storage/database.py": "reading that clock",
    "ml_connector/sync/backlog.py": "when a run began: a lost job is known by it",
    "ml_connector/sync/effects.py": "until when a call may leave, and which restore it precedes",
    "ml_connector/sync/feeder.py": "when a row was queued: a lost job is known by it",
    "ml_connector/sync/polling.py": "when a mark moved, for people to read",
    "ml_connector/sync/restoring.py": "when a restore was told; effects are compared with it",
    "ml_connector/vault/login_rows.py": "leases of renewals",
    "ml_connector/vault/processes.py": "heartbeats of processes",
}
_BUSINESS_TIME_OF_SQL = re.compile(
    r"(?<!\w)(?:now|transaction_timestamp|statement_timestamp)\s*\(\s*\)"
    r"|(?<!\w)(?:current_(?:timestamp|date|time)|localtime(?:stamp)?)(?!\w)",
    re.IGNORECASE,
)
_FUNCTIONS_OF_SQL = {"now", "current_timestamp", "current_date", "current_time", "localtimestamp"}
_MIGRATIONS = "ml_connector/storage/migrations/versions/"

SERVICE = [module for module in modules() if module.name.startswith("ml_connector/")]


def test_everything_is_caught_at_the_edges_only():
    found = {where for where, handler in _catching_all() if not _passes_on(handler)}

    assert found == set(EDGES)


@pytest.mark.parametrize(
    ("code", "is_edge"),
    [
        ("except Exception: pass", True),
        ("except: pass", True),
        ("except (OSError, Exception): log()", True),
        ("except BaseException:\n  close()\n  raise", False),
        ("except Exception as exc:\n  if not is_database_away(exc): raise\n  wait()", False),
        ("except Exception as exc:\n  if loud: raise\n  wait()", True),
        ("except ValueError: pass", False),
    ],
)
def test_what_counts_as_catching_everything(code, is_edge):
    tree = ast.parse(f"try: work()\n{code}")
    found = [node for node in ast.walk(tree) if isinstance(node, ast.ExceptHandler)]

    assert any(_catches_all(one) and not _passes_on(one) for one in found) is is_edge


def test_nobody_but_the_settings_reads_the_environment():
    found = {
        module.name
        for module in SERVICE
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and (node.value.id, node.attr) in {("os", "environ"), ("os", "environb"), ("os", "getenv")}
    }
    by_name = {(module.name, what) for module in SERVICE for name, what in module.imported()
               if name == "os" and what in {"environ", "environb", "getenv"}}  # fmt: skip
    of_pydantic = {module.name for module in SERVICE for name, _ in module.imported()
                   if name.partition(".")[0] == "pydantic_settings"}  # fmt: skip

    assert found == set(READS_THE_ENVIRONMENT)
    assert by_name == set()
    assert of_pydantic == {"ml_connector/app/settings.py"}


def test_no_statement_asks_sql_for_the_time_of_business():
    found = {
        (module.name, words)
        for module in SERVICE
        if not module.name.startswith(_MIGRATIONS)  # PgQueuer's own tables, as it declares them
        for words in _sql_of(module)
        if _BUSINESS_TIME_OF_SQL.search(words)
    }

    assert found == set()


def test_the_databases_clock_serves_leases_fences_and_heartbeats_only():
    found = {module.name for module in SERVICE if not module.name.startswith(_MIGRATIONS)
             for words in _sql_of(module) if "clock_timestamp" in words}  # fmt: skip

    assert found == set(ASKS_THE_DATABASE_FOR_ITS_CLOCK)


def test_the_wall_clock_is_read_in_one_place():
    calls = {("datetime", "now"), ("datetime", "utcnow"), ("datetime", "today"),
             ("date", "today"), ("time", "time"), ("time", "time_ns")}  # fmt: skip
    found = {
        module.name
        for module in modules()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and (node.value.id, node.attr) in calls
    }

    assert found == set(READS_THE_WALL_CLOCK)


def test_nothing_is_unpickled_or_evaluated():
    builtins = {"eval", "exec", "compile"}
    found = {
        (module.name, node.func.id)
        for module in modules()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in builtins
    }
    imported = {(module.name, name) for module in modules() for name, _ in module.imported()
                if name in {"pickle", "marshal", "shelve", "dill"}}  # fmt: skip

    assert found | imported == set()


def _catching_all() -> Iterator[tuple[str, ast.ExceptHandler]]:
    for module in SERVICE:
        for function, node in module.with_functions():
            if isinstance(node, ast.ExceptHandler) and _catches_all(node):
                yield f"{module.name}::{function}", node


def _catches_all(handler: ast.ExceptHandler) -> bool:
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(
        kind is None or (isinstance(kind, ast.Name) and kind.id in {"Exception", "BaseException"})
        for kind in kinds
    )


def _passes_on(handler: ast.ExceptHandler) -> bool:
    """Whether it raises everything again, or everything but the database's absence."""
    last = handler.body[-1]
    if isinstance(last, ast.Raise) and last.exc is None:
        return True
    return any(
        isinstance(step, ast.If)
        and isinstance(step.body[-1], ast.Raise)
        and "not is_database_away(" in ast.unparse(step.test)
        for step in handler.body
    )


def _sql_of(module: Module) -> Iterator[str]:
    yield from module.said_in_code()
    for node in ast.walk(module.tree):
        if (
            isinstance(node, ast.Attribute)
            and isinstance(node.value, ast.Name)
            and node.value.id == "func"
        ):
            known = node.attr in _FUNCTIONS_OF_SQL
            yield f"{node.attr}()" if known else node.attr
