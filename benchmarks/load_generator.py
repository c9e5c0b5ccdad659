"""Sends webhooks as fast as they are answered, over a fixed number of connections.

A process of its own on raw sockets, so that it is not what limits the figure. Every delivery is
a new event of a new deal: the dearest kind, for it makes a row in every table of the inbox.
"""

from __future__ import annotations

import asyncio
import base64
import itertools
import re
import time
from collections.abc import Iterator
from typing import cast

from benchmarks.children import Arguments, be_child, tell

# A change of a deal as Pipedrive's webhooks 2.0 send it (Pipedrive docs: webhooks v2), with ids
# of fixed length in three places.
_DELIVERY = (
    '{"meta":{"action":"change","entity":"deal","entity_id":"%(deal)d","company_id":"13565432",'
    '"id":"6f1d2c3b-0000-4000-8000-%(event)012d","correlation_id":"a01d2c3b-0000-4000-8000-'
    '%(event)012d","is_bulk_edit":false,"timestamp":"2030-03-01T10:20:30.123Z","type":"general",'
    '"user_id":"11","version":"2.0","webhook_id":"21","webhook_owner_id":"11","change_source":'
    '"app","attempt":1,"host":"acme.pipedrive.com","permitted_user_ids":["11","12","13"]},"data":'
    '{"add_time":"2030-01-11T08:00:00Z","channel":null,"channel_id":null,"close_time":'
    '"2030-03-01T10:20:30Z","creator_user_id":11,"currency":"EUR","expected_close_date":null,'
    '"first_won_time":"2030-03-01T10:20:30Z","id":%(deal)d,"label_ids":[3,7],"lost_reason":null,'
    '"lost_time":null,"org_id":5512,"origin":"ManuallyCreated","origin_id":null,"owner_id":11,'
    '"person_id":7713,"pipeline_id":1,"probability":null,"stage_change_time":'
    '"2030-02-20T09:00:00Z","stage_id":5,"status":"won","title":"Pumps for the north plant",'
    '"update_time":"2030-03-01T10:20:30Z","value":14250.5,"won_time":"2030-03-01T10:20:30Z",'
    '"custom_fields":{"d4de1c1518b4531717c676029a45911c340390a6":{"type":"varchar","value":'
    '"PO-2030-118"},"0f8be5a1a1a1bc29a3fd41cd60cd5aa2b4f2ab33":{"type":"enum","id":42}}},'
    '"previous":{"close_time":null,"first_won_time":null,"probability":60,"status":"open",'
    '"update_time":"2030-02-20T09:00:00Z","won_time":null}}'
)
_FIRST_DEAL = 100_000_000  # nine figures, so that every delivery has the same length
_LENGTH = re.compile(rb"content-length: (\d+)", re.IGNORECASE)


def delivery(number: int) -> str:
    """Return a change of a deal of its own; all have the same length."""
    return _DELIVERY % {"deal": _FIRST_DEAL + number, "event": number}


class _Sender(asyncio.Protocol):
    """One connection: the next delivery goes out when the last one is answered."""

    def __init__(self, deliveries: Iterator[bytes], until: float) -> None:
        self._deliveries = deliveries
        self._until = until
        self._received = b""
        self._sent_at = 0.0
        self._transport: asyncio.Transport | None = None
        self.latencies: list[float] = []
        self.refused = 0
        self.is_done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._send()

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, found, rest = self._received.partition(b"\r\n\r\n")
        if not found:
            return
        length = _LENGTH.search(head)
        if length is None or len(rest) < int(length[1]):
            return
        now = time.perf_counter()
        self.latencies.append(now - self._sent_at)
        self.refused += not head.startswith(b"HTTP/1.1 200")
        self._received = b""
        if now < self._until:
            self._send()
        else:
            self._end()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.is_done.done():
            self.is_done.set_exception(exc or ConnectionError("the server closed the connection"))

    def _send(self) -> None:
        if self._transport is not None:
            self._sent_at = time.perf_counter()
            self._transport.write(next(self._deliveries))

    def _end(self) -> None:
        if not self.is_done.done():
            self.is_done.set_result(None)
        if self._transport is not None:
            self._transport.close()


def _requests(arguments: Arguments) -> Iterator[bytes]:
    login = base64.b64encode(f"{arguments['user']}:{arguments['password']}".encode()).decode()
    length = len(delivery(0))
    head = (
        f"POST {arguments['path']} HTTP/1.1\r\nHost: 127.0.0.1:{arguments['port']}\r\n"
        f"Authorization: Basic {login}\r\nUser-Agent: Pipedrive Webhooks\r\n"
        f"Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
    )
    for number in itertools.count(arguments["first"]):
        yield (head + delivery(number)).encode()


async def main(arguments: Arguments) -> None:
    """Send for so many seconds, then tell what became of it."""
    loop = asyncio.get_running_loop()
    deliveries = _requests(arguments)
    began = time.perf_counter()
    senders = [
        (
            await loop.create_connection(
                lambda: _Sender(deliveries, began + arguments["seconds"]),
                "127.0.0.1",
                arguments["port"],
            )
        )[1]
        for _ in range(arguments["connections"])
    ]
    await asyncio.gather(*(sender.is_done for sender in senders))
    took = time.perf_counter() - began
    latencies = sorted(each for sender in senders for each in sender.latencies)
    tell(
        {
            "answered": len(latencies),
            "refused": sum(sender.refused for sender in senders),
            "per_second": len(latencies) / took,
            "p50_ms": 1000 * latencies[len(latencies) // 2],
            "p99_ms": 1000 * latencies[len(latencies) * 99 // 100],
            "longest_ms": 1000 * latencies[-1],
        }
    )


if __name__ == "__main__":
    be_child(main)
