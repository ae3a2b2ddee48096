"""Errors of LMDB, in the families of the node."""

from __future__ import annotations

from pathlib import Path

from millwright.kernel import Corrupt, LimitExceeded, Unavailable


def corrupt(path: Path, why: str) -> Corrupt:
    """The files are broken."""
    return Corrupt(
        f"The index in {path} is broken: {why}",
        code="lmdb.corrupt",
        hint="Restore the folder from a backup or build the index anew from the change log.",
        detail={"path": str(path), "why": why},
    )


def full(path: Path, size: int) -> LimitExceeded:
    """The map may not grow any further."""
    return LimitExceeded(
        f"The index in {path} has reached its limit of {size:,} bytes.",
        code="lmdb.full",
        hint="Raise the largest size of the index, or move it to a larger disk.",
        detail={"path": str(path), "bytes": size},
    )


def unavailable(path: Path, why: str) -> Unavailable:
    """The index cannot be opened or written now."""
    return Unavailable(
        f"The index in {path} cannot be used: {why}",
        code="lmdb.unavailable",
        hint="Look at the folder's permissions, the free space of its disk and who else has it open.",
        detail={"path": str(path), "why": why},
    )
