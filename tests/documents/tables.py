"""Tables of the documents that are made from the code, so that each fact stands once.

A page marks the place with ``<!-- made from code: NAME -->`` and ``<!-- end -->``.
"""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from enum import Enum
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import typer
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from ml_connector.app.cli.command_line import program
from ml_connector.app.settings import DeploymentSettings
from ml_connector.core.secret import Secret
from ml_connector.integrations.acumatica_pipedrive import settings as of_acumatica
from ml_connector.integrations.acumatica_pipedrive import targets
from ml_connector.integrations.sage_intacct_pipedrive import settings as of_sage_intacct
from ml_connector.integrations.sage_intacct_pipedrive import targets as in_sage_intacct
from ml_connector.sync.mapping.model import FieldRule, MappingConfig
from ml_connector.sync.scope import Condition
from ml_connector.vendors import acumatica, pipedrive, sage_intacct
from vendor_simulators.catalogue import load
from vendor_simulators.kit import Simulator
from vendor_simulators.kit.control import control_reference
from vendor_simulators.kit.faults import CALL_KINDS, WEBHOOK_KINDS
from vendor_simulators.pipedrive import seeding as pipedrive_seeding

_PLACE = re.compile(r"<!-- made from code: ([\w ]+) -->\n.*?<!-- end -->", re.DOTALL)
_PREFIX = "ML_CONNECTOR_"


def current(text: str) -> str:
    """Return a page with every table as the code has it now."""

    def made(found: re.Match[str]) -> str:
        name = found[1]
        return f"<!-- made from code: {name} -->\n\n{TABLES[name]()}\n\n<!-- end -->"

    return _PLACE.sub(made, text)


def names_in(text: str) -> list[str]:
    """Return the tables that a page asks for."""
    return [found[1] for found in _PLACE.finditer(text)]


def _environment() -> str:
    rows = [
        (
            f"`{_PREFIX}{name.upper()}`",
            _default(field, {"home": "`~/.ml-connector`"}.get(name)),
            field.description or _values(field.annotation),
        )
        for name, field in DeploymentSettings.model_fields.items()
        if "for proving only" not in (field.description or "")
    ]
    return _table(("variable", "without it", "what it decides"), rows)


def _commands() -> str:
    """Return a section for each command, with its options."""
    return "\n\n".join(_command_section(typer.main.get_command(program()), ()))


def _command_section(command: Any, names: tuple[str, ...]) -> Iterator[str]:
    inner = getattr(command, "commands", {})
    for name in inner:
        yield from _command_section(inner[name], (*names, name))
    if inner:
        return
    arguments = [each for each in command.params if each.param_type_name == "argument"]
    options = [each for each in command.params if each.param_type_name == "option"]
    usage = " ".join(
        ["ml-connector", *names]
        + [each.name.upper() if each.required else f"[{each.name.upper()}]" for each in arguments]
    )
    yield f"### `{usage}`"
    yield re.sub(r"[ ]*\n[ ]*(?=\S)", " ", inspect.cleandoc(command.help)).replace("\n ", "\n\n")
    if options:
        yield _table(
            ("option", "what it does"),
            [(", ".join(f"`{name}`" for name in each.opts), each.help or "") for each in options],
        )


def _faults(kinds: Mapping[str, str]) -> str:
    return _table(
        ("effect", "what it does"), [(f"`{kind}`", about) for kind, about in kinds.items()]
    )


def _switches(vendor: str) -> str:
    rows = [
        (f"`{name}`", f"`{_as_json(switch.default)}`", switch.about)
        for name, switch in _simulator(vendor).SWITCHES.items()
    ]
    return _table(("switch", "default", "what it decides"), rows)


def _actions(vendor: str) -> str:
    rows = [(f"`{name}`", about) for name, about in _simulator(vendor).ACTIONS.items()]
    return _table(("action", "what it does"), rows)


def _seeds() -> str:
    entities = ", ".join(f"`{name}`" for name in pipedrive_seeding._KINDS)
    rows = [
        ("pipedrive", f"{entities}", "records by API v2's names"),
        ("pipedrive", "`fields`", "custom fields, by the entity that has them"),
        ("pipedrive", "`events`", "true: the seed sends its webhooks too"),
        (
            "acumatica",
            "`customers`, `sales_orders` and so on",
            "records of any entity, in the plural",
        ),
        *(
            ("acumatica", f"`{name}`", about)
            for name, about in _simulator("acumatica").SEEDS.items()
        ),
        (
            "sage_intacct",
            "`vendors`, `gl_accounts`, `journal_entries` and so on",
            "records of any object, also by its own name; MEGAENTITYID makes them an entity's",
        ),
        *(
            ("sage_intacct", f"`{name}`", about)
            for name, about in _simulator("sage_intacct").SEEDS.items()
        ),
    ]
    return _table(("vendor", "key", "what it holds"), rows)


def _simulator(vendor: str) -> type[Simulator]:
    return load(vendor)


def _connection(settings: type[BaseModel]) -> str:
    return _settings_table(_walk(settings, (), frozenset()))


def _pair(settings: type[BaseModel]) -> str:
    parts = frozenset({MappingConfig})
    return _settings_table(_walk(settings, (), parts))


def _rule() -> str:
    return _settings_table(_walk(FieldRule, (), frozenset()))


