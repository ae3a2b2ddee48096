"""Errors of imports."""

from __future__ import annotations

from typing import Any

from millwright.kernel import Conflict, Invalid, LimitExceeded, NotFound


def unknown(import_id: str) -> NotFound:
    """There is no such import, or not for this person."""
    return NotFound(
        f"There is no import {import_id[:64]}.",
        code="identifiers.import_unknown",
        hint="GET /api/v1/identifiers/imports lists them.",
        detail={"why_zh": "没有这个导入任务"},
    )


def unreadable(why: str, why_zh: str = "文件无法读取", line: int | None = None) -> Invalid:
    """The file is not what it says to be."""
    where = "" if line is None else f" in line {line}"
    detail: dict[str, Any] = {"why": why, "why_zh": why_zh} | ({} if line is None else {"line": line})
    return Invalid(
        f"The file cannot be read{where}: {why}.",
        code="identifiers.import_unreadable",
        hint="Send CSV in UTF-8 or GB 18030, an Excel workbook, an Arrow or a Parquet file.",
        detail=detail,
    )


def columns_wrong(why: str, why_zh: str) -> Invalid:
    """The columns do not fit the template."""
    return Invalid(
        f"{why}.",
        code="identifiers.import_columns",
        hint="GET /api/v1/identifiers/imports/{id}/columns shows the file's columns and what they are taken for.",
        detail={"pointer": "/columns", "why_zh": why_zh},
    )


def wrong_state(state: str) -> Conflict:
    """This is not done to an import in its state."""
    return Conflict(
        f"The import is {state}.",
        code="identifiers.import_state",
        hint="Read it again; a file that was imported can be started anew after a dry run only.",
        detail={"state": state, "why_zh": "导入任务当前状态不允许此操作"},
    )


def wrong_offset(size: int) -> Conflict:
    """A part of the file is missing or was sent already."""
    return Conflict(
        f"{size} bytes of the file are here; send what follows.",
        code="identifiers.import_offset",
        hint="Send the file from `offset` on.",
        detail={"offset": size, "why_zh": f"已收到 {size} 字节，请从此处继续上传"},
    )


def too_much(what: str, most: int, unit: str) -> LimitExceeded:
    """The file, or all files, are larger than is taken."""
    return LimitExceeded(
        f"{what} is larger than {most:,} {unit}.",
        code="identifiers.import_too_large",
        hint="Send it in several files, or remove imports that are done.",
        detail={"most": most, "why_zh": "文件过大"},
    )
