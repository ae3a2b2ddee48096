"""The connector. Importing this module imports nothing of the library: listing kinds costs nothing."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from millwright.devices.connectors.contract import Connector, ConnectorKind, Found, Session, ValueType, Word
from millwright.devices.connectors.opcua.address import parse
from millwright.devices.connectors.opcua.settings import OpcUaSettings


class OpcUaConnector(Connector[OpcUaSettings]):
    """OPC UA over TCP as a client."""

    kind = ConnectorKind(
        key="opcua",
        title=Word(en="OPC UA", zh="OPC UA"),
        summary=Word(
            en="PLCs, CNCs, SCADA systems and gateways that are OPC UA servers: browse, subscribe, write, call, "
            "read history.",
            zh="作为 OPC UA 服务器的 PLC、数控系统、SCADA 与网关：浏览、订阅、写入、方法调用、读取历史。",
        ),
        capabilities=frozenset({"browse", "discover", "subscribe", "write", "call", "history", "secure"}),
        address_hint=Word(
            en="A node id: ns=2;s=Line1.Oven.Temperature, or by the namespace's URI: "
            "nsu=http://example.com/plant;i=1001; "
            "an element of an array: index=3;ns=2;s=Temperatures.",
            zh="节点标识：ns=2;s=Line1.Oven.Temperature，或按命名空间 URI：nsu=http://example.com/plant;i=1001；"
            "数组元素：index=3;ns=2;s=Temperatures。",
        ),
        does_not=Word(
            en="Events and alarms, aggregates of history, structures as values, PubSub, reverse connect, HTTPS "
            "and WebSocket, "
            "revocation lists.",
            zh="不支持：事件与报警、历史聚合、结构体取值、PubSub、反向连接、HTTPS 与 WebSocket、证书吊销列表。",
        ),
        standard="IEC 62541 (OPC UA 1.05)",
    )
    settings = OpcUaSettings
    folder = Path("millwright-data") / "connectors" / "opcua"
    """Where the application certificate is kept that is made when the settings give none."""

    discovery_urls: ClassVar[Sequence[str]] = ("opc.tcp://localhost:4840",)
    """Discovery servers that :meth:`discover` asks; the local one by default."""

    async def open(self, settings: OpcUaSettings) -> Session:
        """Connect; takes up the session that an earlier connection with these settings left, if the server has it."""
        from millwright.devices.connectors.opcua.taking_up import open_session

        return await open_session(settings, self.folder)

    def check_address(self, address: str) -> ValueType | None:
        """Node ids tell no type."""
        parse(address)
        return None

    async def discover(self, timeout_s: float = 5.0) -> Sequence[Found]:
        """Servers that discovery servers know and that announce themselves by multicast DNS, an entry each endpoint."""
        from millwright.devices.connectors.opcua.discovery import discover

        return await discover(self.discovery_urls, timeout_s)
