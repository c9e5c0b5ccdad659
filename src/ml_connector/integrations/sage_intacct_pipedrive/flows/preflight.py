"""Everything that Intacct would refuse, known before it is asked (INT-06, M-04).

A refusal of the gateway says little and helps nobody; here each cause has its own words, the way
out, and what it waits for.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from ml_connector.core.errors import HeldError
from ml_connector.integrations.sage_intacct_pipedrive import targets
from ml_connector.integrations.sage_intacct_pipedrive.context import Context
from ml_connector.integrations.sage_intacct_pipedrive.mappings import Credit, Rates
from ml_connector.vendors.sage_intacct import CLOSED_BOOKS
from ml_connector.vendors.sage_intacct.models import GLAccount


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where and when an entry is posted."""

    entity: str | None
    """Whose session posts it; None for the connection's own."""
    entities: tuple[str, ...]
    """Whose books it touches; none in a company without entities."""
    day: date
    rates: Rates | None


# Accounts ---------------------------------------------------------------------------------------


def refusal_of_kind(account: GLAccount, bank: str | None) -> str | None:
    """Return why no entry of ours may name an account, whatever it is for."""
    if account.is_control_account:
        return f"is a control account ({account.alternative_account})"
    if bank is not None:
        return f"is the bank account {bank}"
    return None


async def usable_account(number: str, ctx: Context, *, what: str) -> GLAccount:
    """Return an account that entries may name. Raises HeldError."""
    cause = f"account:{number}"
    account = await ctx.ledger.account(number)
    if account is None:
        raise HeldError(
            f"{what} goes to account {number}, which Intacct does not have; enter it there, or "
            "correct the mapping",
            waits_for=cause,
        )
    refused = refusal_of_kind(account, await ctx.ledger.bank_of(number))
    if refused is not None:
        raise HeldError(
            f"{what} goes to account {number}, which {refused}: entries may not name it; choose "
            "another account",
            waits_for=cause,
        )
    if not account.is_active:
        raise HeldError(
            f"{what} goes to account {number}, which is {account.status} in Intacct; activate it "
            "there, or choose another account",
            waits_for=cause,
        )
    return account


async def check_accounts(parts: Sequence[Credit], ctx: Context) -> GLAccount:
    """Check every account of an entry; return the offset account."""
    for each in parts:
        account = await usable_account(each.account, ctx, what=each.what)
        if not each.is_recurring and not account.is_income_statement:
            raise HeldError(
                f"{each.what} goes to account {each.account}, which is a {account.account_type} "
                "account: revenue goes to an income-statement account; choose another one",
                waits_for=f"account:{each.account}",
            )
        _require_dimensions(each, account)
    offset = await usable_account(ctx.settings.posting.offset_account, ctx, what="The offset")
    for each in parts:
        _require_dimensions(each, offset)
    return offset


def _require_dimensions(credit: Credit, account: GLAccount) -> None:
    missing = sorted(account.requires - credit.dimensions.keys())
    if not missing:
        return
    if targets.CUSTOMER in missing:
        raise HeldError(
            f"{credit.what} needs a customer in Intacct for {credit.party}, because account "
            f"{account.account_no} requires one; map CUSTOMERID under line_mapping, name it under "
            "customers.decided, or let customers be made (customers.create)",
            waits_for=f"customer:{credit.party}",
        )
    names = ", ".join(targets.STANDARD_DIMENSIONS.get(each, each) for each in missing)
    raise HeldError(
        f"{credit.what} lacks {names}, which account {account.account_no} requires; map "
        f"{', '.join(missing)} under line_mapping",
        waits_for=f"dimension:{missing[0]}",
    )


async def check_dimensions(parts: Sequence[Credit], ctx: Context) -> None:
    """Check every value of a dimension: it is there, and active."""
    used: dict[tuple[str, str], str] = {}
    for each in parts:
        for pair in each.dimensions.items():
            used.setdefault(pair, each.what)
    for (name, value), what in used.items():
        found = await ctx.ledger.value(name, value)
        called = targets.STANDARD_DIMENSIONS.get(name, name)
        cause = f"customer:{value}" if name == targets.CUSTOMER else f"dimension:{name}:{value}"
        if found is None:
            raise HeldError(
                f"{what} names the {called} {value}, which Intacct does not have; enter it there, "
                "or correct the mapping",
                waits_for=cause,
            )
        if not found.is_active:
            raise HeldError(
                f"{what} names the {called} {value}, which is inactive in Intacct; activate it "
                "there, or choose another one",
                waits_for=cause,
            )


