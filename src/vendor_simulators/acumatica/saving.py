"""Saving through the API: which record is meant, the conditions, and the answer to a bad one."""

from __future__ import annotations

from typing import Any

from vendor_simulators.acumatica.answers import RefusalError, fault, message, no_record
from vendor_simulators.acumatica.bodies import Given
from vendor_simulators.acumatica.filters import Filter
from vendor_simulators.acumatica.forms import Draft, Form
from vendor_simulators.acumatica.numbering import NEW
from vendor_simulators.acumatica.records import Record, normal
from vendor_simulators.acumatica.values import shown

_ERRORS_TYPE = "PX.Api.ContractBased.OutcomeEntityHasErrorsException"


def find_original(form: Form, given: Given, condition: Filter | None) -> Record | None:
    """Return the record that a PUT is about: by id, by its keys, or by ``$filter``."""
    table = form.site.table(form.entity.name)
    if given.id is not None:
        found = table.by_id(given.id)
        if found is None:
            raise no_record()
        return found
    key = [given.values.get(name, form.default_keys.get(name)) for name in form.entity.keys]
    if key and all(part is not None and normal(part) != NEW for part in key):
        return table.get(*key)
    if condition is None:
        return None
    matching = [record for record in table if condition.test(record)]
    if len(matching) > 1:
        raise fault("More than one entity satisfies the condition.")
    return matching[0] if matching else None


def check_conditions(original: Record | None, *, if_match: str | None, if_none: str | None) -> None:
    """Refuse with 412 what the conditional headers rule out."""
    if if_none == "*" and original is not None:
        raise message(412, "The record already exists.")
    if if_match == "*" and original is None:
        raise message(412, "The record does not exist.")


def save(form: Form, given: Given, original: Record | None) -> Record:
    """Save and return the record; refuse with the tree of errors and change nothing."""
    draft = form.draft(given, original)
    if draft.errors:
        raise unprocessable(form, draft)
    form.site.commit(draft.record)
    return draft.record


def unprocessable(form: Form, draft: Draft) -> RefusalError:
    """Return 422 with the entity and the errors in it (or the 500 form, by a switch)."""
    doing = "Inserting " if draft.is_new else "Updating "
    summary = (
        f"{doing} '{form.entity.title}' record raised at least one error. Please review the errors."
    )
    if form.site.switches["errors_as_500"]:
        texts = [text for errors in draft.errors.values() for text in errors.values()]
        return fault("\r\n".join([summary, *texts]), _ERRORS_TYPE)
    tree = _tree(draft, draft.record, 1)
    own = draft.errors.get(id(draft.record), {}).get("")
    tree["error"] = own or summary
    tree.pop("note")
    for name in form.entity.keys:
        if draft.is_new and draft.record.values.get(name) is None:
            tree.setdefault(name, {"value": NEW})
    return RefusalError(422, dict(sorted(tree.items(), key=_member_order)))


def _tree(draft: Draft, record: Record, number: int) -> dict[str, Any]:
    tree: dict[str, Any] = {"id": record.id, "rowNumber": number, "note": {"value": ""}}
    given = draft.gave.get(id(record))
    errors = draft.errors.get(id(record), {})
    names = {*(given.values if given else ()), *errors} - {""}
    for name in sorted(names):
        field = record.entity.fields[name]
        wrapped: dict[str, Any] = {}
        value = given.values.get(name) if given else None
        value = record.values.get(name) if value is None else value
        if value is not None:
            wrapped["value"] = shown(field.kind, value)
        if name in errors:
            wrapped["error"] = errors[name]
        tree[name] = wrapped
    for name, part in record.links.items():
        if id(part) in draft.gave or id(part) in draft.errors:
            tree[name] = _tree(draft, part, 1)
    for name, rows in record.rows.items():
        touched = [row for row in rows if id(row) in draft.gave or id(row) in draft.errors]
        if touched:
            tree[name] = [_tree(draft, row, at) for at, row in enumerate(touched, start=1)]
    if "" in errors:
        tree["error"] = errors[""]
    return tree


def _member_order(member: tuple[str, Any]) -> tuple[int, str]:
    first = {"id": 0, "rowNumber": 1, "error": 2}
    return first.get(member[0], 3), member[0]
