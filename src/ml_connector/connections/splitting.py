"""Takes the secrets out of validated settings, and puts them back.

What is stored in the connection's row holds no secret: each value of type Secret goes to the
vault under the path at which it stood (``client_secret``, ``login.password``).
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

from ml_connector.core.errors import ConfigurationError
from ml_connector.core.secret import Secret


class SettingsRefusedError(ConfigurationError):
    """Settings that the vendor's model does not take; ``faults`` names field and reason."""

    def __init__(self, message: str, *, faults: list[tuple[str, str]]) -> None:
        super().__init__(message)
        self.faults = faults


def validated(model: type[BaseModel], values: Mapping[str, Any]) -> BaseModel:
    """Return the settings, or raise SettingsRefusedError with every fault at once."""
    try:
        return model.model_validate(dict(values))
    except ValidationError as exc:
        details = exc.errors(include_url=False, include_context=False, include_input=False)
    faults = [(".".join(map(str, each["loc"])) or "settings", each["msg"]) for each in details]
    # Raised outside the handler: pydantic's own error carries what was entered, secrets too.
    raise SettingsRefusedError(
        "; ".join(f"{field}: {reason}" for field, reason in faults), faults=faults
    )


def split(settings: BaseModel) -> tuple[dict[str, Any], dict[str, Secret]]:
    """Return what may be stored openly, and the secrets by their paths."""
    plain = settings.model_dump(mode="json")
    found = dict(_secrets_in(settings, ()))
    for path in found:
        if any("." in name for name in path):
            raise TypeError(f"settings keep a secret under a name with a dot: {path[-1]!r}")
        _remove(plain, path)
    return plain, {".".join(path): value for path, value in found.items()}


def joined(plain: Mapping[str, Any], found: Mapping[str, Secret]) -> dict[str, Any]:
    """Return the values from which the settings validate again. What ``plain`` says goes first."""
    values = copy.deepcopy(dict(plain))
    for path, value in found.items():
        *parents, last = path.split(".")
        place: Any = values
        for name in parents:
            place = place.setdefault(name, {}) if isinstance(place, dict) else None
        if isinstance(place, dict):
            place.setdefault(last, value)
    return values


def _secrets_in(value: object, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Secret]]:
    if isinstance(value, Secret):
        yield path, value
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from _secrets_in(getattr(value, name), (*path, name))
    elif isinstance(value, Mapping):
        for name, item in value.items():
            yield from _secrets_in(item, (*path, str(name)))
    elif isinstance(value, (list, tuple, set, frozenset)) and any(
        True for item in value for _ in _secrets_in(item, path)
    ):
        raise TypeError(f"settings keep secrets in a list at {'.'.join(path)}; give each a name")


def _remove(values: dict[str, Any], path: tuple[str, ...]) -> None:
    *parents, last = path
    for name in parents:
        values = values[name]
    del values[last]
