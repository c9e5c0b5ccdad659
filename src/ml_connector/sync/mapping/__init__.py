"""The mapping engine: from the fields of one side to the fields of the other, by configuration."""

from ml_connector.sync.mapping.compiling import (
    CompiledMapping,
    FieldUse,
    MappingFault,
    MappingFaultsError,
    compile_mapping,
)
from ml_connector.sync.mapping.evaluation import Mapped, Used, evaluate
from ml_connector.sync.mapping.fields import Field, FieldCatalogue, FieldNotFoundError, Kind
from ml_connector.sync.mapping.model import FieldRule, MappingConfig, OnExisting, ValueTable
from ml_connector.sync.mapping.ownership import ExistingChanges, Kept, changes_for_existing
from ml_connector.sync.mapping.views import RecordView, fields_of
from ml_connector.sync.mapping.waking import Woken, woken_by

__all__ = [
    "CompiledMapping",
    "ExistingChanges",
    "Field",
    "FieldCatalogue",
    "FieldNotFoundError",
    "FieldRule",
    "FieldUse",
    "Kept",
    "Kind",
    "Mapped",
    "MappingConfig",
    "MappingFault",
    "MappingFaultsError",
    "OnExisting",
    "RecordView",
    "Used",
    "ValueTable",
    "Woken",
    "changes_for_existing",
    "compile_mapping",
    "evaluate",
    "fields_of",
    "woken_by",
]
