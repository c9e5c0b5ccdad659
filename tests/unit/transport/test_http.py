"""What one call may rely on, shown over real sockets."""

from __future__ import annotations

import asyncio
import gzip
import time
from datetime import timedelta

import pytest
from tests.unit.transport.servers import DROP, HANG, RawServer, answer

from ml_connector.core.errors import (
    AuthenticationError,
    ConfigurationError,
    InvalidRecordError,
    OutcomeUnknownError,
    RateLimitedError,
    UnavailableError,
    WriteWindowClosedError,
)
from ml_connector.core.permits import WritePermit, writing
from ml_connector.core.profile import Limits
from ml_connector.transport.calling import MOST_RENEWALS
from ml_connector.transport.failures import (
    AddressError,
    DroppedError,
    PlanOnlyError,
    TimedOutError,
    UnreachableError,
    UnreadableAnswerError,
    WriteNotPermittedError,
)
from ml_connector.transport.http import Writes
from ml_connector.transport.messages import CallRecord, Cost
from ml_connector.transport.targets import PrivateTargetError

SHORT = timedelta(milliseconds=150)
TO_ARRIVE = timedelta(seconds=2)  # enough for a request to arrive on a busy machine


async def free_port() -> int:
    async with RawServer([DROP]) as server:
        return server.port


class TestCalls:
    async def test_path_parameters_body_and_headers_arrive_as_given(self, open_http):
        async with RawServer([answer(200, b'{"ok":1}', "X-One: 1", "Set-Cookie: a=b")]) as server:
            http = open_http(f"{server.url}/api/v2/", headers={"Accept": "application/json"})

            response = await http.call(
                "POST",
                "/deals/a b/ü?x=1",
                operation="deals.create",
                params=[("$filter", "Name eq 'A&B'"), ("ids", "1,2")],
                json=b'{"t":1}',
                headers={"X-Extra": "e"},
            )

        (got,) = server.requests
        assert got.line == (
            "POST /api/v2/deals/a%20b/%C3%BC?x=1&$filter=Name%20eq%20'A%26B'&ids=1,2 HTTP/1.1"
        )
        assert got.body == b'{"t":1}'
        assert got.headers["content-type"] == "application/json"
        assert (got.headers["accept"], got.headers["x-extra"]) == ("application/json", "e")
        assert response.body == b'{"ok":1}'
        assert response.headers["x-one"] == "1"
        assert response.cookies == {"a": "b"}

    async def test_a_form_is_sent_as_a_form(self, open_http):
        async with RawServer([answer()]) as server:
            await open_http(server.url).call(
                "POST", "token", operation="token", form={"a": "1 2", "b": "ü"}
            )

        (got,) = server.requests
        assert got.body == b"a=1+2&b=%C3%BC"
        assert got.headers["content-type"] == "application/x-www-form-urlencoded"

    async def test_connections_are_used_again(self, open_http):
        async with RawServer([answer()]) as server:
            http = open_http(server.url)
            for _ in range(5):
                await http.call("GET", "x", operation="x")

        assert (len(server.requests), server.connections) == (5, 1)

    async def test_no_trace_header_goes_to_the_vendor(self, open_http):
        async with RawServer([answer()]) as server:
            await open_http(server.url).call("GET", "x", operation="x")

        assert not {"traceparent", "tracestate", "baggage"} & set(server.requests[0].headers)

    async def test_cookies_are_not_kept_between_calls(self, open_http):
        async with RawServer([answer(200, b"", "Set-Cookie: session=1")]) as server:
            http = open_http(server.url)
            await http.call("GET", "x", operation="x")
            await http.call("GET", "x", operation="x")

        assert "cookie" not in server.requests[1].headers

    async def test_next_page_of_the_same_origin_is_followed_another_is_not(self, open_http):
        async with RawServer([answer()]) as server, RawServer([answer()]) as other:
            http = open_http(f"{server.url}/api", headers={"x-api-token": "secret"})

            await http.call("GET", f"{server.url}/api/page?cursor=2", operation="page")
            for elsewhere in (
                f"{other.url}/api/page",
                f"http://localhost:{server.port}/api",
                f"https://127.0.0.1:{server.port}/api",
                f"{server.url}@evil.example/",
            ):
                with pytest.raises(AddressError, match="not"):
                    await http.call("GET", elsewhere, operation="page")

        assert [each.line for each in server.requests] == ["GET /api/page?cursor=2 HTTP/1.1"]
        assert other.requests == []

    async def test_a_redirect_is_an_answer_and_is_not_followed(self, open_http):
        async with RawServer([answer()]) as other:
            redirect = answer(302, b"moved", f"Location: {other.url}/x")
            async with RawServer([redirect]) as server:
                with pytest.raises(InvalidRecordError, match="302: moved"):
                    await open_http(server.url).call("GET", "x", operation="x")

        assert other.requests == []


