"""What a call tells the pacer and the traces."""

from __future__ import annotations

from datetime import timedelta

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from tests.unit.transport.servers import DROP, RawServer, answer

from ml_connector.core.errors import ConnectorError, RateLimitedError
from ml_connector.core.lanes import Lane
from ml_connector.transport import calling
from ml_connector.transport.lanes import in_lane
from ml_connector.transport.messages import Cost, RateReading


class WatchingPacer:
    """Lets everything go, and keeps what it was told."""

    def __init__(self) -> None:
        self.lanes: list[Lane] = []
        self.open = 0
        self.unsent = 0
        self.seen: list[tuple[RateReading | None, ConnectorError | None]] = []

    async def acquire(self, cost: Cost, *, lane: Lane, deadline: float) -> None:
        self.lanes.append(lane)
        self.open += 1
        self.unsent += 1

    def sent(self, cost: Cost) -> None:
        self.unsent -= 1

    def release(self, cost: Cost) -> None:
        self.open -= 1

    def observe(
        self,
        cost: Cost,
        reading: RateReading | None,
        error: ConnectorError | None,
        *,
        elapsed: timedelta | None = None,
    ) -> None:
        assert elapsed is not None
        self.seen.append((reading, error))


async def test_the_pacer_learns_of_each_attempt_in_the_lane_of_the_work(open_http):
    pacer = WatchingPacer()
    reading = RateReading(window_remaining=3)
    async with RawServer([DROP, answer(429), answer()]) as server:
        http = open_http(server.url, pacer=pacer, read_rates=lambda _: reading)
        with in_lane(Lane.BULK):
            await http.call("GET", "x", operation="x")

    assert pacer.lanes == [Lane.BULK] * 3
    assert (pacer.open, pacer.unsent) == (0, 0)
    (declined_reading, declined), good = pacer.seen
    assert declined_reading is reading
    assert isinstance(declined, RateLimitedError)
    assert good == (reading, None)


async def test_a_call_that_finds_nobody_gives_everything_back(open_http):
    pacer = WatchingPacer()
    async with RawServer([DROP]) as server:
        url = server.url
    with pytest.raises(ConnectorError):
        await open_http(url, pacer=pacer).call("POST", "x", operation="x", json=b"{}")

    assert (pacer.open, pacer.unsent) == (0, 0)


async def test_a_call_is_a_span_without_secrets(open_http, monkeypatch):
    spans = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(spans))
    monkeypatch.setattr(calling, "_tracer", provider.get_tracer("test"))

    async with RawServer([answer(), answer(422, b"s3cret")]) as server:
        http = open_http(server.url, redactor=None)
        await http.call("GET", "deals/1?api_token=s3cret", operation="deals.get")
        with pytest.raises(ConnectorError):
            await http.call("GET", "deals/2", operation="deals.get")

    good, failed = spans.get_finished_spans()
    assert good.name == "deals.get"
    assert dict(good.attributes or {}) == {
        "http.request.method": "GET",
        "server.address": "127.0.0.1",
        "url.path": "/deals/1",
        "ml_connector.tokens": 0,
        "http.response.status_code": 200,
    }
    assert not failed.status.is_ok
    assert "traceparent" not in server.requests[0].headers
