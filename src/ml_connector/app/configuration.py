"""The configuration file: read with its line numbers, secrets taken from where it points."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from ml_connector.app.faults import faults_of
from ml_connector.core.errors import ConfigurationError
from ml_connector.sync.schedules import ScheduleError, parse_schedule

_POINTER = re.compile(r"\$\{(env|file):([^}]+)\}")
_LARGEST_FILE = 1024 * 1024  # bytes

Place = tuple[str, ...]
"""Where an entry stands in the file: the keys that lead to it."""
Fault = Callable[[Place, str], None]


class ConnectionEntry(BaseModel):
    """One connection of the file."""

    model_config = ConfigDict(extra="forbid")

    vendor: str = Field(description="the vendor's name, such as pipedrive")
    settings: dict[str, Any] = Field(default_factory=dict)


class FlowEntry(BaseModel):
    """One flow of an installation."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    is_on: bool = Field(default=True, alias="on")
    go_live: datetime | Literal["now"] = "now"
    when: Any = Field(default_factory=lambda: {"every": "10m"})

    @field_validator("when")
    @classmethod
    def _is_a_schedule(cls, value: Any) -> Any:
        try:
            parse_schedule(value)
        except ScheduleError as exc:
            raise ValueError(str(exc)) from exc
        return value

    @field_validator("go_live")
    @classmethod
    def _has_a_zone(cls, value: datetime | str) -> datetime | str:
        if isinstance(value, datetime) and value.tzinfo is None:
            return value.replace(tzinfo=UTC)
        return value


class InstallationEntry(BaseModel):
    """One installation of the file."""

    model_config = ConfigDict(extra="forbid")

    pair: str = Field(description="which vendors it links: the ERP's name, such as acumatica")
    crm: str = Field(description="the name of the connection to the CRM")
    erp: str = Field(description="the name of the connection to the ERP")
    settings: dict[str, Any] = Field(default_factory=dict)
    flows: dict[str, FlowEntry] = Field(default_factory=dict)
    webhooks: bool = Field(
        default=False, description="Subscribe to the CRM's webhooks under the public address."
    )
    provide_fields: bool = Field(
        default=False, description="Make the CRM fields that the flows write."
    )


class ConfigurationFile(BaseModel):
    """A whole file."""

    model_config = ConfigDict(extra="forbid")

    workspace: str = Field(default="main", min_length=1)
    sandbox: bool = Field(
        default=False,
        description="The connections lead to `ml-connector sandbox`: private addresses are "
        "allowed, and business time follows the simulators' clock.",
    )
    connections: dict[str, ConnectionEntry] = Field(default_factory=dict)
    installations: dict[str, InstallationEntry] = Field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Loaded:
    """A file that was read, and where each of its parts stands."""

    file: ConfigurationFile
    lines: Mapping[Place, int]
    name: str
    written: Mapping[str, Any]
    """The file's content as it stands there, before variables and files were read."""

    def fault(self, path: Sequence[str], words: str) -> str:
        """Return what is wrong with a part, beginning with its file and line."""
        return _fault(self.name, self.lines, tuple(path), words)


def load(path: Path, *, environment: Mapping[str, str] | None = None) -> Loaded:
    """Read a configuration file.

    ``${env:NAME}`` and ``${file:PATH}`` stand for a variable and for a file's content. Raises
    ConfigurationError with a line for every fault that can be seen in the file alone.
    """
    content = _content(path)
    node, values = _parsed(path, content)
    lines: dict[Place, int] = {}
    faults: list[str] = []

    def fault(at: Place, words: str) -> None:
        faults.append(_fault(str(path), lines, at, words))

    if node is not None:
        _note_lines(node, (), lines, fault)
    if not isinstance(values, dict):
        fault((), "a configuration file names connections and installations")
        raise ConfigurationError(faults[0])
    written = _named(values)
    resolve = _resolver(path.parent, os.environ if environment is None else environment)
    resolved = _resolved(written, (), resolve, fault)
    file: ConfigurationFile | None = None
    try:
        file = ConfigurationFile.model_validate(resolved)
    except ValidationError as exc:
        for at, words in faults_of(exc, ConfigurationFile, written):
            fault(at, words)
    if faults or file is None:
        raise ConfigurationError("\n".join(faults))
    return Loaded(file, lines, str(path), written)


