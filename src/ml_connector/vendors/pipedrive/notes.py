"""Notes, which only API v1 has: HTML on a deal, an organization or a person.

Pipedrive takes tags out that it does not like without naming them (NOTES.md, "Notes"), so what
was written is told apart from what somebody changed by its text, never by its markup.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape, unescape

from ml_connector.vendors.pipedrive import wire
from ml_connector.vendors.pipedrive.api import API
from ml_connector.vendors.pipedrive.drafts import NoteDraft
from ml_connector.vendors.pipedrive.models import Note
from ml_connector.vendors.pipedrive.pages import all_v1_items

LONGEST = 90_000
"""Characters. The published description names about 100,000."""

_TAG = re.compile(r"<[^>]*>")
_SPACE = re.compile(r"\s+")


class Notes:
    """The notes of one account."""

    def __init__(self, api: API) -> None:
        self._api = api

    async def get(self, note_id: int) -> Note:
        """Return a note; one that was deleted is not ``active_flag`` any more.

        Raises NotFoundError for one that never was or was purged.
        """
        answer = await self._api.read(f"notes/{note_id}", operation="notes.get", version="v1")
        return wire.record(Note, answer.data)

    async def of_deal(self, deal_id: int) -> tuple[Note, ...]:
        """Return the notes on a deal, without deleted ones."""
        items = await all_v1_items(
            self._api, "notes", operation="notes.list", params=[("deal_id", str(deal_id))]
        )
        return wire.records(Note, items)

    async def create(self, draft: NoteDraft) -> Note:
        """Add a note. Twice makes two."""
        answer = await self._api.call(
            "POST", "notes", operation="notes.create", version="v1", draft=draft
        )
        return wire.record(Note, wire.envelope(answer).data)

    async def update(self, note_id: int, draft: NoteDraft) -> Note:
        """Change a note; a deleted one takes changes too, so look at it first."""
        answer = await self._api.call(
            "PUT",
            f"notes/{note_id}",
            operation="notes.update",
            version="v1",
            draft=draft,
            is_safe=True,
        )
        return wire.record(Note, wire.envelope(answer).data)


def text_of(html: str) -> str:
    """Return what a note says, without its markup."""
    return _SPACE.sub(" ", unescape(_TAG.sub(" ", html))).strip()


def html_of(lines: Sequence[str], *, marker: str, longest: int = LONGEST) -> str:
    """Return a note of lines of plain text: escaped, below the size, with what is left out told.

    ``marker`` ends it, so that the note is found again.
    """
    end = f"<p><i>{escape(marker)}</i></p>"
    shown = [f"<li>{escape(line)}</li>" for line in lines[1:]]
    head = f"<p><b>{escape(lines[0])}</b></p>" if lines else ""
    # enough for the tags of the list and the count
    room = longest - len(head) - len(end) - 100
    kept: list[str] = []
    for item in shown:
        room -= len(item)
        if room < 0:
            break
        kept.append(item)
    left = len(shown) - len(kept)
    more = [f"<li>{left} more lines</li>"] if left else []
    listed = f"<ul>{''.join([*kept, *more])}</ul>" if kept or more else ""
    return f"{head}{listed}{end}"
