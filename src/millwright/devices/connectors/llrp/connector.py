"""The connector of LLRP."""

from __future__ import annotations

import re
from typing import Final

from millwright.kernel import Invalid

from ..contract import Connector, ConnectorKind, ValueType, Word
from .session import LlrpSession
from .settings import LlrpSettings

_ADDRESS: Final = re.compile(r"reads(?:/(\d{1,5}))?|(?:antenna|gpi|gpo)/(\d{1,5})|exception|tags")


class LlrpConnector(Connector[LlrpSettings]):
    """See :mod:`millwright.devices.connectors.llrp`."""

    kind = ConnectorKind(
        key="llrp",
        title=Word(en="RFID reader (LLRP)", zh="RFID 读写器（LLRP）"),
        summary=Word(
            en="UHF RFID readers: which tags they see, by which antenna and how strong; antennas that fail; inputs and "
            "outputs.",
            zh="超高频 RFID 读写器：看到哪些标签、由哪个天线、信号多强；天线故障；输入输出端口。",
        ),
        capabilities=frozenset({"browse", "subscribe", "write", "secure"}),
        address_hint=Word(
            en="reads (reports of all antennas), reads/2 (of one), antenna/2 (connected), tags, exception, "
            "gpi/1 (an input), gpo/1 (an output, to be written)",
            zh="reads（所有天线的报告）、reads/2（单个天线）、antenna/2（是否连接）、tags、exception、"
            "gpi/1（输入）、gpo/1（输出，可写）",
        ),
        does_not=Word(
            en="No writing to tags and no access to their memory, no reader-initiated connections.",
            zh="不写标签、不访问标签存储区，不支持读写器主动连接。",
        ),
        standard="EPCglobal LLRP 1.0.1, GS1 LLRP 1.1",
    )
    settings = LlrpSettings

    async def open(self, settings: LlrpSettings) -> LlrpSession:
        """Connect, and ask the reader what it is; see the contract."""
        return await LlrpSession.connect(settings)

    def check_address(self, address: str) -> ValueType | None:
        """What the values of an address are; see the contract."""
        if not _ADDRESS.fullmatch(address):
            raise Invalid(
                f"{address!r} is no address of a reader.",
                code="connectors.address_invalid",
                hint="Write reads, reads/2, antenna/2, gpi/1, gpo/1, tags or exception.",
            )
        if address.startswith(("antenna/", "gpi/", "gpo/")):
            return "boolean"
        return "integer" if address == "tags" else "string"
