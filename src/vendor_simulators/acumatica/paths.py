"""What a request's path names. Paths are matched whatever their case."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import unquote

from vendor_simulators.acumatica.contract import Contract, Entity

VIRTUAL_DIRECTORY = "AcumaticaERP"


@dataclass(frozen=True, slots=True)
class Target:
    """A path, taken apart."""

    area: str  # versions, login, logout, identity, entity, files, swagger, frames or nowhere
    prefix: str = ""  # the virtual directory as the caller wrote it
    version: str = ""
    entity: Entity | None = None
    rest: tuple[str, ...] = ()
    operation: str = ""

    @property
    def version_number(self) -> int:
        """The first number of the version."""
        return int(self.version.split(".")[0])


def parse(method: str, raw_path: str, contract: Contract, versions: list[str]) -> Target:
    """Return what a path names; area ``nowhere`` is a 404."""
    # IIS decodes a path before it is split, so that a key with %2F in it falls apart.
    parts = tuple(unquote(raw_path.partition("?")[0]).strip("/").split("/"))
    prefix = ""
    if parts[0].lower() == VIRTUAL_DIRECTORY.lower():
        prefix, parts = f"/{parts[0]}", parts[1:]
    lowered = tuple(part.lower() for part in parts)
    match lowered:
        case ("entity",):
            return Target("versions", prefix, operation=f"{method} versions")
        case ("entity", "auth", ("login" | "logout") as name):
            return Target(name, prefix, operation=f"{method} {name}")
        case ("identity", *_):
            return Target("identity", prefix, rest=parts[1:], operation=f"{method} {lowered[-1]}")
        case ("frames", *_):
            return Target("frames", prefix, operation=f"{method} frames")
        case ("entity", "default", version, _, *_) if version in versions:
            return _inside(method, prefix, version, parts[3:], contract)
    return Target("nowhere", prefix, operation=f"{method} nowhere")


def _inside(
    method: str, prefix: str, version: str, parts: tuple[str, ...], contract: Contract
) -> Target:
    first, rest = parts[0], parts[1:]
    if first.lower() == "swagger.json":
        return Target("swagger", prefix, version, operation=f"{method} swagger.json")
    if first.lower() == "files":
        return Target("files", prefix, version, rest=rest, operation=f"{method} files")
    entity = contract.named(first)
    if entity is None:
        return Target("nowhere", prefix, operation=f"{method} nowhere")
    if len(rest) == 1 and "|" in rest[0]:
        rest = tuple(rest[0].split("|"))
    return Target("entity", prefix, version, entity, rest, _operation(method, entity, rest))


def _operation(method: str, entity: Entity, rest: tuple[str, ...]) -> str:
    if not rest:
        return f"{method} {entity.name}"
    if method == "POST":
        return f"POST {entity.name}/{rest[0]}"
    if method == "GET" and len(rest) > 1 and rest[-2].lower() == "status":
        return f"GET {entity.name}/{rest[0]}/status"
    if "files" in rest:
        return f"{method} {entity.name}/files"
    if rest[0].startswith("$"):
        return f"{method} {entity.name}/{rest[0]}"
    return f"{method} {entity.name}/key"
