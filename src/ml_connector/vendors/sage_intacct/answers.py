"""An answer of the gateway, taken apart: control, authentication, results, and their faults.

HTTP 200 says nothing: each of the levels has a status of its own, and what is not ``success`` is
a failure, whatever it is called (NOTES.md, "Four levels").
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache

from lxml import etree

from ml_connector.core.errors import ContractError

_GOOD = "success"
_SUPPORT_ID = re.compile(r"\s*\[(?:Support|Request) ID: ?(?P<id>[^\]]*)\]")
_CODE = re.compile(r"[A-Z]{2,3}-?\d{4,}")
_WRAPPER = "BL01001973"
_EXCERPT = 400  # characters of a fault's words in a message


class UnreadableError(ContractError):
    """The body is no XML document, or not one that is safe to read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One ``error`` of an ``errormessage``."""

    number: str
    text: str
    """Without support id and escapes."""
    correction: str
    support_id: str | None

    @property
    def words(self) -> str:
        """What the fault says, with what to do about it."""
        said = self.text or self.number or "no reason given"
        if self.correction and self.correction not in said:
            said = f"{said} {self.correction}"
        return said[:_EXCERPT]


@dataclass(frozen=True, slots=True, kw_only=True)
class Faults:
    """The faults of one level, the cause first and wrappers after it."""

    each: tuple[Fault, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.each)

    @property
    def words(self) -> str:
        """What they say together; general wrappers are left out where something else is said."""
        causes = [one for one in self.each if one.number != _WRAPPER] or list(self.each[:1])
        said = dict.fromkeys(one.words for one in causes)
        return "; ".join(said) or "no reason given"

    @property
    def support_id(self) -> str | None:
        """What the vendor's support asks for."""
        return next((one.support_id for one in self.each if one.support_id), None)

    def has(self, *hints: str) -> bool:
        """Tell whether a fault's number or words contain one of ``hints``; case does not count."""
        said = " ".join(f"{one.number} {one.text} {one.correction}" for one in self.each).lower()
        return any(hint.lower() in said for hint in hints)

    def numbers(self) -> Iterator[str]:
        """Yield the numbers; some are texts."""
        return (one.number for one in self.each)


@dataclass(frozen=True, slots=True, kw_only=True)
class Authentication:
    """How the login or session was received."""

    status: str
    company_id: str
    read_at: datetime | None
    """The gateway's clock."""
    ends_at: datetime | None
    """When the session is over by the gateway's clock, if it is not used again before."""

    @property
    def ends_in(self) -> timedelta | None:
        """How long the session lasts from now on, if it is not used; None where it is not told."""
        if self.read_at is None or self.ends_at is None:
            return None
        return self.ends_at - self.read_at


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """The outcome of one function."""

    status: str
    function: str
    control_id: str
    faults: Faults
    read_at: datetime | None
    data: etree._Element | None = field(repr=False, default=None)
    key: str | None = None
    """What a legacy function answers instead of data."""

    @property
    def is_good(self) -> bool:
        """Whether it was carried out: only ``success`` says so, and no fault beside it."""
        return self.status == _GOOD and not self.faults


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A whole answer."""

    status: str
    control_id: str
    faults: Faults
    """Of the control level."""
    authentication: Authentication | None
    login_faults: Faults
    results: tuple[Result, ...]

    @property
    def is_good(self) -> bool:
        """Whether the request got as far as its functions."""
        return self.status == _GOOD and not self.faults and self.is_logged_in

    @property
    def is_logged_in(self) -> bool:
        """Whether the login or session was accepted."""
        login = self.authentication
        return login is not None and login.status == _GOOD and not self.login_faults


@lru_cache(maxsize=2)  # the transport reads it for errors, the client for what it brought
def read(body: bytes) -> Answer:
    """Read an answer.

    Raises UnreadableError when it is no XML, and ContractError when it lacks what an answer has.
    """
    root = _parsed(body)
    control = root.find("control")
    if root.tag != "response" or control is None:
        raise ContractError(f"Intacct answered <{root.tag}> without a control block")
    operation = root.find("operation")
    status = _text(control, "status")
    if not status:
        raise ContractError("Intacct's answer has no status in its control block")
    if status == _GOOD and operation is None and root.find("errormessage") is None:
        raise ContractError("Intacct's answer has neither an operation nor an error")
    authentication = None if operation is None else _authentication(operation)
    return Answer(
        status=status,
        control_id=_text(control, "controlid"),
        faults=_faults(root),
        authentication=authentication,
        login_faults=Faults() if operation is None else _faults(operation),
        results=() if operation is None else tuple(_results(operation, authentication)),
    )


def _parsed(body: bytes) -> etree._Element:
    # A parser for each: one that met a broken document is not trusted with the next.
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root = etree.fromstring(body.strip(), parser)
    except (etree.XMLSyntaxError, ValueError) as exc:
        raise UnreadableError(f"Intacct's answer is not XML: {exc}") from exc
    if root.getroottree().docinfo.internalDTD is not None:
        raise UnreadableError("Intacct's answer has a document type, which is not read")
    return root


def _authentication(operation: etree._Element) -> Authentication:
    found = operation.find("authentication")
    if found is None or not _text(found, "status"):
        raise ContractError("Intacct's answer does not say whether the login was accepted")
    return Authentication(
        status=_text(found, "status"),
        company_id=_text(found, "companyid"),
        read_at=_stamp(_text(found, "sessiontimestamp")),
        ends_at=_stamp(_text(found, "sessiontimeout")),
    )


def _results(operation: etree._Element, authentication: Authentication | None) -> Iterator[Result]:
    for found in operation.findall("result"):
        control_id = _text(found, "controlid")
        if not (control_id and _text(found, "function")):
            raise ContractError("Intacct's answer has a result that does not say whose it is")
        yield Result(
            status=_text(found, "status"),
            function=_text(found, "function"),
            control_id=control_id,
            faults=_faults(found),
            read_at=None if authentication is None else authentication.read_at,
            data=found.find("data"),
            key=_text(found, "key") or None,
        )


def _faults(level: etree._Element) -> Faults:
    return Faults(each=tuple(_fault(each) for each in level.findall("errormessage/error")))


def _fault(found: etree._Element) -> Fault:
    number = _unescaped(_text(found, "errorno"))
    described = [_unescaped(_text(found, name)) for name in ("description2", "description")]
    said = next((text for text in described if text), "")
    if said and not _CODE.fullmatch(number) and number not in said:
        said = f"{number}: {said}" if number else said
    correction = _unescaped(_text(found, "correction"))
    support = _SUPPORT_ID.search(" ".join([*described, correction]))
    return Fault(
        number=number,
        text=_SUPPORT_ID.sub("", said),
        correction=_SUPPORT_ID.sub("", correction),
        support_id=support["id"] if support else None,
    )


def _unescaped(text: str) -> str:
    # Quotes come escaped once or twice more than XML asks for.
    return " ".join(html.unescape(html.unescape(text)).split())


def _text(element: etree._Element, name: str) -> str:
    return (element.findtext(name) or "").strip()


def _stamp(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else None
