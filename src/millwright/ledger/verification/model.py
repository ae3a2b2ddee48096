"""What a verification found."""

from __future__ import annotations

from typing import Literal, TypeAlias

from msgspec import Struct

FindingKind: TypeAlias = Literal[
    "altered", "removed", "inserted", "reordered", "tile", "checkpoint", "rewritten", "unwitnessed", "personal"
]
"""What is wrong: an entry, a file of hashes, a tree head, history as a whole, a personal value."""


class Finding(Struct, frozen=True):
    """One thing that is wrong; ``first`` to ``last`` are the positions of the entries it is about, if any."""

    kind: FindingKind
    message: str
    first: int | None = None
    last: int | None = None


class Report(Struct, frozen=True):
    """The outcome. ``trusted_key`` is false when the log's key was taken from the copy itself."""

    origin: str
    size: int
    root: str
    findings: list[Finding]
    entries: int = 0
    disclosed: int = 0
    erased: int = 0
    witnesses: list[str] = []
    trusted_key: bool = True

    @property
    def right(self) -> bool:
        """Whether nothing is wrong."""
        return not self.findings
