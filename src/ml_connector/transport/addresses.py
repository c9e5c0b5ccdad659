"""How the address of one call is made of the base address, a path and parameters."""

from __future__ import annotations

import re
from collections.abc import Sequence
from urllib.parse import quote, urlencode

from yarl import URL

from ml_connector.transport.failures import AddressError

_TO_QUOTE = re.compile(r"[^A-Za-z0-9\-._~!$&'()*+,;=:@/?%\[\]]")
_KEPT_IN_QUERY = "$,:'()"  # legal in a query as they are; vendors' documents show them so


class Base:
    """The address under which one API's calls stand."""

    def __init__(self, url: URL) -> None:
        self._origin = _origin(url)
        self._text = str(url)
        self._prefix = self._text.rstrip("/")

    def address_of(self, path: str, params: Sequence[tuple[str, str]] | None) -> str:
        """Return the encoded address of ``path`` below this one, or ``path`` if it is whole.

        Raises AddressError for a whole address of another origin: the login must not go there.
        """
        if path[:8].lower().startswith(("http://", "https://")):
            address = self._same_origin(_quoted(path))
        else:
            address = f"{self._prefix}/{_quoted(path.lstrip('/'))}" if path else self._text
        if params:
            query = urlencode(params, quote_via=quote, safe=_KEPT_IN_QUERY)
            address += f"{'&' if '?' in address else '?'}{query}"
        return address

    def _same_origin(self, address: str) -> str:
        try:
            url = URL(address)
            origin = _origin(url)
        except ValueError as exc:
            raise AddressError(f"{address!r} is not an address") from exc
        if origin != self._origin or url.user is not None:
            raise AddressError(
                f"the vendor at {self._text} points to {url.scheme}://{url.host}; "
                "the login is not sent to another host, so this call was not made"
            )
        return address


def _origin(url: URL) -> tuple[str, str | None, int | None]:
    return url.scheme, url.host, url.port


def _quoted(path: str) -> str:
    return _TO_QUOTE.sub(lambda found: quote(found[0], safe=""), path)
