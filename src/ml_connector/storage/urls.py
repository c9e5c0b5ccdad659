"""PostgreSQL's connection URLs, as libpq users write them, for asyncpg.

asyncpg reads most of a URL itself: several hosts, `sslmode`, `sslrootcert` and the other TLS
files, `target_session_attrs`. It hands whatever it does not know to the server, which refuses
the connection; so libpq's options that only concern the client are dealt with here.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from ml_connector.core.errors import ConfigurationError

_SCHEMES = {"postgresql", "postgres", "postgresql+asyncpg"}

# libpq's options about itself: nothing is lost when asyncpg does without them
# (PostgreSQL docs: "34.1.2. Parameter Key Words").
_ONLY_LIBPQ = {
    "gssencmode",
    "gssdelegation",
    "keepalives",
    "keepalives_count",
    "keepalives_idle",
    "keepalives_interval",
    "load_balance_hosts",
    "requirepeer",
    "sslcertmode",
    "sslcompression",
    "sslsni",
    "tcp_user_timeout",
}
_FULLY_VERIFIED = "verify-full"  # the only sslmode that libpq allows with sslrootcert=system


def connection_arguments(url: str) -> dict[str, Any]:
    """Return what `asyncpg.connect` takes to open ``url``.

    Raises ConfigurationError for a URL that is not PostgreSQL's, and for a demand that asyncpg
    cannot keep: leaving a security demand out without a word would be worse.
    """
    parts = urlsplit(url)
    if parts.scheme not in _SCHEMES:
        raise ConfigurationError(
            f"the database URL begins with {parts.scheme or 'nothing'!r}; "
            "it must begin with postgresql://"
        )
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    arguments: dict[str, Any] = {}
    _take_channel_binding(options)
    _take_system_roots(options, arguments)
    _take_timeout(options, arguments)
    for name in _ONLY_LIBPQ & options.keys():
        del options[name]
    if "fallback_application_name" in options:
        options.setdefault("application_name", options.pop("fallback_application_name"))
    # The server's own word for it is a parameter of the session, so it passes as it is.
    arguments["dsn"] = _url("postgresql", parts.netloc, parts.path, options)
    return arguments


def with_database(url: str, name: str) -> str:
    """Return ``url`` pointing at the database ``name`` of the same server."""
    parts = urlsplit(url)
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    for other_name in ("dbname", "database"):
        options.pop(other_name, None)
    return _url(parts.scheme, parts.netloc, "/" + quote(name, safe=""), options)


def without_password(url: str) -> str:
    """Return ``url`` as it may stand in a log or on a screen."""
    parts = urlsplit(url)
    login, at, address = parts.netloc.rpartition("@")
    user = login.partition(":")[0]
    options = {
        key: "***" if "password" in key else value
        for key, value in parse_qsl(parts.query, keep_blank_values=True)
    }
    hidden = f"{user}:***" if ":" in login else user
    return _url(parts.scheme, hidden + at + address, parts.path, options)


def _url(scheme: str, address: str, path: str, options: Mapping[str, str]) -> str:
    # By hand: urlunsplit leaves the "//" out when there is no address.
    query = urlencode(options, quote_via=quote, safe="/*,")
    return f"{scheme}://{address}{path}" + (f"?{query}" if query else "")


def _take_channel_binding(options: dict[str, str]) -> None:
    if options.pop("channel_binding", "prefer") == "require":
        raise ConfigurationError(
            "the database URL demands channel_binding=require, which the driver cannot do; "
            "take it out and use sslmode=verify-full, which shuts out a man in the middle as well"
        )


def _take_system_roots(options: dict[str, str], arguments: dict[str, Any]) -> None:
    """Understand `sslrootcert=system`: the machine's own list of authorities (libpq 16)."""
    if options.get("sslrootcert") != "system":
        return
    mode = options.pop("sslmode", _FULLY_VERIFIED)
    if mode != _FULLY_VERIFIED:
        raise ConfigurationError(
            f"the database URL has sslrootcert=system with sslmode={mode}; "
            f"only sslmode={_FULLY_VERIFIED} is safe with it"
        )
    del options["sslrootcert"]
    context = ssl.create_default_context()
    if "sslcert" in options:
        context.load_cert_chain(
            options.pop("sslcert"), options.pop("sslkey", None), options.pop("sslpassword", None)
        )
    arguments["ssl"] = context


def _take_timeout(options: dict[str, str], arguments: dict[str, Any]) -> None:
    text = options.pop("connect_timeout", "")
    if not text:
        return
    try:
        seconds = float(text)
    except ValueError as exc:
        raise ConfigurationError(
            f"the database URL has connect_timeout={text}; it must be a number of seconds"
        ) from exc
    if seconds > 0:  # zero means for ever to libpq; the driver's own limit is wiser
        arguments["timeout"] = seconds
