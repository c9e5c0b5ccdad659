"""The envelope of a request: who asks, by which login, for which functions.

The order of the children is the schema's; the gateway refuses any other (NOTES.md, "Requests").
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ml_connector.core.secret import Secret
from ml_connector.vendors.sage_intacct.nodes import Encoded, Node, encoded, leaf, parent
from ml_connector.vendors.sage_intacct.settings import Settings

OPEN_SESSION = "session.open"
"""The operation that logs in, told from all others by its name."""

LONGEST_CONTROL_ID = 256
_DTD_VERSION = "3.0"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Function:
    """One function of a request. Two that look alike are still two."""

    operation: str
    """Our name of it, for budgets and errors: ``VENDOR.query``."""
    subject: str
    """What it is about, in the vendor's words: ``VENDOR``."""
    content: Node


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbered:
    """A function with the control id by which its result is told from the others'."""

    control_id: str
    function: Function


def with_session(session_id: Secret) -> Node:
    """Return the authentication of a session."""
    return parent("authentication", leaf("sessionid", session_id.reveal(), is_exact=True))


def with_login(settings: Settings, entity_id: str | None) -> Node:
    """Return the authentication of a user, into an entity or to the top level."""
    entity = [leaf("locationid", entity_id, is_exact=True)] if entity_id else []
    return parent(
        "authentication",
        parent(
            "login",
            leaf("userid", settings.user_id, is_exact=True),
            leaf("companyid", settings.company_id, is_exact=True),
            leaf("password", settings.user_password.reveal(), is_exact=True),
            *entity,
        ),
    )


def encode(
    functions: Sequence[Numbered],
    *,
    settings: Settings,
    authentication: Node,
    control_id: str,
    is_unique: bool,
    is_one_transaction: bool = False,
) -> Encoded:
    """Return the bytes of a request.

    ``is_unique``: a function whose control id was carried out before is refused. It is always
    sent: left out it would mean true.
    """
    control = parent(
        "control",
        leaf("senderid", settings.sender_id, is_exact=True),
        leaf("password", settings.sender_password.reveal(), is_exact=True),
        leaf("controlid", control_id),
        leaf("uniqueid", _truth(is_unique)),
        leaf("dtdversion", _DTD_VERSION),
        leaf("includewhitespace", _truth(False)),  # noqa: FBT003 - the element's own value
    )
    content = parent(
        "content",
        *(parent("function", each.function.content, controlid=each.control_id)
          for each in functions),
    )  # fmt: skip
    operation = parent("operation", authentication, content, transaction=_truth(is_one_transaction))
    return encoded(parent("request", control, operation))


def checked_control_id(control_id: str) -> str:
    """Return a control id that can be sent.

    Raises ValueError for any other: shortened or cleaned it would name something else.
    """
    is_short = 0 < len(control_id) <= LONGEST_CONTROL_ID
    if not (is_short and control_id.isascii() and control_id.isprintable()):
        raise ValueError(
            f"{control_id!r} is not a control id: 1 to {LONGEST_CONTROL_ID} characters of ASCII"
        )
    return control_id


def _truth(value: bool) -> str:  # noqa: FBT001 - it is nothing but that value
    return "true" if value else "false"
