"""Why a file is no table."""

from __future__ import annotations

from typing import Any

from millwright.kernel import Invalid


class Unreadable(Invalid):
    """A file that is not what it says to be; ``why`` and ``why_zh`` say it, ``line`` where, if that is known."""

    def __init__(self, why: str, why_zh: str, line: int | None) -> None:
        where = "" if line is None else f" in line {line}"
        detail: dict[str, Any] = {"why": why, "why_zh": why_zh} | ({} if line is None else {"line": line})
        super().__init__(
            f"The file cannot be read{where}: {why}.",
            code="tables.unreadable",
            hint="Send CSV in UTF-8 or GB 18030, an Excel workbook, an Arrow or a Parquet file.",
            detail=detail,
        )
        self.why, self.why_zh, self.line = why, why_zh, line


def unreadable(why: str, why_zh: str = "文件无法读取", line: int | None = None) -> Unreadable:
    """The error, to be raised."""
    return Unreadable(why, why_zh, line)
