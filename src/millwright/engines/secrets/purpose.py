"""What a secret is sealed for; importable by tables without any cryptography."""

from __future__ import annotations

from typing import Any


def sealed(purpose: str) -> dict[str, Any]:
    """The ``info`` of a table's column that holds sealed values of this purpose."""
    return {"sealed": purpose}


def purpose_of(purpose: str, row_id: str) -> str:
    """The purpose that the value of one row is sealed for: its column's and the row's primary key."""
    return f"{purpose}:{row_id}"
