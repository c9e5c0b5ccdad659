"""What a deal shows of its documents in the ERP: pure figures, by the rules of M-06 and M-07.

Each document was read once and is remembered as it stood, with each deal's share of its lines.
A deal's figures are made of all documents that name it, whatever changed last.

Only released documents count. Voided ones leave, and a canceled invoice leaves together with the
credit memo that canceled it. Credit memos subtract. What settled an invoice is told apart:
payments, prepayments, credit, and what was written off.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from enum import Enum

from msgspec import Struct

from ml_connector.core.money import Money, share_out, total

ZERO = Decimal(0)

RELEASED = frozenset({"Open", "Closed"})
_LEFT = frozenset({"Voided"})
_CANCELED = "Canceled"

_SIGNS: Mapping[str, int] = {
    "Invoice": 1,
    "Debit Memo": 1,
    "Overdue Charge": 1,
    "Cash Sale": 1,
    "Credit Memo": -1,
    "Cash Return": -1,
}
_PAYMENTS = frozenset({"Payment", "Voided Payment"})
_PREPAYMENTS = frozenset({"Prepayment"})
_CREDITS = frozenset({"Credit Memo"})
_CASH = "Cash Sale"  # paid as it is made: its own payment

_ORDER_WORDS = {"Canceled": "Cancelled"}
_BUCKETS = (30, 60, 90)  # days overdue, up to which each bucket goes


class InvoiceStatus(Enum):
    """What a deal's invoices come to, in one word."""

    NOT_RELEASED = "Not released"
    OPEN = "Open"
    PARTLY_PAID = "Partly paid"
    PAID = "Paid"
    PAID_REST_WRITTEN_OFF = "Paid, rest written off"
    PREPAID = "Prepaid"
    WRITTEN_OFF = "Written off"
    CREDITED = "Credited"


class Ageing(Enum):
    """For how long the oldest invoice is overdue."""

    NOT_DUE = "Not due"
    TO_30 = "1 to 30 days"
    TO_60 = "31 to 60 days"
    TO_90 = "61 to 90 days"
    OVER_90 = "Over 90 days"


# What is remembered of documents ----------------------------------------------------------------


class Settlement(Struct, frozen=True, kw_only=True):
    """A payment, prepayment, memo or write-off that was applied to a document."""

    kind: str
    number: str
    amount: Decimal
    settled_on: date | None = None
    is_voided: bool = False


class Billed(Struct, frozen=True, kw_only=True):
    """An invoice or memo as it stood when it was read; amounts in whole minor units."""

    kind: str
    number: str
    status: str
    currency: str
    amount: Decimal
    """With tax."""
    tax: Decimal
    balance: Decimal
    dated: date | None = None
    due_on: date | None = None
    settlements: tuple[Settlement, ...] = ()
    cancels: str | None = None
    """The number of the invoice that a credit memo was made from, where its lines tell."""


class Ordered(Struct, frozen=True, kw_only=True):
    """A sales order's number and status."""

    number: str
    status: str


class Advance(Struct, frozen=True, kw_only=True):
    """What of a payment is applied to orders, and so not to any invoice yet."""

    kind: str
    number: str
    status: str
    currency: str
    amount: Decimal


class Part(Struct, frozen=True, kw_only=True):
    """One deal's part of one document."""

    weights: tuple[Decimal, ...]
    """What each deal has of the document's lines; last, what belongs to no deal."""
    place: int
    """Which of the weights is this deal's."""
    billed: Billed | None = None
    order: Ordered | None = None
    advance: Advance | None = None

    @property
    def is_shared(self) -> bool:
        """Whether others have a part of the document too."""
        return len(self.weights) > 1

    def share(self, amount: Decimal, currency: str) -> Money:
        """Return this deal's share of an amount; the shares of all add up to it exactly."""
        whole = Money(amount, currency).rounded()
        return share_out(whole, weights=self.weights)[self.place]


