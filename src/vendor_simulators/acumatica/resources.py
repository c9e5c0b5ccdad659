"""The entity paths: lists, single records, saving, deleting, actions and files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any
from uuid import UUID

import msgspec
from aiohttp import web

from vendor_simulators.acumatica.actions import Operations
from vendor_simulators.acumatica.answers import (
    RefusalError,
    fault,
    invalid_request,
    json_response,
    message,
    no_record,
    no_route,
)
from vendor_simulators.acumatica.attachments import Attachments
from vendor_simulators.acumatica.bodies import BodyReader
from vendor_simulators.acumatica.contract import ANY_VERSION, Entity, Field
from vendor_simulators.acumatica.erp import Erp
from vendor_simulators.acumatica.filters import Filter, compile_filter
from vendor_simulators.acumatica.forms import Form
from vendor_simulators.acumatica.inquiries import InquiryForm
from vendor_simulators.acumatica.paths import Target
from vendor_simulators.acumatica.records import Record
from vendor_simulators.acumatica.saving import check_conditions, find_original, save
from vendor_simulators.acumatica.sessions import Session
from vendor_simulators.acumatica.shapes import Place, Shape, render, shape_of

_OPTIMISER = "PX.Api.ContractBased.OptimizedExport.CannotOptimizeException"
# Details that the list optimiser cannot read, with the field and view it complains about.
_UNOPTIMISED = {("Payment", "ApplicationHistory"): "ApplicationHistory.DisplayRefNbr: View ARPost"}
_FIRST_WITH_PATCH = 25
_decode = msgspec.json.Decoder(float_hook=str).decode


@dataclass(frozen=True)
class Call:
    """One call of an entity path."""

    request: web.Request
    target: Target
    session: Session
    body: bytes

    @property
    def entity(self) -> Entity:
        """The entity; only read where the path names one."""
        entity = self.target.entity
        if entity is None:
            raise no_route(str(self.request.url))
        return entity


class Resources:
    """Answers the entity paths."""

    def __init__(self, erp: Erp, operations: Operations) -> None:
        self._erp = erp
        self._operations = operations
        self._attachments = Attachments(erp)
        self._readers: dict[tuple[int, bool], BodyReader] = {}

    def answer(self, call: Call) -> web.Response:
        """Answer a call; raise RefusalError for what is refused."""
        method, rest = call.request.method, call.target.rest
        if call.entity.name in self._erp.switches["forbidden_entities"]:
            raise message(
                403, f"You have insufficient rights to access the {call.entity.title} form."
            )
        answers = {
            "GET": self._read,
            "PUT": self._put,
            "PATCH": self._save,
            "DELETE": self._delete,
            "POST": self._act,
        }
        if method not in answers:
            raise message(405, f"The requested resource does not support http method '{method}'.")
        return answers[method](call, rest)

    def files(self, call: Call) -> web.Response:
        """Answer a path below /files: a download, or the bytes of a new file."""
        if call.request.method != "PUT":
            return self._attachments.download("".join(call.target.rest))
        record, filename = self._attachments.owner(call.target.rest)
        return self._attach(call, record, filename)

    def _read(self, call: Call, rest: tuple[str, ...]) -> web.Response:
        match rest:
            case ():
                return self._list(call)
            case ("$adHocSchema",):
                return self._schema(call)
            case (_, "status", operation_id):
                return self._poll(call, operation_id)
        return self._single(call, rest)

    def _put(self, call: Call, rest: tuple[str, ...]) -> web.Response:
        if "files" in rest:
            at = rest.index("files")
            return self._attach(call, self._keyed(call, rest[:at]), "/".join(rest[at + 1 :]))
        return self._save(call, rest)

    # Reading

    def _list(self, call: Call) -> web.Response:
        query, entity = call.request.query, call.entity
        self._check_optimiser(entity, query.get("$expand", ""))
        condition = self._condition(call)
        shape = self._shape(call, also=frozenset() if condition is None else condition.names)
        found = self._shown(self._matching(entity, condition), condition)
        skip, top = _count(query, "$skip") or 0, _count(query, "$top")
        limit = self._erp.switches["page_limit"]
        most = top if top is not None else limit
        page = islice(found, skip, None if most is None else skip + most)
        place, form = self._place(call), self._form(entity)
        is_bare = entity.name in self._erp.switches["details_empty_on_lists"]
        return json_response(
            [
                render(self._erp, _bare(record) if is_bare else record, shape, place,
                       number=number, form=form)
                for number, record in enumerate(page, skip + 1)
            ]
        )  # fmt: skip

    def _matching(self, entity: Entity, condition: Filter | None) -> Iterable[Record]:
        table = self._erp.table(entity.name)
        if condition is None:
            return table
        candidates = condition.candidates(table)
        return table if candidates is None else candidates

    def _shown(self, records: Iterable[Record], condition: Filter | None) -> Iterable[Record]:
        now = self._erp.clock.monotonic()
        for record in records:
            state = record if record.visible_at <= now else record.shown(now)
            if state is not record and (condition is None or condition.test(record)):
                self._erp.faults.count("list_lag")
            if state is not None and (condition is None or condition.test(state)):
                yield state

    def _single(self, call: Call, key: tuple[str, ...]) -> web.Response:
        record = self._keyed(call, key)
        form = self._form(call.entity)
        return json_response(
            render(self._erp, record, self._shape(call), self._place(call), form=form)
        )

    def _keyed(self, call: Call, key: tuple[str, ...]) -> Record:
        table = self._erp.table(call.entity.name)
        record = table.by_id(key[0]) if len(key) == 1 and _is_guid(key[0]) else None
        record = record or table.get(*_typed_key(call.entity, key))
        if record is None:
            raise no_record()
        return record

    def _schema(self, call: Call) -> web.Response:
        entity = call.entity
        custom: dict[str, dict[str, Any]] = {}
        for (owner, view, name), wrapper in self._erp.custom_fields.items():
            if owner == entity.name:
                custom.setdefault(view, {})[name] = {"type": wrapper}
        content: dict[str, Any] = {name: {} for name in sorted(entity.scalars(ANY_VERSION))}
        content["custom"] = custom
        content["_workflowActions"] = sorted(self._form(entity).actions)
        return json_response(content)

    # Writing

    def _save(self, call: Call, rest: tuple[str, ...]) -> web.Response:
        if rest:
            raise no_route(str(call.request.url))
        request, entity = call.request, call.entity
        is_patch = request.method == "PATCH"
        if is_patch and call.target.version_number < _FIRST_WITH_PATCH:
            raise message(405, "The requested resource does not support http method 'PATCH'.")
        self._operations.check_free(entity.name, call.session, call.target.version_number)
        form = self._form(entity)
        given = self._reader(call).read(entity, _json(call.body))
        if isinstance(form, InquiryForm):
            record, original = form.draft(given, None).record, None
        else:
            original = find_original(form, given, self._condition(call))
            if is_patch and original is None:
                raise message(404, "The record does not exist.")
            check_conditions(
                original,
                if_match=request.headers.get("If-Match"),
                if_none=request.headers.get("If-None-Match"),
            )
            record = save(form, given, original)
        shape = self._shape(call, also=given.paths())
        place = replace(self._place(call), is_fresh=original is None)
        return json_response(render(self._erp, record, shape, place, form=form))

    def _delete(self, call: Call, key: tuple[str, ...]) -> web.Response:
        self._operations.check_free(call.entity.name, call.session, call.target.version_number)
        record = self._keyed(call, key)
        self._erp.delete(record)
        return web.Response(status=204)

    def _act(self, call: Call, rest: tuple[str, ...]) -> web.Response:
        if not rest:
            raise message(406, "The requested operation is not supported.")
        form, action = self._form(call.entity), rest[0]
        if action.lower() not in form.actions:
            raise no_route(str(call.request.url))
        self._operations.check_free(call.entity.name, call.session, call.target.version_number)
        content = _json(call.body)
        named = content.get("entity") if isinstance(content, dict) else None
        if not isinstance(named, dict):
            raise invalid_request("The entity is required.", "entity")
        given = self._reader(call).read(call.entity, named)
        record = find_original(form, given, None)
        if record is None:
            raise no_record()
        parameters = _parameters(content.get("parameters"))
        operation = self._operations.run(form, record, action, parameters, session=call.session)
        if operation is None:
            return web.Response(status=204)
        path = f"{self._base(call)}/{call.entity.name}/{action}/status/{operation.id}"
        return web.Response(status=202, headers={"Location": self._address(call, path)})

    def _poll(self, call: Call, operation_id: str) -> web.Response:
        is_done = self._operations.poll(operation_id, call.session, str(call.request.url))
        return web.Response(status=204 if is_done else 202)

    def _attach(self, call: Call, record: Record, filename: str) -> web.Response:
        comment = call.request.headers.get("PX-CbFileComment", "")
        file = self._attachments.attach(record, filename, call.body, comment)
        return web.Response(
            status=204,
            headers={"Location": self._address(call, f"{self._base(call)}/files/{file.id}")},
        )

    # What the calls share

    def _form(self, entity: Entity) -> Form:
        return self._erp.forms[entity.name]

    def _condition(self, call: Call) -> Filter | None:
        text = call.request.query.get("$filter")
        if not text:
            return None
        version = call.target.version_number
        return compile_filter(text, call.entity, self._erp.contract, version)

    def _shape(self, call: Call, *, also: frozenset[str] = frozenset()) -> Shape:
        query = call.request.query
        select = query.get("$select") or None
        return shape_of(
            call.entity,
            self._erp.contract,
            call.target.version_number,
            select=select,
            expand=query.get("$expand", ""),
            custom=query.get("$custom", ""),
            also=also if select is not None else frozenset(),
            ignores_unknown=not self._erp.switches["unknown_expand_fails"],
        )

    def _reader(self, call: Call) -> BodyReader:
        key = (call.target.version_number, bool(self._erp.switches["bare_values_refused"]))
        if key not in self._readers:
            self._readers[key] = BodyReader(
                self._erp.contract, key[0], takes=self._takes, refuses_bare=key[1]
            )
        return self._readers[key]

    def _takes(self, entity: Entity, field: Field) -> bool:
        hidden = self._erp.switches["hidden_fields"]
        return not hidden or f"{entity.name}.{field.name}" not in hidden

    def _check_optimiser(self, entity: Entity, expand: str) -> None:
        if isinstance(self._form(entity), InquiryForm):
            raise _cannot_optimise(f"{entity.name}: the entity is an inquiry")
        for name in expand.split(","):
            complaint = _UNOPTIMISED.get((entity.name, name.strip()))
            if complaint is not None:
                raise _cannot_optimise(f"{complaint} has BQL delegate")

    def _place(self, call: Call) -> Place:
        return Place(call.target.prefix, call.target.version, call.entity.graph)

    def _base(self, call: Call) -> str:
        return f"{call.target.prefix}/entity/Default/{call.target.version}"

    def _address(self, call: Call, path: str) -> str:
        if self._erp.switches["absolute_locations"]:
            return f"{call.request.url.origin()}{path}"
        return path


def _json(body: bytes) -> Any:
    if not body.strip():
        raise invalid_request("The request body should not be empty.")
    try:
        return _decode(body)
    except msgspec.DecodeError as exc:
        raise invalid_request(str(exc)) from exc


def _parameters(part: Any) -> dict[str, Any]:
    if not isinstance(part, dict):
        return {}
    return {
        name: value.get("value") if isinstance(value, dict) else value
        for name, value in part.items()
    }


def _count(query: Mapping[str, str], name: str) -> int | None:
    text = query.get(name)
    if text is None:
        return None
    if not text.isdigit():
        raise invalid_request(f"The value '{text}' is not valid for {name}.", name)
    return int(text)


def _typed_key(entity: Entity, key: tuple[str, ...]) -> tuple[str | int, ...]:
    kinds = [entity.fields[name].kind for name in entity.keys]
    if len(kinds) != len(key):
        return key
    return tuple(
        int(part) if kind == "i" and part.isdigit() else part
        for part, kind in zip(key, kinds, strict=True)
    )


def _is_guid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True


def _bare(record: Record) -> Record:
    bare = record.copied()
    bare.rows = {}
    return bare


def _cannot_optimise(complaint: str) -> RefusalError:
    text = (
        f"Optimization cannot be performed.The following fields cause the error:\r\n{complaint}\r\n"
    )
    return fault(text, _OPTIMISER)