class TestFailures:
    async def test_nobody_listening_is_unreachable_also_for_a_write(self, open_http):
        http = open_http(f"http://127.0.0.1:{await free_port()}")

        with pytest.raises(UnreachableError, match="does not accept connections"):
            await http.call("POST", "x", operation="x", json=b"{}")

    async def test_an_unknown_host_is_unreachable_and_says_so(self, open_http):
        http = open_http("http://no-such-host.invalid")

        with pytest.raises(UnreachableError, match="name does not resolve"):
            await http.call("POST", "x", operation="x", json=b"{}")

    async def test_private_targets_are_refused_as_literals_and_as_names(self, open_http):
        for host in ("127.0.0.1", "localhost"):
            http = open_http(f"https://{host}:1", allow_private_targets=False)
            with pytest.raises(PrivateTargetError, match="private network"):
                await http.call("GET", "x", operation="x")

    async def test_deadline_covers_a_silent_server_and_a_slow_body(self, open_http):
        started = b"HTTP/1.1 200 X\r\nContent-Length: 10\r\n\r\nab"
        for said in (HANG, started):
            async with RawServer([said]) as server:
                began = time.monotonic()
                with pytest.raises(TimedOutError, match=r"within 0\.15 s"):
                    await open_http(server.url).call(
                        "GET", "x", operation="x", deadline=SHORT, patience=timedelta()
                    )
                assert time.monotonic() - began < 2

    async def test_an_answer_above_the_limit_is_refused_while_it_is_read(self, open_http):
        told = answer(200, b"x" * 2000)
        untold = b"HTTP/1.1 200 X\r\n\r\n" + b"x" * 2000
        bomb = answer(200, gzip.compress(b"x" * 2_000_000), "Content-Encoding: gzip")
        assert len(bomb) < 10_000
        for said, largest in ((told, 1000), (untold, 1000), (bomb, 10_000)):
            async with RawServer([said]) as server:
                http = open_http(server.url, limits=Limits(largest_answer=largest))
                with pytest.raises(UnreadableAnswerError, match=f"longer than {largest} bytes"):
                    await http.call("GET", "x", operation="x")

    async def test_something_that_is_not_http_is_a_contract_error(self, open_http):
        async with RawServer([b"SSH-2.0-OpenSSH_9.2\r\n\r\n"]) as server:
            with pytest.raises(UnreadableAnswerError, match="not HTTP"):
                await open_http(server.url).call("GET", "x", operation="x")

    async def test_a_truncated_answer_is_a_dropped_connection(self, open_http):
        cut = b"HTTP/1.1 200 X\r\nContent-Length: 10\r\nConnection: close\r\n\r\nab"
        async with RawServer([cut]) as server:
            http = open_http(server.url)
            call = asyncio.ensure_future(http.call("GET", "x", operation="x", patience=timedelta()))
            await server.arrived.wait()
            for writer in server._writers:
                writer.write_eof()
            with pytest.raises(DroppedError):
                await call


