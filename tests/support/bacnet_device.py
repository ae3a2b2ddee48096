"""A BACnet/IP device by bacpypes3 in a process: ``python bacnet_device.py PORT [plain]``.

``plain``: without ReadPropertyMultiple, COV and segmentation. Orders: ``set OBJECT VALUE``, ``fault OBJECT WORD``,
``service OBJECT out``.
"""

from __future__ import annotations

import asyncio
import sys

from bacpypes3.app import Application
from bacpypes3.basetypes import EngineeringUnits, Segmentation, StatusFlags
from bacpypes3.errors import UnrecognizedService
from bacpypes3.local.analog import AnalogInputObject, AnalogOutputObject
from bacpypes3.local.binary import BinaryInputObject, BinaryOutputObject
from bacpypes3.local.device import DeviceObject
from bacpypes3.local.multistate import MultiStateValueObject
from bacpypes3.local.networkport import NetworkPortObject
from bacpypes3.object import CharacterStringValueObject
from bacpypes3.primitivedata import ObjectIdentifier


class Full(Application):
    async def do_SubscribeCOVRequest(self, apdu) -> None:  # noqa: N802
        await super().do_SubscribeCOVRequest(apdu)
        say("subscribed", apdu.monitoredObjectIdentifier)


class Plain(Application):
    async def do_ReadPropertyMultipleRequest(self, apdu) -> None:  # noqa: N802
        raise UnrecognizedService

    async def do_SubscribeCOVRequest(self, apdu) -> None:  # noqa: N802
        raise UnrecognizedService


def say(*words: object) -> None:
    sys.stdout.write(" ".join(map(str, words)) + "\n")
    sys.stdout.flush()


async def main() -> None:
    plain = "plain" in sys.argv
    device = DeviceObject(
        objectName="Boiler house",
        objectIdentifier=("device", 1001),
        vendorIdentifier=999,
        vendorName="Test",
        modelName="Peer",
        firmwareRevision="1.2",
        databaseRevision=3,
    )
    if plain:
        device.segmentationSupported = Segmentation.noSegmentation
        device.maxApduLengthAccepted = 480
    none = StatusFlags([])
    objects = [
        AnalogInputObject(
            objectIdentifier=("analog-input", 1),
            objectName="Supply temperature",
            description="north",
            presentValue=21.5,
            units=EngineeringUnits.degreesCelsius,
            covIncrement=0.1,
            statusFlags=none,
            eventState="normal",
            outOfService=False,
        ),
        AnalogOutputObject(
            objectIdentifier=("analog-output", 1),
            objectName="Valve",
            presentValue=0.0,
            relinquishDefault=5.0,
            units=EngineeringUnits.percent,
            covIncrement=0.1,
            statusFlags=none,
            eventState="normal",
            outOfService=False,
        ),
        BinaryInputObject(
            objectIdentifier=("binary-input", 1),
            objectName="Pump runs",
            presentValue="active",
            statusFlags=none,
            eventState="normal",
            outOfService=False,
            polarity="normal",
        ),
        BinaryOutputObject(
            objectIdentifier=("binary-output", 1),
            objectName="Pump",
            presentValue="inactive",
            relinquishDefault="inactive",
            statusFlags=none,
            eventState="normal",
            outOfService=False,
            polarity="normal",
        ),
        MultiStateValueObject(
            objectIdentifier=("multi-state-value", 1),
            objectName="Mode",
            presentValue=2,
            numberOfStates=4,
            statusFlags=none,
            eventState="normal",
            outOfService=False,
        ),
        CharacterStringValueObject(
            objectIdentifier=("characterstring-value", 1),
            objectName="Shift",
            presentValue="early",
            statusFlags=none,
        ),
        *(
            AnalogInputObject(
                objectIdentifier=("analog-input", number),
                objectName=f"Sensor {number}",
                presentValue=float(number),
                units=EngineeringUnits.pascals,
                covIncrement=0.1,
                statusFlags=none,
                eventState="normal",
                outOfService=False,
            )
            for number in range(100, 230)
        ),
    ]
    port = NetworkPortObject(f"127.0.0.1:{sys.argv[1]}", objectIdentifier=("network-port", 1), objectName="port")
    application = (Plain if plain else Full).from_object_list([device, port, *objects])
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    await asyncio.sleep(0.2)
    say("ready")
    while line := (await reader.readline()).decode():
        order, name, value = line.split()
        found = application.get_object_id(ObjectIdentifier(name))
        if order == "set":
            found.presentValue = float(value)
        elif order == "fault":
            # Its notifications follow what is assigned, its answers what is computed of the reliability.
            found.statusFlags = StatusFlags([0, 1, 0, 0])
            found.reliability = value
        elif order == "service":
            found.outOfService = value == "out"
        elif order == "show":
            say("value", found.presentValue)
        say("done", order)


if __name__ == "__main__":
    asyncio.run(main())
