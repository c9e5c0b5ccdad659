"""The vendor's published request schema with the addendum for `query` and `lookup`."""

from __future__ import annotations

from functools import cache

from lxml import etree
from tests import specifications

VENDOR = "sage_intacct"
_XS = "{http://www.w3.org/2001/XMLSchema}"


@cache
def published() -> etree.XMLSchema | None:
    """Return the schema, or None where it is absent."""
    folder = specifications.folder_of(VENDOR)
    if folder is None:
        return None
    document = etree.parse(str(folder / "intacct_dtd" / "v3.0" / "api.xsd"))
    root = document.getroot()
    for element in list(etree.parse(str(folder / "query_lookup.addendum.xsd")).getroot()):
        root.append(element)
    choice = root.find(f"{_XS}element[@name='function']/{_XS}complexType/{_XS}choice")
    assert choice is not None
    for name in ("query", "lookup"):
        etree.SubElement(choice, f"{_XS}element").set("ref", name)
    return etree.XMLSchema(document)


def needed() -> etree.XMLSchema:
    """Return the schema; skip the test where it is absent."""
    specifications.needed(VENDOR)
    schema = published()
    assert schema is not None
    return schema


def faults_of(body: bytes) -> list[str]:
    """Return what the schema has against a request; nothing where there is no schema."""
    schema = published()
    if schema is None or schema.validate(etree.fromstring(body)):
        return []
    return [str(schema.error_log)]
