"""What can be permitted: every permission is declared once, by the domain whose routes it opens.

A permission is named ``domain:verb``. Its declaration says which built-in roles hold it; ``administrator`` holds all.
A permission is about data (devices, history, alarms …) unless it is ``across``: then it is about the tree of
organisations itself, and only those pass the border of an enterprise that lies below (see :mod:`.authority`); or it is
about the ``node`` as a whole, and counts on the root of the tree only.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from millwright.parties.model import ROLES, Role


@dataclass(frozen=True, slots=True)
class Permission:
    """One thing that may be permitted. ``text`` and ``text_zh`` say it to people."""

    name: str
    text: str
    text_zh: str
    roles: frozenset[Role]
    across: bool = False
    node: bool = False


_declared: dict[str, Permission] = {}

READERS: tuple[Role, ...] = ("engineer", "operator", "viewer", "auditor")
"""Everybody who may look."""


def permission(
    name: str, text: str, text_zh: str, roles: Iterable[Role] = (), *, across: bool = False, node: bool = False
) -> Permission:
    """Declare a permission; to be done once for each name, where a domain declares all of its own."""
    made = Permission(name, text, text_zh, frozenset(roles) | {"administrator"}, across, node)
    if _declared.setdefault(name, made) != made:
        raise ValueError(f"the permission {name} is declared twice")
    return made


def permissions() -> dict[str, Permission]:
    """Every permission declared so far, by name."""
    return dict(sorted(_declared.items()))


def find_permission(name: str) -> Permission | None:
    """The permission of this name."""
    return _declared.get(name)


def of_role(role: str) -> frozenset[str]:
    """The permissions of a built-in role."""
    return frozenset(each.name for each in _declared.values() if role in each.roles)


def bundles() -> dict[str, frozenset[str]]:
    """The built-in roles and their permissions."""
    return {role: of_role(role) for role in ROLES}


PEOPLE_READ = permission(
    "people:read", "See people, groups and what they may do", "查看人员、用户组及其权限", ("auditor",)
)
PEOPLE_MANAGE = permission("people:manage", "Keep people, groups, roles and grants", "管理人员、用户组、角色和授权")
ORGANISATIONS_READ = permission(
    "organisations:read", "See the tree of organisations", "查看组织树", READERS, across=True
)
ORGANISATIONS_MANAGE = permission(
    "organisations:manage",
    "Make, move, suspend and remove organisations below",
    "新建、移动、停用和删除下级组织",
    across=True,
)
CONSENTS_MANAGE = permission(
    "consents:manage", "Let organisations above see data of this enterprise", "允许上级组织查看本企业数据"
)
