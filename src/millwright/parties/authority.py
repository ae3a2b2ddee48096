"""What somebody may do, and where: grants laid over the tree of organisations. No I/O.

The rule. A grant gives a role to somebody on an organisation ``G``. A permission of the role then holds on ``G`` and on
every organisation below it, down to the next *enterprise*: an enterprise's data is its own, so a permission about data
stops above it, unless the enterprise gave its *consent* to ``G`` for that permission. A permission ``across`` (the tree
of organisations itself) passes that border. Inside a suspended organisation nothing is permitted, except to those who
hold a grant above it to manage the tree. What no grant reaches is denied.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from millwright.kernel.scope import NOTHING, ROOT, Scope
from millwright.parties.permissions import find_permission, permissions

ENTERPRISE = "enterprise"


@dataclass(frozen=True, slots=True)
class Node:
    """An organisation as the rule sees it."""

    id: str
    parent_id: str | None
    kind: str
    name: str
    suspended: bool = False


@dataclass(frozen=True, slots=True)
class Held:
    """A grant that somebody holds, directly or through a group; ``until_ms`` is UTC milliseconds."""

    grant_id: str
    organisation_id: str
    role: str
    permissions: frozenset[str]
    until_ms: int | None = None
    group_id: str | None = None

    def alive(self, now_ms: int) -> bool:
        """Whether it has not ended."""
        return self.until_ms is None or now_ms < self.until_ms


@dataclass(frozen=True, slots=True)
class Allowed:
    """An enterprise's consent: grants made on ``to_id`` reach in, for these permissions."""

    organisation_id: str
    to_id: str
    permissions: frozenset[str]
    until_ms: int | None = None


class Tree:
    """Every organisation of the node, with the consents of its enterprises."""

    def __init__(self, nodes: Iterable[Node], consents: Iterable[Allowed] = ()) -> None:
        self.nodes: dict[str, Node] = {node.id: node for node in nodes}
        self.below: dict[str, list[str]] = {}
        for node in self.nodes.values():
            if node.parent_id is not None:
                self.below.setdefault(node.parent_id, []).append(node.id)
        self._consents: dict[tuple[str, str], list[Allowed]] = {}
        for each in consents:
            self._consents.setdefault((each.organisation_id, each.to_id), []).append(each)

    def path(self, organisation_id: str) -> list[str]:
        """From the top to the organisation; empty when there is no such one."""
        found: list[str] = []
        node = self.nodes.get(organisation_id)
        while node is not None:
            found.append(node.id)
            node = self.nodes.get(node.parent_id) if node.parent_id is not None else None
        return found[::-1]

    def subtree(self, organisation_id: str) -> list[str]:
        """The organisation and every one below it, parents first."""
        found, waiting = [], [organisation_id] if organisation_id in self.nodes else []
        while waiting:
            current = waiting.pop()
            found.append(current)
            waiting += reversed(self.below.get(current, []))
        return found

    def topmost(self, organisation_ids: Iterable[str]) -> str | None:
        """The one of these that is nearest to the top; ``None``: there is none of them."""
        known = (each for each in organisation_ids if each in self.nodes)
        return min(known, key=lambda each: (len(self.path(each)), each), default=None)

    def is_open(self, organisation_id: str) -> bool:
        """Whether there is such an organisation, and neither it nor one above it is suspended."""
        path = self.path(organisation_id)
        return bool(path) and not any(self.nodes[each].suspended for each in path)

    def reached(self, granted_on: str, permission: str, *, across: bool, now_ms: int) -> list[str]:
        """Where a permission granted on an organisation holds."""
        if not self.is_open(granted_on):
            return []
        found, waiting = [], [granted_on]
        while waiting:
            current = waiting.pop()
            found.append(current)
            for child in self.below.get(current, ()):
                node = self.nodes[child]
                if across or (not node.suspended and self._open(node, granted_on, permission, now_ms)):
                    waiting.append(child)
        return found

    def _open(self, node: Node, granted_on: str, permission: str, now_ms: int) -> bool:
        if node.kind != ENTERPRISE:
            return True
        return any(
            permission in each.permissions and (each.until_ms is None or now_ms < each.until_ms)
            for each in self._consents.get((node.id, granted_on), ())
        )

    def sharing(self, organisations: Iterable[str]) -> frozenset[str]:
        """The organisations above these, up to and with their enterprise: their models may be read."""
        found: set[str] = set()
        for organisation_id in organisations:
            node = self.nodes[organisation_id]
            while node.kind != ENTERPRISE and node.parent_id is not None and node.parent_id in self.nodes:
                node = self.nodes[node.parent_id]
                found.add(node.id)
        top = {each for each in found if not self._within_enterprise(each)}
        return frozenset(found - top)

    def _within_enterprise(self, organisation_id: str) -> bool:
        return any(self.nodes[each].kind == ENTERPRISE for each in self.path(organisation_id))


