"""Ways in which a call fails before or without an answer, told apart.

Each is one of the error tree's kinds, so the engine needs none of these names; a ping does,
to say whether the address, the certificate or the network is to be put right.
"""

from __future__ import annotations

from ml_connector.core.errors import (
    ConfigurationError,
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


class PlanOnlyError(ContractError):
    """A plan tried to write; nothing was sent. The flow must plan this write, not make it."""


class WriteNotPermittedError(ContractError):
    """A flow tried to write outside the writing-once primitive; nothing was sent."""
