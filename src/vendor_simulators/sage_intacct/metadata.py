"""What the objects are: lookup and inspect."""

from __future__ import annotations

from collections.abc import Iterator

from vendor_simulators.sage_intacct.company import Company
from vendor_simulators.sage_intacct.definitions import Definition, Field
from vendor_simulators.sage_intacct.elements import Element, element, leaf, text_of
from vendor_simulators.sage_intacct.queries import known_object
from vendor_simulators.sage_intacct.sessions import Caller

_STATES_OFFERED = ("Draft", "Posted")  # of the eight that an entry can be in


class Metadata:
    """Describes objects."""

    def __init__(self, company: Company) -> None:
        self._company = company

    def lookup(self, _caller: Caller, asked: Element) -> list[Element]:
        """Return an object's fields and relations."""
        definition = known_object(self._company, text_of(asked, "object"))
        fields = element("Fields", *(_field(one) for one in definition.fields.values()))
        relations = element("Relationships", *_relations(definition))
        described = element("Type", fields, relations, Name=definition.name, DocumentType="")
        return [element("data", described, listtype="All", count="1")]

    def inspect(self, _caller: Caller, asked: Element) -> list[Element]:
        """Return the list of objects, or one object's fields."""
        name = text_of(asked, "object") or text_of(asked, "name")
        if name == "*":
            return [element("data", *self._types(), listtype="All", count="1")]
        definition = known_object(self._company, name)
        is_detailed = asked.get("detail") == "1"
        described = (_detailed if is_detailed else _plain)(definition)
        return [element("data", described, listtype="All", count="1")]

    def _types(self) -> Iterator[Element]:
        for definition in self._company.definitions.values():
            one = leaf("type", definition.label)
            one.set("typename", definition.name.lower())
            yield one


def _field(field: Field) -> Element:
    made = element(
        "Field",
        leaf("ID", field.name),
        leaf("LABEL", field.label),
        leaf("DESCRIPTION", field.label),
        leaf("REQUIRED", _truth(is_so=field.is_required)),
        leaf("READONLY", _truth(is_so=field.is_read_only)),
        leaf("DATATYPE", field.datatype),
    )
    values = _STATES_OFFERED if field.kind == "entrystate" else tuple(field.choices)
    if values:
        made.append(element("VALIDVALUES", *(leaf("VALIDVALUE", value) for value in values)))
    made.append(leaf("ISCUSTOM", _truth(is_so=field.is_custom)))
    return made


def _relations(definition: Definition) -> Iterator[Element]:
    for relation in definition.relations.values():
        yield element(
            "Relationship",
            leaf("OBJECTPATH", relation.path),
            leaf("OBJECTNAME", relation.target),
            leaf("LABEL"),
            leaf("RELATIONSHIPTYPE", "MANY2ONE"),
            leaf("RELATEDBY", relation.by),
        )


def _plain(definition: Definition) -> Element:
    names = [leaf("Field", name) for name in definition.fields]
    return element("Type", element("Fields", *names), Name=definition.name)


def _detailed(definition: Definition) -> Element:
    attributes = element(
        "Attributes",
        leaf("SingularName", definition.label),
        leaf("PluralName", definition.plural),
        leaf("Description"),
    )
    fields = [
        element(
            "Field",
            leaf("Name", field.name),
            leaf("GroupName"),
            leaf("dataName", field.datatype),
            leaf("externalDataName", field.datatype.lower()),
            leaf("isRequired", _truth(is_so=field.is_required)),
            leaf("isReadOnly", _truth(is_so=field.is_read_only)),
            leaf("maxLength", str(field.size or "")),
            leaf("DisplayLabel", field.label),
            leaf("Description", field.label),
            leaf("id", field.name),
        )
        for field in definition.fields.values()
    ]
    return element("Type", attributes, element("Fields", *fields), Name=definition.name)


def _truth(*, is_so: bool) -> str:
    return "true" if is_so else "false"
