"""How the address of one call is made of the base address, a path and parameters."""

from __future__ import annotations

import re
from collections.abc import Sequence
from urllib.parse import quote, urlencode

from yarl import URL

from ml_connector.transport.failures import AddressError

_TO_QUOTE = re.compile(r"[^A-Za-z0-9\-._~!$&'()*+,;=:@/?%\[\]]")
_KEPT_IN_QUERY = "$,:'()"  # legal in a query as they are; vendors' documents show them so


def address_of(base: URL, path: str, params: Sequence[tuple[str, str]] | None) -> URL:
    """Return the address of ``path`` below ``base``, or ``path`` itself if it is a whole address.

    Raises AddressError for a whole address of another origin: the login must not go there.
    """
    if path[:8].lower().startswith(("http://", "https://")):
        address = _same_origin(base, _quoted(path))
    else:
        address = f"{str(base).rstrip('/')}/{_quoted(path.lstrip('/'))}" if path else str(base)
    if params:
        address += ("&" if "?" in address else "?") + urlencode(
            params, quote_via=quote, safe=_KEPT_IN_QUERY
        )
    return URL(address, encoded=True)


def _same_origin(base: URL, address: str) -> str:
    try:
        origin = URL(address).origin()
    except ValueError as exc:
        raise AddressError(f"{address!r} is not an address") from exc
    if origin != base.origin():
        raise AddressError(
            f"the vendor at {base.origin()} points to {origin}; "
            "the login is not sent to another host, so this call was not made"
        )
    return address


def _quoted(path: str) -> str:
    return _TO_QUOTE.sub(lambda found: quote(found[0], safe=""), path)
