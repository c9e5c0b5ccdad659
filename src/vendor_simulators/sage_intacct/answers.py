"""Refusals at the gateway's four levels, and the errors they are made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from vendor_simulators.sage_intacct.elements import Element

GENERIC = "BL01001973"
DUPLICATE = "BL34000061"
MALFORMED = "XL03000003"
REFUSED = "XL03000006"
ROLLED_BACK = "XL03000009"
DATA = "BL03000018"


@dataclass(frozen=True)
class Fault:
    """One error of an answer; ``text`` is what stands in description2."""

    errorno: str
    text: str = ""
    correction: str = ""
    description: str = ""
    error_id: str = ""  # of the additional information, where it is known
    message_id: str = ""
    is_final: bool = False  # the text is recorded without a support id


ROLL_BACK = Fault(
    ROLLED_BACK,
    "The entire transaction in this operation has been rolled back due to an error.",
    is_final=True,
)
OFFLINE = Fault(
    "Error",
    "The Service is Temporarily Off-line",
    correction="Please Try Again Later",
    is_final=True,
)


class RefusalError(Exception):
    """A failure at one of the levels, with its errors."""

    def __init__(self, *faults: Fault) -> None:
        super().__init__("; ".join(fault.text or fault.description for fault in faults))
        self.faults = faults


class GatewayError(RefusalError):
    """A refusal of the layer in front, with an HTTP status of its own."""

    def __init__(self, status: int, errorno: str, description: str) -> None:
        super().__init__(Fault(errorno, description=description))
        self.status = status


class ControlError(RefusalError):
    """A refusal of the whole request."""


class SignInError(RefusalError):
    """A refused login or session."""

    def __init__(self, *faults: Fault, user: str = "", company: str = "") -> None:
        super().__init__(*faults)
        self.user = user
        self.company = company


class FunctionError(RefusalError):
    """A function that failed; ``data`` shows what it did before that."""

    def __init__(self, *faults: Fault, data: Element | None = None) -> None:
        super().__init__(*faults)
        self.data = data


def business(text: str, *, correction: str = "", errorno: str = GENERIC) -> FunctionError:
    """Return a refusal of the business logic."""
    return FunctionError(Fault(errorno, text, correction))


def wrapped(cause: FunctionError, *around: Fault) -> FunctionError:
    """Return a refusal with the generic errors that follow its cause."""
    return FunctionError(*cause.faults, *around, data=cause.data)


def malformed(text: str, *, line: int = 0, column: int = 0) -> ControlError:
    """Return the refusal of a request that does not fit the schema."""
    return ControlError(_schema_fault(f"Error 1871: {text}", line, column))


def unreadable(reports: Sequence[tuple[str, int, int]]) -> ControlError:
    """Return the refusal of a request with all that the parser said: text, line, column."""
    return ControlError(*(_schema_fault(*report) for report in reports))


def _schema_fault(text: str, line: int, column: int) -> Fault:
    place = f"Line: {line}, column: {column}."
    told = f"XML Parse schema error: {text.rstrip('.')}. {place}"
    return Fault(MALFORMED, told, is_final=True)