# Figures ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What a deal shows; None where there is nothing to show."""

    invoice_numbers: str | None = None
    invoice_status: InvoiceStatus | None = None
    billed_total: Money | None = None
    billed_net: Money | None = None
    open_balance: Money | None = None
    due_on: date | None = None
    overdue_since: date | None = None
    ageing: Ageing | None = None
    last_payment_on: date | None = None
    last_payment: Money | None = None
    prepaid: Money | None = None
    written_off: Money | None = None
    order_status: str | None = None
    billing_remark: str | None = None
    changes_on: date | None = None
    """The first day to come on which the ageing is another, though nothing else changes."""
    documents: tuple[str, ...] = ()
    """One line for each document that counts, for a note."""


def figures_of(
    parts: Sequence[Part], *, today: date, deal_currency: str | None, shows_unreleased: bool
) -> Figures:
    """Return the figures of a deal, as they are on the company's own day ``today``."""
    billed = sorted(
        (Share(part=part, billed=part.billed) for part in parts if part.billed is not None),
        key=lambda share: (share.billed.dated or date.min, share.billed.number, share.billed.kind),
    )
    live = _without_canceled(billed)
    counted = [share for share in live if share.counts]
    unreleased = [share for share in live if share.is_unreleased] if shows_unreleased else []
    advances = [
        part.share(part.advance.amount, part.advance.currency)
        for part in parts
        if part.advance is not None and part.advance.status in RELEASED and part.advance.amount
    ]
    currency = _currency(counted or unreleased, advances, deal_currency)
    own = [share for share in counted if share.billed.currency == currency]
    orders = sorted(
        (part.order for part in parts if part.order is not None), key=lambda order: order.number
    )
    dues, last_payment = _dues(counted, today), _last_payment(own)
    shows_sums = bool(own or unreleased)
    return Figures(
        invoice_numbers=", ".join(share.called for share in (*counted, *unreleased)) or None,
        invoice_status=_status(counted, unreleased),
        billed_total=_total((share.total for share in own), currency) if shows_sums else None,
        billed_net=_total((share.net for share in own), currency) if shows_sums else None,
        open_balance=_total((share.open for share in own), currency) if shows_sums else None,
        due_on=dues.due_on,
        overdue_since=dues.overdue_since,
        ageing=dues.ageing,
        changes_on=dues.changes_on,
        last_payment_on=last_payment[0] if last_payment else None,
        last_payment=last_payment[1] if last_payment else None,
        prepaid=_sum(advances, currency),
        written_off=_sum((share.written_off for share in own), currency),
        order_status=_order_status(orders),
        billing_remark=_remark(live, counted, unreleased, advances, currency),
        documents=tuple(share.told() for share in (*counted, *unreleased)),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """One deal's share of one invoice or memo; amounts of credit memos are negative."""

    part: Part
    billed: Billed

    @property
    def sign(self) -> int:
        """1 for what is owed to the company, -1 for credit, 0 for what is neither."""
        return _SIGNS.get(self.billed.kind, 0)

    @property
    def counts(self) -> bool:
        """Whether it is in the books."""
        return self.billed.status in RELEASED and self.sign != 0

    @property
    def is_unreleased(self) -> bool:
        """Whether it may come into the books yet."""
        return self.billed.status not in RELEASED | _LEFT | {_CANCELED} and self.sign != 0

    @property
    def called(self) -> str:
        """What the deal calls it: its number, and what it is unless an invoice."""
        what = [] if self.billed.kind == "Invoice" else [self.billed.kind.lower()]
        what += ["not released"] if self.is_unreleased else []
        return f"{self.billed.number} ({', '.join(what)})" if what else self.billed.number

    @property
    def total(self) -> Money:
        """With tax."""
        return self._signed(self.billed.amount)

    @property
    def net(self) -> Money:
        """Without tax."""
        return self._signed(self.billed.amount - self.billed.tax)

    @property
    def open(self) -> Money:
        """What is not settled."""
        return self._signed(self.billed.balance)

    @property
    def paid(self) -> Money:
        """What payments settled."""
        if self.billed.kind == _CASH:
            return self._signed(self.billed.amount - self.billed.balance)
        return self._settled_by(_PAYMENTS)

    @property
    def prepaid(self) -> Money:
        """What prepayments settled."""
        return self._settled_by(_PREPAYMENTS)

    @property
    def written_off(self) -> Money:
        """What was settled neither by money nor by credit: written off, or a cash discount."""
        billed = self.billed
        if self.sign < 0 or billed.kind == _CASH or not self.counts:
            return self._signed(ZERO)
        explained = sum(
            (
                one.amount
                for one in self._settlements()
                if one.kind in _PAYMENTS | _PREPAYMENTS | _CREDITS
            ),
            ZERO,
        )
        return self._signed(max(ZERO, billed.amount - billed.balance - explained))

    def payments(self) -> list[Settlement]:
        """Return the payments that stand, oldest first."""
        billed = self.billed
        if billed.kind == _CASH:
            amount = billed.amount - billed.balance
            made = Settlement(
                kind=_CASH, number=billed.number, amount=amount, settled_on=billed.dated
            )
            return [made] if amount > 0 else []
        standing = [
            one
            for one in billed.settlements
            if one.kind == "Payment" and not one.is_voided and one.settled_on and one.amount > 0
        ]
        return sorted(standing, key=lambda one: (one.settled_on or date.min, one.number))

    def told(self) -> str:
        """Say in one line what the document is, as far as this deal goes."""
        words = [f"{self.called}: {self.total}"]
        if self.counts:
            words.append(f"open {self.open}")
        if self.counts and self.billed.due_on and self.open.amount > 0:
            words.append(f"due {self.billed.due_on.isoformat()}")
        return ", ".join(words) + (" (its share)" if self.part.is_shared else "")

    def _signed(self, amount: Decimal) -> Money:
        shared = self.part.share(amount, self.billed.currency)
        return -shared if self.sign < 0 else shared

    def _settled_by(self, kinds: frozenset[str]) -> Money:
        if self.sign < 0:
            return self._signed(ZERO)
        return self._signed(
            sum((one.amount for one in self._settlements() if one.kind in kinds), ZERO)
        )

    def _settlements(self) -> Sequence[Settlement]:
        """Return what settled it. Some sites list a voided payment without its reversal."""
        every = self.billed.settlements
        explained = sum((one.amount for one in every), ZERO)
        if explained > self.billed.amount - self.billed.balance:
            return [one for one in every if not one.is_voided]
        return every


def _without_canceled(shares: Sequence[Share]) -> list[Share]:
    """Leave out voided documents, and canceled ones with the memo that canceled each.

    Canceling an invoice makes a credit memo of its whole amount that is closed at once. Where its
    lines do not name the invoice, it is the one of that amount.
    """
    live = [share for share in shares if share.billed.status not in _LEFT | {_CANCELED}]
    for canceled in shares:
        if canceled.billed.status == _CANCELED:
            memos = [share for share in live if _may_cancel(share, canceled)]
            named = [one for one in memos if one.billed.cancels == canceled.billed.number]
            for memo in (named or memos)[:1]:
                live.remove(memo)
    return live


def _may_cancel(memo: Share, canceled: Share) -> bool:
    mine, theirs = memo.billed, canceled.billed
    return (
        mine.kind == "Credit Memo"
        and mine.status == "Closed"
        and (mine.amount, mine.currency) == (theirs.amount, theirs.currency)
        and mine.cancels in {None, theirs.number}
    )


def _currency(
    shares: Sequence[Share], advances: Sequence[Money], deal_currency: str | None
) -> str | None:
    """Return the currency that sums are made in: the deal's, unless no document has it."""
    there = [share.billed.currency for share in shares] + [money.currency for money in advances]
    if not there:
        return None
    return deal_currency if deal_currency in there else there[0]


def _total(amounts: Iterable[Money], currency: str | None) -> Money | None:
    return None if currency is None else total(amounts, currency=currency)


def _sum(amounts: Iterable[Money], currency: str | None) -> Money | None:
    """Return the sum of what is of one currency; None for nothing, which is not worth showing."""
    found = _total((money for money in amounts if money.currency == currency), currency)
    return found if found is not None and found.amount else None


def _status(counted: Sequence[Share], unreleased: Sequence[Share]) -> InvoiceStatus | None:
    if not counted:
        return InvoiceStatus.NOT_RELEASED if unreleased else None
    paid = any(share.paid.amount > 0 for share in counted)
    prepaid = any(share.prepaid.amount > 0 for share in counted)
    if any(money.amount > 0 for money in _by_currency(share.open for share in counted)):
        return InvoiceStatus.PARTLY_PAID if paid or prepaid else InvoiceStatus.OPEN
    if any(share.written_off.amount > 0 for share in counted):
        is_paid = paid or prepaid
        return InvoiceStatus.PAID_REST_WRITTEN_OFF if is_paid else InvoiceStatus.WRITTEN_OFF
    if paid:
        return InvoiceStatus.PAID
    return InvoiceStatus.PREPAID if prepaid else InvoiceStatus.CREDITED


def _by_currency(amounts: Iterable[Money]) -> list[Money]:
    sums: dict[str, Money] = {}
    for money in amounts:
        sums[money.currency] = sums.get(money.currency, Money(ZERO, money.currency)) + money
    return list(sums.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class _Dues:
    """When what is open is due."""

    due_on: date | None = None
    overdue_since: date | None = None
    ageing: Ageing | None = None
    changes_on: date | None = None


def _dues(counted: Sequence[Share], today: date) -> _Dues:
    """Return when what is open is due, and how overdue the oldest is."""
    if not any(money.amount > 0 for money in _by_currency(share.open for share in counted)):
        return _Dues()
    dues = [
        share.billed.due_on
        for share in counted
        if share.sign > 0 and share.open.amount > 0 and share.billed.due_on is not None
    ]
    if not dues:
        return _Dues(ageing=Ageing.NOT_DUE)
    earliest = min(dues)
    turns = [earliest + timedelta(days=days + 1) for days in (0, *_BUCKETS)]
    return _Dues(
        due_on=earliest,
        overdue_since=earliest if earliest < today else None,
        ageing=list(Ageing)[sum(turn <= today for turn in turns)],
        changes_on=next((turn for turn in turns if turn > today), None),
    )


def _last_payment(own: Sequence[Share]) -> tuple[date, Money] | None:
    """Return day and amount of the last payment on this deal's documents."""
    payments = [
        (
            (one.settled_on or date.min, one.number),
            share.part.share(one.amount, share.billed.currency),
        )
        for share in own
        if share.sign > 0
        for one in share.payments()
    ]
    if not payments:
        return None
    last = max(key for key, _ in payments)
    amounts = [money for key, money in payments if key == last]
    return last[0], total(amounts, currency=amounts[0].currency)


def _order_status(orders: Sequence[Ordered]) -> str | None:
    words = [_ORDER_WORDS.get(order.status, order.status) for order in orders]
    if len(words) < 2:  # noqa: PLR2004 - one order needs no number beside its status
        return words[0] if words else None
    return ", ".join(f"{order.number}: {word}" for order, word in zip(orders, words, strict=True))


def _remark(
    live: Sequence[Share],
    counted: Sequence[Share],
    unreleased: Sequence[Share],
    advances: Sequence[Money],
    currency: str | None,
) -> str | None:
    """Say what the figures alone would hide."""
    words = [
        f"{share.billed.number} is shared with other deals: the share of this deal's lines counts"
        for share in (*counted, *unreleased)
        if share.part.is_shared
    ]
    words += [
        f"{share.billed.number} is in {share.billed.currency} and not in the sums: {share.total}, "
        f"open {share.open}"
        for share in counted
        if share.billed.currency != currency
    ]
    words += [
        f"{money} prepaid, not in the sums" for money in advances if money.currency != currency
    ]
    prepaid = _sum((share.prepaid for share in counted), currency)
    words += [f"{prepaid} settled by prepayment"] if prepaid else []
    words += [
        f"{share.billed.number} is not released: {share.billed.status}" for share in unreleased
    ]
    words += [
        f"{share.billed.number} is a {share.billed.kind} and does not count"
        for share in live
        if share.sign == 0
    ]
    return "; ".join(words) or None
