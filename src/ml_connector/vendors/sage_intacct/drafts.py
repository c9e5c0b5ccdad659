"""What is to be written: the fields of a record that a write names, and no others.

A field left UNSET is not sent and stays as it is; None empties it. Custom fields, and whatever
else the object has, go into ``fields`` by their name. Fields are sent in the order in which they
stand here, which is that of the vendor's own libraries.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from typing import ClassVar, Literal

from msgspec import UNSET, Struct, UnsetType, field

from ml_connector.core.errors import InvalidRecordError
from ml_connector.vendors.sage_intacct.models import GLBatchInFull, GLEntry, vendor_name

Scalar = str | bool | int | Decimal | date | None
Text = str | None | UnsetType
YesNo = bool | None | UnsetType
Number = Decimal | None | UnsetType
Day = date | None | UnsetType

Side = Literal[1, -1]
DEBIT: Side = 1
CREDIT: Side = -1

CENTS = 2
"""Digits of amounts; the gateway rounds what has more, line by line."""
RATE_DIGITS = 4
LEAST_LINES = 2


class Draft(Struct, frozen=True, kw_only=True, rename=vendor_name, omit_defaults=True):
    """Fields to write."""

    fields: Mapping[str, Scalar] = field(name="fields", default_factory=dict)
    """Further fields by their name, such as custom ones."""


class RecordDraft(Draft, frozen=True, kw_only=True):
    """A record to write."""

    OBJECT: ClassVar[str]


class MailAddressDraft(Draft, frozen=True, kw_only=True):
    """A postal address; ``country`` is Intacct's English name of it."""

    address1: Text = UNSET
    address2: Text = UNSET
    city: Text = UNSET
    state: Text = UNSET
    zip: Text = UNSET
    country: Text = UNSET
    country_code: Text = UNSET


class ContactDraft(Draft, frozen=True, kw_only=True):
    """The contact that a vendor or customer shows. ``print_as`` is required by Intacct."""

    print_as: Text = UNSET
    company_name: Text = UNSET
    first_name: Text = UNSET
    last_name: Text = UNSET
    phone1: Text = UNSET
    email1: Text = UNSET
    url1: Text = UNSET
    mail_address: MailAddressDraft | UnsetType = UNSET


class VendorDraft(RecordDraft, frozen=True, kw_only=True):
    """A vendor to create or change.

    ``vendor_id`` stays unset only where the company numbers vendors; it never changes.
    """

    OBJECT = "VENDOR"

    vendor_id: str | UnsetType = UNSET
    name: Text = UNSET
    display_contact: ContactDraft | UnsetType = UNSET
    status: Text = UNSET
    vend_type: Text = UNSET
    tax_id: Text = UNSET
    on_hold: YesNo = UNSET
    comments: Text = UNSET
    currency: Text = UNSET
    term_name: Text = UNSET


class CustomerDraft(RecordDraft, frozen=True, kw_only=True):
    """A customer to create or change."""

    OBJECT = "CUSTOMER"

    customer_id: str | UnsetType = UNSET
    name: Text = UNSET
    display_contact: ContactDraft | UnsetType = UNSET
    status: Text = UNSET
    cust_type: Text = UNSET
    term_name: Text = UNSET
    on_hold: YesNo = UNSET
    comments: Text = UNSET
    currency: Text = UNSET


class GLEntryDraft(Draft, frozen=True, kw_only=True):
    """A line of a journal entry: an amount above zero on one side."""

    document: Text = UNSET
    account_no: str
    side: Side = field(name="TR_TYPE")
    trx_amount: Decimal = field(name="TRX_AMOUNT")
    currency: Text = UNSET
    exchange_rate_on: Day = field(name="EXCH_RATE_DATE", default=UNSET)
    exchange_rate_type: Text = field(name="EXCH_RATE_TYPE_ID", default=UNSET)
    exchange_rate: Number = field(name="EXCHANGE_RATE", default=UNSET)
    location: Text = UNSET
    department: Text = UNSET
    project_id: Text = UNSET
    task_id: Text = UNSET
    customer_id: Text = UNSET
    vendor_id: Text = UNSET
    employee_id: Text = UNSET
    item_id: Text = UNSET
    class_id: Text = UNSET
    description: Text = UNSET


