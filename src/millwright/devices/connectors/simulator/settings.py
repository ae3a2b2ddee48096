"""Settings of a simulated machine."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct


class SimulatorSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How large the machine is, and how fast its signals run."""

    machine: Annotated[
        str,
        Meta(
            description="Name of the machine; connections with the same name share it, set-points included.",
            min_length=1,
            max_length=64,
            extra={
                "title": "Machine",
                "title_zh": "机器名",
                "zh": "模拟机器的名称；同名的连接共用同一台机器及其设定值。",
            },
        ),
    ] = "press"
    tags: Annotated[
        int,
        Meta(
            description="How many tags each signal has.",
            ge=1,
            le=10_000,
            extra={"title": "Tags", "title_zh": "点数", "zh": "每种信号的测点数。"},
        ),
    ] = 10
    period_s: Annotated[
        float,
        Meta(
            description="Period of sine, ramp and square.",
            gt=0,
            le=86_400,
            extra={"title": "Period, s", "title_zh": "周期（秒）", "zh": "正弦、斜坡和方波信号的周期。"},
        ),
    ] = 60.0
    noise: Annotated[
        float,
        Meta(
            description="Noise on sine and ramp, as a part of their height.",
            ge=0,
            le=1,
            extra={"title": "Noise", "title_zh": "噪声", "zh": "叠加在正弦和斜坡上的噪声，按幅度的比例。"},
        ),
    ] = 0.01
    outage_s: Annotated[
        float,
        Meta(
            description="How long the machine stays off after `power` was set to false.",
            gt=0,
            le=3600,
            extra={
                "title": "Outage, s",
                "title_zh": "断电时间（秒）",
                "zh": "power 置为 false 后断电多久。",
                "advanced": True,
            },
        ),
    ] = 10.0
    timeout_s: Annotated[
        float,
        Meta(
            description="How long an answer may take.",
            gt=0,
            le=60,
            extra={"title": "Timeout, s", "title_zh": "超时（秒）", "zh": "应答的最长等待时间。", "advanced": True},
        ),
    ] = 5.0
