"""The inputs of a run, recorded as the flow saw them: loader and cache answers included.

So that 'why this amount?' has an answer later, and a run can be replayed from what it read.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from functools import cache
from typing import Any, TypeVar, cast

import msgspec

Client = TypeVar("Client")
_LONGEST_ANSWER = 200_000  # bytes; a longer one is kept as its length only


class Tape:
    """Collects what one run read. Answers are frozen, so they are kept as they are."""

    def __init__(self) -> None:
        self._readings: list[tuple[str, tuple[object, ...], dict[str, object], object]] = []

    def add(
        self, source: str, args: tuple[object, ...], kwargs: dict[str, object], answer: object
    ) -> None:
        """Keep one answer."""
        self._readings.append((source, args, kwargs, answer))

    def encoded(self) -> str:
        """Return everything as JSON."""
        return f"[{','.join(_encoded(*each).decode() for each in self._readings)}]"


class BlankTape(Tape):
    """Keeps nothing: for reading that has no story, such as a survey of every record there is."""

    def add(
        self, source: str, args: tuple[object, ...], kwargs: dict[str, object], answer: object
    ) -> None:
        """Let one answer go."""


_encode = msgspec.json.Encoder(enc_hook=str).encode


def _encoded(
    source: str, args: tuple[object, ...], kwargs: dict[str, object], answer: object
) -> bytes:
    encoded = _encode(answer)
    return _encode(
        {
            "source": source,
            "arguments": {str(n): value for n, value in enumerate(args)} | kwargs,
            "bytes": len(encoded),
            "answer": msgspec.Raw(encoded) if len(encoded) <= _LONGEST_ANSWER else None,
        }
    )


class _Observed:
    """Stands before a client and keeps what its coroutines answer."""

    def __init__(self, client: Any, name: str, tape: Tape) -> None:
        self._client = client
        self._name = name
        self._tape = tape

    def __getattr__(self, attribute: str) -> Any:
        found = getattr(self._client, attribute)
        if not _is_coroutine(self._client.__class__, attribute):
            return found
        call = cast("Callable[..., Awaitable[object]]", found)
        source, add = f"{self._name}.{attribute}", self._tape.add

        async def observed(*args: object, **kwargs: object) -> object:
            answer = await call(*args, **kwargs)
            add(source, args, kwargs, answer)
            return answer

        setattr(self, attribute, observed)
        return observed


@cache
def _is_coroutine(client: type[object], attribute: str) -> bool:
    """Tell whether a client's attribute is a call to the vendor; it has some dozen of them."""
    return inspect.iscoroutinefunction(getattr(client, attribute, None))


def observed(client: Client, *, name: str, tape: Tape) -> Client:
    """Return ``client`` with every awaited answer kept on ``tape``."""
    return cast("Client", _Observed(client, name, tape))
