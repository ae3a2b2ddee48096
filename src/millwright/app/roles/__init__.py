"""Each role's composition: which parts of which domains run in that process, and how they are joined."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import cast

from millwright.app import FURTHER, ON_DEMAND, ROLES, WHEN_NEEDED
from millwright.app.node import Composition, Node
from millwright.kernel import Invalid


def find_composer(role: str) -> Callable[[Node], Composition]:
    """The function that makes the parts of ``role``; importing it imports the domains. Raises ``Invalid``."""
    if role not in (*ROLES, *WHEN_NEEDED, *FURTHER, *ON_DEMAND):
        raise Invalid(
            f"There is no role {role!r}.",
            code="app.role_unknown",
            hint=f"The roles are {', '.join((*ROLES, *WHEN_NEEDED, *FURTHER))}.",
        )
    module = importlib.import_module(f"millwright.app.roles.{role}")
    return cast(Callable[[Node], Composition], module.compose)


__all__ = ["find_composer"]
