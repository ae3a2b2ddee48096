"""Settings of one Modbus connection."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from millwright.devices.connectors.line import Parity
from millwright.devices.connectors.wording import said

Order = Literal["abcd", "cdab", "badc", "dcba"]


class ModbusSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One TCP server, gateway or serial line, with all units behind it."""

    transport: Annotated[
        Literal["tcp", "rtu", "rtu_over_tcp"],
        said(
            "Transport",
            "传输方式",
            "tcp: Modbus/TCP. rtu: a serial line. rtu_over_tcp: RTU frames carried by a plain gateway.",
            "tcp：Modbus/TCP；rtu：串口；rtu_over_tcp：透明网关承载的 RTU 帧。",
        ),
    ] = "tcp"
    host: Annotated[
        str,
        said(
            "Host",
            "主机",
            "Address of the device or gateway; not for rtu.",
            "设备或网关的地址；rtu 不需要。",
            when={"transport": ["tcp", "rtu_over_tcp"]},
        ),
    ] = ""
    port: Annotated[
        int,
        Meta(ge=1, le=65535),
        said("Port", "端口", "TCP port.", "TCP 端口。", when={"transport": ["tcp", "rtu_over_tcp"]}),
    ] = 502
    serial_port: Annotated[
        str,
        said(
            "Serial port",
            "串口",
            "Serial port, as /dev/ttyUSB0; for rtu.",
            "串口名，如 /dev/ttyUSB0；用于 rtu。",
            when={"transport": ["rtu"]},
        ),
    ] = ""
    baud_rate: Annotated[
        int,
        Meta(ge=300, le=4_000_000),
        said("Baud rate", "波特率", "Bits a second; for rtu.", "每秒位数；用于 rtu。", when={"transport": ["rtu"]}),
    ] = 9600
    parity: Annotated[
        Parity,
        said(
            "Parity",
            "校验",
            "Parity; for rtu. The standard's own is even.",
            "用于 rtu；标准默认为偶校验。",
            when={"transport": ["rtu"]},
        ),
    ] = "even"
    stop_bits: Annotated[
        Literal[1, 2],
        said(
            "Stop bits",
            "停止位",
            "Stop bits; for rtu. 2 where there is no parity.",
            "用于 rtu；无校验时为 2。",
            when={"transport": ["rtu"]},
        ),
    ] = 1
    unit: Annotated[
        int,
        Meta(ge=0, le=255),
        said(
            "Unit",
            "单元号",
            "Unit of addresses that name none, and of the test.",
            "地址未写单元号时使用，测试连接时也用它。",
        ),
    ] = 1
    order: Annotated[
        Order, said("Byte order", "字节序", "Byte order of addresses that name none.", "地址未写字节序时使用。")
    ] = "abcd"
    timeout_s: Annotated[
        float,
        Meta(gt=0, le=60),
        said("Timeout, s", "超时（秒）", "How long to wait for a connection or an answer.", "等待连接或应答的时间。"),
    ] = 2.0
    rest_s: Annotated[
        float,
        Meta(ge=0, le=3600),
        said(
            "Longest rest, s",
            "最长静置（秒）",
            "How long at most a unit that did not answer is left alone, so that others go on.",
            "单元无应答后最长多久不再询问，以免拖累其他单元。",
            advanced=True,
        ),
    ] = 10.0
    max_registers: Annotated[
        int,
        Meta(ge=1, le=125),
        said(
            "Registers in one request",
            "每次最多寄存器数",
            "Most registers in one request.",
            "一次请求最多读取的寄存器数。",
            advanced=True,
        ),
    ] = 125
    max_bits: Annotated[
        int,
        Meta(ge=1, le=2000),
        said(
            "Bits in one request",
            "每次最多位数",
            "Most coils or inputs in one request.",
            "一次请求最多读取的线圈或离散输入数。",
            advanced=True,
        ),
    ] = 2000
    max_gap: Annotated[
        int,
        Meta(ge=0, le=2000),
        said(
            "Widest gap",
            "最大间隔",
            "How many registers nobody asked for may be read to save a request.",
            "为少发一次请求，最多可多读多少个不需要的寄存器。",
            advanced=True,
        ),
    ] = 16
    at_once: Annotated[
        int,
        Meta(ge=1, le=16),
        said(
            "Requests at once",
            "并发请求数",
            "Most requests under way at once; tcp only, for gateways that take more.",
            "同时进行的请求数上限；仅用于 tcp，且网关须支持。",
            advanced=True,
        ),
    ] = 1
    pause_ms: Annotated[
        int,
        Meta(ge=0, le=10_000),
        said(
            "Pause, ms",
            "间歇（毫秒）",
            "Silence before each request beyond what the standard wants.",
            "每次请求前额外的静默时间。",
            advanced=True,
        ),
    ] = 0
    write_with: Annotated[
        Literal["auto", "multiple"],
        said(
            "Write with",
            "写功能码",
            "multiple: write one register or coil by functions 16 and 15 too, for devices without 6 and 5.",
            "multiple：单个寄存器或线圈也用功能码 16 和 15，适用于不支持 6 和 5 的设备。",
            advanced=True,
        ),
    ] = "auto"
    read_back: Annotated[
        bool,
        said(
            "Read back",
            "写后回读",
            "Read what was written and compare. Off for registers that reset themselves.",
            "写入后读回并比较；会自行复位的寄存器请关闭。",
            advanced=True,
        ),
    ] = True