def _targets() -> str:
    rows = []
    for setting, target, defaults in (
        ("customer_mapping", targets.CUSTOMER_TARGET, targets.CUSTOMER_DEFAULTS),
        ("contact_mapping", targets.CONTACT_TARGET, targets.CONTACT_DEFAULTS),
        ("order_mapping (order)", targets.ORDER_TARGET, targets.ORDER_DEFAULTS),
        ("line_mapping (order)", targets.ORDER_LINE_TARGET, targets.LINE_DEFAULTS),
        ("order_mapping (invoice)", targets.INVOICE_TARGET, targets.ORDER_DEFAULTS),
        ("line_mapping (invoice)", targets.INVOICE_LINE_TARGET, targets.LINE_DEFAULTS),
    ):
        name, _, document = setting.partition(" ")
        fields = ", ".join(f"`{field.key}`" for field in target.catalogue.fields)
        mapped = ", ".join(f"`{key}`" for key in defaults.fields)
        rows.append((f"`{name}` {document}".strip(), fields, mapped))
    return _table(("setting", "fields", "mapped unless told otherwise"), rows)


def _targets_in_sage_intacct() -> str:
    rows = [
        (
            f"`{setting}`",
            ", ".join(f"`{field.key}`" for field in catalogue.fields),
            ", ".join(f"`{key}`" for key in defaults.fields),
        )
        for setting, catalogue, defaults in (
            ("entry_mapping", in_sage_intacct.ENTRY, in_sage_intacct.ENTRY_DEFAULTS),
            ("line_mapping", in_sage_intacct.LINE, in_sage_intacct.LINE_DEFAULTS),
            ("vendor_mapping", in_sage_intacct.VENDOR_RECORD, in_sage_intacct.VENDOR_DEFAULTS),
        )
    ]
    return _table(("setting", "fields", "mapped unless told otherwise"), rows)


def _settings_table(walked: Iterator[tuple[str, FieldInfo]]) -> str:
    rows = [
        (f"`{path}`", _values(field.annotation), _default(field), field.description or "")
        for path, field in walked
    ]
    return _table(("setting", "values", "default", "what it decides"), rows)


def _walk(
    model: type[BaseModel], at: tuple[str, ...], whole: frozenset[type[BaseModel]]
) -> Iterator[tuple[str, FieldInfo]]:
    """Yield each setting with its path; models in ``whole`` are described elsewhere."""
    for name, field in model.model_fields.items():
        inner = field.annotation
        path = (*at, field.alias or name)
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            if inner not in whole:
                yield from _walk(inner, path, whole)
        else:
            yield ".".join(path), field


def _values(type_: Any) -> str:
    origin, inner = get_origin(type_), get_args(type_)
    if origin in _WORDS:
        return _WORDS[origin](inner)
    if isinstance(type_, type) and issubclass(type_, Enum):
        return _choices([each.value for each in type_])
    if isinstance(type_, type) and issubclass(type_, BaseModel):
        return "conditions" if type_ is Condition else "a table"
    return _PLAIN.get(type_, "text")


def _choices(values: Sequence[Any]) -> str:
    return ", ".join(f"`{value}`" for value in values)


def _one_of(types: Sequence[Any]) -> str:
    return " or ".join(dict.fromkeys(_values(each) for each in types if each is not type(None)))


_WORDS: Mapping[Any, Callable[[Sequence[Any]], str]] = {
    Annotated: lambda inner: _values(inner[0]),
    Literal: _choices,
    Union: _one_of,
    UnionType: _one_of,
    tuple: lambda inner: f"a list: {_values(inner[0])}",
    dict: lambda _inner: "a table",
}
_PLAIN = {bool: "yes or no", int: "a number", Decimal: "a number", Secret: "secret"}


def _default(field: FieldInfo, shown: str | None = None) -> str:
    if shown is not None:
        return shown
    if field.is_required():
        return "must be given"
    value = field.get_default(call_default_factory=True)
    if value is None or value in ((), {}, ""):
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Enum):
        value = value.value
    return f"`{value}`"


def _as_json(value: Any) -> str:
    return json.dumps(value, default=str)


def _table(heads: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines: list[tuple[str, ...]] = [heads, tuple("---" for _ in heads), *rows]
    return "\n".join(f"| {' | '.join(_cell(cell) for cell in line)} |" for line in lines)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


TABLES: Mapping[str, Callable[[], str]] = {
    "commands": _commands,
    "environment": _environment,
    "control": control_reference,
    "seeds": _seeds,
    "faults of calls": lambda: _faults(CALL_KINDS),
    "faults of webhooks": lambda: _faults(WEBHOOK_KINDS),
    "switches of acumatica": lambda: _switches("acumatica"),
    "switches of pipedrive": lambda: _switches("pipedrive"),
    "switches of sage intacct": lambda: _switches("sage_intacct"),
    "actions of acumatica": lambda: _actions("acumatica"),
    "actions of pipedrive": lambda: _actions("pipedrive"),
    "actions of sage intacct": lambda: _actions("sage_intacct"),
    "connection to pipedrive": lambda: _connection(pipedrive.Settings),
    "connection to acumatica": lambda: _connection(acumatica.Settings),
    "connection to sage intacct": lambda: _connection(sage_intacct.Settings),
    "settings of acumatica and pipedrive": lambda: _pair(of_acumatica.Settings),
    "settings of sage intacct and pipedrive": lambda: _pair(of_sage_intacct.Settings),
    "rule of a field": _rule,
    "targets in acumatica": _targets,
    "targets in sage intacct": _targets_in_sage_intacct,
}


def write(page: Path) -> bool:
    """Bring a page's tables up to date; tell whether that changed it."""
    before = page.read_text("utf-8")
    after = current(before)
    if after != before:
        page.write_text(after, "utf-8")
    return after != before
