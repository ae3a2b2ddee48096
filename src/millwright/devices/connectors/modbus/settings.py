"""Settings of one Modbus connection."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from millwright.devices.connectors.line import Parity

Order = Literal["abcd", "cdab", "badc", "dcba"]


class ModbusSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One TCP server, gateway or serial line, with all units behind it."""

    transport: Annotated[
        Literal["tcp", "rtu", "rtu_over_tcp"],
        Meta(description="tcp: Modbus/TCP. rtu: a serial line. rtu_over_tcp: RTU frames carried by a plain gateway."),
    ] = "tcp"
    host: Annotated[str, Meta(description="Address of the device or gateway; not for rtu.")] = ""
    port: Annotated[int, Meta(ge=1, le=65535, description="TCP port.")] = 502
    serial_port: Annotated[str, Meta(description="Serial port, as /dev/ttyUSB0; for rtu.")] = ""
    baud_rate: Annotated[int, Meta(ge=300, le=4_000_000, description="Bits a second; for rtu.")] = 9600
    parity: Annotated[Parity, Meta(description="Parity; for rtu. The standard's own is even.")] = "even"
    stop_bits: Annotated[Literal[1, 2], Meta(description="Stop bits; for rtu. 2 where there is no parity.")] = 1
    unit: Annotated[int, Meta(ge=0, le=255, description="Unit of addresses that name none, and of the test.")] = 1
    order: Annotated[Order, Meta(description="Byte order of addresses that name none.")] = "abcd"
    timeout_s: Annotated[float, Meta(gt=0, le=60, description="How long to wait for a connection or an answer.")] = 2.0
    rest_s: Annotated[
        float,
        Meta(ge=0, le=3600, description="How long a unit that did not answer is left alone, so that others go on."),
    ] = 10.0
    max_registers: Annotated[int, Meta(ge=1, le=125, description="Most registers in one request.")] = 125
    max_bits: Annotated[int, Meta(ge=1, le=2000, description="Most coils or inputs in one request.")] = 2000
    max_gap: Annotated[
        int,
        Meta(ge=0, le=2000, description="How many registers nobody asked for may be read to save a request."),
    ] = 16
    at_once: Annotated[
        int, Meta(ge=1, le=16, description="Most requests under way at once; tcp only, for gateways that take more.")
    ] = 1
    pause_ms: Annotated[
        int, Meta(ge=0, le=10_000, description="Silence before each request beyond what the standard wants.")
    ] = 0
    write_with: Annotated[
        Literal["auto", "multiple"],
        Meta(
            description="multiple: write one register or coil by functions 16 and 15 too, for devices without 6 and 5."
        ),
    ] = "auto"
    read_back: Annotated[
        bool, Meta(description="Read what was written and compare. Off for registers that reset themselves.")
    ] = True
