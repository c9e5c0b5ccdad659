"""Files attached to records."""

from __future__ import annotations

from aiohttp import web

from vendor_simulators.acumatica.answers import no_record
from vendor_simulators.acumatica.records import Record, StoredFile
from vendor_simulators.acumatica.site import Site

_LONGEST_COMMENT = 500
_PUT_PARTS = ("graph", "view", "id", "filename")


class Attachments:
    """Stores and returns files."""

    def __init__(self, site: Site) -> None:
        self._site = site

    def attach(self, record: Record, filename: str, content: bytes, comment: str) -> StoredFile:
        """Attach a file; one of the same name is replaced."""
        changed = record.copied()
        file = StoredFile(self._site.new_id(), filename, content, comment[:_LONGEST_COMMENT])
        kept = [held for held in record.files if held.filename != filename]
        changed.files = (*kept, file)
        self._site.commit(changed)
        return file

    def owner(self, rest: tuple[str, ...]) -> tuple[Record, str]:
        """Return record and file name of a ``files:put`` address."""
        if len(rest) >= len(_PUT_PARTS):
            for table in self._site.tables.values():
                record = table.by_id(rest[2])
                if record is not None:
                    return record, "/".join(rest[3:])
        raise no_record()

    def download(self, file_id: str) -> web.Response:
        """Return a file's bytes."""
        for table in self._site.tables.values():
            for record in table:
                for file in record.files:
                    if file.id == file_id:
                        return web.Response(
                            body=file.content, content_type="application/octet-stream"
                        )
        raise no_record()
