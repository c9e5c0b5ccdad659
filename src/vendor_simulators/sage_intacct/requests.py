"""A request as bytes, read and checked against the gateway's schema.

Whatever does not fit is a failure of the whole request, with libxml's own words as the gateway
tells them; sender and control id are echoed as far as they can be made out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from lxml import etree

from vendor_simulators.sage_intacct.answers import (
    REFUSED,
    ControlError,
    Fault,
    malformed,
    unreadable,
)
from vendor_simulators.sage_intacct.elements import Element, child, children, text_of

VERSION = "3.0"
_DEEPEST_ECHO = 2_000  # characters of a broken request that are searched for what to echo
_MOST_FAULTS = 5


@dataclass(frozen=True)
class Control:
    """What the control block says, and what of it an answer echoes."""

    sender: str = ""
    password: str = ""
    control_id: str = ""
    is_unique: bool = True
    version: str = ""
    policy: str = ""
    has_whitespace: bool = True
    has_additional_info: bool = False


@dataclass(frozen=True)
class Credentials:
    """A login or a session."""

    session: str | None = None
    user: str = ""
    company: str = ""
    password: str = ""
    client: str = ""
    entity: str = ""


@dataclass(frozen=True)
class Function:
    """One function of a request."""

    name: str
    control_id: str
    element: Element


@dataclass(frozen=True)
class Request:
    """A well-formed request."""

    control: Control
    credentials: Credentials
    functions: tuple[Function, ...]
    is_transaction: bool


class UnfitRequestError(Exception):
    """A request that is refused as a whole, with what can be echoed of it."""

    def __init__(self, refusal: ControlError, control: Control) -> None:
        super().__init__(str(refusal))
        self.refusal = refusal
        self.control = control


def read(body: bytes, switches: Mapping[str, Any]) -> Request:
    """Return the request in ``body``; raise UnfitRequestError for one that does not fit."""
    echo = _echo(body)
    try:
        root = _parsed(body)
        _check(root)
        control = _control(root)
        _check_version(control, switches)
        return _request(root, control)
    except ControlError as exc:
        raise UnfitRequestError(exc, echo) from exc


def summary(body: bytes) -> str:
    """Name the functions of a request and their objects, without ids, for journal and faults."""
    try:
        root = _parsed(body)
    except ControlError:
        return "unreadable"
    named = [_named(one) for function in root.iter("function") for one in children(function)]
    return " + ".join(dict.fromkeys(named)) or "nothing"


def session_of(body: bytes) -> str | None:
    """Return the session that a request uses."""
    try:
        found = _parsed(body).find("operation/authentication/sessionid")
    except ControlError:
        return None
    return None if found is None else (found.text or "").strip()


def _named(function: Element) -> str:
    objects = [function.get("object", ""), text_of(function, "object")]
    if function.tag in {"create", "update"}:
        objects = list(dict.fromkeys(str(one.tag) for one in children(function)))
    return " ".join([str(function.tag), *(name.upper() for name in objects if name)])


def _parsed(body: bytes) -> Element:
    """Return the root; document types, and so entities, are refused before they are read."""
    if b"<!DOCTYPE" in body or b"<!ENTITY" in body:
        raise unreadable([("Document type declarations are not allowed", 1, 0)])
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root = etree.fromstring(body, parser)
    except (etree.XMLSyntaxError, ValueError) as exc:
        raise unreadable(_reports(parser, str(exc))) from exc
    docinfo: Any = root.getroottree().docinfo
    if docinfo.doctype:  # in another encoding than ASCII shows
        raise unreadable([("Document type declarations are not allowed", 1, 0)])
    return root


def _reports(parser: etree.XMLParser, text: str) -> list[tuple[str, int, int]]:
    found = [
        (f"Fatal Error {entry.type}: {entry.message}", entry.line, entry.column)
        for entry in parser.error_log
    ]
    return found[:_MOST_FAULTS] or [(f"Fatal Error 4: {text or 'Document is empty'}", 1, 1)]


def _check(root: Element) -> None:
    if _SCHEMA.validate(root):
        return
    log: Any = _SCHEMA.error_log
    first = log[0]
    raise malformed(str(first.message), line=first.line, column=first.column)


def _control(root: Element) -> Control:
    given = child(root, "control")
    if given is None:
        raise malformed("Element 'request': Missing child element(s). Expected is ( control )")
    return Control(
        sender=text_of(given, "senderid"),
        password=text_of(given, "password"),
        control_id=text_of(given, "controlid"),
        is_unique=_truth(text_of(given, "uniqueid"), default=True),
        version=text_of(given, "dtdversion"),
        policy=text_of(given, "policyid"),
        has_whitespace=_truth(text_of(given, "includewhitespace"), default=True),
        has_additional_info=_truth(text_of(given, "showadditionalerrorinfo"), default=False),
    )


def _check_version(control: Control, switches: Mapping[str, Any]) -> None:
    is_left_out = not control.version and not switches["dtdversion_required"]
    if control.version != VERSION and not is_left_out:
        raise malformed(f"Element 'dtdversion': '{control.version}' is not a supported version")
    if control.policy:
        text = f"{control.policy} is not a valid transport policy."
        raise ControlError(Fault(REFUSED, text, is_final=True))


def _request(root: Element, control: Control) -> Request:
    operations = root.findall("operation")
    if len(operations) > 1:
        raise malformed("Element 'operation': This element is not expected")
    operation = operations[0]
    functions = tuple(
        Function(str(inner.tag), given.get("controlid", ""), inner)
        for given in operation.iterfind("content/function")
        for inner in children(given)
    )
    if not functions:
        raise malformed("Element 'operation': Missing child element(s). Expected is ( content )")
    is_transaction = operation.get("transaction") == "true"
    return Request(control, _credentials(operation), functions, is_transaction)


def _credentials(operation: Element) -> Credentials:
    login = operation.find("authentication/login")
    if login is None:
        return Credentials(session=text_of(operation, "authentication/sessionid"))
    company, client, entity = (
        text_of(login, name) for name in ("companyid", "clientid", "locationid")
    )
    if "|" in company:  # a console slide-in in one element
        parts = [*company.split("|"), "", ""]
        company, client, entity = parts[0], parts[1], parts[2] or entity
    return Credentials(
        user=text_of(login, "userid"),
        company=company,
        password=text_of(login, "password"),
        client=client,
        entity=entity,
    )


def _truth(text: str, *, default: bool) -> bool:
    return text.lower() == "true" if text else default


def _echo(body: bytes) -> Control:
    """Return what a broken request tells about itself in its first characters."""
    text = body[:_DEEPEST_ECHO].decode("utf-8", "replace")

    def said(tag: str) -> str:
        found = re.search(rf"<{tag}>([^<]*)</{tag}>", text)
        return found[1].strip() if found else ""

    return Control(
        sender=said("senderid"),
        control_id=said("controlid"),
        is_unique=_truth(said("uniqueid"), default=True),
        version=said("dtdversion"),
        has_whitespace=_truth(said("includewhitespace"), default=True),
    )


_SCHEMA = etree.XMLSchema(etree.fromstring((files(__package__) / "gateway.xsd").read_bytes()))