# Journal, place, day, currency ------------------------------------------------------------------


async def check_journal(ctx: Context) -> None:
    """Hold a deal whose journal is not there or not active."""
    symbol = ctx.settings.posting.journal
    journal = await ctx.ledger.journal(symbol)
    if journal is None or not journal.is_active:
        said = "Intacct does not have" if journal is None else "is inactive in Intacct"
        raise HeldError(
            f"Entries go to the journal {symbol}, which {said}; put it right there, or choose "
            "another one (posting.journal)",
            waits_for=f"journal:{symbol}",
        )


async def with_locations(parts: Sequence[Credit], ctx: Context) -> list[Credit]:
    """Give lines without a location the connection's own entity, where the company has several."""
    company = await ctx.intacct.definitions.company()
    if not company.has_multi_entity:
        return list(parts)
    own = ctx.intacct.settings.entity_id
    placed: list[Credit] = []
    for each in parts:
        if targets.LOCATION in each.dimensions:
            placed.append(each)
        elif own is not None:
            placed.append(replace(each, dimensions={**each.dimensions, targets.LOCATION: own}))
        else:
            raise HeldError(
                f"{each.what} has no location, and the company keeps books for several entities; "
                "map LOCATION under line_mapping, or give the connection an entity",
                waits_for=f"dimension:{targets.LOCATION}",
            )
    return placed


async def place_of(
    locations: Iterable[str], wanted_on: date, currency: str, ctx: Context, *, what: str
) -> Place:
    """Return where and when an entry is posted, and what its lines say of their currency.

    Raises HeldError where the entity or the currency is not taken, or the books are closed.
    """
    company = await ctx.intacct.definitions.company()
    bases: dict[str | None, str | None] = {None: company.base_currency}
    if company.has_multi_entity:
        bases = await _entities(set(locations), ctx, base=company.base_currency, what=what)
    entities = tuple(sorted(each for each in bases if each is not None))
    currencies = set(bases.values())
    if currencies != {currency} and not company.has_multi_currency:
        base = ", ".join(sorted(each or "none" for each in currencies))
        raise HeldError(
            f"{what} is in {currency}, but the books are kept in {base} and take no other "
            "currency; nothing is converted: change the deal's currency, or switch on several "
            "currencies in Intacct",
            waits_for=f"currency:{currency}",
        )
    entity = entities[0] if len(entities) == 1 else None
    day = await _day(wanted_on, entities or (ctx.intacct.settings.entity_id,), ctx, what=what)
    rates = None
    if company.has_multi_currency:
        rates = Rates(
            currency=currency, rate_type=ctx.settings.posting.exchange_rate_type, rate_on=day
        )
    return Place(entity=entity, entities=entities, day=day, rates=rates)


async def _entities(
    locations: set[str], ctx: Context, *, base: str | None, what: str
) -> dict[str | None, str | None]:
    """Return the entities of an entry's locations, with the currency of their books."""
    places = await ctx.ledger.places(locations)
    own = ctx.intacct.settings.entity_id
    found: dict[str | None, str | None] = {}
    for location in sorted(locations):
        entity = places.entity_of(location)
        if entity is None or (own is not None and entity.location_id != own):
            where = "no entity" if entity is None else f"the entity {entity.location_id}"
            raise HeldError(
                f"{what} names the location {location}, which belongs to {where}, where the "
                "connection does not post; correct the mapping of LOCATION, or the connection's "
                "entity",
                waits_for=f"dimension:{targets.LOCATION}:{location}",
            )
        found[entity.location_id] = entity.currency or base
    return found


async def _day(wanted: date, entities: Sequence[str | None], ctx: Context, *, what: str) -> date:
    day = await ctx.ledger.open_day(wanted, entities)
    if day == wanted:
        return day
    if ctx.settings.posting.closed_period == "hold":
        raise HeldError(
            f"{what} would be dated {wanted}, but the books are closed up to the day before {day}; "
            "open them, or let such entries go to the first open day (posting.closed_period: "
            "first_open_day)",
            waits_for=CLOSED_BOOKS,
        )
    ctx.note("dated_on_first_open_day", wanted=wanted, day=day)
    return day


def locations_of(all_dimensions: Iterable[Mapping[str, str]]) -> set[str]:
    """Return the locations that lines name."""
    return {
        each[targets.LOCATION] for each in all_dimensions if each.get(targets.LOCATION) is not None
    }
