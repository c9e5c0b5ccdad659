"""The one description of the database that every part adds its tables to.

Each part declares its tables in its own `tables.py` with this object; migrations and the
tests' template are compared with what has gathered here.
"""

from __future__ import annotations

from sqlalchemy import MetaData

# Names that a migration can refer to: PostgreSQL's own differ between versions and are cut
# at 63 bytes without a word.
NAMING_CONVENTION = {
    "pk": "%(table_name)s_pkey",
    "ix": "%(table_name)s_%(column_0_N_name)s_idx",
    "uq": "%(table_name)s_%(column_0_N_name)s_key",
    "fk": "%(table_name)s_%(column_0_N_name)s_fkey",
    "ck": "%(table_name)s_%(constraint_name)s_check",
}

metadata = MetaData(naming_convention=NAMING_CONVENTION)
