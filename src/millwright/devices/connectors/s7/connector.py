"""The connector of Siemens S7 controllers."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from millwright.kernel import Denied, Invalid, Unavailable

from ..contract import Connector, ConnectorKind, Found, ValueType, Word
from ..seeking import seek
from . import address
from .seeking import controllers_at
from .session import S7Session
from .settings import S7Settings

_CONNECTIONS = {"pg": 1, "op": 2, "basic": 3}


class S7Connector(Connector[S7Settings]):
    """See :mod:`millwright.devices.connectors.s7`."""

    kind = ConnectorKind(
        key="s7",
        title=Word(en="Siemens S7", zh="西门子 S7"),
        summary=Word(
            en="S7-300, 400, 1200 and 1500 by PUT/GET: inputs, outputs, flags and data blocks.",
            zh="通过 PUT/GET 访问 S7-300、400、1200、1500：输入、输出、位存储区和数据块。",
        ),
        capabilities=frozenset({"browse", "seek", "write"}),
        address_hint=Word(
            en="as in STEP 7, with the type: DB1.DBD4:REAL, DB1.DBX0.3, MW10:INT, I0.0",
            zh="与 STEP 7 相同并注明类型：DB1.DBD4:REAL、DB1.DBX0.3、MW10:INT、I0.0",
        ),
        does_not=Word(
            en="No optimised data blocks, no symbols, no encryption (S7CommPlus), no timers and counters.",
            zh="不支持优化的数据块、符号寻址、加密通信（S7CommPlus）、定时器和计数器。",
        ),
        standard="RFC 1006; S7 communication (unpublished)",
    )
    settings = S7Settings

    async def open(self, settings: S7Settings) -> S7Session:
        """Connect and negotiate; see the contract."""
        try:
            "".encode(settings.encoding)
        except LookupError as error:
            raise Invalid(
                f"There is no encoding {settings.encoding!r}.",
                code="s7.encoding_unknown",
                hint="Name it as Python does, such as latin-1, utf-8 or gbk.",
            ) from error
        from snap7.async_client import AsyncClient
        from snap7.error import S7ConnectionError, S7Error

        client = AsyncClient()
        client.set_connection_type(_CONNECTIONS[settings.connection])
        try:
            async with asyncio.timeout(settings.timeout_s):
                await client.connect(settings.host, settings.rack, settings.slot, settings.port)
        except (S7Error, OSError, TimeoutError) as error:
            await client.disconnect()
            if isinstance(error, S7ConnectionError) and "got 0x80" in str(error):
                raise Denied(
                    f"{settings.host} refused the connection to rack {settings.rack}, slot {settings.slot}.",
                    code="s7.connection_refused",
                    hint="S7-1200 and 1500: rack 0, slot 1; S7-300: slot 2; S7-400: see its hardware configuration.",
                ) from error
            raise Unavailable(
                f"{settings.host}:{settings.port} cannot be reached: {str(error) or 'no answer in time'}.",
                code="s7.unreachable",
                hint="Check address, rack and slot, and that the CPU permits PUT/GET communication.",
            ) from error
        except asyncio.CancelledError:
            await client.disconnect()
            raise
        if client.connection is not None:
            client.connection.timeout = settings.timeout_s
        return S7Session(client, settings)

    def check_address(self, address_: str) -> ValueType | None:
        """The type of the value; see the contract."""
        return address.parse(address_).value_type

    async def seek(self, at: str, timeout_s: float = 5.0) -> Sequence[Found]:
        """Controllers at an address or in a small network, with rack and slot; see the contract."""
        return await seek(at, timeout_s, lambda host: controllers_at(host, self.open))
