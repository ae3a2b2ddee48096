"""Settings of a connection to an IEC 60870-5-104 station."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

PEM = {"secret": True}


class Iec104Settings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the station is, how its frames are laid out, and what it is asked for."""

    hosts: Annotated[
        tuple[Annotated[str, Meta(min_length=1, max_length=255)], ...],
        Meta(
            extra={
                "title": "Addresses",
                "title_zh": "站地址",
                "zh": "依次尝试的地址：10.0.0.5，或带端口 10.0.0.5:2405。",
            },
            description="Addresses of the station, tried in order: `10.0.0.5`, or `10.0.0.5:2405` with a port.",
            min_length=1,
            max_length=8,
        ),
    ]
    port: Annotated[
        int,
        Meta(
            extra={"title": "Port", "title_zh": "端口", "zh": "未写端口时使用；通常为 2404，TLS 为 19998。"},
            description="Port where none is given; usual: 2404, with TLS 19998.",
            ge=1,
            le=65535,
        ),
    ] = 2404
    timeout_s: Annotated[
        float,
        Meta(
            extra={"title": "Timeout, s", "title_zh": "超时（秒）", "zh": "等待命令或召唤应答的最长时间。"},
            description="Longest wait for the answer to a command or an interrogation.",
            ge=0.1,
            le=300,
        ),
    ] = 10.0
    common_addresses: Annotated[
        tuple[Annotated[int, Meta(ge=1, le=65535)], ...],
        Meta(
            extra={
                "title": "Common addresses",
                "title_zh": "公共地址",
                "zh": "要召唤的站；留空则以全局地址召唤所有站。",
            },
            description="Stations to interrogate; none: all of them by the global address.",
            max_length=64,
        ),
    ] = ()
    originator: Annotated[
        int,
        Meta(
            extra={"title": "Originator", "title_zh": "源发地址", "zh": "本方源发地址；0 为无。", "advanced": True},
            description="Our originator address, 0: none.",
            ge=0,
            le=255,
        ),
    ] = 0
    time_zone: Annotated[
        str,
        Meta(
            extra={"title": "Time zone", "title_zh": "时区", "zh": "站时钟所在时区，如 UTC 或 Asia/Shanghai。"},
            description="Zone of the station's clock, such as UTC or Asia/Shanghai.",
            max_length=64,
        ),
    ] = "UTC"
    interrogation_interval_s: Annotated[
        float,
        Meta(
            extra={
                "title": "Interrogation every, s",
                "title_zh": "总召唤周期（秒）",
                "zh": "0：仅启动时。",
                "advanced": True,
            },
            description="Time between general interrogations; 0: at the start only.",
            ge=0,
            le=86_400,
        ),
    ] = 0.0
    counter_interval_s: Annotated[
        float,
        Meta(
            extra={
                "title": "Counters every, s",
                "title_zh": "电度召唤周期（秒）",
                "zh": "所采累计量的召唤周期；0：仅启动时。",
                "advanced": True,
            },
            description="Time between counter interrogations of followed totals; 0: at the start.",
            ge=0,
        ),
    ] = 900.0
    clock_interval_s: Annotated[
        float,
        Meta(
            extra={"title": "Clock set every, s", "title_zh": "对时周期（秒）", "zh": "0：不对时。", "advanced": True},
            description="Time between settings of the station's clock; 0: we leave it alone.",
            ge=0,
        ),
    ] = 0.0
    select: Annotated[
        bool,
        Meta(
            extra={
                "title": "Select before operate",
                "title_zh": "选择后执行",
                "zh": "地址未另行说明时，命令先选择再执行。",
            },
            description="Commands are selected, then executed, where the address does not say otherwise.",
        ),
    ] = False
    wait_for_termination: Annotated[
        bool,
        Meta(
            extra={
                "title": "Wait for termination",
                "title_zh": "等待终止",
                "zh": "以终止（原因 10）而非确认（原因 7）作为命令完成。",
                "advanced": True,
            },
            description="A command is done at its termination (cause 10), not at its confirmation (cause 7).",
        ),
    ] = False
    t0_s: Annotated[
        float,
        Meta(
            extra={"title": "t0, s", "title_zh": "t0（秒）", "zh": "建立连接的时限。", "advanced": True},
            description="t0: limit for connecting.",
            ge=0.1,
            le=255,
        ),
    ] = 30.0
    t1_s: Annotated[
        float,
        Meta(
            extra={"title": "t1, s", "title_zh": "t1（秒）", "zh": "等待确认的时限。", "advanced": True},
            description="t1: limit for an acknowledgement.",
            ge=0.1,
            le=255,
        ),
    ] = 15.0
    t2_s: Annotated[
        float,
        Meta(
            extra={"title": "t2, s", "title_zh": "t2（秒）", "zh": "最迟多久发出确认。", "advanced": True},
            description="t2: we acknowledge after this long at the latest.",
            ge=0.05,
            le=255,
        ),
    ] = 10.0
    t3_s: Annotated[
        float,
        Meta(
            extra={"title": "t3, s", "title_zh": "t3（秒）", "zh": "静默多久后测试连接。", "advanced": True},
            description="t3: a silent connection is tested after this long.",
            ge=0.1,
        ),
    ] = 20.0
    k: Annotated[
        int,
        Meta(
            extra={"title": "k", "title_zh": "k", "zh": "未获确认前最多发送的帧数。", "advanced": True},
            description="k: frames we send before an acknowledgement.",
            ge=1,
            le=32767,
        ),
    ] = 12
    w: Annotated[
        int,
        Meta(
            extra={"title": "w", "title_zh": "w", "zh": "收到多少帧后必须确认。", "advanced": True},
            description="w: we acknowledge after this many frames.",
            ge=1,
            le=32767,
        ),
    ] = 8
    cause_bytes: Annotated[
        int,
        Meta(
            extra={"title": "Octets of the cause", "title_zh": "传送原因字节数", "zh": "标准为 2。", "advanced": True},
            description="Octets of the cause of transmission; 2 by the standard.",
            ge=1,
            le=2,
        ),
    ] = 2
    common_address_bytes: Annotated[
        int,
        Meta(
            extra={
                "title": "Octets of the common address",
                "title_zh": "公共地址字节数",
                "zh": "标准为 2。",
                "advanced": True,
            },
            description="Octets of the common address; 2 by the standard.",
            ge=1,
            le=2,
        ),
    ] = 2
    object_address_bytes: Annotated[
        int,
        Meta(
            extra={
                "title": "Octets of the object address",
                "title_zh": "信息对象地址字节数",
                "zh": "标准为 3。",
                "advanced": True,
            },
            description="Octets of the information object address; 3 by the standard.",
            ge=1,
            le=3,
        ),
    ] = 3
    tls: Annotated[
        bool,
        Meta(
            extra={"title": "TLS", "title_zh": "TLS", "zh": "TLS 1.2 或更高（IEC 62351-3）。"},
            description="TLS 1.2 or later (IEC 62351-3).",
        ),
    ] = False
    tls_authorities: Annotated[
        str,
        Meta(
            extra={
                "title": "Authorities",
                "title_zh": "CA 证书",
                "zh": "站证书的颁发机构（PEM）；留空用本机信任库。",
                "when": {"tls": [True]},
            },
            description="Authorities (PEM) whose certificate the station has; none: those of this machine.",
        ),
    ] = ""
    tls_certificate: Annotated[
        str,
        Meta(
            extra={
                "title": "Our certificate",
                "title_zh": "本方证书",
                "zh": "站要求时提供的证书及证书链（PEM）。",
                "when": {"tls": [True]},
            },
            description="Our certificate with its chain (PEM), if the station asks.",
        ),
    ] = ""
    tls_key: Annotated[
        str,
        Meta(
            description="Private key (PEM) of our certificate.",
            extra={**PEM, "title": "Key", "title_zh": "私钥", "zh": "本方证书的私钥（PEM）。", "when": {"tls": [True]}},
        ),
    ] = ""
    tls_server_name: Annotated[
        str,
        Meta(
            extra={
                "title": "Name in the certificate",
                "title_zh": "证书中的名称",
                "zh": "与地址不同时填写；“-”为任意名称。",
                "when": {"tls": [True]},
            },
            description="Name in the station's certificate, if it is not the address; `-`: any name.",
        ),
    ] = ""