class GLBatchDraft(RecordDraft, frozen=True, kw_only=True):
    """A journal entry to post, or to keep as a draft.

    An update names all lines: those that it leaves out are gone. Where entries are approved,
    ``Posted`` may come back as ``Submitted``: read the state after writing.
    """

    OBJECT = "GLBATCH"

    journal: str | UnsetType = UNSET
    batch_on: date | UnsetType = field(name="BATCH_DATE", default=UNSET)
    batch_title: str | UnsetType = field(name="BATCH_TITLE", default=UNSET)
    history_comment: str | UnsetType = field(name="HISTORY_COMMENT", default=UNSET)
    reference_no: str | UnsetType = UNSET
    base_location_no: str | UnsetType = field(name="BASELOCATION_NO", default=UNSET)
    state: Literal["Posted", "Draft"] | UnsetType = UNSET
    entries: tuple[GLEntryDraft, ...] = ()

    def check(self) -> None:
        """Raise InvalidRecordError for lines that the gateway would refuse, or round."""
        if len(self.entries) < LEAST_LINES:
            raise InvalidRecordError(
                f"A journal entry has at least two lines, and this one has {len(self.entries)}"
            )
        for number, line in enumerate(self.entries, start=1):
            _check_line(number, line)
        for currency, difference in _differences(self.entries).items():
            if difference:
                raise InvalidRecordError(
                    f"The journal entry does not balance: debits exceed credits by "
                    f"{difference:f} {currency}".rstrip()
                )


def reversal_of(
    entry: GLBatchInFull,
    *,
    journal: str,
    batch_on: date,
    batch_title: str,
    reference_no: str,
    state: Literal["Posted", "Draft"],
    rates: Mapping[str, Scalar] | None = None,
) -> GLBatchDraft:
    """Return the entry that takes another one back: its lines with the sides swapped.

    ``rates`` are the fields that tell each line's exchange rate, where currencies are used: what
    rate the first entry had, its lines do not tell.
    """
    return GLBatchDraft(
        journal=journal,
        batch_on=batch_on,
        batch_title=batch_title,
        reference_no=reference_no,
        base_location_no=entry.batch.base_location_no or UNSET,
        state=state,
        entries=tuple(_swapped(line, rates or {}) for line in entry.lines),
    )


def _swapped(line: GLEntry, rates: Mapping[str, Scalar]) -> GLEntryDraft:
    amount = line.amount if line.trx_amount is None else line.trx_amount
    if amount is None or line.account_no is None or line.side not in {DEBIT, CREDIT}:
        raise InvalidRecordError(
            f"Line {line.line_no} of entry {line.batch} has no amount, account or side: it cannot "
            "be taken back"
        )
    return GLEntryDraft(
        document=line.document or UNSET,
        account_no=line.account_no,
        side=CREDIT if line.side == DEBIT else DEBIT,
        trx_amount=amount,
        currency=line.currency or UNSET,
        description=line.description or UNSET,
        fields={**rates, **line.dimensions},
    )


def _check_line(number: int, line: GLEntryDraft) -> None:
    amount = line.trx_amount
    if not amount.is_finite() or amount <= 0:
        raise InvalidRecordError(
            f"Line {number} (account {line.account_no}) has the amount {amount}: amounts are above "
            "zero, and a negative one goes to the other side"
        )
    if _digits(amount) > CENTS:
        raise InvalidRecordError(
            f"Line {number} (account {line.account_no}) has the amount {amount:f}: Intacct keeps "
            "two digits and would round it"
        )
    rate = line.exchange_rate
    if isinstance(rate, Decimal) and (_digits(rate) > RATE_DIGITS or rate <= 0):
        raise InvalidRecordError(
            f"Line {number} has the exchange rate {rate:f}: Intacct keeps four digits, and rates "
            "are above zero"
        )


def _digits(number: Decimal) -> int:
    exponent = number.normalize().as_tuple().exponent
    return -exponent if isinstance(exponent, int) and exponent < 0 else 0


def _differences(lines: Iterable[GLEntryDraft]) -> Mapping[str, Decimal]:
    sums: defaultdict[str, Decimal] = defaultdict(Decimal)
    for line in lines:
        sums[line.currency or ""] += line.side * line.trx_amount
    return sums
