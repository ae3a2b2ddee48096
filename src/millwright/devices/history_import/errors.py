"""Errors of imports of readings."""

from __future__ import annotations

from millwright.kernel import Conflict, Invalid, LimitExceeded, NotFound


def unknown(import_id: str) -> NotFound:
    """There is no such import, or not for this person."""
    return NotFound(
        f"There is no import {import_id[:64]}.",
        code="readings.import_unknown",
        hint="GET /api/v1/readings/imports lists them.",
        detail={"why_zh": "没有这个导入任务"},
    )


def columns_wrong(why: str, why_zh: str) -> Invalid:
    """The settings do not fit the file."""
    return Invalid(
        f"{why}.",
        code="readings.import_columns",
        hint="POST /api/v1/readings/imports/{id}/preview shows the file's columns and what they are taken for.",
        detail={"pointer": "/columns", "why_zh": why_zh},
    )


def wrong_state(state: str) -> Conflict:
    """This is not done to an import in its state."""
    return Conflict(
        f"The import is {state}.",
        code="readings.import_state",
        hint="Read it again; what was imported can be imported anew as another import.",
        detail={"state": state, "why_zh": "导入任务当前状态不允许此操作"},
    )


def wrong_offset(size: int) -> Conflict:
    """A part of the file is missing or was sent already."""
    return Conflict(
        f"{size} bytes of the file are here; send what follows.",
        code="readings.import_offset",
        hint="Send the file from `offset` on.",
        detail={"offset": size, "why_zh": f"已收到 {size} 字节，请从此处继续上传"},
    )


def too_large(what: str, most_mb: int) -> LimitExceeded:
    """The file, or all files, are larger than is taken."""
    return LimitExceeded(
        f"{what} is larger than {most_mb:,} MB.",
        code="readings.import_too_large",
        hint="Send it in several files, or remove imports that are done.",
        detail={"most": most_mb, "why_zh": "文件过大"},
    )


def disk_full() -> LimitExceeded:
    """The node's disk has no room for more."""
    return LimitExceeded(
        "The disk is nearly full, so no more of the file is taken.",
        code="app.disk_full",
        hint="Free space at the node, then send what follows.",
        retry_after_s=1.0,
        detail={"why_zh": "磁盘将满，暂不接收文件"},
    )


def bad_cursor() -> Invalid:
    """The cursor is none of this list."""
    return Invalid("This cursor was not made by this list.", code="readings.bad_cursor", hint="Use `next`.")