class TestRepeating:
    async def test_a_safe_call_is_repeated_after_an_outage(self, open_http):
        async with RawServer([answer(503), DROP, answer()]) as server:
            response = await open_http(server.url).call("GET", "x", operation="x")

        assert response.status == 200
        assert len(server.requests) == 3

    async def test_a_safe_call_gives_up_after_three_attempts(self, open_http):
        async with RawServer([answer(503)]) as server:
            with pytest.raises(UnavailableError, match="down"):
                await open_http(server.url).call("GET", "x", operation="x")

        assert len(server.requests) == 3

    @pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
    @pytest.mark.parametrize("said", [answer(503), DROP, HANG, b"rubbish\r\n\r\n"])
    async def test_an_unsafe_call_that_may_have_arrived_is_never_repeated(
        self, open_http, method, said
    ):
        async with RawServer([said]) as server:
            http = open_http(server.url)
            with pytest.raises(OutcomeUnknownError, match=r"deals\.create"):
                await http.call(
                    method, "x", operation="deals.create", json=b"{}", deadline=TO_ARRIVE
                )

        assert len(server.requests) == 1

    @pytest.mark.parametrize("method", ["PUT", "DELETE", "POST"])
    async def test_a_kept_connection_that_dies_on_a_write_is_not_sent_on_again(
        self, open_http, method
    ):
        """By itself aiohttp sends idempotent methods again on a new connection."""
        async with RawServer([answer(), DROP, answer()]) as server:
            http = open_http(server.url)
            await http.call("GET", "warm", operation="warm")
            with pytest.raises(OutcomeUnknownError):
                await http.call(method, "x", operation="x", json=b"{}")

        assert len(server.requests) == 2
        assert server.connections == 1

    async def test_a_kept_connection_that_dies_on_a_read_is_repeated_by_us_and_counted(
        self, open_http
    ):
        records: list[CallRecord] = []
        async with RawServer([answer(), DROP, answer()]) as server:
            http = open_http(server.url, recorder=Keep(records))
            await http.call("GET", "warm", operation="warm")
            await http.call("GET", "x", operation="x")

        assert len(server.requests) == 3
        assert [each.status for each in records] == [200, None, 200]

    async def test_an_update_declared_safe_is_repeated(self, open_http):
        async with RawServer([DROP, answer()]) as server:
            await open_http(server.url).call("PATCH", "x", operation="x", json=b"{}", is_safe=True)

        assert len(server.requests) == 2

    async def test_a_declined_write_is_sent_again(self, open_http):
        async with RawServer([answer(429), answer(429), answer()]) as server:
            response = await open_http(server.url).call("POST", "x", operation="x", json=b"{}")

        assert response.status == 200
        assert len(server.requests) == 3

    async def test_a_declined_call_is_not_waited_for_beyond_its_patience(self, open_http):
        async with RawServer([answer(429)]) as server:
            with pytest.raises(RateLimitedError):
                await open_http(server.url).call(
                    "GET", "x", operation="x", patience=timedelta(milliseconds=5)
                )

        assert len(server.requests) == 1


class Login:
    """Hands out ``token-1``, and after each renewal the next."""

    def __init__(self, *, can_renew: bool = True) -> None:
        self.number = 1
        self.can_renew = can_renew
        self.rejected: list[str] = []

    async def headers(self):
        return {"Authorization": f"Bearer token-{self.number}"}

    async def renew(self, rejected):
        self.rejected.append(rejected["Authorization"])
        self.number += 1
        return self.can_renew


class TestLogin:
    async def test_a_refused_login_is_renewed_and_the_call_made_once_more(self, open_http):
        login = Login()
        async with RawServer([answer(401), answer()]) as server:
            http = open_http(server.url, authenticator=login)
            await http.call("POST", "x", operation="x", json=b"{}")

        assert [each.headers["authorization"] for each in server.requests] == [
            "Bearer token-1",
            "Bearer token-2",
        ]
        assert login.rejected == ["Bearer token-1"]

    async def test_a_login_that_ends_again_before_the_call_arrives_is_renewed_again(
        self, open_http
    ):
        async with RawServer([answer(401), answer(401), answer()]) as server:
            http = open_http(server.url, authenticator=Login())
            await http.call("POST", "x", operation="x", json=b"{}")

        assert server.requests[-1].headers["authorization"] == "Bearer token-3"

    @pytest.mark.parametrize(("can_renew", "calls"), [(True, 1 + MOST_RENEWALS), (False, 1)])
    async def test_a_login_that_stays_refused_is_told(self, open_http, can_renew, calls):
        async with RawServer([answer(401)]) as server:
            http = open_http(server.url, authenticator=Login(can_renew=can_renew))
            with pytest.raises(AuthenticationError):
                await http.call("GET", "x", operation="x")

        assert len(server.requests) == calls

    async def test_a_lost_log_in_says_nothing_about_the_write_it_was_for(self, open_http):
        class Lost(Login):
            async def headers(self):
                raise OutcomeUnknownError("token endpoint is silent")

        async with RawServer([answer()]) as server:
            http = open_http(server.url, authenticator=Lost())
            with pytest.raises(UnavailableError, match="log-in got no answer"):
                await http.call("POST", "x", operation="x", json=b"{}")

        assert server.requests == []

    async def test_a_token_with_a_line_break_is_named(self, open_http):
        class Broken(Login):
            async def headers(self):
                return {"x-api-token": "abc\n"}

        with pytest.raises(ConfigurationError, match="x-api-token contains a line break"):
            await open_http("http://127.0.0.1:1", authenticator=Broken()).call(
                "GET", "x", operation="x"
            )


