"""The connector of EtherNet/IP."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from millwright.kernel import Unavailable

from ..contract import Connector, ConnectorKind, Found, ValueType, Word
from . import address, discovery
from .address import TYPES
from .session import EthernetIpSession
from .settings import EthernetIpSettings
from .wire import Wire


class EthernetIpConnector(Connector[EthernetIpSettings]):
    """See :mod:`millwright.devices.connectors.ethernet_ip`."""

    kind = ConnectorKind(
        key="ethernet_ip",
        title=Word(en="EtherNet/IP (Rockwell Logix)", zh="EtherNet/IP（罗克韦尔 Logix）"),
        summary=Word(
            en="Tags of ControlLogix, CompactLogix and Micro800 by their names.",
            zh="按名称读写 ControlLogix、CompactLogix、Micro800 的标签。",
        ),
        capabilities=frozenset({"browse", "discover", "write"}),
        address_hint=Word(
            en="the tag's name: Speed, Tank[3].Level, Program:Main.Count",
            zh="标签名：Speed、Tank[3].Level、Program:Main.Count",
        ),
        does_not=Word(
            en="No implicit (class 1) I/O, no PLC-5 and SLC files, no CIP Security, no arrays of several dimensions in "
            "browsing.",
            zh="不支持隐式（1 类）I/O、PLC-5 和 SLC 数据文件、CIP Security；不能浏览多维数组。",
        ),
        standard="CIP, EtherNet/IP (ODVA)",
    )
    settings = EthernetIpSettings

    async def open(self, settings: EthernetIpSettings) -> EthernetIpSession:
        """Connect and, unless types are declared, let the controller tell its tags; see the contract."""
        from pycomm3 import LogixDriver

        # It logs each tag that is not there, with its stack, each time.
        logging.getLogger("pycomm3").setLevel(logging.CRITICAL)
        way = f"/{settings.path}" if settings.path else ""
        uploaded = settings.tags == "uploaded"
        driver = LogixDriver(f"{settings.host}:{settings.port}{way}", init_tags=uploaded, init_program_tags=uploaded)
        driver.socket_timeout = settings.timeout_s
        wire = Wire(settings.timeout_s)
        driver._sock = wire  # type: ignore[assignment]  # it has what the library asks of a socket
        thread = ThreadPoolExecutor(1, thread_name_prefix="ethernet-ip")
        session = EthernetIpSession(driver, wire, thread, settings)
        try:
            opened = await asyncio.get_running_loop().run_in_executor(thread, driver.open)
        except asyncio.CancelledError:
            await session.close()
            raise
        except Exception as error:  # the library lets errors of its own parsing out
            await session.close()
            raise _unreachable(settings, str(error.__cause__ or error)) from error
        if not opened:
            await session.close()
            raise _unreachable(settings, "it registered no session")
        # Numbers of tags mean other tags after a download; names do not.
        driver._cfg["use_instance_ids"] = False
        return session

    def check_address(self, address_: str) -> ValueType | None:
        """The type, where it is declared; see the contract."""
        parsed = address.parse(address_)
        if "{" in parsed.tag:
            return "string"
        return TYPES[parsed.type] if parsed.type else None

    async def discover(self, timeout_s: float = 5.0) -> Sequence[Found]:
        """Devices that answer ListIdentity; see the contract."""
        return await discovery.discover(timeout_s)


def _unreachable(settings: EthernetIpSettings, why: str) -> Unavailable:
    return Unavailable(
        f"{settings.host}:{settings.port} cannot be used: {why}.",
        code="ethernet_ip.unreachable",
        hint="Check address and path (the controller's slot); what does not tell its tags needs them declared.",
    )
