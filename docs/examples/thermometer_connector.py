"""A connector of thermometers that answer one line of text a question over TCP: "T 21.5"."""

import asyncio
from typing import Annotated

from msgspec import Meta, Struct

from millwright.devices.connectors.contract import BAD, Connector, ConnectorKind, Sample, Session, Word
from millwright.kernel import Invalid, Unavailable


class ThermometerSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    host: Annotated[str, Meta(description="Address of the thermometer.", min_length=1)]
    port: Annotated[int, Meta(description="Its TCP port.", ge=1, le=65535)] = 4001
    timeout_s: Annotated[float, Meta(description="How long an answer may take.", gt=0, le=60)] = 5.0


class ThermometerSession(Session):
    def __init__(self, reader, writer, timeout_s):
        self._reader, self._writer, self._timeout_s = reader, writer, timeout_s
        self._one = asyncio.Lock()  # it answers one question at a time

    async def run(self, points, deliver):
        while True:
            found = await self.read([point.address for point in points])
            ids = [point.id for point in points]
            await deliver([Sample(ids[n], each.value, None, each.quality, each.note) for n, each in enumerate(found)])
            await asyncio.sleep(min(point.interval_ms for point in points) / 1000)

    async def read(self, addresses):
        return [await self._ask(address) for address in addresses]

    async def _ask(self, address):
        try:
            async with self._one, asyncio.timeout(self._timeout_s):
                self._writer.write(f"{address}?\n".encode())
                await self._writer.drain()
                line = await self._reader.readline()
        except OSError as error:  # a timeout is an OSError
            raise _lost(error) from error
        if not line:
            raise _lost("it hung up")
        name, _, text = line.decode().strip().partition(" ")
        try:
            return Sample(address, float(text))
        except ValueError:
            return Sample(address, None, None, BAD, f"it says {text or name!r}")

    async def close(self):
        self._writer.close()


class ThermometerConnector(Connector[ThermometerSettings]):
    settings = ThermometerSettings
    kind = ConnectorKind(
        key="thermometer",
        title=Word(en="Line thermometer", zh="行式温度计"),
        summary=Word(en="Reads channels by one line of text each.", zh="每行文本读取一个通道。"),
        capabilities=frozenset(),
        address_hint=Word(en="A channel, such as T1", zh="通道名，如 T1"),
        does_not=Word(en="Writes nothing.", zh="不支持写入。"),
    )

    async def open(self, settings):
        try:
            async with asyncio.timeout(settings.timeout_s):
                reader, writer = await asyncio.open_connection(settings.host, settings.port)
        except OSError as error:
            raise _lost(error) from error
        return ThermometerSession(reader, writer, settings.timeout_s)

    def check_address(self, address):
        if not (address.startswith("T") and address[1:].isdigit()):
            raise Invalid(f"{address!r} is no channel.", code="thermometer.address", hint="Write T1, T2 …")
        return "number"


def _lost(why):
    hint = "Look at its power and cable."
    return Unavailable(f"The thermometer does not answer: {why}", code="thermometer.lost", hint=hint)
