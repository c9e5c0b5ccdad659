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

from ml_connector.core.errors import ConfigurationError
from ml_connector.sync.schedules import ScheduleError, parse_schedule

_POINTER = re.compile(r"\$\{(env|file):([^}]+)\}")
_LARGEST_FILE = 1024 * 1024  # bytes


class ConnectionEntry(BaseModel):
    """One connection of the file."""

    model_config = ConfigDict(extra="forbid")

    vendor: str
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

    pair: str
    crm: str
    erp: str
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

    workspace: str = "main"
    connections: dict[str, ConnectionEntry] = Field(default_factory=dict)
    installations: dict[str, InstallationEntry] = Field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Loaded:
    """A file that was read, and where each of its parts stands."""

    file: ConfigurationFile
    lines: Mapping[tuple[str, ...], int]
    name: str

    def fault(self, path: Sequence[str], words: str) -> ConfigurationError:
        """Return an error that names the line of a part."""
        return ConfigurationError(f"{self.name}:{self.line(path)}: {'.'.join(path)}: {words}")

    def line(self, path: Sequence[str]) -> int:
        """Return the line of a part, or of the nearest part around it."""
        for length in range(len(path), 0, -1):
            found = self.lines.get(tuple(path[:length]))
            if found is not None:
                return found
        return 1


def load(path: Path, *, environment: Mapping[str, str] | None = None) -> Loaded:
    """Read a configuration file.

    ``${env:NAME}`` and ``${file:PATH}`` stand for a variable and for a file's content. Raises
    ConfigurationError with a line number for every fault that can be seen in the file alone.
    """
    try:
        content = path.read_text("utf-8")
    except OSError as exc:
        raise ConfigurationError(f"{path}: {exc.strerror}") from exc
    if len(content) > _LARGEST_FILE:
        raise ConfigurationError(f"{path}: a configuration file has at most 1 MiB")
    lines: dict[tuple[str, ...], int] = {}
    try:
        node = yaml.compose(content, Loader=yaml.SafeLoader)
        values = yaml.safe_load(content) or {}
    except yaml.YAMLError as exc:
        mark = getattr(exc, "problem_mark", None)
        where = f":{mark.line + 1}" if mark is not None else ""
        problem = getattr(exc, "problem", None) or "cannot be read as YAML"
        raise ConfigurationError(f"{path}{where}: {problem}") from exc
    if node is not None:
        _note_lines(node, (), lines)
    resolve = _resolver(path.parent, os.environ if environment is None else environment)
    faults: list[str] = []
    resolved = _resolved(values, (), resolve, lambda at, words: faults.append(
        f"{path}:{_line(lines, at)}: {'.'.join(at)}: {words}"))  # fmt: skip
    file = _validated(resolved, path, lines, faults)
    if faults or file is None:
        raise ConfigurationError("\n".join(faults))
    return Loaded(file, lines, str(path))


def _validated(
    values: Any, path: Path, lines: Mapping[tuple[str, ...], int], faults: list[str]
) -> ConfigurationFile | None:
    try:
        return ConfigurationFile.model_validate(values)
    except ValidationError as exc:
        for fault in exc.errors(include_input=False, include_url=False):
            at = tuple(str(part) for part in fault["loc"])
            faults.append(f"{path}:{_line(lines, at)}: {'.'.join(at)}: {fault['msg']}")
    return None


def _line(lines: Mapping[tuple[str, ...], int], at: tuple[str, ...]) -> int:
    for length in range(len(at), 0, -1):
        if at[:length] in lines:
            return lines[at[:length]]
    return 1


def _note_lines(node: yaml.Node, at: tuple[str, ...], lines: dict[tuple[str, ...], int]) -> None:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            here = (*at, str(key.value))
            lines[here] = key.start_mark.line + 1
            _note_lines(value, here, lines)
    elif isinstance(node, yaml.SequenceNode):
        for number, value in enumerate(node.value):
            here = (*at, str(number))
            lines[here] = value.start_mark.line + 1
            _note_lines(value, here, lines)


def _resolver(folder: Path, environment: Mapping[str, str]) -> Callable[[str], str]:
    def resolve(text: str) -> str:
        def value(found: re.Match[str]) -> str:
            kind, name = found.groups()
            if kind == "env":
                if name not in environment:
                    raise LookupError(f"the environment has no variable {name}")
                return environment[name]
            try:
                return (folder / name).read_text("utf-8").strip()
            except OSError as exc:
                raise LookupError(f"the file {name}: {exc.strerror}") from exc

        return _POINTER.sub(value, text)

    return resolve


def _resolved(
    value: Any,
    at: tuple[str, ...],
    resolve: Callable[[str], str],
    fault: Callable[[tuple[str, ...], str], None],
) -> Any:
    if isinstance(value, dict):
        # YAML 1.1 reads the key `on` as a truth value; here it is the word.
        named = {("on" if key is True else str(key)): item for key, item in value.items()}
        return {key: _resolved(item, (*at, key), resolve, fault) for key, item in named.items()}
    if isinstance(value, list):
        return [_resolved(item, (*at, str(n)), resolve, fault) for n, item in enumerate(value)]
    if isinstance(value, str):
        try:
            return resolve(value)
        except LookupError as exc:
            fault(at, str(exc.args[0]))
    return value
