"""Traces as somebody's collector would get them, whatever exports them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Span, SpanContext, Status, StatusCode, Tracer


class KeptSpan(Span):
    """A span that keeps all that it is told."""

    def __init__(self, name: str, attributes: Mapping[str, Any] | None, kept: list[str]) -> None:
        self._kept = kept
        kept.append(f"{name} {dict(attributes or {})}")

    def end(self, end_time: int | None = None) -> None:
        """Nothing is sent anywhere."""

    def get_span_context(self) -> SpanContext:
        return trace.INVALID_SPAN_CONTEXT

    def is_recording(self) -> bool:
        return True

    def set_attributes(self, attributes: Mapping[str, Any]) -> None:
        self._kept.append(repr(dict(attributes)))

    def set_attribute(self, key: str, value: Any) -> None:
        self._kept.append(f"{key}={value!r}")

    def add_event(
        self,
        name: str,
        attributes: Mapping[str, Any] | None = None,
        timestamp: int | None = None,
    ) -> None:
        self._kept.append(f"{name} {dict(attributes or {})}")

    def update_name(self, name: str) -> None:
        self._kept.append(name)

    def set_status(self, status: Status | StatusCode, description: str | None = None) -> None:
        self._kept.append(f"{status} {description}")

    def record_exception(
        self,
        exception: BaseException,
        attributes: Mapping[str, Any] | None = None,
        timestamp: int | None = None,
        escaped: bool = False,
    ) -> None:
        self._kept.append(f"{exception!r} {exception}")


class KeepingTracer(Tracer):
    """Hands out spans that keep everything in one list."""

    def __init__(self) -> None:
        self.kept: list[str] = []

    def start_span(
        self,
        name: str,
        context: Context | None = None,
        kind: trace.SpanKind = trace.SpanKind.INTERNAL,
        attributes: Any = None,
        *_: Any,
        **__: Any,
    ) -> Span:
        return KeptSpan(name, attributes, self.kept)

    @contextmanager
    def start_as_current_span(self, name: str, *args: Any, **options: Any) -> Iterator[Span]:  # type: ignore[override] # the interface returns a class of its own for it
        span = self.start_span(name, attributes=options.get("attributes"))
        with trace.use_span(span, end_on_exit=True):
            yield span
