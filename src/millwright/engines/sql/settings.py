"""Settings of the records engine."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct


class SqlSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """``[sql]``: where records are kept."""

    url: Annotated[
        str,
        Meta(
            description="SQLAlchemy URL, such as `postgresql+psycopg://user@host/millwright`. "
            "Empty: SQLite in the data folder."
        ),
    ] = ""
