"""Records: SQLite in the data folder, or PostgreSQL, through SQLAlchemy; schema by Alembic."""

from typing import TYPE_CHECKING

from millwright.kernel.lazy import exports

if TYPE_CHECKING:
    from millwright.engines.sql.confinement import living, organisation, owned, owned_through, owner_of, purge
    from millwright.engines.sql.migrations import Migrations
    from millwright.engines.sql.records import Records, insert_into, metadata
    from millwright.engines.sql.settings import SqlSettings

__getattr__ = exports(__name__)

__all__ = [
    "Migrations",
    "Records",
    "SqlSettings",
    "insert_into",
    "living",
    "metadata",
    "organisation",
    "owned",
    "owned_through",
    "owner_of",
    "purge",
]
