"""Reading v2's queries and bodies: unknown names, wrong types and wrong forms are all refused.

A reader returns the value as rows keep it, or raises ValueError with the problem. All problems
of a request are told at once, as Pipedrive does.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from vendor_simulators.pipedrive import custom_values, rules
from vendor_simulators.pipedrive.answers import invalid, not_allowed
from vendor_simulators.pipedrive.calls import Call
from vendor_simulators.pipedrive.custom_values import is_integer, is_number
from vendor_simulators.pipedrive.fields import ADDRESS_PARTS
from vendor_simulators.pipedrive.wire import Row, is_date, read_any_time, read_v2_time

Reader = Callable[[Any], Any]

LARGEST_PAGE = 500
MOST_IDS = 100
MOST_CUSTOM_FIELDS = 15
_DIGITS = re.compile(r"-?\d{1,18}")
_CLOCK = re.compile(r"([01]\d|2[0-3]):[0-5]\d")
_DURATION = re.compile(r"\d{1,3}:[0-5]\d")


def read_query(call: Call, readers: Mapping[str, Reader], *, required: Sequence[str] = ()) -> Row:
    """Return the query's values by name; raise the 400 that lists every problem."""
    values: Row = {}
    problems = [f"{name}: Parameter '{name}' is required" for name in required]
    for name in call.query:
        if name in values:
            continue
        reader = readers.get(name)
        if reader is None:
            if name != "api_token" or not call.switches["token_in_query"]:
                problems.append(not_allowed(name))
            continue
        problems = [known for known in problems if not known.startswith(f"{name}: ")]
        try:
            values[name] = reader(",".join(call.query.getall(name)))
        except ValueError as exc:
            problems.append(f"{name}: {exc}")
    if problems:
        raise invalid(*dict.fromkeys(problems))
    if values.get("limit", 0) > LARGEST_PAGE:
        values["limit"] = _clamped(call, LARGEST_PAGE)
    return values


def read_body(
    call: Call,
    readers: Mapping[str, Reader],
    *,
    required: Sequence[str] = (),
    custom: str | None = None,
) -> Row:
    """Return the body's values by name; ``custom`` is the kind whose custom fields it may set."""
    read_query(call, {})
    given = call.json()
    if not isinstance(given, dict):
        raise invalid("body: expected an object")
    values, problems = read_object(given, readers)
    problems += [
        f"{name}: Parameter '{name}' is required" for name in required if name not in given
    ]
    if custom is not None and "custom_fields" in given:
        problems = [problem for problem in problems if not problem.startswith("custom_fields:")]
        values["custom_fields"], wrong = _custom(call, custom, given)
        problems += wrong
    if problems:
        raise invalid(*problems)
    return values


def read_object(given: Row, readers: Mapping[str, Reader]) -> tuple[Row, list[str]]:
    """Return what could be read, and the problems of the rest."""
    values: Row = {}
    problems: list[str] = []
    for name, value in given.items():
        reader = readers.get(name)
        if reader is None:
            problems.append(not_allowed(name))
            continue
        try:
            values[name] = reader(value)
        except ValueError as exc:
            problems.append(f"{name}: {exc}")
    return values, problems


def _custom(call: Call, kind: str, body: Row) -> tuple[Row, list[str]]:
    given = body["custom_fields"]
    if not isinstance(given, dict):
        return {}, ["custom_fields: expected an object"]
    currency = body.get("currency")
    if not isinstance(currency, str):
        currency = rules.default_currency(call.company, call.login.user_id)
    values: Row = {}
    problems: list[str] = []
    for key, value in given.items():
        definition = call.company.fields.find_custom(kind, key)
        if definition is None:
            problems.append(
                f"custom_fields.{key}: Parameter '{key}' is not allowed for this request"
            )
            continue
        wrong = custom_values.problem_with(
            definition, value, lambda other, row_id: rules.exists(call.company, other, row_id)
        )
        if wrong is not None:
            problems.append(f"custom_fields.{key}: {wrong}")
            continue
        values[key] = custom_values.stored(definition, value, currency=currency)
    return values, problems


def _clamped(call: Call, largest: int) -> int:
    if call.switches["limit_above_maximum"] == "clamp":
        return largest
    raise invalid(f"limit: must be less than or equal to {largest}")


# Readers of query values, which are texts.


def query_number(text: str) -> int:
    """Read a whole number."""
    if not _DIGITS.fullmatch(text):
        raise ValueError("expected a number")
    return int(text)


def query_flag(text: str) -> bool:
    """Read true or false; 1 and 0 are refused."""
    if text not in {"true", "false"}:
        raise ValueError("expected true or false")
    return text == "true"


def query_moment(text: str) -> str:
    """Read a moment in whole seconds."""
    moment = read_v2_time(text)
    if moment is None:
        raise ValueError(f"'{text}' is not a valid datetime")
    return moment


