"""Takes secrets out of everything that is kept, logged or shown.

Two nets, because each has holes. By value: every secret that the connection knows, also in the
forms in which it travels (percent-encoded, base64, inside HTTP Basic, JSON- and XML-escaped).
By name: fields that hold a secret wherever they stand, because the answer that brings a new
token is recorded before anybody knows its value.
"""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Iterable, Mapping
from urllib.parse import quote, quote_plus

from ml_connector.core.secret import Secret

MASK = "***"
SHORTEST = 4
"""Characters; redacting anything shorter would only make the text unreadable."""

SECRET_FIELDS = (
    "access_token",
    "refresh_token",
    "id_token",
    "api_token",
    "api_key",
    "apikey",
    "token",
    "client_secret",
    "clientsecret",
    "client_assertion",
    "assertion",
    "code_verifier",
    "password",
    "passwd",
    "http_auth_password",
    "secret",
    "sessionid",
    "session_id",
    "signature_key",
    "senderid",
)
"""Names of fields in JSON, forms, queries and XML whose value is never kept; any case."""

_SECRET_HEADERS = re.compile(
    r"authorization|cookie|token|secret|password|api-?key|session|signature", re.IGNORECASE
)
_MASK = MASK.encode()
_names = "|".join(re.escape(name) for name in sorted(SECRET_FIELDS, key=len, reverse=True))
# A value may also be ended by the end of the text: a bounded body may be cut inside it.
_FIELDS = re.compile(
    rb'(?P<json>"(?:%(names)s)"\s*:\s*")(?:[^"\\]|\\.)*'
    rb'|(?P<nested>\\"(?:%(names)s)\\"\s*:\s*\\")[^"\\]*'
    rb"|(?P<form>(?:^|[?&\s])(?:%(names)s)=)[^&\s\"'<>]*"
    rb"|(?P<xml><(?:\w+:)?(?:%(names)s)(?:\s[^<>]*)?>)[^<]*" % {b"names": _names.encode()},
    re.IGNORECASE | re.DOTALL,
)
# Each is faster by far than the next, and shows of an ordinary body that it holds none: first
# the names that are in all others, then the names as such. On text in lower case: a pattern
# that ignores case tries every position.
_SHORTEST_NAMES = [
    name.encode()
    for name in SECRET_FIELDS
    if not any(other in name for other in SECRET_FIELDS if other != name)
]
_FIELD_NAME = re.compile(rb'(?:%(names)s)(?=["=\\>\s])' % {b"names": _names.encode()})


