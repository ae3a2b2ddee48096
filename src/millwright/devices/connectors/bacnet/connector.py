"""The connector of BACnet/IP."""

from __future__ import annotations

from collections.abc import Sequence

from millwright.kernel import Invalid, Unavailable

from ..contract import Connector, ConnectorKind, Found, ValueType, Word
from . import address, discovery
from .session import BacnetSession
from .settings import BacnetSettings


class BacnetConnector(Connector[BacnetSettings]):
    """See :mod:`millwright.devices.connectors.bacnet`."""

    kind = ConnectorKind(
        key="bacnet",
        title=Word(en="BACnet/IP", zh="BACnet/IP 楼宇自控"),
        summary=Word(
            en="Building automation: values with quality, sent as they change; outputs by priority.",
            zh="楼宇自控：带品质的数值、变化即报（COV），按优先级写输出。",
        ),
        capabilities=frozenset({"browse", "discover", "subscribe", "write"}),
        address_hint=Word(
            en="TYPE:INSTANCE, as in analog-input:1 or AI:1; with a priority to write: analog-output:1@8",
            zh="类型:实例号，如 analog-input:1 或 AI:1；写入时可带优先级：analog-output:1@8",
        ),
        does_not=Word(
            en="No devices behind routers or BBMDs, no BACnet/SC, no alarms, schedules and trend logs.",
            zh="不支持路由器或 BBMD 之后的设备、BACnet/SC、报警、日程和趋势记录。",
        ),
        standard="ASHRAE 135-2020 (ISO 16484-5), annex J",
    )
    settings = BacnetSettings

    async def open(self, settings: BacnetSettings) -> BacnetSession:
        """Ask the device who it is; see the contract."""
        from .client import Client, Refused

        try:
            client = Client(settings.host, settings.port, settings.timeout_s)
        except OSError as error:
            raise Unavailable(
                f"{settings.host} cannot be reached: {error}.",
                code="bacnet.unreachable",
                hint="Check the address; it must be one of this network, or routed to it.",
            ) from error
        device = settings.device
        try:
            if device is None:
                device = await client.instance()
            else:
                await client.read(f"device,{device}", "object-identifier")
        except Refused as error:
            client.close()
            raise Invalid(
                f"The device at {settings.host} does not own to {_number(device)}: {error}.",
                code="bacnet.device_unknown",
                hint="Discovery shows instance numbers; some devices want it to be named.",
            ) from error
        except BaseException:
            client.close()
            raise
        return BacnetSession(client, settings, device)

    def check_address(self, address_: str) -> ValueType | None:
        """The type of a present value; see the contract."""
        return address.parse(address_).value_type

    async def discover(self, timeout_s: float = 5.0) -> Sequence[Found]:
        """Devices that answer Who-Is; see the contract."""
        return await discovery.discover(timeout_s)


def _number(device: int | None) -> str:
    return "any number" if device is None else f"number {device}"
