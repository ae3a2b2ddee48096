"""Who pays for whom: the nearest organisation, at or above, that has a plan in force on the day. No I/O.

The tree is the one of now: an organisation that moved is counted where it is today, one that was removed where it was.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

from millwright.metering.model import Subscription
from millwright.metering.periods import Days
from millwright.parties import Node, Tree

Subscriptions = Mapping[str, Sequence[Subscription]]


def with_departed(tree: Tree, departed: Iterable[Node]) -> Tree:
    """The tree with organisations that were removed at their places again; consents play no part here."""
    return Tree([*tree.nodes.values(), *departed])


def in_force(subscriptions: Sequence[Subscription], day: date) -> Subscription | None:
    """The newest subscription that begins on the day or before, if it names a plan."""
    text = day.isoformat()
    begun = [each for each in subscriptions if each.from_day <= text]
    newest = max(begun, key=lambda each: each.from_day, default=None)
    return newest if newest is not None and newest.document is not None else None


def payer_of(tree: Tree, subscriptions: Subscriptions, organisation_id: str, day: date) -> str | None:
    """The organisation that pays for this one on the day; ``None``: nobody."""
    for each in reversed(tree.path(organisation_id)):
        if in_force(subscriptions.get(each, ()), day) is not None:
            return each
    return None


@dataclass(frozen=True, slots=True)
class Segment:
    """Days over which nothing changes for a payer: its subscription, and for whom it pays."""

    days: Days
    subscription: Subscription
    members: tuple[str, ...]


def segments(tree: Tree, subscriptions: Subscriptions, payer: str, days: Days) -> Iterator[Segment]:
    """The days of a month on which ``payer`` has a plan, cut where anything changes."""
    below = tree.subtree(payer)
    begins = {days.first}
    for member in below:
        for each in subscriptions.get(member, ()):
            day = date.fromisoformat(each.from_day)
            if days.first < day < days.end:
                begins.add(day)
    bounds = [*sorted(begins), days.end]
    for first, end in pairwise(bounds):
        mine = in_force(subscriptions.get(payer, ()), first)
        if mine is not None:
            members = [each for each in below if payer_of(tree, subscriptions, each, first) == payer]
            yield Segment(Days(first, end), mine, tuple(sorted(members)))
