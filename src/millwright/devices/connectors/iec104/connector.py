"""The connector of IEC 60870-5-104."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from zoneinfo import ZoneInfo

from millwright.kernel import Invalid, Unavailable

from ..contract import Connector, ConnectorKind, ValueType, Word
from . import address, tls
from .link import Link, Timing
from .session import Iec104Session
from .settings import Iec104Settings


class Iec104Connector(Connector[Iec104Settings]):
    """See :mod:`millwright.devices.connectors.iec104`."""

    kind = ConnectorKind(
        key="iec104",
        title=Word(en="IEC 60870-5-104", zh="IEC 60870-5-104 远动"),
        summary=Word(
            en="Telecontrol stations of power grids: values with quality and time, and commands.",
            zh="电网远动站：带品质和时标的遥测、遥信、电度，以及遥控、遥调。",
        ),
        capabilities=frozenset({"browse", "subscribe", "write", "call", "secure"}),
        address_hint=Word(
            en="COMMON ADDRESS:OBJECT ADDRESS, as in 1:3001; a command: 1:5001:C_SC_NA_1:select",
            zh="公共地址:信息体地址，如 1:3001；遥控：1:5001:C_SC_NA_1:select",
        ),
        does_not=Word(
            en="No file transfer, no parameters of measured values, no protection events; one connection at a time.",
            zh="不支持文件传输、测量值参数和保护事件；同一时刻只保持一个连接。",
        ),
        standard="IEC 60870-5-104:2006, IEC 62351-3",
    )
    settings = Iec104Settings

    async def open(self, settings: Iec104Settings) -> Iec104Session:
        """Connect to the first host that starts data transfer; see the contract."""
        zone = _zone(settings.time_zone)
        places = [_place(text, settings.port) for text in settings.hosts]
        secured = await asyncio.to_thread(tls.context, settings)
        timing = Timing(
            k=settings.k, w=settings.w, t0=settings.t0_s, t1=settings.t1_s, t2=settings.t2_s, t3=settings.t3_s
        )
        name = settings.tls_server_name if settings.tls_server_name != "-" else None
        failures = []
        for host, port in places:
            session = Iec104Session(settings, zone)
            early: list[tuple[int, bytes]] = []
            take = _Taker(early)
            try:
                session.link = await Link.connect(host, port, timing, take, tls=secured, server_name=name or None)
            except Unavailable as error:
                failures.append(error)
                continue
            take.hand_over(session.take)
            return session
        raise (
            failures[0]
            if len(failures) == 1
            else Unavailable(
                "No host of the station can be used: " + " ".join(error.message for error in failures),
                code="iec104.unreachable",
                hint=failures[0].hint,
            )
        )

    def check_address(self, address_: str) -> ValueType | None:
        """The type of a value or a command, if the address names it; see the contract."""
        if address_.rpartition(":")[2] in address.CALLS:
            address.parse_call(address_)
            return None
        return address.parse(address_).value_type


class _Taker:
    """Keeps what comes between the start of data transfer and the session being there to take it."""

    def __init__(self, early: list[tuple[int, bytes]]) -> None:
        self._early = early
        self._to: Callable[[int, bytes], None] | None = None

    def __call__(self, number: int, octets: bytes) -> None:
        if self._to is None:
            self._early.append((number, octets))
        else:
            self._to(number, octets)

    def hand_over(self, to: Callable[[int, bytes], None]) -> None:
        self._to = to
        for number, octets in self._early:
            to(number, octets)
        self._early.clear()


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise Invalid(
            f"There is no time zone {name!r}.",
            code="iec104.time_zone_unknown",
            hint="Name it as the IANA data base does, such as UTC or Asia/Shanghai.",
        ) from error


def _place(text: str, port: int) -> tuple[str, int]:
    """Host and port of ``10.0.0.5``, ``10.0.0.5:2405``, ``::1`` or ``[::1]:2405``."""
    host, colon, digits = text.rpartition(":")
    if text.startswith("[") and text.endswith("]"):
        return text[1:-1], port
    if not colon or (":" in host and not host.endswith("]")):
        return text, port
    if not digits.isdecimal() or not 1 <= int(digits) <= 65535 or not host:
        raise Invalid(
            f"{text!r} is not a host.", code="iec104.host_invalid", hint="Write 10.0.0.5, or 10.0.0.5:2405 with a port."
        )
    return host.strip("[]"), int(digits)
