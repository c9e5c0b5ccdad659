"""What an answer shows: ``$select``, ``$expand`` and ``$custom``, compiled once per combination."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from operator import itemgetter
from typing import Any

from vendor_simulators.acumatica.answers import fault
from vendor_simulators.acumatica.contract import Contract, Entity
from vendor_simulators.acumatica.forms import Form
from vendor_simulators.acumatica.records import CustomValue, Record
from vendor_simulators.acumatica.site import Site
from vendor_simulators.acumatica.values import shown

Tree = dict[str, "Tree"]  # names to what is named below them
_FILES = "files"
_AS_STORED = frozenset("sbig")  # kinds whose stored values are shown as they are


@dataclass(frozen=True)
class Shape:
    """The members of an answer for one entity, in alphabetical order.

    A member is a scalar (its kind, no inner shape), a linked part or a list of rows.
    """

    members: tuple[tuple[str, str, Shape | None], ...]
    has_files: bool
    custom: tuple[tuple[str, str], ...]  # view, field


@dataclass(frozen=True)
class Place:
    """Where the answer is read: the addresses in it depend on that."""

    prefix: str  # virtual directory, "" or "/AcumaticaERP"
    version: str
    graph: str  # of the form that is read
    is_fresh: bool = False  # the answer to the save that made the record


@lru_cache(maxsize=1024)
def shape_of(
    entity: Entity,
    contract: Contract,
    version: int,
    *,
    select: str | None,
    expand: str,
    custom: str,
    also: frozenset[str] = frozenset(),
    ignores_unknown: bool = False,
) -> Shape:
    """Return the shape that the query options ask for.

    ``also`` are names shown even when ``select`` leaves them out: those of the filter and those
    that a PUT sent.
    """
    selected = None if select is None else _tree([*_names(select), *also])
    expanded = _tree(_names(expand))
    if select is not None:
        _add_sent_parts(expanded, also)
    compiler = _Compiler(contract, version, ignores_unknown)
    return compiler.shape(entity, selected, expanded, _names(custom))


def render(
    site: Site,
    record: Record,
    shape: Shape,
    place: Place,
    *,
    number: int = 1,
    form: Form | None = None,
) -> dict[str, Any]:
    """Return a record as an answer shows it; ``form`` is given for top-level records."""
    out: dict[str, Any] = {"id": record.id, "rowNumber": number, "note": _note(record, form, place)}
    values = record.values
    for name, kind, inner in shape.members:
        if inner is not None:
            out[name] = _inner(site, record, name, inner, place=place, form=form)
        elif (value := values.get(name)) is None:
            out[name] = {}
        else:
            out[name] = {"value": value if kind in _AS_STORED else shown(kind, value)}
    out["custom"] = _custom(record, shape)
    if shape.has_files:
        out[_FILES] = _files(record, place)
    if site.switches["links_member"]:
        out["_links"] = _links(record, place, is_top=form is not None)
    return out


def _inner(
    site: Site, record: Record, name: str, shape: Shape, *, place: Place, form: Form | None
) -> Any:
    target = record.entity.links.get(name)
    if target is None:
        found = form.rows(record, name) if form else record.rows.get(name, [])
        return [render(site, row, shape, place, number=at) for at, row in enumerate(found, start=1)]
    part = form.part(record, name) if form else record.links.get(name)
    return render(site, part or Record(site.contract[target], site.new_id()), shape, place)


def _files(record: Record, place: Place) -> list[dict[str, str]]:
    base = f"{place.prefix}/entity/Default/{place.version}/files"
    return [
        {
            "id": file.id,
            "filename": file.filename,
            "href": f"{base}/{file.id}",
            "comment": file.comment,
        }
        for file in record.files
    ]


def _note(record: Record, form: Form | None, place: Place) -> dict[str, str] | None:
    if record.note is None and (form is None or place.is_fresh):
        return None
    return {"value": record.note or ""}


def _custom(record: Record, shape: Shape) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for view, name in shape.custom:
        held: CustomValue | None = record.custom.get((view, name))
        if held is None:
            found.setdefault(view, {})[name] = {"type": "CustomStringField"}
        else:
            value = {} if held[1] is None else {"value": shown("", held[1])}
            found.setdefault(view, {})[name] = {"type": held[0], **value}
    return found


def _links(record: Record, place: Place, *, is_top: bool) -> dict[str, str]:
    base = f"{place.prefix}/entity/Default/{place.version}"
    entity = record.entity
    links = {"self": f"{base}/{entity.name}/{record.id}"} if is_top else {}
    links["files:put"] = f"{base}/files/{place.graph}/{entity.view}/{record.id}/{{filename}}"
    return links


@dataclass(frozen=True)
class _Compiler:
    contract: Contract
    version: int
    ignores_unknown: bool

    def shape(
        self, entity: Entity, selected: Tree | None, expanded: Tree, custom: Sequence[str]
    ) -> Shape:
        visible = entity.scalars(self.version)
        names = visible if selected is None else [name for name in selected if name in visible]
        members: list[tuple[str, str, Shape | None]] = [
            (name, entity.fields[name].kind, None) for name in names
        ]
        for name in expanded:
            target = entity.links.get(name) or entity.details.get(name)
            if target is not None:
                inner = self._inner(name, self.contract[target], selected, expanded[name], custom)
                members.append((name, "", inner))
            elif name != _FILES and not self.ignores_unknown:
                raise fault(f"The entity {entity.name} has no part {name} to expand.")
        return Shape(
            members=tuple(sorted(members, key=itemgetter(0))),
            has_files=_FILES in expanded,
            custom=tuple(_view_and_field(path) for path in custom if "/" not in path),
        )

    def _inner(
        self,
        name: str,
        entity: Entity,
        selected: Tree | None,
        expanded: Tree,
        custom: Sequence[str],
    ) -> Shape:
        below = None if selected is None else selected.get(name) or None
        prefix = f"{name}/"
        nested = [path[len(prefix) :] for path in custom if path.startswith(prefix)]
        return self.shape(entity, below, expanded, nested)


def _add_sent_parts(expanded: Tree, also: frozenset[str]) -> None:
    for path in also:
        *parts, _ = path.split("/")
        below = expanded
        for name in parts:
            below = below.setdefault(name, {})


def _view_and_field(path: str) -> tuple[str, str]:
    view, _, name = path.rpartition(".")
    return view, name


def _names(text: str | None) -> list[str]:
    return [name.strip() for name in (text or "").split(",") if name.strip()]


def _tree(paths: Iterable[str]) -> Tree:
    tree: Tree = {}
    for path in paths:
        below = tree
        for name in path.split("/"):
            below = below.setdefault(name, {})
    return tree
