"""Records: SQLite in the data folder, or PostgreSQL, through SQLAlchemy; schema by Alembic."""

from millwright.engines.sql.migrations import Migrations
from millwright.engines.sql.records import Records, metadata
from millwright.engines.sql.settings import SqlSettings

__all__ = ["Migrations", "Records", "SqlSettings", "metadata"]
