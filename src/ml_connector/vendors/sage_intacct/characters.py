"""Which characters may be sent, and how text becomes sendable.

XML 1.0 forbids most control characters, lone surrogates, U+FFFE and U+FFFF, as references too:
one of them anywhere and the gateway refuses the whole request (NOTES.md, "Characters"). So they
are taken out of every text, and what was taken out is told.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

# Also the C1 controls and DEL: XML allows them, but no text means anything by them.
_UNWANTED = re.compile("[^\t\n\r\x20-\x7e\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_LINE_BREAKS = re.compile(r"\r\n|\r")
_BLANKS_AROUND_LINES = re.compile(r"[ \t]*[\r\n\t]+[ \t]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Removed:
    """Characters that were taken out of one field before it was sent."""

    field: str
    """Where it stood in the request: ``VENDOR/NAME``."""
    characters: int


def is_clean(text: str) -> bool:
    """Tell whether nothing would be taken out of ``text``."""
    return _UNWANTED.search(text) is None


def cleaned(text: str, *, keeps_lines: bool) -> tuple[str, int]:
    """Return ``text`` as it is sent, and how many characters were taken out.

    Composed (NFC) and without blanks around it; a line break becomes a space where the field
    has one line.
    """
    kept, removed = _UNWANTED.subn("", text)
    composed = unicodedata.normalize("NFC", kept)
    if keeps_lines:
        return _LINE_BREAKS.sub("\n", composed).strip(), removed
    return _BLANKS_AROUND_LINES.sub(" ", composed).strip(), removed
