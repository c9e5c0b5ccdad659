"""Which held records a change of a mapping lets through."""

from __future__ import annotations

from dataclasses import dataclass

from ml_connector.sync.mapping.compiling import CompiledMapping, CompiledTable


@dataclass(frozen=True, slots=True, kw_only=True)
class Woken:
    """Causes of holds that are gone, as ``waits_for`` carries them."""

    causes: frozenset[str] = frozenset()
    prefixes: frozenset[str] = frozenset()
    """Every cause that begins so."""
    all_held: bool = False
    """A rule itself has changed: whatever this mapping held may pass now."""


def woken_by(before: CompiledMapping | None, after: CompiledMapping) -> Woken:
    """Compare two versions of a mapping.

    A new entry wakes the records that wait for it, a new fallback all that wait for its table.
    """
    if before is None:
        return Woken(all_held=True)
    causes: set[str] = set()
    prefixes: set[str] = set()
    known = _tables(before)
    for name, tables in _tables(after).items():
        had = {key for table in known.get(name, []) for key in table.entries}
        has = {key for table in tables for key in table.entries}
        causes |= {f"mapping:{name}:{key}" for key in has - had}
        had_fallback = any(table.fallback is not None for table in known.get(name, []))
        if not had_fallback and any(table.fallback is not None for table in tables):
            prefixes.add(f"mapping:{name}:")
    return Woken(
        causes=frozenset(causes),
        prefixes=frozenset(prefixes),
        all_held=before.config.fields != after.config.fields,
    )


def _tables(mapping: CompiledMapping) -> dict[str, list[CompiledTable]]:
    found: dict[str, list[CompiledTable]] = {}
    for rule in mapping.rules:
        if rule.table is not None:
            found.setdefault(rule.table.name, []).append(rule.table)
    return found
