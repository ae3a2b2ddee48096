"""Whether names of a prefix resolve here at present, and whose they are."""

from __future__ import annotations

from typing import Any

from millwright.identity.handle.naming import prefix_of
from millwright.identity.handle.records import RecordsView


def is_kept(view: RecordsView, name: bytes) -> bool:
    """Whether names of its prefix are registered here: what is not found then does not exist."""
    return _authority(view, name) is not None or view.responsible(prefix_of(name))


def closed_because(view: RecordsView, name: bytes) -> str | None:
    """Why a name does not resolve here although its record may be kept; ``None`` when it does."""
    prefix = _authority(view, name)
    if prefix is None or prefix.state == "active":
        return None
    return f"The prefix {prefix.prefix} is {prefix.state}."


def owner_of(view: RecordsView, name: bytes) -> tuple[str, str] | None:
    """The prefix of a name as it was issued and the id of the organisation that holds it, where that is known."""
    prefix = _authority(view, name)
    return None if prefix is None else (str(prefix.prefix), str(prefix.organisation_id))


def _authority(view: RecordsView, name: bytes) -> Any:
    find = getattr(view, "authority", None)
    return None if find is None else find(name)
