"""Settings of one line of DL/T 645 meters."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from millwright.devices.connectors.line import Parity


class Dlt645Settings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One RS-485 line, by a serial port or a serial-to-TCP converter, with all meters on it."""

    transport: Annotated[
        Literal["serial", "tcp"], Meta(description="serial: a port of this machine. tcp: a transparent converter.")
    ] = "serial"
    serial_port: Annotated[str, Meta(description="Serial port, as /dev/ttyUSB0.")] = ""
    baud_rate: Annotated[int, Meta(ge=300, le=115_200, description="Bits a second; 2400 is the standard's own.")] = 2400
    parity: Annotated[Parity, Meta(description="Parity; the standard's own is even.")] = "even"
    stop_bits: Annotated[Literal[1, 2], Meta(description="Stop bits.")] = 1
    host: Annotated[str, Meta(description="Address of the converter; for tcp.")] = ""
    port: Annotated[int, Meta(ge=1, le=65535, description="TCP port of the converter.")] = 8899
    meter: Annotated[
        str,
        Meta(
            pattern="^([0-9]{12}|[Aa]{12})$",
            description="Meter of addresses that name none, 12 digits; AAAAAAAAAAAA is whichever is alone on the line.",
        ),
    ] = "AAAAAAAAAAAA"
    timeout_s: Annotated[float, Meta(gt=0, le=60, description="How long to wait for a connection or an answer.")] = 3.0
    rest_s: Annotated[
        float,
        Meta(ge=0, le=3600, description="How long at most a meter that did not answer is left alone."),
    ] = 30.0
    wake_up: Annotated[int, Meta(ge=0, le=16, description="Bytes FEH before each question.")] = 4
    pause_ms: Annotated[int, Meta(ge=0, le=10_000, description="Silence before each question.")] = 30
