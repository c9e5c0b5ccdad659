"""Acumatica's published description of the endpoint, as a judge of what our client sends.

It is stricter than the vendor, who drops unknown fields without a word: a name that the endpoint
does not have is a fault here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from typing import Any
from urllib.parse import unquote
from uuid import UUID

from tests.specifications import folder_of

VERSION = "24.200.001"
_FILE = f"Default_{VERSION}.openapi.json"

_UNDESCRIBED = frozenset({"swagger.json"})
_OWN = frozenset({"id", "rowNumber", "note", "custom", "files"})
_OF_A_ROW = frozenset({"delete"})  # in the documentation, not in the description
_FILTERED = re.compile(r"([A-Za-z_][\w/]*)\s+(?:eq|ne|gt|ge|lt|le)\s")
_IN_FUNCTION = re.compile(r"(?:startswith|endswith)\(([A-Za-z_][\w/]*),|substringof\([^,]*,(\w+)\)")
_TEXTS = re.compile(r"'(?:[^']|'')*'")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """One request of the client to the endpoint."""

    method: str
    path: str
    """Below the endpoint's own."""
    params: Sequence[tuple[str, str]] = ()
    body: bytes | None = None


@cache
def _described() -> Mapping[str, Any]:
    folder = folder_of("acumatica")
    if folder is None:
        raise LookupError("the descriptions of acumatica are not here")
    found: Mapping[str, Any] = json.loads((folder / _FILE).read_text(encoding="utf-8-sig"))
    return found


def faults(sent: Sent) -> list[str]:
    """Return what is wrong with a request by the description; nothing where all is right."""
    if sent.path in _UNDESCRIBED:
        return []
    where = f"{sent.method} {sent.path}"
    operation = _operation(sent)
    if operation is None:
        return [f"{where}: the endpoint has no such operation"]
    entity = sent.path.partition("/")[0]
    return [f"{where}: {words}" for words in (
        *_params(sent, operation, entity), *_body(sent, operation)
    )]  # fmt: skip


def _operation(sent: Sent) -> Mapping[str, Any] | None:
    entity, _, below = sent.path.partition("/")
    candidates = [f"/{sent.path}"]
    if below and sent.method != "POST":
        candidates += [f"/{entity}/{{ids}}", f"/{entity}/{{id}}"]
    for path in candidates:
        found: Mapping[str, Any] | None = _described()["paths"].get(path, {}).get(
            sent.method.lower()
        )  # fmt: skip
        if found is not None:
            return found
    return None


def _params(sent: Sent, operation: Mapping[str, Any], entity: str) -> Iterator[str]:
    known = {_resolved(each)["name"] for each in operation.get("parameters", ())}
    for name, value in sent.params:
        if name not in known:
            yield f"it takes no {name}"
        elif name in {"$select", "$expand"}:
            for path in value.split(","):
                yield from _missing(entity, path, name)
        elif name == "$filter":
            for path in _filtered(unquote(value)):
                yield from _missing(entity, path, name)


def _filtered(condition: str) -> Iterator[str]:
    plain = _TEXTS.sub("''", condition)
    for found in _FILTERED.finditer(plain):
        yield found[1]
    for found in _IN_FUNCTION.finditer(plain):
        yield found[1] or found[2]


def _missing(entity: str, path: str, where: str) -> Iterator[str]:
    schema = entity
    for step in path.split("/"):
        members = _members(schema)
        if step in _OWN:
            return
        if step not in members:
            yield f"{where} names {path}, and {schema} has no {step}"
            return
        member = members[step]
        schema = _name_of(member.get("items", member))


def _body(sent: Sent, operation: Mapping[str, Any]) -> Iterator[str]:
    content = operation.get("requestBody", {}).get("content", {}).get("application/json")
    if content is None:
        if sent.body:
            yield "it takes no body"
        return
    if not sent.body:
        yield "its body is missing"
        return
    yield from _value(json.loads(sent.body), content["schema"], "")


def _value(value: Any, schema: Mapping[str, Any], at: str) -> Iterator[str]:
    if schema.get("type") == "array":
        if not isinstance(value, list):
            yield f"{at} is no list"
            return
        for number, each in enumerate(value):
            yield from _value(each, schema["items"], f"{at}[{number}]")
        return
    name = _name_of(schema)
    if name.endswith("Value"):
        yield from _wrapped(value, name, at)
        return
    if not isinstance(value, dict):
        yield f"{at or 'the body'} is no object"
        return
    members = _members(name) if name else schema.get("properties", {})
    for key, each in value.items():
        if key not in members:
            if not _goes_anywhere(key, each):
                yield f"{at or name} has no {key}"
        elif "$ref" in members[key] or members[key].get("type") == "array":
            yield from _value(each, members[key], f"{at}.{key}".lstrip("."))


def _goes_anywhere(key: str, value: Any) -> bool:
    """Tell whether every object takes this, whatever its description says.

    The vendor's own example sends empty parameters to an action that takes none.
    """
    return key in {"custom", "id"} | _OF_A_ROW or (key == "parameters" and not value)


def _wrapped(value: Any, name: str, at: str) -> Iterator[str]:
    if not isinstance(value, dict) or set(value) != {"value"}:
        yield f"{at} is not wrapped: {value!r}"
    elif value["value"] is not None and not _fits(value["value"], name):
        yield f"{at} is {value['value']!r}, which is no {name}"


def _fits(value: Any, name: str) -> bool:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if name in {"DecimalValue", "DoubleValue"}:
        return is_number
    if name in {"IntValue", "LongValue", "ShortValue", "ByteValue"}:
        return is_number and isinstance(value, int)
    if name == "BooleanValue":
        return isinstance(value, bool)
    is_text = isinstance(value, str)
    if name == "GuidValue":
        return is_text and bool(UUID(value))
    return is_text and (name == "StringValue" or _is_moment(value))


def _is_moment(text: str) -> bool:
    for read in (date.fromisoformat, datetime.fromisoformat):
        try:
            read(text)
        except ValueError:
            continue
        return True
    return False


@cache
def _members(name: str) -> Mapping[str, Any]:
    schema = _described()["components"]["schemas"].get(name, {})
    members: dict[str, Any] = {}
    for part in (schema, *schema.get("allOf", ())):
        if "$ref" in part:
            members |= _members(_name_of(part))
        members |= part.get("properties", {})
    return members


def _name_of(schema: Mapping[str, Any]) -> str:
    return str(schema.get("$ref", "")).rpartition("/")[2]


def _resolved(parameter: Mapping[str, Any]) -> Mapping[str, Any]:
    if "$ref" not in parameter:
        return parameter
    found: Mapping[str, Any] = _described()["components"]["parameters"][_name_of(parameter)]
    return found
