"""ClickHouse's exceptions as the families of the kernel."""

from __future__ import annotations

import re

from millwright.kernel import Corrupt, Invalid, LimitExceeded, MillwrightError, Unavailable

_CODE = re.compile(r"Code: (\d+)")

# Numbers from ClickHouse's ErrorCodes.cpp.
_DISK_FULL = frozenset({243})
_WRITE_FAILED = frozenset({75, 76, 481})
_TIMEOUT = frozenset({159})
_MEMORY = frozenset({241})
_TOO_MANY_PARTS = frozenset({252})
_CORRUPT = frozenset({33, 40, 246, 271, 432})
_AWAY = frozenset(
    {74, 202, 203, 209, 210, 236, 242, 244, 279, 285, 319, 341, 394, 425, 439, 473, 517, 518, 519, 574, 722, 999}
)


def translate(message: str) -> MillwrightError:
    """The error to raise for what the engine said; ``message`` holds its ``Code: N`` when it has one."""
    found = _CODE.search(message)
    code = int(found[1]) if found else 0
    short = message.strip().splitlines()[0][:600] if message.strip() else "no text"
    detail = {"clickhouse_code": code}
    if code in _DISK_FULL or (code in _WRITE_FAILED and "No space left" in message):
        return LimitExceeded(
            f"The disk of the series engine is full: {short}",
            code="engines.disk_full",
            hint="Free disk space or shorten retention; storing resumes by itself.",
            detail=detail,
            retry_after_s=5.0,
        )
    if code in _TOO_MANY_PARTS:
        return LimitExceeded(
            f"The series engine cannot merge as fast as it is fed: {short}",
            code="engines.too_many_parts",
            hint="It is tried again; when it stays, give the engine a faster disk.",
            detail=detail,
            retry_after_s=1.0,
        )
    if code in _MEMORY:
        return LimitExceeded(
            f"The statement needs more memory than it may take: {short}",
            code="engines.query_memory",
            hint="Ask for less at once, or raise [clickhouse] memory_mb.",
            detail=detail,
            retry_after_s=1.0,
        )
    if code in _TIMEOUT:
        return LimitExceeded(
            f"The statement took too long: {short}",
            code="engines.query_timeout",
            hint="Ask for a shorter range, or raise [clickhouse] timeout_s.",
            detail=detail,
        )
    if code in _CORRUPT:
        return Corrupt(
            f"Stored series cannot be read: {short}",
            code="engines.series_corrupt",
            hint="Check the disk; restore the data folder from a backup.",
            detail=detail,
        )
    if code in _AWAY or code in _WRITE_FAILED or not found:
        return Unavailable(
            f"The series engine does not answer: {short}",
            code="engines.clickhouse_unavailable",
            hint="It is tried again; `millwright doctor` looks closer.",
            detail=detail,
        )
    return Invalid(
        f"The series engine refused the statement: {short}",
        code="engines.clickhouse_refused",
        hint="Correct the request; if it was right, this is a defect of Millwright.",
        detail=detail,
    )
