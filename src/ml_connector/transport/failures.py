"""Ways in which a call fails before or without an answer, told apart.

Each is one of the error tree's kinds, so the engine needs none of these names; a ping does,
to say whether the address, the certificate or the network is to be put right.
"""

from __future__ import annotations

import ssl

import aiohttp
from yarl import URL

from ml_connector.core.errors import (
    ConfigurationError,
    ConnectorError,
    ContractError,
    UnavailableError,
)


class AddressError(ConfigurationError):
    """The address is not one that calls may go to: its scheme, its host, its origin."""


class CertificateError(ConfigurationError):
    """TLS could not be agreed: the certificate is not good for this host, or there is none."""


class UnreachableError(UnavailableError):
    """No connection came about: no such name, or nothing accepts it. Nothing was sent."""


class TimedOutError(UnavailableError):
    """The call's deadline passed before the whole answer was there."""


class DroppedError(UnavailableError):
    """The connection ended before the whole answer was there."""


class UnreadableAnswerError(ContractError):
    """Something was answered that cannot be read: too long, or not HTTP."""


class PlanOnlyError(ContractError):
    """A plan tried to write; nothing was sent. The flow must plan this write, not make it."""


class WriteNotPermittedError(ContractError):
    """A flow tried to write outside the writing-once primitive; nothing was sent."""


def failure_of(
    error: BaseException | None, url: URL, *, has_left: bool, within: float
) -> ConnectorError:
    """Translate what aiohttp raised into what happened."""
    where = f"{url.host}:{url.port}"
    if not has_left:
        return _not_connected(error, where)
    match error:
        case TimeoutError():
            return TimedOutError(f"{where} gave no whole answer within {within:g} s")
        case aiohttp.ClientResponseError():
            return UnreadableAnswerError(f"{where} answered what is not HTTP: {error.message}")
        case _:
            return DroppedError(f"{where} ended the connection before its answer was whole")


def _not_connected(error: BaseException | None, where: str) -> ConnectorError:
    match error:
        case aiohttp.ClientConnectorCertificateError():
            return CertificateError(_certificate_message(where, error.certificate_error))
        case aiohttp.ClientConnectorSSLError():
            return _tls_failure(where, error.os_error)
        case aiohttp.ClientConnectorDNSError():
            reason = "its name does not resolve; check the host name, then the network"
        case aiohttp.ClientConnectorError():
            reason = f"it does not accept connections ({_reason(error)})"
        case TimeoutError():
            reason = "no connection came about in time"
        case _:
            reason = f"the connection ended before it could be used ({_reason(error)})"
    return UnreachableError(f"{where} cannot be reached: {reason}; nothing was sent")


def _certificate_message(where: str, error: BaseException) -> str:
    reason = getattr(error, "verify_message", "") or str(error)
    return (
        f"the certificate of {where} is not good: {reason}; put it right there, "
        "or have its authority trusted here"
    )


def _tls_failure(where: str, error: OSError) -> ConnectorError:
    if isinstance(error, ssl.SSLEOFError | ssl.SSLZeroReturnError):
        return UnreachableError(f"{where} ended the connection while TLS was being agreed")
    reason = getattr(error, "reason", None) or str(error)
    return CertificateError(f"{where} does not agree to TLS: {reason}; check address and port")


def _reason(error: BaseException | None) -> str:
    return getattr(error, "strerror", None) or type(error).__name__
