import asyncio
from datetime import timedelta


async def test_a_declined_request_is_429_in_plain_text(site):
    site.switch(decline_next=1, decline_retry_after=4)

    declined, taken = await site.get("Customer"), await site.get("Customer")

    assert (declined.status, declined.headers["Retry-After"]) == (429, "4")
    assert declined.content == "The custom error module does not recognize this error."
    assert taken.status == 200


async def test_requests_are_delayed_from_half_of_the_limit_on(site, clock):
    site.switch(requests_per_minute=4)
    for _ in range(2):
        assert (await site.get("Customer", top=0)).status == 200
    clock.speed = 0  # from here on only the test lets time pass

    delayed = asyncio.create_task(site.get("Customer", top=0))
    done, _ = await asyncio.wait({delayed}, timeout=0.05)
    clock.advance(timedelta(seconds=31))
    answer = await asyncio.wait_for(delayed, 5)

    assert not done
    assert answer.status == 200


async def test_surplus_requests_wait_and_are_declined_only_when_many_wait(site):
    site.switch(concurrent_requests=1, work_seconds=0.02)

    few = await asyncio.gather(*(site.get("Customer", top=0) for _ in range(5)))
    many = await asyncio.gather(*(site.get("Customer", top=0) for _ in range(40)))

    assert {answer.status for answer in few} == {200}
    assert {answer.status for answer in many} == {200, 429}
