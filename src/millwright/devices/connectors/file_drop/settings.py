"""Settings of a folder."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from millwright.devices.connectors.wording import said


class FileDropSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One folder, and what its files look like."""

    folder: Annotated[
        str,
        Meta(min_length=1),
        said("Folder", "文件夹", "Where the files appear, on this machine.", "本机上出现文件的文件夹。"),
    ]
    pattern: Annotated[
        str, Meta(min_length=1), said("Files", "文件名", "Which files, as press-*.csv.", "文件名模式，如 press-*.csv。")
    ] = "*.csv"
    time_column: Annotated[
        str,
        said(
            "Time column",
            "时间列",
            "The time of a row: ISO 8601, or since 1970; empty: the time of receipt.",
            "行的时间（ISO 8601 或 1970 年起的时间）；留空则用接收时间。",
        ),
    ] = ""
    time_format: Annotated[
        str,
        said(
            "Format of the time",
            "时间格式",
            "Where it is another, as %d.%m.%Y %H:%M:%S.",
            "其他格式时填写，如 %Y/%m/%d %H:%M:%S。",
            advanced=True,
        ),
    ] = ""
    time_zone: Annotated[
        str,
        said(
            "Time zone",
            "时区",
            "Of times that name none, as Asia/Shanghai.",
            "未注明时区的时间所用时区，如 Asia/Shanghai。",
        ),
    ] = "UTC"
    delimiter: Annotated[
        Literal[",", ";", "\t", "|"], said("Delimiter", "分隔符", "Between two cells.", "单元格之间的分隔符。")
    ] = ","
    decimal: Annotated[
        Literal[".", ","], said("Decimal mark", "小数点", "Of numbers.", "数字的小数点。", advanced=True)
    ] = "."
    encoding: Annotated[
        Literal["utf-8", "gb18030", "latin-1", "utf-16"],
        said("Encoding", "编码", "Of the text.", "文本编码。", advanced=True),
    ] = "utf-8"
    settle_s: Annotated[
        float,
        Meta(ge=0, le=3600),
        said(
            "Settle, s",
            "静置（秒）",
            "How long a file must stand still before it is whole.",
            "文件多久不变才视为写完。",
            advanced=True,
        ),
    ] = 2.0
    batch_rows: Annotated[
        int,
        Meta(ge=1, le=100_000),
        said("Rows at once", "每批行数", "Rows that are delivered together.", "每批送出的行数。", advanced=True),
    ] = 1000
    timeout_s: Annotated[
        float,
        Meta(gt=0, le=600),
        said("Timeout, s", "超时（秒）", "How long the file system may take.", "文件系统操作的最长时间。"),
    ] = 30.0
