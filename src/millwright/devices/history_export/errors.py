"""Errors of exports of readings."""

from __future__ import annotations

from millwright.kernel import Conflict, Denied, Invalid, LimitExceeded, NotFound


def unknown(export_id: str) -> NotFound:
    """There is no such export, or not for this person."""
    return NotFound(
        f"There is no export {export_id[:64]}.",
        code="readings.export_unknown",
        hint="GET /api/v1/readings/exports lists them.",
        detail={"why_zh": "没有这个导出任务"},
    )


def run_unknown(run_id: str) -> NotFound:
    """There is no such run, or not for this person."""
    return NotFound(
        f"There is no run {run_id[:64]} of an export.",
        code="readings.export_run_unknown",
        hint="GET /api/v1/readings/exports/{id}/runs lists them.",
        detail={"why_zh": "没有这次导出记录"},
    )


def settings_wrong(why: str, why_zh: str, pointer: str) -> Invalid:
    """An export cannot be made like this."""
    return Invalid(
        f"{why}.",
        code="readings.export_settings",
        hint="The guide on taking history out says what fits together.",
        detail={"pointer": pointer, "why_zh": why_zh},
    )


def wrong_state(state: str) -> Conflict:
    """This is not done to a run in its state."""
    return Conflict(
        f"The run is {state}.",
        code="readings.export_state",
        hint="Read it again; one run of an export is made at a time.",
        detail={"state": state, "why_zh": "导出当前状态不允许此操作"},
    )


def file_gone() -> NotFound:
    """The run has no file (any more)."""
    return NotFound(
        "The file of this run is not there.",
        code="readings.export_file_gone",
        hint="Files go when the export keeps no more of them; run it again.",
        detail={"why_zh": "文件不存在或已按保留策略清除"},
    )


def not_all_readable() -> Denied:
    """The file holds readings of organisations that this person may not read."""
    return Denied(
        "The file holds readings that you may not read.",
        code="readings.export_not_yours",
        hint="Ask for history:read on all organisations that the run names, or make an export of your own.",
        detail={"why_zh": "文件包含您无权读取的数据"},
    )


def owner_gone() -> Denied:
    """Whose export it is may do this no more."""
    return Denied(
        "Whose export this is may not read or export history there any more.",
        code="readings.export_owner",
        hint="Let somebody who may save the export: it is theirs then.",
        detail={"why_zh": "导出任务的所有者已无相应权限；请由有权限的人重新保存该任务"},
    )


def too_many(most: int) -> LimitExceeded:
    """An organisation has as many exports as it may."""
    return LimitExceeded(
        f"An organisation has {most} exports at most.",
        code="readings.export_too_many",
        hint="Remove one that is not needed.",
        detail={"most": most, "why_zh": f"每个组织最多 {most} 个导出任务"},
    )


def too_large(what: str, most_mb: int) -> LimitExceeded:
    """The file, or all files, are larger than is kept."""
    return LimitExceeded(
        f"{what} would be larger than {most_mb:,} MB.",
        code="readings.export_too_large",
        hint="Choose a shorter window, fewer series, buckets or Parquet; or keep fewer files.",
        detail={"most": most_mb, "why_zh": "文件过大"},
    )


def too_many_rows(rows: int, most: int) -> LimitExceeded:
    """One run would make more rows than it may."""
    return LimitExceeded(
        f"That is up to {rows:,} rows; one run makes {most:,} at most.",
        code="readings.export_too_many_rows",
        hint="Choose wider buckets, a shorter window or fewer series; or make several exports of parts.",
        detail={"most": most, "why_zh": f"最多会有 {rows:,} 行，单次导出上限为 {most:,} 行"},
    )


def unfinished(tries: int) -> LimitExceeded:
    """The process that made it ended each time before it was done."""
    return LimitExceeded(
        f"It was begun {tries} times, and its process ended each time before it was done.",
        code="readings.export_failed",
        hint="See the log of history_exporter and whether memory is left; choose less, then run it again.",
        detail={"why_zh": f"已开始 {tries} 次，进程每次都在完成前终止"},
    )


def disk_full() -> LimitExceeded:
    """The node's disk has no room for more."""
    return LimitExceeded(
        "The disk is nearly full, so the file is not written.",
        code="app.disk_full",
        hint="Free space at the node, then run the export again.",
        retry_after_s=60.0,
        detail={"why_zh": "磁盘将满，暂不写文件"},
    )
