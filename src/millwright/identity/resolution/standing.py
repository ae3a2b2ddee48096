"""Whether names of a prefix resolve here at present, and whose they are."""

from __future__ import annotations

from millwright.identity.handle.measured import suspension_of
from millwright.identity.handle.records import RecordsView
from millwright.identity.records.model import Measure


def is_kept(view: RecordsView, name: bytes) -> bool:
    """Whether such a name is registered here: what is not found then does not exist."""
    return view.responsible(name)


def suspended_by(view: RecordsView, name: bytes) -> Measure | None:
    """The measure by which a name does not resolve at present, whoever keeps it."""
    return suspension_of(view, name) if view.measured else None


def closed_because(view: RecordsView, name: bytes) -> str | None:
    """Why the prefix of a name does not resolve although records may be kept; ``None`` when it does."""
    owner = view.authority(name)
    if owner is None or owner.state == "active":
        return None
    return f"The prefix {owner.prefix} {'has expired' if owner.state == 'expired' else 'is suspended'}."


def owner_of(view: RecordsView, name: bytes) -> tuple[str, str] | None:
    """The prefix of a name as it was issued and the id of the organisation that holds it, where that is known."""
    owner = view.authority(name)
    return None if owner is None else (owner.prefix, owner.organisation_id)
