"""Checking the personal values that a copy brings along against the commitments in its entries."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from millwright.ledger.model import Disclosure
from millwright.ledger.record import commitment
from millwright.ledger.verification.model import Finding

FILE = "disclosures.jsonl"
"""Personal values in a copy, a JSON object a line."""


@dataclass(slots=True)
class Checked:
    """What was checked."""

    findings: list[Finding] = field(default_factory=list)
    entries: int = 0
    disclosed: int = 0
    erased: int = 0


def check_disclosures(folder: Path, entries: Iterator[bytes]) -> Checked:
    """Count the entries, and check every personal value the copy in ``folder`` has for them."""
    given = _read(folder / FILE)
    done = Checked()
    for position, data in enumerate(entries):
        done.entries += 1
        try:
            entry: dict[str, Any] = msgspec.json.decode(data)
            parts = [(entry["id"], part["subject"], part["fields"]) for part in entry.get("personal", ())]
        except (msgspec.DecodeError, AttributeError, KeyError, TypeError):
            continue
        for entry_id, subject, fields in parts:
            disclosed = given.pop((entry_id, subject), None)
            if disclosed is None:
                done.erased += 1
                continue
            for name, value in disclosed.values.items():
                if commitment(disclosed.salt, name, value) == fields.get(name):
                    done.disclosed += 1
                else:
                    text = f"The value of {name} of entry {position} is not the one committed to."
                    done.findings.append(Finding("personal", text, position, position))
    return done  # what is left belongs to entries that came after the tree head of this copy


def _read(path: Path) -> dict[tuple[str, str], Disclosure]:
    if not path.is_file():
        return {}
    lines = path.read_bytes().splitlines()
    found = [msgspec.json.decode(line, type=Disclosure) for line in lines if line.strip()]
    return {(each.entry_id, each.subject): each for each in found}
