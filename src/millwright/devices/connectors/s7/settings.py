"""Settings of a connection to a Siemens S7 controller."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct


class S7Settings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the controller is, and how it is read."""

    host: Annotated[
        str,
        Meta(
            extra={"title": "Host", "title_zh": "主机", "zh": "控制器或其 CP 的地址。"},
            description="Address of the controller or its CP.",
            min_length=1,
            max_length=255,
        ),
    ]
    port: Annotated[
        int,
        Meta(
            extra={"title": "Port", "title_zh": "端口", "zh": "ISO-on-TCP 端口。"},
            description="Port of ISO-on-TCP.",
            ge=1,
            le=65535,
        ),
    ] = 102
    rack: Annotated[
        int,
        Meta(
            extra={"title": "Rack", "title_zh": "机架号", "zh": "CPU 所在机架；几乎总是 0。"},
            description="Rack of the CPU; nearly always 0.",
            ge=0,
            le=7,
        ),
    ] = 0
    slot: Annotated[
        int,
        Meta(
            extra={
                "title": "Slot",
                "title_zh": "槽号",
                "zh": "CPU 所在槽：S7-1200、1500 为 1，S7-300 为 2；S7-400 见其硬件组态。",
            },
            description="Slot of the CPU: 1 for S7-1200 and 1500, 2 for S7-300; S7-400: see its hardware.",
            ge=0,
            le=31,
        ),
    ] = 1
    connection: Annotated[
        Literal["pg", "op", "basic"],
        Meta(
            extra={
                "title": "Connection",
                "title_zh": "连接类型",
                "zh": "占用 CPU 的哪类连接资源：编程器、操作面板或其他。",
            },
            description="Which of the CPU's connection resources is used: programmer, panel or other.",
        ),
    ] = "op"
    timeout_s: Annotated[
        float,
        Meta(
            extra={"title": "Timeout, s", "title_zh": "超时（秒）", "zh": "等待应答的最长时间。"},
            description="Longest wait for an answer.",
            ge=0.1,
            le=120,
        ),
    ] = 5.0
    gap_bytes: Annotated[
        int,
        Meta(
            extra={"title": "Gap, bytes", "title_zh": "间隔字节数", "zh": "相距不超过此值的变量合并读取。"},
            description="Values at most this far apart are read as one block.",
            ge=0,
            le=400,
        ),
    ] = 16
    encoding: Annotated[
        str,
        Meta(
            extra={"title": "Encoding", "title_zh": "字符编码", "zh": "STRING 和 CHAR 的编码，如 latin-1 或 gbk。"},
            description="Characters of STRING and CHAR, such as latin-1 or gbk.",
            max_length=32,
        ),
    ] = "latin-1"