class SlowTurn:
    """A pacer whose turn comes late."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.seen: list[str] = []

    async def acquire(self, cost, *, lane, deadline):
        await asyncio.sleep(self.seconds)
        self.seen.append("turn")

    def sent(self, cost):
        self.seen.append("sent")

    def release(self, cost):
        self.seen.append("release")

    def observe(self, cost, reading, error, *, elapsed=None):
        self.seen.append("observe")


def permit(seconds: float) -> WritePermit:
    return WritePermit(not_after=time.monotonic() + seconds, purpose="sales_order deal/42 #1")


class TestWrites:
    async def test_a_write_needs_a_permit(self, open_http):
        async with RawServer([answer()]) as server:
            http = open_http(server.url, writes=Writes.PERMITTED)
            with pytest.raises(WriteNotPermittedError, match=r"deals\.create"):
                await http.call("POST", "x", operation="deals.create", json=b"{}")
            with pytest.raises(WriteNotPermittedError):
                await http.call("PATCH", "x", operation="x", json=b"{}", is_safe=True)
            with writing(permit(5)):
                await http.call("POST", "x", operation="deals.create", json=b"{}")
            await http.call("GET", "x", operation="x")
            await http.call("POST", "search", operation="x", json=b"{}", reads_only=True)

        assert len(server.requests) == 3

    async def test_a_plan_cannot_write_even_with_a_permit(self, open_http):
        async with RawServer([answer()]) as server:
            http = open_http(server.url, writes=Writes.REFUSED)
            with writing(permit(5)), pytest.raises(PlanOnlyError):
                await http.call("PUT", "x", operation="x", json=b"{}")
            await http.call("POST", "search", operation="x", json=b"{}", reads_only=True)

        assert len(server.requests) == 1

    @pytest.mark.parametrize("body", [b"{}", None])
    async def test_nothing_leaves_after_the_permit_ended_while_waiting_for_a_turn(
        self, open_http, body
    ):
        pacer = SlowTurn(0.1)
        async with RawServer([answer()]) as server:
            http = open_http(server.url, writes=Writes.PERMITTED, pacer=pacer)
            with writing(permit(0.05)), pytest.raises(WriteWindowClosedError):
                await http.call("POST", "x", operation="x", json=body)

        assert server.requests == []
        assert pacer.seen == ["turn", "sent", "release"]

    @pytest.mark.parametrize("body", [b"{}", None])
    async def test_nothing_leaves_after_the_permit_ended_while_connecting(
        self, open_http, monkeypatch, body
    ):
        real_connect = asyncio.BaseEventLoop.create_connection

        async def slow_connect(*args, **kwargs):
            made = await real_connect(*args, **kwargs)
            await asyncio.sleep(0.1)
            return made

        monkeypatch.setattr(asyncio.BaseEventLoop, "create_connection", slow_connect)
        async with RawServer([answer()]) as server:
            http = open_http(server.url, writes=Writes.PERMITTED)
            with writing(permit(0.05)), pytest.raises(WriteWindowClosedError):
                await http.call("POST", "x", operation="x", json=body)

        assert server.connections == 1
        assert server.requests == []

    async def test_nothing_leaves_when_the_loop_stalls_between_connection_and_bytes(
        self, open_http, monkeypatch
    ):
        """The body is written by a task of its own, which a busy loop may start late."""
        from ml_connector.transport import sending  # noqa: PLC0415 - to stall it

        real_leave = sending.Departure.leave

        def stalling_leave(departure):
            real_leave(departure)
            asyncio.get_running_loop().call_soon(time.sleep, 0.1)

        monkeypatch.setattr(sending.Departure, "leave", stalling_leave)
        async with RawServer([answer()]) as server:
            http = open_http(server.url, writes=Writes.PERMITTED)
            with writing(permit(0.08)), pytest.raises(WriteWindowClosedError):
                await http.call("POST", "x", operation="x", json=b"{}")

        assert server.requests == []

    async def test_a_declined_write_is_not_sent_again_after_its_permit(self, open_http):
        async with RawServer([answer(429)]) as server:
            http = open_http(server.url, writes=Writes.PERMITTED)
            with writing(permit(0.005)), pytest.raises((RateLimitedError, WriteWindowClosedError)):
                await http.call("POST", "x", operation="x", json=b"{}")

        assert len(server.requests) <= 1


class Keep:
    def __init__(self, records: list[CallRecord]) -> None:
        self.records = records

    def record(self, call: CallRecord) -> None:
        self.records.append(call)


class TestRecording:
    async def test_each_attempt_is_recorded_once_with_its_purpose_and_cost(self, open_http):
        records: list[CallRecord] = []
        cost = Cost(tokens=10)
        async with RawServer([answer(429), answer(200, b"[]", "X-Correlation-Id: c9")]) as server:
            http = open_http(server.url, recorder=Keep(records))
            with writing(permit(5)):
                await http.call("POST", "x", operation="deals.create", json=b"{}", cost=cost)

        declined, done = records
        assert (declined.status, declined.cost.tokens) == (429, 0)
        assert declined.error == "RateLimitedError: too many"
        assert (done.status, done.cost, done.error) == (200, cost, None)
        assert (done.request_body, done.response_body) == (b"{}", b"[]")
        assert done.correlation_id == "c9"
        assert done.purpose == "sales_order deal/42 #1"
        assert done.operation == "deals.create"
        assert not done.is_safe

    async def test_nothing_secret_is_recorded_or_raised(self, open_http):
        records: list[CallRecord] = []
        said = answer(422, b'{"error":"token-1 is bad","refresh_token":"r-1"}')
        async with RawServer([said]) as server:
            http = open_http(server.url, recorder=Keep(records), authenticator=Login())
            with pytest.raises(InvalidRecordError) as raised:
                await http.call("POST", "x?api_token=k-1", operation="x", form={"password": "p-1"})

        kept = repr(records) + str(raised.value) + repr(raised.value)
        for secret in ("token-1", "r-1", "k-1", "p-1"):
            assert secret not in kept
        assert "*** is bad" in str(raised.value)

    async def test_long_bodies_are_cut(self, open_http):
        records: list[CallRecord] = []
        async with RawServer([answer(200, b"x" * 200_000)]) as server:
            await open_http(server.url, recorder=Keep(records)).call("GET", "x", operation="x")

        assert len(records[0].response_body or b"") == 64 * 1024

    async def test_a_recorder_that_fails_does_not_fail_the_call(self, open_http):
        class Failing:
            def record(self, call):
                raise RuntimeError("disk full")

        async with RawServer([answer()]) as server:
            response = await open_http(server.url, recorder=Failing()).call(
                "GET", "x", operation="x"
            )

        assert response.status == 200

    async def test_a_cancelled_call_is_recorded_and_gives_its_turn_back(self, open_http):
        records: list[CallRecord] = []
        pacer = SlowTurn(0)
        async with RawServer([HANG]) as server:
            http = open_http(server.url, recorder=Keep(records), pacer=pacer)
            call = asyncio.ensure_future(http.call("POST", "x", operation="x", json=b"{}"))
            await server.arrived.wait()
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call

        assert records[0].error == "CancelledError"
        assert pacer.seen == ["turn", "sent", "release"]
