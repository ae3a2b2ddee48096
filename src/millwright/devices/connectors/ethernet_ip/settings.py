"""Settings of a connection to an EtherNet/IP controller."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct


class EthernetIpSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the controller is, and whether it tells its tags."""

    host: Annotated[
        str,
        Meta(
            extra={"title": "Host", "title_zh": "主机", "zh": "控制器或其模块的地址。"},
            description="Address of the controller or its module.",
            pattern=r"^[A-Za-z0-9_.-]{1,255}$",
        ),
    ]
    port: Annotated[
        int,
        Meta(
            extra={"title": "Port", "title_zh": "端口", "zh": "EtherNet/IP 端口。"},
            description="Port of EtherNet/IP.",
            ge=1,
            le=65535,
        ),
    ] = 44818
    path: Annotated[
        str,
        Meta(
            extra={
                "title": "Path",
                "title_zh": "路径",
                "zh": "从该地址到控制器的后续路径：无、槽号（2），或路由（backplane/2/enet/10.1.2.3/backplane/0）。",
            },
            description="What follows the address on the way to the controller: nothing, its slot (`2`), or a route "
            "(`backplane/2/enet/10.1.2.3/backplane/0`).",
            pattern=r"^[A-Za-z0-9_./-]{0,200}$",
        ),
    ] = ""
    timeout_s: Annotated[
        float,
        Meta(
            extra={"title": "Timeout, s", "title_zh": "超时（秒）", "zh": "等待应答的最长时间。"},
            description="Longest wait for an answer.",
            ge=0.1,
            le=120,
        ),
    ] = 10.0
    tags: Annotated[
        Literal["uploaded", "declared"],
        Meta(
            extra={
                "title": "Tags",
                "title_zh": "标签",
                "zh": "uploaded：由控制器提供标签及类型；declared：控制器不提供，地址须写明类型（Speed:REAL）。",
            },
            description="`uploaded`: the controller tells its tags and their types. `declared`: it cannot; each "
            "address names the type (`Speed:REAL`).",
        ),
    ] = "uploaded"