@dataclass(frozen=True, slots=True)
class Authority:
    """Everything one session may do. ``mask``: permissions of the token it came with; ``None``: no token.

    Scopes are worked out once and kept, for an authority lives about a second.
    """

    person_id: str
    held: Sequence[Held]
    tree: Tree
    at_ms: int
    mask: frozenset[str] | None = None
    _scopes: dict[tuple[str, str | None], Scope] = field(default_factory=dict, repr=False, compare=False)

    def permissions(self) -> frozenset[str]:
        """The permissions held anywhere."""
        return frozenset(name for name in permissions() if self.scope(name))

    def scope(self, permission: str, within: str | None = None) -> Scope:
        """Where ``permission`` holds; ``within`` narrows it to an organisation and what is below it."""
        key = (permission, within)
        found = self._scopes.get(key)
        if found is None:
            found = self._scopes[key] = self._work_out(permission, within)
        return found

    def may(self, permission: str, organisation_id: str) -> bool:
        """Whether ``permission`` holds on this organisation."""
        return organisation_id in self.scope(permission)

    def reasons(self, permission: str, organisation_id: str) -> list[Held]:
        """The grants by which ``permission`` holds on this organisation."""
        across = _across(permission)
        return [
            each
            for each in self._granting(permission)
            if organisation_id in self.tree.reached(each.organisation_id, permission, across=across, now_ms=self.at_ms)
        ]

    def granting(self, permission: str) -> list[str]:
        """The ids of the grants by which ``permission`` holds anywhere."""
        return list(dict.fromkeys(each.grant_id for each in self._granting(permission)))

    def places(self) -> frozenset[str]:
        """The organisations on which a living grant is held: one that has not ended, and is in nothing suspended."""
        return frozenset(
            each.organisation_id
            for each in self.held
            if each.alive(self.at_ms) and self.tree.is_open(each.organisation_id)
        )

    def find_home(self) -> str | None:
        """The topmost of :meth:`places`; ``None``: no grant lives."""
        return self.tree.topmost(self.places())

    def home(self) -> str:
        """In whose record somebody's own acts are: :meth:`find_home`, where no grant lives the topmost organisation
        on which one was held, and else the root."""
        return self.find_home() or self.tree.topmost({each.organisation_id for each in self.held}) or ROOT

    def _granting(self, permission: str) -> list[Held]:
        if self.mask is not None and permission not in self.mask:
            return []
        return [each for each in self.held if permission in each.permissions and each.alive(self.at_ms)]

    def _work_out(self, permission: str, within: str | None) -> Scope:
        granted_on = {each.organisation_id for each in self._granting(permission)}
        if not granted_on:
            return NOTHING
        across = _across(permission)
        found: set[str] = set()
        for organisation_id in granted_on:
            found.update(self.tree.reached(organisation_id, permission, across=across, now_ms=self.at_ms))
        declared = find_permission(permission)
        if declared is not None and declared.node:
            found &= {ROOT}
        elif within is not None:
            found &= set(self.tree.subtree(within))
        if not found:
            return NOTHING
        home = within if within in found else self.tree.topmost(found)
        return Scope(frozenset(found), home, self.tree.sharing(found))


NOBODY = Authority("", (), Tree(()), 0)
"""Of who is not signed in."""


def _across(permission: str) -> bool:
    declared = find_permission(permission)
    return declared is not None and declared.across


def roles_held(held: Iterable[Held], order: Sequence[str]) -> list[str]:
    """The built-in roles among the grants, highest first."""
    names = {each.role for each in held}
    return [role for role in order if role in names]


def masked(roles: Iterable[str], bundles: Mapping[str, frozenset[str]]) -> frozenset[str]:
    """The permissions that a token with these roles is narrowed to."""
    return frozenset().union(*(bundles.get(role, frozenset()) for role in roles))
