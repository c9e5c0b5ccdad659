"""What an object is: its fields, its key, its relations, and who may touch it.

Fields are written as text, one after the other, separated by commas: name, kind, flags. A kind
is t (text, with its length), n (whole number), d (decimal), b (true or false), f (T or F), D
(date), T (date and time), or the name of an enumeration.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

# Display value to database value.
ENUMERATIONS: Mapping[str, Mapping[str, str]] = {
    "status": {"active": "T", "inactive": "F"},
    "entrystate": {
        "Draft": "I",
        "Submitted": "S",
        "Partially Approved": "X",
        "Approved": "A",
        "Posted": "P",
        "Declined": "R",
        "Reversal pending": "L",
        "Reversed": "Z",
    },
    "billstate": {
        "Draft": "D",
        "Posted": "A",
        "Partially Paid": "PA",
        "Selected": "S",
        "Paid": "P",
    },
    "paymentstate": {"Draft": "D", "Submitted": "S", "Approved": "A", "Posted": "C", "Voided": "V"},
    "approval": {"Approved": "A", "Submitted": "S", "Declined": "R"},
    "accounttype": {"balancesheet": "N", "incomestatement": "I"},
    "normalbalance": {"debit": "1", "credit": "-1"},
    "closingtype": {"non-closing account": "N", "closing account": "C"},
    "alternative": {"None": "N", "Payables account": "V", "Receivables account": "C"},
    "restriction": {"Unrestricted": "U", "RootOnly": "T", "Restricted": "R"},
    "trtype": {"1": "1", "-1": "-1"},
}
_DATATYPES = {
    "t": "TEXT",
    "n": "INTEGER",
    "d": "DECIMAL",
    "b": "BOOLEAN",
    "f": "BOOLEAN",
    "D": "DATE",
    "T": "TIMESTAMP",
}
_AUDIT = (
    "STATUS status, WHENCREATED T readonly, WHENMODIFIED T readonly, CREATEDBY t80 readonly, "
    "MODIFIEDBY t80 readonly"
)
_OWNER = "MEGAENTITYKEY n readonly, MEGAENTITYID t20 readonly, MEGAENTITYNAME t100 readonly"


@dataclass(frozen=True)
class Field:
    """One field of an object."""

    name: str
    kind: str
    size: int | None = None
    is_required: bool = False
    is_read_only: bool = False
    is_immutable: bool = False
    is_custom: bool = False
    target: str = ""  # the object whose key a text must be

    @property
    def choices(self) -> Mapping[str, str]:
        """The display values with their database values, empty for other kinds."""
        return ENUMERATIONS.get(self.kind, {})

    @property
    def datatype(self) -> str:
        """The type as lookup tells it."""
        return _DATATYPES.get(self.kind, "TEXT")

    @property
    def label(self) -> str:
        """The label as lookup tells it."""
        return self.name.replace("_", " ").replace(".", " ").capitalize()


@dataclass(frozen=True)
class Relation:
    """A many-to-one relation: the way to the other record that a dotted path takes."""

    path: str
    target: str
    by: str  # the own field
    matches: str  # the field of the target


@dataclass(frozen=True)
class Definition:
    """An object that can be read and, mostly, written."""

    name: str
    key: str
    label: str
    plural: str
    fields: Mapping[str, Field]
    relations: Mapping[str, Relation] = field(default_factory=dict)
    application: str = "Company"
    policy: str = ""
    is_writable: bool = True
    is_shared: bool = False  # never owned by one entity

    def named(self, name: str) -> Field | None:
        """Return a field by its name in any case."""
        return (
            self.fields.get(name) or self.fields.get(name.upper()) or self.fields.get(name.lower())
        )

    def with_field(self, added: Field) -> Definition:
        """Return the definition with one more field."""
        return replace(self, fields=MappingProxyType({**self.fields, added.name: added}))


def define(
    name: str,
    label: str,
    fields: str,
    *,
    key: str = "RECORDNO",
    plural: str = "",
    relations: tuple[Relation, ...] = (),
    application: str = "Company",
    policy: str = "",
    is_writable: bool = True,
    is_shared: bool = False,
    has_audit: bool = True,
) -> Definition:
    """Return a definition from its fields as text; record number and audit columns are added."""
    # An object's own fields come last: APBILL has a WHENCREATED of another meaning.
    parts = ["RECORDNO n readonly", *([_AUDIT, _OWNER] if has_audit else []), fields]
    read = [read_field(text) for text in ", ".join(parts).split(",") if text.strip()]
    return Definition(
        name=name,
        key=key,
        label=label,
        plural=plural or f"{label}s",
        fields=MappingProxyType({one.name: one for one in read}),
        relations={relation.path: relation for relation in relations},
        application=application,
        policy=policy or plural or f"{label}s",
        is_writable=is_writable,
        is_shared=is_shared,
    )


def read_field(text: str) -> Field:
    """Return the field that a text such as ``NAME t100 required`` describes."""
    name, kind, *flags = text.split()
    size = None
    if kind[0] == "t" and kind[1:].isdigit():
        kind, size = "t", int(kind[1:])
    target = next((flag.removeprefix("of=") for flag in flags if flag.startswith("of=")), "")
    return Field(
        name=name,
        kind=kind,
        size=size,
        is_required="required" in flags,
        is_read_only="readonly" in flags,
        is_immutable="immutable" in flags,
        is_custom="custom" in flags,
        target=target,
    )
