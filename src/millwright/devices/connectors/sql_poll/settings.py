"""Settings of an SQL source."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from millwright.devices.connectors.wording import said


class SqlPollSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One database and one query."""

    url: Annotated[
        str,
        Meta(min_length=3),
        said(
            "Database",
            "数据库",
            "SQLAlchemy URL without a password, as postgresql+psycopg://reader@10.0.0.5/mes or sqlite:////data/log.db.",
            "不含密码的 SQLAlchemy 地址，如 postgresql+psycopg://reader@10.0.0.5/mes 或 sqlite:////data/log.db。",
        ),
    ]
    password: Annotated[str, said("Password", "密码", "Of the user in the URL.", "地址中用户的密码。", secret=True)] = (
        ""
    )
    query: Annotated[
        str,
        Meta(min_length=1),
        said(
            "Query",
            "查询",
            "One SELECT; with a watermark: … WHERE id > :watermark ORDER BY id.",
            "一条 SELECT；使用水位时：… WHERE id > :watermark ORDER BY id。",
            multiline=True,
        ),
    ]
    watermark: Annotated[
        str,
        said(
            "Watermark column",
            "水位列",
            "A column of the result that only grows, as a serial number. Empty: the whole result each time.",
            "结果中只增不减的列，如自增编号；留空则每次取全部结果。",
        ),
    ] = ""
    begin: Annotated[
        str,
        said("First watermark", "起始水位", "A number, or a time in ISO 8601.", "数字，或 ISO 8601 时间。"),
    ] = "0"
    state_file: Annotated[
        str,
        said(
            "State file",
            "状态文件",
            "Where the watermark is kept over restarts; empty: each start begins at the first one.",
            "保存水位的文件；留空则每次启动从起始水位开始。",
            advanced=True,
        ),
    ] = ""
    time_column: Annotated[
        str,
        said(
            "Time column", "时间列", "The time of a row; UTC where it names no zone.", "行的时间；未注明时区时按 UTC。"
        ),
    ] = ""
    timeout_s: Annotated[
        float, Meta(gt=0, le=600), said("Timeout, s", "超时（秒）", "How long a query may take.", "查询的最长时间。")
    ] = 15.0
    max_rows: Annotated[
        int,
        Meta(ge=1, le=1_000_000),
        said("Rows at once", "每次行数", "Most rows that are taken at once.", "每次最多取的行数。", advanced=True),
    ] = 5000
