"""From an act that ended to its sealed entries: one for each object that was noted."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from millwright.ledger.model import Draft, Sealed, Target
from millwright.ledger.record.act import Act, Noted
from millwright.ledger.record.documents import digest
from millwright.ledger.record.sealing import described, seal

MOST_OBJECTS = 1000
"""Objects of one act that get an entry each; more get one together, with their number and the digest of their ids."""


def entries_of(act: Act, whole: Draft) -> list[Sealed]:
    """The entries of ``act``; ``whole`` says what all of them share, and stands for an act that noted nothing."""
    whole = msgspec.structs.replace(
        whole,
        actor=act.actor or whole.actor,
        action=act.action or whole.action,
        on_behalf=act.on_behalf or whole.on_behalf,
        grant=act.grant or whole.grant,
        organisation=act.organisation or whole.organisation,
    )
    if not act.notes:
        return [seal(whole)]
    if whole.outcome != "done" and not has_changed(act):
        first = act.notes[0]
        whole = msgspec.structs.replace(
            whole,
            target=Target(first.kind, first.id, first.name),
            organisation=first.organisation or whole.organisation,
        )
        return [seal(whole, named=first.named)]
    if len(act.notes) > MOST_OBJECTS:
        return [seal(_summary(whole, act.notes))]
    return [_entry(whole, noted, position) for position, noted in enumerate(act.notes)]


def has_changed(act: Act) -> bool:
    """Whether the act changed something, however it ended: a failure after the change leaves the change."""
    return any(each.before is not None or each.after is not None for each in act.notes)


def _entry(whole: Draft, noted: Noted, position: int) -> Sealed:
    before, after, changes = described(noted.before, noted.after, noted.ignore, noted.personal)
    draft = msgspec.structs.replace(
        whole,
        id=whole.id if position == 0 else f"{whole.id}-{position}",
        target=Target(noted.kind, noted.id, noted.name),
        before=before,
        after=after,
        changes=changes,
        personal=noted.personal,
        organisation=noted.organisation or whole.organisation,
    )
    return seal(draft, named=noted.named)


def _summary(whole: Draft, notes: Sequence[Noted]) -> Draft:
    ids = [each.id for each in notes]
    return msgspec.structs.replace(
        whole,
        target=Target(notes[0].kind),
        after=digest(ids),
        count=len(ids),
        organisation=notes[0].organisation or whole.organisation,
    )
