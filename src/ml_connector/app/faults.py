"""What is wrong with an entry of a configuration file, in words that say the way out.

Pydantic says which rule was broken; a person wants to read what stands there and what could.
No secret is shown: a value is quoted only where the model knows its field as an open one.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from types import UnionType
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from ml_connector.core.secret import Secret
from ml_connector.transport.redaction import MASK

Place = tuple[str, ...]

_LONGEST_VALUE = 60  # characters
_MOST_NAMES = 12
_NEEDLESS = "Value error, "
_IN_AN_ADDRESS = re.compile(r"(?<=//)[^/@\s]+(?=@)")  # a user and password, where none belong


def faults_of(
    error: ValidationError, model: type[BaseModel], written: Any
) -> Iterator[tuple[Place, str]]:
    """Yield each fault with the path of the entry, from what stands ``written`` in the file."""
    for fault in error.errors(include_url=False, include_context=False, include_input=False):
        located = _place(model, tuple(str(part) for part in fault["loc"]), written)
        words = _words(fault["type"], fault["msg"], model, located, written)
        yield located, _IN_AN_ADDRESS.sub(MASK, words)


def is_open_field(model: type[BaseModel], path: Place) -> bool:
    """Tell whether the model knows this entry, and that it is no secret."""
    types: Sequence[Any] = (model,)
    for name in path:
        types = [inner for each in types for inner in _inside(each, name)]
    return bool(types) and not any(_holds_secret(each) for each in types)


def _words(kind: str, message: str, model: type[BaseModel], path: Place, written: Any) -> str:
    if kind == "extra_forbidden":
        return _unknown(path[-1], sorted(_names_at(model, path[:-1])))
    if kind == "missing":
        about = _description(model, path)
        return f"is missing{f': {about}' if about else ''}"
    said = message.removeprefix(_NEEDLESS)
    value = _value_at(written, path)
    shown = f"{value!r:.{_LONGEST_VALUE}}" if _is_scalar(value) else None
    if shown is None or shown in said or not is_open_field(model, path):
        return said
    return f"{shown}: {said[:1].lower()}{said[1:]}"


def _unknown(name: str, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    if near:
        return f"there is no setting {name!r} here; did you mean {near[0]!r}?"
    if not known:
        return f"there is no setting {name!r} here; leave it out"
    more = ", ..." if len(known) > _MOST_NAMES else ""
    return f"there is no setting {name!r} here; there are: {', '.join(known[:_MOST_NAMES])}{more}"


def _place(model: type[BaseModel], loc: Place, written: Any) -> Place:
    """Return the part of pydantic's location that names entries of the file.

    Where a value may have several forms, pydantic adds the name of the form that it tried.
    """
    path: Place = ()
    for number, name in enumerate(loc):
        is_last = number == len(loc) - 1
        is_there = _has(_value_at(written, path), name)
        if is_there or (is_last and name in _names_at(model, path)):
            path = (*path, name)
    return path


def _has(value: Any, name: str) -> bool:
    if isinstance(value, Mapping):
        return name in {str(key) for key in value}
    return isinstance(value, list | tuple) and name.isdecimal() and int(name) < len(value)


def _value_at(value: Any, path: Place) -> Any:
    for name in path:
        if isinstance(value, Mapping):
            value = {str(key): item for key, item in value.items()}.get(name)
        elif isinstance(value, list | tuple) and name.isdecimal() and int(name) < len(value):
            value = value[int(name)]
        else:
            return None
    return value


def _is_scalar(value: Any) -> bool:
    return isinstance(value, str | int | float)


def _names_at(model: type[BaseModel], path: Place) -> set[str]:
    types: Sequence[Any] = (model,)
    for name in path:
        types = [inner for each in types for inner in _inside(each, name)]
    return {
        field.alias or name
        for each in types
        if _is_model(each)
        for name, field in each.model_fields.items()
    }


def _description(model: type[BaseModel], path: Place) -> str | None:
    types: Sequence[Any] = (model,)
    for name in path[:-1]:
        types = [inner for each in types for inner in _inside(each, name)]
    for each in types:
        field = _field(each, path[-1]) if path and _is_model(each) else None
        if field is not None and field.description:
            return field.description
    return None


def _inside(type_: Any, name: str) -> list[Any]:
    """Return the types that an entry ``name`` of a value of this type may have."""
    if _is_model(type_):
        field = _field(type_, name)
        return list(_forms(field.annotation)) if field is not None else []
    origin, arguments = get_origin(type_), get_args(type_)
    if origin in {dict, Mapping} or (isinstance(origin, type) and issubclass(origin, Mapping)):
        return list(_forms(arguments[1])) if len(arguments) > 1 else []
    if origin in {list, tuple, set, frozenset, Sequence} and name.isdecimal() and arguments:
        return list(_forms(arguments[0]))
    return []


def _forms(annotation: Any) -> Iterator[Any]:
    """Yield the alternatives of a union, and what an Annotated type is about."""
    if get_origin(annotation) in {Union, UnionType}:
        for each in get_args(annotation):
            yield from _forms(each)
    elif hasattr(annotation, "__metadata__"):
        yield from _forms(get_args(annotation)[0])
    elif annotation is not type(None):
        yield annotation


def _field(model: type[BaseModel], name: str) -> FieldInfo | None:
    for field_name, field in model.model_fields.items():
        if name in {field_name, field.alias}:
            return field
    return None


def _holds_secret(type_: Any) -> bool:
    if type_ is Secret:
        return True
    if _is_model(type_):
        return any(
            _holds_secret(form)
            for field in type_.model_fields.values()
            for form in _forms(field.annotation)
        )
    return any(_holds_secret(form) for each in get_args(type_) for form in _forms(each))


def _is_model(type_: Any) -> bool:
    return isinstance(type_, type) and issubclass(type_, BaseModel)
