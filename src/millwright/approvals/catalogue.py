"""The operations a policy can name: taken from the routes, so that none is listed twice and none forgotten."""

from __future__ import annotations

import builtins
from collections.abc import Iterable

from millwright.approvals.errors import action_unknown
from millwright.approvals.model import NameableAction


class Catalogue:
    """Nameable operations by name. The web host fills it once from its routes; later features add their own."""

    def __init__(self) -> None:
        self._actions: dict[str, NameableAction] = {}

    def add(self, name: str, summary: str, route: str = "") -> None:
        """Make an operation nameable; several routes may be one operation."""
        before = self._actions.get(name)
        routes = sorted({*(before.routes if before else ()), *([route] if route else ())})
        self._actions[name] = NameableAction(name, before.summary if before else summary, routes)

    def list(self) -> list[NameableAction]:
        """All of them, by name."""
        return [self._actions[name] for name in sorted(self._actions)]

    def __contains__(self, name: object) -> bool:
        return name in self._actions

    def check(self, names: Iterable[str]) -> builtins.list[str]:
        """The names, each once, in order. Raises ``Invalid`` (``approvals.action_unknown``) with the nearest."""
        wanted = sorted(set(names))
        for name in wanted:
            if name not in self._actions:
                raise action_unknown(name, self._actions)
        return wanted
