"""Which organisations demand a second person for an operation. No I/O.

What an organisation states holds on it and on everything below, across the border of an enterprise too: an organisation
adds to what those above demand, and removes nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from millwright.parties.authority import Tree

POLICY_ACTION = "organisations.approval_policy.set"
"""Stating a policy. Taking a name out of one takes a second person by itself."""

Stated = Mapping[str, frozenset[str]]
"""The names that organisations state themselves, by organisation."""


def in_force(stated: Stated, tree: Tree, organisation_id: str) -> frozenset[str]:
    """Every name that holds on an organisation."""
    return frozenset().union(*(stated.get(each, frozenset()) for each in tree.path(organisation_id)))


def demanding(stated: Stated, tree: Tree, action: str, organisation_ids: Collection[str]) -> set[str]:
    """Those of the organisations on which ``action`` takes a second person."""
    tops = [each for each, names in stated.items() if action in names]
    if not tops:
        return set()
    below = {each for top in tops for each in tree.subtree(top)}
    return below & set(organisation_ids)


def loosens(stated: Stated, organisation_id: str, wanted: Collection[str]) -> bool:
    """Whether a policy would name less than it does."""
    return not stated.get(organisation_id, frozenset()) <= set(wanted)


def common(tree: Tree, organisation_ids: Collection[str]) -> str | None:
    """The lowest organisation that has all of these at or below it."""
    paths = [tree.path(each) for each in organisation_ids]
    found = None
    for level in zip(*paths, strict=False):
        if len(set(level)) > 1:
            break
        found = level[0]
    return found