class Redactor:
    """Knows one connection's secrets and puts ``***`` in their place.

    Adding is cheap when the secret is known already; a new one rebuilds one pattern.
    """

    def __init__(self, *secrets: Secret | str) -> None:
        self._known: set[str] = set()
        self._shortest_values: list[bytes] = []
        self._values: re.Pattern[bytes] | None = None
        self._longest = 0
        self.add(*secrets)

    def add(self, *secrets: Secret | str) -> None:
        """Learn secrets; those shorter than SHORTEST are left out."""
        plain = (each.reveal() if isinstance(each, Secret) else each for each in secrets)
        new = {each for each in plain if len(each) >= SHORTEST} - self._known
        if new:
            self._known |= new
            self._rebuild()

    def learn_headers(self, headers: Mapping[str, str]) -> None:
        """Learn the secrets that these headers carry, judged by the headers' names."""
        for name, value in headers.items():
            if value not in self._known and _SECRET_HEADERS.search(name):
                self.add(*_parts_of_header(name, value))

    def text(self, text: str) -> str:
        """Return ``text`` without secrets."""
        raw = text.encode("utf-8", "surrogatepass")
        clean = self.data(raw)
        return text if clean is raw else clean.decode("utf-8", "surrogatepass")

    def data(self, data: bytes) -> bytes:
        """Return ``data`` without secrets; the very object when there was none."""
        clean = data
        if self._values is not None and _holds_any(self._shortest_values, data):
            clean = self._values.sub(_MASK, data)
        lowered = clean.lower()
        if _holds_any(_SHORTEST_NAMES, lowered) and _FIELD_NAME.search(lowered):
            clean = _FIELDS.sub(_mask_field, clean)
        return data if clean == data else clean

    def bounded(self, data: bytes | None, length: int) -> bytes | None:
        """Return the first ``length`` bytes of ``data`` without secrets.

        It looks further than it keeps, so that a secret across the cut leaves no part of itself.
        """
        if data is None:
            return None
        return self.data(data[: length + self._longest])[:length]

    def headers(self, headers: Mapping[str, str]) -> dict[str, str]:
        """Return ``headers`` with the values of secret ones masked."""
        return {
            name: MASK if _SECRET_HEADERS.search(name) else self.text(value)
            for name, value in headers.items()
        }

    def _rebuild(self) -> None:
        forms = {form for secret in self._known for form in _forms(secret)}
        self._longest = max(map(len, forms))
        # The longest first: a token that begins with another must go as a whole.
        ordered = sorted(forms, key=lambda form: (-len(form), form))
        self._values = re.compile(b"|".join(map(re.escape, ordered)))
        # Where one of the others stands, one of these does.
        self._shortest_values = []
        for form in reversed(ordered):
            if not _holds_any(self._shortest_values, form):
                self._shortest_values.append(form)


def _holds_any(parts: Iterable[bytes], data: bytes) -> bool:
    """Tell whether any part stands in ``data``; much faster than a pattern of alternatives."""
    return any(part in data for part in parts)


def _mask_field(found: re.Match[bytes]) -> bytes:
    lead: bytes = found[found.lastgroup or 0]  # the last group is the one that matched
    return lead + _MASK


def _parts_of_header(name: str, value: str) -> Iterable[str]:
    """Yield the value, and what it is made of: ``Bearer x``, ``Basic x``, ``a=x; b=y``."""
    yield value
    if name.lower() == "cookie":
        for pair in value.split(";"):
            yield pair.partition("=")[2].strip()
        return
    scheme, _, credentials = value.partition(" ")
    if not credentials:
        return
    yield credentials
    if scheme.lower() == "basic":
        try:
            plain = base64.b64decode(credentials).decode()
        except ValueError:  # not what Basic should be; its text is known all the same
            return
        yield plain.partition(":")[2]


def _forms(secret: str) -> Iterable[bytes]:
    """Yield the forms in which a secret may stand in a request, an answer or a message."""
    raw = secret.encode("utf-8", "surrogatepass")
    yield raw
    for quoted in (quote(raw, safe=""), quote(raw), quote_plus(raw)):
        yield quoted.encode()
        yield re.sub(r"%[0-9A-F]{2}", lambda m: m[0].lower(), quoted).encode()
    for escaped in (json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]):
        yield escaped.encode("utf-8", "surrogatepass")
        yield escaped.replace("/", "\\/").encode("utf-8", "surrogatepass")
    yield html.escape(secret).encode("utf-8", "surrogatepass")
    yield html.escape(secret, quote=False).encode("utf-8", "surrogatepass")
    yield from _base64_forms(raw)


def _base64_forms(raw: bytes) -> Iterable[bytes]:
    """Yield what base64 makes of the secret wherever it stands in the encoded text.

    ``user:password`` shifts the password by one or two bytes against base64's groups of three.
    Only the characters that depend on the secret alone are kept, without padding.
    """
    for shift in range(3):
        encoded = base64.b64encode(b"\0" * shift + raw)
        skip = (shift * 8 + 5) // 6
        keep = (shift + len(raw)) * 8 // 6
        own = encoded[skip:keep]
        if len(own) >= SHORTEST:
            yield own
            yield own.translate(bytes.maketrans(b"+/", b"-_"))
