"""The pages, and what stands in them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]

_FENCE = re.compile(r"^( *)```(\w*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"`([^`\n]+)`")


@dataclass(frozen=True)
class Block:
    """A fenced example."""

    page: Path
    language: str
    text: str
    line: int

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def pages() -> list[Path]:
    """Return every document for people: the README, the manual, and what has changed."""
    found = [ROOT / "README.md"]
    for folder in ("docs", "changes"):
        found += sorted((ROOT / folder).rglob("*.md"))
    return found


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


def blocks(language: str) -> list[Block]:
    """Return the examples in one language, of all pages."""
    return [
        Block(page, found[2], _dedented(found[3], found[1]), text.count("\n", 0, found.start()) + 1)
        for page in pages()
        for text in [page.read_text("utf-8")]
        for found in _FENCE.finditer(text)
        if found[2] == language
    ]


def inline_codes(page: Path) -> Iterator[str]:
    """Yield what stands in `backticks`, outside of examples."""
    text = _FENCE.sub("", page.read_text("utf-8"))
    for found in _INLINE.finditer(text):
        yield found[1]


def sections(page: Path) -> list[str]:
    """Return the headings of a page."""
    text = _FENCE.sub("", page.read_text("utf-8"))
    return [line.lstrip("# ") for line in text.splitlines() if line.startswith("#")]


def _dedented(text: str, indent: str) -> str:
    return "".join(line.removeprefix(indent) for line in text.splitlines(keepends=True))
