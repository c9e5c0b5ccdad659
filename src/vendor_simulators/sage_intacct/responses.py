"""The response envelope: control, authentication, and one result for each function."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from lxml import etree

from vendor_simulators.sage_intacct.answers import Fault
from vendor_simulators.sage_intacct.elements import Element, element, leaf
from vendor_simulators.sage_intacct.requests import Control

Status = Literal["success", "failure", "aborted"]
_PROLOGUE = b'<?xml version="1.0" encoding="UTF-8"?>\n'


@dataclass
class Result:
    """What became of one function."""

    function: str
    control_id: str
    status: Status = "success"
    content: Sequence[Element] = ()
    faults: Sequence[Fault] = ()


@dataclass(frozen=True)
class SignedIn:
    """The authentication block of an answer."""

    status: Status
    user: str = ""
    company: str = ""
    entity: str = ""
    timestamp: str = ""
    timeout: str = ""


@dataclass
class Writer:
    """Writes responses; ``worded`` puts the last touch to a fault's text."""

    worded: Callable[[Fault], str]
    support_id: Callable[[], str]
    control: Control = field(default_factory=Control)

    def refused(self, faults: Iterable[Fault]) -> bytes:
        """Return the answer to a request that failed as a whole."""
        return self._written(self._control("failure"), self._errors(faults))

    def not_signed_in(self, signed_in: SignedIn, faults: Iterable[Fault]) -> bytes:
        """Return the answer to a refused login or session."""
        operation = element("operation", _authentication(signed_in), self._errors(faults))
        return self._written(self._control("success"), operation)

    def answered(self, signed_in: SignedIn, results: Iterable[Result]) -> bytes:
        """Return the answer with a result for each function."""
        told = [self._result(result) for result in results]
        operation = element("operation", _authentication(signed_in), *told)
        return self._written(self._control("success"), operation)

    def acted_up(self, fault: Fault) -> bytes:
        """Return a refusal of the layer in front: no echo, and a description alone."""
        error = element(
            "error", leaf("errorno", fault.errorno), leaf("description", fault.description)
        )
        control = element("control", leaf("status", "failure"))
        return self._written(control, element("errormessage", error))

    def _control(self, status: Status) -> Element:
        given = self.control
        return element(
            "control",
            leaf("status", status),
            leaf("senderid", given.sender),
            leaf("controlid", given.control_id),
            leaf("uniqueid", "true" if given.is_unique else "false"),
            leaf("dtdversion", given.version),
        )

    def _result(self, result: Result) -> Element:
        made = element(
            "result",
            leaf("status", result.status),
            leaf("function", result.function),
            leaf("controlid", result.control_id),
            *result.content,
        )
        if result.faults:
            made.append(self._errors(result.faults))
        return made

    def _errors(self, faults: Iterable[Fault]) -> Element:
        return element("errormessage", *(self._error(fault) for fault in faults))

    def _error(self, fault: Fault) -> Element:
        made = element(
            "error",
            leaf("errorno", fault.errorno),
            leaf("description", fault.description),
            leaf("description2", self.worded(fault)),
            leaf("correction", fault.correction),
        )
        if self.control.has_additional_info:
            made.append(self._additional(fault))
        return made

    def _additional(self, fault: Fault) -> Element:
        def target(name: str, request_info: str = "") -> Element:
            return element(
                "target",
                **{"domain": "", "requestinfo": request_info, "object": "", "field": "", name: ""},
            )

        def message(tag: str, message_id: str) -> Element:
            return element(
                tag, leaf("messageid", message_id), target("businessInfo"), leaf("placeholders")
            )

        return element(
            "additionalinfo",
            leaf("errorid", fault.error_id),
            leaf("category"),
            target("businessinfo", self.support_id()),
            message("description", fault.message_id),
            message("cdescription", ""),
            message("correction", ""),
        )

    def _written(self, *parts: Element) -> bytes:
        is_pretty = self.control.has_whitespace
        return _PROLOGUE + etree.tostring(
            element("response", *parts), encoding="UTF-8", pretty_print=is_pretty
        ).removeprefix(b"<?xml version='1.0' encoding='UTF-8'?>\n")


def _authentication(signed_in: SignedIn) -> Element:
    made = element(
        "authentication",
        leaf("status", signed_in.status),
        leaf("userid", signed_in.user),
        leaf("companyid", signed_in.company),
    )
    if signed_in.status == "success":
        made.append(leaf("locationid", signed_in.entity))
        made.append(leaf("sessiontimestamp", signed_in.timestamp))
        if signed_in.timeout:
            made.append(leaf("sessiontimeout", signed_in.timeout))
    return made
