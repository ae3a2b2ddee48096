"""Settings of a connection to a BACnet/IP device."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct


class BacnetSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the device is, and how it is followed."""

    host: Annotated[
        str,
        Meta(
            extra={"title": "Host", "title_zh": "主机", "zh": "设备的地址。"},
            description="Address of the device.",
            min_length=1,
            max_length=255,
        ),
    ]
    port: Annotated[
        int,
        Meta(
            extra={"title": "Port", "title_zh": "端口", "zh": "设备的 UDP 端口。"},
            description="UDP port of the device.",
            ge=1,
            le=65535,
        ),
    ] = 47808
    device: Annotated[
        Annotated[int, Meta(ge=0, le=4_194_302)] | None,
        Meta(
            extra={"title": "Device instance", "title_zh": "设备实例号", "zh": "设备须具有的实例号；留空则不限。"},
            description="Instance number the device must have; none: whichever answers.",
        ),
    ] = None
    timeout_s: Annotated[
        float,
        Meta(
            extra={"title": "Timeout, s", "title_zh": "超时（秒）", "zh": "等待应答的最长时间；其间请求重发一次。"},
            description="Longest wait for an answer; a request is repeated once within it.",
            ge=0.2,
            le=120,
        ),
    ] = 6.0
    subscribe: Annotated[
        bool,
        Meta(
            extra={"title": "Subscribe", "title_zh": "订阅变化", "zh": "设备支持时由其上报变化（COV），否则全部轮询。"},
            description="Have changes sent (COV) where the device can; else everything is polled.",
        ),
    ] = True
    lifetime_s: Annotated[
        int,
        Meta(
            extra={"title": "Lifetime, s", "title_zh": "订阅有效期（秒）", "zh": "过半时续订。", "advanced": True},
            description="Lifetime of a subscription; it is renewed at half of it.",
            ge=10,
            le=86_400,
        ),
    ] = 300
    check_interval_s: Annotated[
        float,
        Meta(
            extra={
                "title": "Check every, s",
                "title_zh": "核对周期（秒）",
                "zh": "另外多久读取一次已订阅的值，以发现丢失。",
                "advanced": True,
            },
            description="How often subscribed values are read besides, to notice lost ones.",
            ge=1,
            le=3600,
        ),
    ] = 60.0
    priority: Annotated[
        int,
        Meta(
            extra={
                "title": "Priority",
                "title_zh": "写优先级",
                "zh": "写入可命令对象的优先级：1（最高）至 16。",
                "advanced": True,
            },
            description="Priority of what we write to commandable objects: 1 (highest) to 16.",
            ge=1,
            le=16,
        ),
    ] = 16
    objects_at_once: Annotated[
        int,
        Meta(
            extra={
                "title": "Objects at once",
                "title_zh": "每次对象数",
                "zh": "设备支持时一次请求读取的对象数。",
                "advanced": True,
            },
            description="Objects asked by one request, where the device can answer several.",
            ge=1,
            le=50,
        ),
    ] = 20
