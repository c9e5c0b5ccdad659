"""The inputs of a run, recorded as the flow saw them: loader and cache answers included.

So that 'why this amount?' has an answer later, and a run can be replayed from what it read.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar, cast

import msgspec

Client = TypeVar("Client")
_LONGEST_ANSWER = 200_000  # bytes; a longer one is kept as its length only


class Tape:
    """Collects what one run read."""

    def __init__(self) -> None:
        self.readings: list[dict[str, Any]] = []

    def add(self, source: str, arguments: dict[str, Any], answer: object) -> None:
        """Keep one answer."""
        encoded = msgspec.json.encode(answer, enc_hook=str)
        kept = msgspec.Raw(encoded) if len(encoded) <= _LONGEST_ANSWER else None
        self.readings.append(
            {
                "source": source,
                "arguments": arguments,
                "bytes": len(encoded),
                "answer": kept,
            }
        )

    def encoded(self) -> str:
        """Return everything as JSON."""
        return msgspec.json.encode(self.readings, enc_hook=str).decode()


class _Observed:
    """Stands before a client and keeps what its coroutines answer."""

    def __init__(self, client: object, name: str, tape: Tape) -> None:
        self._client = client
        self._name = name
        self._tape = tape

    def __getattr__(self, attribute: str) -> Any:
        found = getattr(self._client, attribute)
        if not inspect.iscoroutinefunction(found):
            return found
        call = cast("Callable[..., Awaitable[object]]", found)

        async def observed(*args: object, **kwargs: object) -> object:
            answer = await call(*args, **kwargs)
            arguments = {str(n): value for n, value in enumerate(args)} | kwargs
            self._tape.add(f"{self._name}.{attribute}", arguments, answer)
            return answer

        setattr(self, attribute, observed)
        return observed


def observed(client: Client, *, name: str, tape: Tape) -> Client:
    """Return ``client`` with every awaited answer kept on ``tape``."""
    return cast("Client", _Observed(client, name, tape))
