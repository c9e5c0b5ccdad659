"""Two views of a database's schema, to show that migrations end in what the code declares."""

from __future__ import annotations

from typing import Any

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, MetaData, text

_NOT_DECLARED = ("alembic_version", "run_queue")  # by us: tables of alembic and of PgQueuer

_DESCRIPTION = r"""
WITH ours AS (
    SELECT c.oid, c.relname FROM pg_class c
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
      AND c.relname <> 'alembic_version'
)
SELECT format('table %s %s', relname, pg_get_partkeydef(oid)) FROM ours
UNION ALL
SELECT format('column %s.%s %s%s default %s identity %s generated %s', o.relname, a.attname,
              format_type(a.atttypid, a.atttypmod),
              CASE WHEN a.attnotnull THEN ' not null' ELSE '' END,
              pg_get_expr(d.adbin, d.adrelid), a.attidentity, a.attgenerated)
FROM ours o JOIN pg_attribute a ON a.attrelid = o.oid AND a.attnum > 0 AND NOT a.attisdropped
LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
UNION ALL
SELECT format('constraint %s.%s %s', o.relname, k.conname, pg_get_constraintdef(k.oid))
FROM ours o JOIN pg_constraint k ON k.conrelid = o.oid
UNION ALL
SELECT format('index %s', pg_get_indexdef(i.indexrelid))
FROM ours o JOIN pg_index i ON i.indrelid = o.oid
UNION ALL
SELECT format('trigger %s', pg_get_triggerdef(t.oid))
FROM ours o JOIN pg_trigger t ON t.tgrelid = o.oid AND NOT t.tgisinternal
UNION ALL
SELECT format('function %s', pg_get_functiondef(p.oid)) FROM pg_proc p
WHERE p.pronamespace = 'public'::regnamespace
UNION ALL
SELECT format('enum %s %s', t.typname, string_agg(e.enumlabel, ', ' ORDER BY e.enumsortorder))
FROM pg_type t JOIN pg_enum e ON e.enumtypid = t.oid
WHERE t.typnamespace = 'public'::regnamespace
GROUP BY t.typname
"""


def schema_differences(connection: Connection, metadata: MetaData) -> list[Any]:
    """Return what alembic would change to get from the database to ``metadata``.

    It sees tables, columns, types, defaults and indexes, but no CHECK and no partitioning.
    """
    partitions = set(
        connection.scalars(
            text("SELECT relname FROM pg_class WHERE relispartition AND relkind IN ('r', 'p')")
        )
    )

    def is_declared(item: Any, name: str | None, kind: str, *_: Any) -> bool:
        table = str(name) if kind == "table" else item.table.name
        return not (table in partitions or table.startswith(_NOT_DECLARED))

    context = MigrationContext.configure(
        connection,
        opts={"include_object": is_declared, "compare_type": True, "compare_server_default": True},
    )
    return list(compare_metadata(context, metadata))


def schema_description(connection: Connection) -> set[str]:
    """Return a line for everything in the schema, in PostgreSQL's own words.

    Two databases with equal descriptions are equal: every CHECK, partition and default counts.
    """
    return set(connection.scalars(text(_DESCRIPTION)))
