"""Authorities for tests that call services without a session."""

from __future__ import annotations

from millwright.kernel import ROOT
from millwright.parties import Authority
from millwright.parties.authority import Held, Node, Tree
from millwright.parties.permissions import of_role

TREE = Tree([Node(ROOT, None, "enterprise", "Millwright")])


def authority(*roles: str) -> Authority:
    """Holds these built-in roles on the root."""
    return Authority("per_test", [Held(f"grt_{role}", ROOT, role, of_role(role)) for role in roles], TREE, 0)


def administrator() -> Authority:
    """Holds every permission declared so far on the root."""
    return authority("administrator")
