"""Calls leave for public, encrypted addresses only, whatever a name resolves to."""

from __future__ import annotations

import socket

import pytest
from aiohttp.abc import AbstractResolver, ResolveResult

from ml_connector.transport.failures import AddressError
from ml_connector.transport.targets import (
    PrivateTargetError,
    PublicResolver,
    is_public,
    origin_of,
)


class Names(AbstractResolver):
    """Resolves every name to the next list of addresses."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = list(answers)

    async def resolve(self, host, port=0, family=socket.AF_INET):
        return [
            ResolveResult(hostname=host, host=each, port=port, family=family, proto=0, flags=0)
            for each in self.answers.pop(0)
        ]

    async def close(self):
        pass


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",  # noqa: S104 - a target that must be refused, not one to bind
        "224.0.0.1",
        "255.255.255.255",
        "::1",
        "::",
        "fe80::1",
        "fe80::1%eth0",
        "fc00::1",
        "ff02::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
    ],
)
def test_private_addresses_in_every_clothing_are_known(address):
    assert not is_public(address)


@pytest.mark.parametrize("address", ["1.1.1.1", "2606:4700::1111", "64:ff9b::101:101"])
def test_public_addresses_pass(address):
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        "http://example.com",
        "ftp://example.com",
        "example.com",
        "https://",
        "https://u:p@example.com",
        "https://example.com:x/",
        "https://127.0.0.1/",
        "https://[::1]/",
        "https://[::ffff:10.0.0.1]/",
        "file:///etc/passwd",
    ],
)
def test_addresses_that_calls_may_not_go_to_are_refused(address):
    with pytest.raises(AddressError):
        origin_of(address, allow_private=False)


def test_a_sandbox_may_be_private_and_unencrypted():
    assert str(origin_of("http://127.0.0.1:9401/x?y=1", allow_private=True)) == (
        "http://127.0.0.1:9401/x"
    )


def test_the_refusal_names_the_way_out():
    with pytest.raises(AddressError, match=r"write https://example.com/api"):
        origin_of("http://example.com/api", allow_private=False)


async def test_a_name_that_turns_private_at_the_second_look_is_refused():
    resolver = PublicResolver(Names(["1.1.1.1"], ["127.0.0.1"]))

    first = await resolver.resolve("rebind.example", 443)
    assert [each["host"] for each in first] == ["1.1.1.1"]
    with pytest.raises(PrivateTargetError, match=r"rebind.example .* \(127.0.0.1\)"):
        await resolver.resolve("rebind.example", 443)


async def test_private_addresses_among_public_ones_are_left_out():
    resolver = PublicResolver(Names(["10.0.0.1", "1.1.1.1"]))

    found = await resolver.resolve("both.example", 443)

    assert [each["host"] for each in found] == ["1.1.1.1"]
