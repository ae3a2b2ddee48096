"""Settings of one line of DL/T 645 meters."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from millwright.devices.connectors.line import Parity
from millwright.devices.connectors.wording import said


class Dlt645Settings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One RS-485 line, by a serial port or a serial-to-TCP converter, with all meters on it."""

    transport: Annotated[
        Literal["serial", "tcp"],
        said(
            "Transport",
            "传输方式",
            "serial: a port of this machine. tcp: a transparent converter.",
            "serial：本机串口；tcp：透明串口服务器。",
        ),
    ] = "serial"
    serial_port: Annotated[
        str,
        said(
            "Serial port",
            "串口",
            "Serial port, as /dev/ttyUSB0.",
            "串口名，如 /dev/ttyUSB0。",
            when={"transport": ["serial"]},
        ),
    ] = ""
    baud_rate: Annotated[
        int,
        Meta(ge=300, le=115_200),
        said(
            "Baud rate",
            "波特率",
            "Bits a second; 2400 is the standard's own.",
            "每秒位数；标准默认为 2400。",
            when={"transport": ["serial"]},
        ),
    ] = 2400
    parity: Annotated[
        Parity,
        said(
            "Parity",
            "校验",
            "Parity; the standard's own is even.",
            "标准默认为偶校验。",
            when={"transport": ["serial"]},
        ),
    ] = "even"
    stop_bits: Annotated[
        Literal[1, 2], said("Stop bits", "停止位", "Stop bits.", "停止位。", when={"transport": ["serial"]})
    ] = 1
    host: Annotated[
        str,
        said(
            "Host",
            "主机",
            "Address of the converter; for tcp.",
            "串口服务器的地址；用于 tcp。",
            when={"transport": ["tcp"]},
        ),
    ] = ""
    port: Annotated[
        int,
        Meta(ge=1, le=65535),
        said("Port", "端口", "TCP port of the converter.", "串口服务器的 TCP 端口。", when={"transport": ["tcp"]}),
    ] = 8899
    meter: Annotated[
        str,
        Meta(
            pattern="^([0-9]{12}|[Aa]{12})$",
        ),
        said(
            "Meter",
            "表号",
            "Meter of addresses that name none, 12 digits; AAAAAAAAAAAA is whichever is alone on the line.",
            "地址未写表号时使用，12 位数字；AAAAAAAAAAAA 表示线路上唯一的表。",
        ),
    ] = "AAAAAAAAAAAA"
    timeout_s: Annotated[
        float,
        Meta(gt=0, le=60),
        said("Timeout, s", "超时（秒）", "How long to wait for a connection or an answer.", "等待连接或应答的时间。"),
    ] = 3.0
    rest_s: Annotated[
        float,
        Meta(ge=0, le=3600),
        said(
            "Longest rest, s",
            "最长静置（秒）",
            "How long at most a meter that did not answer is left alone.",
            "表无应答后最长多久不再询问。",
            advanced=True,
        ),
    ] = 30.0
    wake_up: Annotated[
        int,
        Meta(ge=0, le=16),
        said(
            "Wake-up bytes", "唤醒字节数", "Bytes FEH before each question.", "每次询问前的 FEH 字节数。", advanced=True
        ),
    ] = 4
    pause_ms: Annotated[
        int,
        Meta(ge=0, le=10_000),
        said("Pause, ms", "间歇（毫秒）", "Silence before each question.", "每次询问前的静默时间。", advanced=True),
    ] = 30