def _content(path: Path) -> str:
    try:
        if path.stat().st_size > _LARGEST_FILE:
            raise ConfigurationError(f"{path}: a configuration file has at most 1 MiB")
        return path.read_text("utf-8")
    except OSError as exc:
        raise ConfigurationError(f"{path}: {exc.strerror}") from exc
    except UnicodeDecodeError as exc:
        raise ConfigurationError(f"{path}: is not text in UTF-8; save it so") from exc


def _parsed(path: Path, content: str) -> tuple[yaml.Node | None, Any]:
    try:
        node = yaml.compose(content, Loader=yaml.SafeLoader)
        return node, yaml.safe_load(content) or {}
    except yaml.YAMLError as exc:
        mark = getattr(exc, "problem_mark", None)
        where = f":{mark.line + 1}" if mark is not None else ""
        problem = getattr(exc, "problem", None) or "cannot be read as YAML"
        raise ConfigurationError(f"{path}{where}: {problem}") from exc
    except ValueError as exc:  # a date such as 2026-02-30
        raise ConfigurationError(f"{path}: cannot be read as YAML: {exc}") from exc


def _fault(name: str, lines: Mapping[Place, int], at: Place, words: str) -> str:
    line = next((lines[at[:n]] for n in range(len(at), 0, -1) if at[:n] in lines), 1)
    return f"{name}:{line}: {'.'.join(at)}{': ' if at else ''}{words}"


def _note_lines(node: yaml.Node, at: Place, lines: dict[Place, int], fault: Fault) -> None:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            here = (*at, str(key.value))
            if here in lines:
                first = lines[here]
                lines[here] = key.start_mark.line + 1
                fault(here, f"stands here a second time; the first is in line {first}")
                continue
            lines[here] = key.start_mark.line + 1
            _note_lines(value, here, lines, fault)
    elif isinstance(node, yaml.SequenceNode):
        for number, value in enumerate(node.value):
            here = (*at, str(number))
            lines[here] = value.start_mark.line + 1
            _note_lines(value, here, lines, fault)


def _resolver(folder: Path, environment: Mapping[str, str]) -> Callable[[str], str]:
    def resolve(text: str) -> str:
        def value(found: re.Match[str]) -> str:
            kind, name = found.groups()
            if kind == "env":
                if name not in environment:
                    raise LookupError(f"the environment has no variable {name}; set it")
                return environment[name]
            try:
                return (folder / name).read_text("utf-8").strip()
            except OSError as exc:
                raise LookupError(f"the file {name}: {exc.strerror}") from exc
            except UnicodeDecodeError as exc:
                raise LookupError(f"the file {name} is not text in UTF-8") from exc

        return _POINTER.sub(value, text)

    return resolve


def _named(value: Any) -> Any:
    """Return the content with every key as text."""
    if isinstance(value, dict):
        # YAML 1.1 reads the key `on` as a truth value; here it is the word.
        return {("on" if key is True else str(key)): _named(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_named(item) for item in value]
    return value


def _resolved(value: Any, at: Place, resolve: Callable[[str], str], fault: Fault) -> Any:
    if isinstance(value, dict):
        return {key: _resolved(item, (*at, key), resolve, fault) for key, item in value.items()}
    if isinstance(value, list):
        return [_resolved(item, (*at, str(n)), resolve, fault) for n, item in enumerate(value)]
    if isinstance(value, str):
        try:
            return resolve(value)
        except LookupError as exc:
            fault(at, str(exc.args[0]))
    return value