def query_text(text: str) -> str:
    """Read any text."""
    return text


def query_limit(text: str) -> int:
    """Read a page size; the upper bound is the caller's."""
    number = query_number(text)
    if number < 1:
        raise ValueError("must be greater than or equal to 1")
    return number


def query_ids(text: str) -> list[int]:
    """Read up to 100 ids separated by commas."""
    ids = [query_number(part.strip()) for part in text.split(",") if part.strip()]
    if len(ids) > MOST_IDS:
        raise ValueError(f"at most {MOST_IDS} ids are allowed")
    return list(dict.fromkeys(ids))


def query_choice(*allowed: str) -> Reader:
    """Return a reader of one of the words."""

    def read(text: str) -> str:
        if text not in allowed:
            raise ValueError(f"expected one of {', '.join(allowed)}")
        return text

    return read


def query_choices(*allowed: str) -> Reader:
    """Return a reader of some of the words, separated by commas."""
    one = query_choice(*allowed)

    def read(text: str) -> list[str]:
        return [one(part.strip()) for part in text.split(",") if part.strip()]

    return read


def query_keys(text: str) -> list[str]:
    """Read up to 15 keys of custom fields."""
    keys = [part.strip() for part in text.split(",") if part.strip()]
    if len(keys) > MOST_CUSTOM_FIELDS:
        raise ValueError(f"at most {MOST_CUSTOM_FIELDS} keys are allowed")
    return keys


# Readers of body values, which are JSON.


def text(longest: int | None = None, *, shortest: int = 0) -> Reader:
    """Return a reader of a string."""

    def read(value: Any) -> str:
        if not isinstance(value, str):
            raise ValueError("expected a string")  # noqa: TRY004 - a reader's problems are ValueErrors
        if len(value.strip()) < shortest:
            raise ValueError("must not be empty")
        if longest is not None and len(value) > longest:
            raise ValueError(f"longer than {longest} characters")
        return value

    return read


def integer(value: Any) -> int:
    """Read a whole number; a text is refused."""
    if not is_integer(value):
        raise ValueError("expected an integer")
    return int(value)


def number(value: Any) -> Any:
    """Read a number; a text is refused."""
    if not is_number(value):
        raise ValueError("expected a number")
    return value


def positive(value: Any) -> Any:
    """Read a number above zero."""
    if number(value) <= 0:
        raise ValueError("must be a positive number")
    return value


def flag(value: Any) -> bool:
    """Read true or false."""
    if not isinstance(value, bool):
        raise ValueError("expected a boolean")  # noqa: TRY004 - a reader's problems are ValueErrors
    return value


def only(allowed: Any, problem: str) -> Reader:
    """Return a reader of the one value that changes nothing."""

    def read(value: Any) -> Any:
        if value is not allowed:
            raise ValueError(problem)
        return value

    return read


def day(value: Any) -> str:
    """Read a date."""
    if not is_date(value):
        raise ValueError("expected a date as YYYY-MM-DD")
    return str(value)


def moment(value: Any) -> str:
    """Read a moment in v2's or v1's form; bodies know both."""
    found = read_any_time(value)
    if found is None:
        raise ValueError(f"'{value}' is not a valid datetime")
    return found


def clock_time(value: Any) -> str:
    """Read HH:MM."""
    if not isinstance(value, str) or not _CLOCK.fullmatch(value):
        raise ValueError("expected a time as HH:MM")
    return value


def duration(value: Any) -> str:
    """Read a duration as HH:MM."""
    if not isinstance(value, str) or not _DURATION.fullmatch(value):
        raise ValueError("expected a duration as HH:MM")
    return value


def choice(*allowed: str) -> Reader:
    """Return a reader of one of the words."""

    def read(value: Any) -> str:
        if value not in allowed:
            raise ValueError(f"expected one of {', '.join(allowed)}")
        return str(value)

    return read


def optional(reader: Reader) -> Reader:
    """Return a reader that passes null too."""
    return lambda value: None if value is None else reader(value)


def listed(reader: Reader) -> Reader:
    """Return a reader of an array."""

    def read(value: Any) -> list[Any]:
        if not isinstance(value, list):
            raise ValueError("expected an array")  # noqa: TRY004 - a reader's problems are ValueErrors
        return [reader(item) for item in value]

    return read


def nested(readers: Mapping[str, Reader], *, required: Sequence[str] = ()) -> Reader:
    """Return a reader of an object."""

    def read(value: Any) -> Row:
        if not isinstance(value, dict):
            raise ValueError("expected an object")  # noqa: TRY004 - a reader's problems are ValueErrors
        values, problems = read_object(value, readers)
        problems += [f"{name}: is required" for name in required if name not in value]
        if problems:
            raise ValueError("; ".join(problems))
        return values

    return read


ADDRESS = nested({"value": optional(text()), **dict.fromkeys(ADDRESS_PARTS, optional(text()))})
