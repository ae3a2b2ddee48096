"""At the parent: which rules on which devices an edge judges, by what it has said to be in force."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import msgspec
from msgspec import Struct

from millwright.operations.evaluation import kind_of
from millwright.operations.model import Rule, Subject


class InForce(Protocol):
    """A desired state in force at an edge: its devices, each with its model there, and the sections of domains."""

    @property
    def edge_id(self) -> str:
        """The edge."""
        ...

    @property
    def version(self) -> str:
        """Which state."""
        ...

    @property
    def refused(self) -> Sequence[str]:
        """Ids of what of it is not in force."""
        ...

    @property
    def devices(self) -> Mapping[str, str | None]:
        """Those that are at the edge still."""
        ...

    @property
    def further(self) -> Mapping[str, Any]:
        """Section → its rows."""
        ...


class _Watched(Struct, frozen=True):
    """What of a rule says what it watches; other fields of a document may be those of another version."""

    id: str
    property: str
    scope: dict[str, Any]
    condition: dict[str, Any]


class AtEdges:
    """Implements :class:`millwright.operations.model.Judges`, as things stand at one moment."""

    def __init__(self, found: Sequence[InForce], rules: Mapping[tuple[str, str], Mapping[str, _Watched]]) -> None:
        self.token = " ".join(f"{each.edge_id}:{each.version}:{','.join(each.refused)}" for each in found)
        self._by_device = {
            device_id: (each.edge_id, model_id, rules[each.edge_id, each.version], each.refused)
            for each in found
            for device_id, model_id in each.devices.items()
        }

    def find(self, rule: Rule, subject: Subject) -> str | None:
        """The edge where the rule is in force for the device as it is there."""
        at = self._by_device.get(subject.id)
        if at is None:
            return None
        edge_id, model_id, rules, refused = at
        there = rules.get(rule.id)
        if there is None or rule.id in refused:
            return None
        if (there.property, there.condition.get("kind")) != (rule.property, kind_of(rule)):
            return None
        if there.scope.get("device_id") is not None:
            return edge_id if there.scope["device_id"] == subject.id else None
        return edge_id if model_id is not None and there.scope.get("model_id") == model_id else None


class EdgeJudges:
    """Reads anew each time it is called; what rules a state has is read once. Blocks."""

    def __init__(self, read: Callable[[], Sequence[InForce]], section: str) -> None:
        self._read, self._section = read, section
        self._rules: dict[tuple[str, str], dict[str, _Watched]] = {}
        self._last: tuple[Sequence[InForce], AtEdges] | None = None

    def __call__(self) -> AtEdges:
        """What edges judge now."""
        found = self._read()
        if self._last is not None and self._last[0] == found:
            return self._last[1]
        known = {}
        for each in found:
            key = each.edge_id, each.version
            known[key] = self._rules.get(key) or self._decoded(each)
        self._rules = known
        made = AtEdges(found, known)
        self._last = found, made
        return made

    def _decoded(self, state: InForce) -> dict[str, _Watched]:
        rules = {}
        for document in state.further.get(self._section, ()):
            try:
                rule = msgspec.convert(document, _Watched)
            except (
                msgspec.ValidationError
            ):  # of a version that we do not know: the edge judges it as it likes, so do we
                continue
            rules[rule.id] = rule
        return rules
