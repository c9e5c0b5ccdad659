"""What every request passes: sender, login, control ids; then its functions run in order."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from vendor_simulators.sage_intacct.answers import (
    OFFLINE,
    REFUSED,
    ROLL_BACK,
    ControlError,
    Fault,
    FunctionError,
    RefusalError,
    SignInError,
)
from vendor_simulators.sage_intacct.company import Company
from vendor_simulators.sage_intacct.elements import Element, element, leaf, text_of
from vendor_simulators.sage_intacct.elements import child as child_of
from vendor_simulators.sage_intacct.metadata import Metadata
from vendor_simulators.sage_intacct.queries import Queries
from vendor_simulators.sage_intacct.reading import Reads
from vendor_simulators.sage_intacct.requests import Function, Request, UnfitRequestError, read
from vendor_simulators.sage_intacct.responses import Result, SignedIn, Writer
from vendor_simulators.sage_intacct.rights import Rights
from vendor_simulators.sage_intacct.saving import Saving
from vendor_simulators.sage_intacct.sessions import Caller, Identity
from vendor_simulators.sage_intacct.setup_reads import SetupReads

GATEWAY_PATH = "/ia/xml/xmlgw.phtml"
_DAY_SECONDS = 86_400.0
_CHARGED = frozenset({"query", "readByQuery", "readMore", "create", "update", "delete"})
_COUNTS_OBJECTS = frozenset({"create", "update"})

Handler = Callable[[Caller, Element], Sequence[Element]]


@dataclass(frozen=True)
class Completed:
    """A function that was executed and completed under a unique control id."""

    at: float
    result: Result


@dataclass(frozen=True)
class Answer:
    """The bytes of an answer, and how many transactions the request counts for."""

    body: bytes
    cost: int = 0


class Gateway:
    """Answers requests."""

    def __init__(self, company: Company, identity: Identity) -> None:
        self._company = company
        self._identity = identity
        self._switches = company.switches
        self.completed: dict[tuple[str, str], Completed] = {}
        rights = Rights(company, identity)
        self.saving = Saving(company, rights)
        self._origin = ""
        reads, queries = Reads(company, rights), Queries(company, rights)
        setup, metadata = SetupReads(company, identity, rights), Metadata(company)
        self._functions: Mapping[str, Handler] = {
            "getAPISession": self._api_session,
            "query": queries.query,
            "read": reads.read,
            "readByName": reads.read_by_name,
            "readByQuery": reads.read_by_query,
            "readMore": reads.read_more,
            "lookup": metadata.lookup,
            "inspect": metadata.inspect,
            "create": self.saving.create,
            "update": self.saving.update,
            "delete": self.saving.delete,
            "create_gltransaction": self.saving.create_gl_transaction,
            "delete_gltransaction": self.saving.delete_gl_transaction,
            "getFinancialSetup": setup.financial_setup,
            "readEntityDetails": setup.entity_details,
            "getDimensions": setup.dimensions,
            "getDimensionRestrictions": setup.no_restrictions,
            "getDimensionRelationships": setup.no_restrictions,
            "getDimensionAutofillDetails": setup.no_restrictions,
            "getDimensionRestrictedData": setup.no_restrictions,
            "getUserPermissions": setup.user_permissions,
            "getAuditTrail": setup.audit_trail,
            "get_closedbooksdate": setup.closed_books,
            "get_list": setup.get_list,
        }

    def answer(self, body: bytes, *, origin: str, pod: str = "") -> Answer:
        """Answer a request to ``origin``; raise GatewayError for the layer in front."""
        self._origin = origin
        writer = Writer(self._worded, self._support_id)
        try:
            request = read(body, self._switches)
        except UnfitRequestError as exc:
            writer.control = exc.control
            return Answer(writer.refused(exc.refusal.faults))
        writer.control = request.control
        try:
            self._identity.check_sender(request.control)
            self._check_alone(request)
            caller = self._identity.sign_in(request.control, request.credentials, pod)
            self._refuse_repeats(request, caller)
        except ControlError as exc:
            return Answer(writer.refused(exc.faults))
        except SignInError as exc:
            refused = SignedIn("failure", user=exc.user, company=exc.company)
            return Answer(writer.not_signed_in(refused, exc.faults))
        if self._switches["offline_next"] > 0:
            self._switches["offline_next"] -= 1
            return Answer(writer.refused([OFFLINE]))
        results = self._results(request, caller)
        cost = sum(_transactions(one) for one in request.functions[: len(results)])
        return Answer(writer.answered(self._identity.signed_in(caller), results), cost)

    def _results(self, request: Request, caller: Caller) -> list[Result]:
        results: list[Result] = []
        start = self._company.mark()
        for function in request.functions:
            result = self._result(request, caller, function)
            results.append(result)
            if request.is_transaction and result.status != "success":
                self._company.roll_back(start)
                results = self._aborted(results, request.functions[len(results) :])
                break
        self._company.settle()
        return results

    def _result(self, request: Request, caller: Caller, function: Function) -> Result:
        key = self._completed_key(caller, function)
        if request.control.is_unique:
            repeated = self._of_repeat(key, function)
            if repeated is not None:
                return repeated
        result = Result(function.name, function.control_id)
        try:
            result.content = self._functions[function.name](caller, function.element)
        except RefusalError as exc:
            result.status, result.faults = "failure", exc.faults
            data = exc.data if isinstance(exc, FunctionError) else None
            result.content = () if data is None else (data,)
        is_done = result.status == "success" or self._switches["failed_functions_consume_ids"]
        if request.control.is_unique and is_done:
            self.completed[key] = Completed(self._company.clock.monotonic(), replace(result))
            self._company.log(lambda: self._forget(key))
        return result

    def _forget(self, key: tuple[str, str]) -> None:
        self.completed.pop(key, None)

    def _aborted(self, results: list[Result], later: Sequence[Function]) -> list[Result]:
        """Return the results of a transaction that was rolled back."""
        *done, culprit = results
        for result in done:
            result.status, result.content, result.faults = "aborted", (), (ROLL_BACK,)
        culprit.content = ()
        culprit.faults = (*culprit.faults, ROLL_BACK)
        culprit.status = self._switches["culprit_status"]
        untouched = [
            Result(function.name, function.control_id, "aborted", faults=(ROLL_BACK,))
            for function in later
            if self._switches["later_functions"] == "aborted"
        ]
        return [*done, culprit, *untouched]

    # Control ids

    def _refuse_repeats(self, request: Request, caller: Caller) -> None:
        if not request.control.is_unique or self._switches["duplicate_answer"] != "control_error":
            return
        for function in request.functions:
            if self._is_repeat(self._completed_key(caller, function)):
                raise ControlError(self._repeat_fault(function))

    def _of_repeat(self, key: tuple[str, str], function: Function) -> Result | None:
        """Return the answer to a repeated function, None for one that is new."""
        if not self._is_repeat(key):
            return None
        if self._switches["duplicate_answer"] == "replay":
            return replace(self.completed[key].result)
        faults = (self._repeat_fault(function),)
        return Result(function.name, function.control_id, "failure", faults=faults)

    def _is_repeat(self, key: tuple[str, str]) -> bool:
        found = self.completed.get(key)
        days = self._switches["unique_days"]
        if found is None or days is None:
            return found is not None
        return self._company.clock.monotonic() - found.at < float(days) * _DAY_SECONDS

    def _repeat_fault(self, function: Function) -> Fault:
        told = str(self._switches["duplicate_text"]).replace("{controlid}", function.control_id)
        return Fault(str(self._switches["duplicate_errorno"]), told, is_final=True)

    def _completed_key(self, caller: Caller, function: Function) -> tuple[str, str]:
        scope = caller.sender if self._switches["unique_per_sender"] else ""
        return scope, function.control_id

    # Sessions

    def _check_alone(self, request: Request) -> None:
        names = [function.name for function in request.functions]
        if "getAPISession" in names and len(names) > 1:
            told = "getAPISession must be the only function of a request."
            raise ControlError(Fault(REFUSED, told, is_final=True))

    def _api_session(self, caller: Caller, asked: Element) -> list[Element]:
        has_place = child_of(asked, "locationid") is not None
        entity = text_of(asked, "locationid") if has_place else None
        session = self._identity.open(caller, entity)
        prefix = f"/{session.pod}" if session.pod else ""
        endpoint = self._switches["foreign_endpoint"] or f"{self._origin}{prefix}{GATEWAY_PATH}"
        api = element(
            "api",
            leaf("sessionid", session.session_id),
            leaf("endpoint", str(endpoint)),
            leaf("locationid", session.entity),
        )
        return [element("data", api)]

    # Words

    def _worded(self, fault: Fault) -> str:
        text = fault.text
        if self._switches["escaped_quotes"]:
            text = text.replace("'", "&#039;")
        if text and not fault.is_final and self._switches["support_ids"]:
            text = f"{text} {self._support_id()}"
        return text

    def _support_id(self) -> str:
        secret = self._company.secret
        return f"[Support ID: {secret(5)}%7E{secret(26)}]"


def _transactions(function: Function) -> int:
    """Return what a function counts for: each query, and each object that it writes."""
    if function.name in _COUNTS_OBJECTS:
        return len(function.element)
    return int(function.name in _CHARGED)


def as_rows(completed: Mapping[tuple[str, str], Completed]) -> list[dict[str, Any]]:
    """Return the remembered control ids as plain values."""
    return [
        {"sender": sender, "controlid": control_id, "function": found.result.function}
        for (sender, control_id), found in completed.items()
    ]
