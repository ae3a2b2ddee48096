"""Rules in the desired state of an edge: chosen at the parent, kept at the edge."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import msgspec
import sqlalchemy as sa

from millwright.engines.sql import Records
from millwright.kernel import ROOT
from millwright.operations.model import Directory, Rule
from millwright.operations.store import RuleStore, bump, row_of, rules


class Refused(NamedTuple):
    """A rule that the edge cannot judge by."""

    id: str
    name: str
    code: str
    message: str
    hint: str


class EdgeRules:
    """Chooses the rules that watch devices at an edge; ``records`` and ``directory`` see everything. Blocks."""

    def __init__(self, records: Records, directory: Directory) -> None:
        self._rules, self._directory = RuleStore(records), directory
        self._chosen: dict[tuple[str, ...], tuple[tuple[int, int], list[dict[str, Any]]]] = {}

    def read(self, device_ids: Iterable[str]) -> list[dict[str, Any]]:
        """Their documents, by id. Edges ask every few seconds, so what did not change is not chosen anew."""
        ids = tuple(device_ids)
        seen = self._rules.revision(), self._directory.revision()
        known = self._chosen.get(ids)
        if known is None or known[0] != seen:
            self._chosen = {key: each for key, each in self._chosen.items() if each[0] == seen}
            known = self._chosen[ids] = seen, self._choose(ids) if self._rules.count() else []
        return known[1]

    def _choose(self, device_ids: Iterable[str]) -> list[dict[str, Any]]:
        subjects = self._directory.subjects(set(), set(device_ids))
        by_id = {each.id: each for each in subjects}
        chosen = []
        for rule in self._rules.every():
            if not rule.enabled:
                continue
            if rule.scope.device_id is not None:
                found = by_id.get(rule.scope.device_id)
                watched = [found] if found is not None else []
            else:
                watched = [each for each in subjects if each.model_id == rule.scope.model_id]
            if any(rule.organisation_id in each.organisations for each in watched):
                chosen.append(rule)
        return [msgspec.to_builtins(rule) for rule in sorted(chosen, key=lambda rule: rule.id)]


class RuleApplier:
    """Brings the edge's rules to the parent's; its own are left alone. Blocks."""

    def __init__(self, records: Records) -> None:
        self._records = records

    def apply(self, documents: list[Any]) -> tuple[int, list[Refused]]:
        """How many are in force, and the others."""
        wanted: dict[str, Rule] = {}
        refused: list[Refused] = []
        for document in documents:
            try:
                # At the edge everything belongs to its own root: the parent knows whose it is.
                rule = msgspec.structs.replace(msgspec.convert(document, Rule), organisation_id=ROOT)
                wanted[rule.id] = rule
            except msgspec.ValidationError as error:
                named = document if isinstance(document, dict) else {}
                refused.append(
                    Refused(
                        str(named.get("id", "")),
                        str(named.get("name", "")),
                        "operations.rule_unreadable",
                        f"This edge cannot judge by it: {str(error)[:200]}",
                        "Let the edge run the same version as its parent; until then the parent judges.",
                    )
                )
        with self._records.begin() as connection:
            there = connection.execute(sa.select(rules.c.id, rules.c.document).where(rules.c.from_above)).all()
            known = {row.id: row.document for row in there}
            gone = [each for each in known if each not in wanted]
            changed = [rule for key, rule in wanted.items() if known.get(key) != msgspec.to_builtins(rule)]
            for each in [*gone, *(rule.id for rule in changed)]:
                connection.execute(sa.delete(rules).where(rules.c.id == each))
            if changed:
                connection.execute(sa.insert(rules), [row_of(rule) | {"from_above": True} for rule in changed])
            if gone or changed:
                bump(connection)
        return len(wanted), refused
