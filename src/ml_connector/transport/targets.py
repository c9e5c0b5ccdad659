"""Where calls may go.

Addresses come from users. Without this check one could name a host of ours, or a name that
resolves to one, and read our network through us. So the scheme is checked where an address is
set, a literal IP address too, and a name at the last moment: the resolver that the sockets use
hands on public addresses only, so a name that resolves differently the second time gains
nothing.
"""

from __future__ import annotations

import socket
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Final

from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from ml_connector.transport.failures import AddressError

# RFC 6052: an IPv4 address in the last 32 bits, which a gateway may well reach for us.
_NAT64: Final = IPv6Network("64:ff9b::/96")


class PrivateTargetError(AddressError):
    """A name or address leads into a private network. Not an OSError: it is no outage."""


def origin_of(address: str, *, allow_private: bool) -> URL:
    """Return the address as a URL without query, once it is one that calls may go to.

    Raises AddressError otherwise.
    """
    try:
        url = URL(address)
        host = url.host
        url.port  # noqa: B018 - raises for a port that is no number
    except ValueError as exc:
        raise AddressError(f"{address!r} is not an address; write https://host/path") from exc
    if not host or url.scheme not in {"http", "https"}:
        raise AddressError(f"{address!r} is not an address; write https://host/path")
    if url.user is not None or url.password is not None:
        raise AddressError(f"the address of {host} must not contain a user or password")
    if url.scheme != "https" and not allow_private:
        raise AddressError(f"{address!r} is not encrypted; write https://{host}{url.raw_path}")
    if not allow_private:
        _refuse_private_literal(host)
    return url.with_query(None).with_fragment(None)


def is_public(address: str) -> bool:
    """Say whether a literal IP address is one of the public internet."""
    ip = ip_address(address.partition("%")[0])
    if isinstance(ip, IPv6Address):
        inner = _ipv4_inside(ip)
        if inner is not None:
            return _is_public(inner)
    return _is_public(ip)


class PublicResolver(AbstractResolver):
    """Resolves through ``inner`` and hands on public addresses only."""

    def __init__(self, inner: AbstractResolver) -> None:
        self._inner = inner

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Return the public addresses of ``host``; PrivateTargetError when it has none."""
        found = await self._inner.resolve(host, port, family)
        public = [each for each in found if is_public(each["host"])]
        if found and not public:
            raise PrivateTargetError(_refusal(host, found[0]["host"]))
        return public

    async def close(self) -> None:
        """Close the resolver inside."""
        await self._inner.close()


def _refuse_private_literal(host: str) -> None:
    try:
        is_private = not is_public(host)
    except ValueError:
        return  # a name: the resolver decides, each time
    if is_private:
        raise PrivateTargetError(_refusal(host, host))


def _refusal(host: str, address: str) -> str:
    return (
        f"{host} is in a private network ({address}); calls go to public addresses only, "
        "unless the deployment allows private targets"
    )


def _is_public(ip: IPv4Address | IPv6Address) -> bool:
    return ip.is_global and not ip.is_multicast and not ip.is_reserved


def _ipv4_inside(ip: IPv6Address) -> IPv4Address | None:
    if ip in _NAT64:
        return IPv4Address(int(ip) & 0xFFFF_FFFF)
    if ip.teredo is not None:
        return ip.teredo[1]
    return ip.ipv4_mapped or ip.sixtofour
