"""A client of one BACnet device by bacpypes3: questions with their errors as ours, and notifications of changes."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable, Sequence
from typing import Any, Final

from bacpypes3.apdu import (
    AbortPDU,
    AbortReason,
    ConfirmedCOVNotificationRequest,
    ErrorRejectAbortNack,
    RejectPDU,
    SimpleAckPDU,
    SubscribeCOVRequest,
    UnconfirmedCOVNotificationRequest,
)
from bacpypes3.app import Application
from bacpypes3.basetypes import PropertyIdentifier
from bacpypes3.local.device import DeviceObject
from bacpypes3.local.networkport import NetworkPortObject
from bacpypes3.pdu import Address as Place
from bacpypes3.primitivedata import ObjectIdentifier

from millwright.kernel import Unavailable

PROCESS: Final = 1
"""Our subscriber process identifier; sockets tell sessions apart."""

WILDCARD: Final = "device,4194303"
"""The device, whatever its number (clause 12.11.1)."""

Changed = Callable[[str, dict[str, Any]], None]
"""Gets an object (``analog-input,1``) and the properties that a notification tells."""


class Refused(Exception):
    """The device answered with an error, a rejection or an abort; the text says which."""

    def __init__(self, words: str, *, kind: str) -> None:
        super().__init__(words)
        self.kind = kind  # error, reject or abort


class _Application(Application):  # type: ignore[misc]  # the library has no types
    """Takes notifications itself: the library's contexts renew subscriptions in tasks whose failure nobody sees."""

    changed: Changed | None = None
    peer: Place | None = None

    async def do_ConfirmedCOVNotificationRequest(  # noqa: N802 - the library looks it up by this name
        self, apdu: ConfirmedCOVNotificationRequest
    ) -> None:
        await self._tell(apdu)
        await self.response(SimpleAckPDU(context=apdu))

    async def do_UnconfirmedCOVNotificationRequest(  # noqa: N802 - the same
        self, apdu: UnconfirmedCOVNotificationRequest
    ) -> None:
        await self._tell(apdu)

    async def _tell(self, apdu: Any) -> None:
        if self.changed is None or apdu.pduSource != self.peer or apdu.subscriberProcessIdentifier != PROCESS:
            return
        vendor = await self.get_vendor_info(vendor_identifier=0)
        monitored = apdu.monitoredObjectIdentifier
        known = vendor.get_object_class(monitored[0])
        told = {}
        for element in apdu.listOfValues:
            kind = known and known.get_property_type(element.propertyIdentifier)
            if kind is not None:
                with contextlib.suppress(Exception):
                    told[str(element.propertyIdentifier)] = element.value.cast_out(kind)
        self.changed(str(monitored), told)


class Client:
    """Asks one device. A request is repeated once; both together take ``timeout_s``."""

    def __init__(self, host: str, port: int, timeout_s: float) -> None:
        address = socket.gethostbyname(host)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.connect((address, port))
            ours = probe.getsockname()[0]
        self._peer, self._timeout_s = Place(f"{address}:{port}"), timeout_s
        device = DeviceObject(objectName="client", objectIdentifier=("device", 4_194_302), vendorIdentifier=0)
        device.apduTimeout = int(timeout_s * 500)
        device.numberOfApduRetries = 1
        network = NetworkPortObject(
            f"{ours}:0", objectIdentifier=("network-port", 1), objectName="network", networkNumber=0
        )
        self._application = _Application.from_object_list([device, network])
        self._application.peer = self._peer

    def follow(self, changed: Changed | None) -> None:
        """Have notifications told to ``changed``."""
        self._application.changed = changed

    async def read(self, one: str, name: str, index: int | None = None) -> Any:
        """A property. Raises :class:`Refused`, ``Unavailable`` (``bacnet.silent``)."""
        return await self._answer(self._application.read_property(self._peer, one, name, index))

    async def instance(self) -> int:
        """The device's instance number, by the wildcard or by Who-Is. Raises as :meth:`read`."""
        try:
            return int((await self.read(WILDCARD, "object-identifier"))[1])
        except Refused:
            # Some know themselves by their number only.
            told = await self._application.who_is(address=self._peer, timeout=min(2.0, self._timeout_s))
            if told:
                return int(told[0].iAmDeviceIdentifier[1])
            raise

    async def read_several(self, wanted: Sequence[tuple[str, Sequence[str]]]) -> list[dict[str, Any]]:
        """Properties of several objects, in their order; one that it has not is left out. Raises as :meth:`read`."""
        parameters: list[Any] = []
        for one, names in wanted:
            parameters += [one, list(names)]
        found = await self._answer(self._application.read_property_multiple(self._peer, parameters))
        read: dict[str, dict[str, Any]] = {}
        for one, name, _, value in found or ():
            if not _is_error(value):
                read.setdefault(str(one), {})[str(name)] = value
            else:
                read.setdefault(str(one), {})
        return [read.get(str(ObjectIdentifier(one)), {}) for one, _ in wanted]

    async def write(self, one: str, name: str, value: Any, index: int | None, priority: int | None) -> None:
        """Write a property. Raises as :meth:`read`."""
        await self._answer(self._application.write_property(self._peer, one, name, value, index, priority))

    async def subscribe(self, one: str, lifetime_s: int) -> None:
        """Subscribe to changes of an object, or renew it. Raises as :meth:`read`."""
        await self._answer(
            self._application.request(
                SubscribeCOVRequest(
                    subscriberProcessIdentifier=PROCESS,
                    monitoredObjectIdentifier=ObjectIdentifier(one),
                    issueConfirmedNotifications=True,
                    lifetime=lifetime_s,
                    destination=self._peer,
                )
            )
        )

    async def unsubscribe(self, one: str) -> None:
        """Have no more changes sent. Raises as :meth:`read`."""
        await self._answer(
            self._application.request(
                SubscribeCOVRequest(
                    subscriberProcessIdentifier=PROCESS,
                    monitoredObjectIdentifier=ObjectIdentifier(one),
                    destination=self._peer,
                )
            )
        )

    def close(self) -> None:
        """Let go of the socket."""
        self._application.changed = None
        self._application.close()

    async def _answer(self, asking: Any) -> Any:
        # The library's errors are no Exception, and some of its calls return instead of raising them.
        try:
            async with asyncio.timeout(self._timeout_s + 5):
                answer = await asking
        except ErrorRejectAbortNack as error:
            answer = error
        except TimeoutError:
            raise self._silent() from None
        except (ValueError, TypeError, AttributeError, KeyError) as error:
            raise Refused(f"no such object or property ({error})", kind="error") from None
        if isinstance(answer, AbortPDU):
            if answer.apduAbortRejectReason in (AbortReason.noResponse, AbortReason.tsmTimeout):
                raise self._silent()
            raise Refused(str(answer.reason), kind="abort")
        if isinstance(answer, RejectPDU):
            raise Refused(str(answer.reason), kind="reject")
        if isinstance(answer, ErrorRejectAbortNack):
            raise Refused(str(answer.reason), kind="error")
        if isinstance(answer, str) and answer.startswith("-no "):
            raise Refused("no such object or property", kind="error")
        return answer

    def _silent(self) -> Unavailable:
        return Unavailable(
            f"The device at {self._peer} does not answer.",
            code="bacnet.silent",
            hint="Check its address and port, and whether UDP reaches it; it is tried again by itself.",
        )


def _is_error(value: object) -> bool:
    return type(value).__name__ == "ErrorType" or value is None


def property_name(text: str) -> str:
    """A property as bacpypes3 prints it. Raises ``ValueError``."""
    return str(PropertyIdentifier(int(text) if text.isdigit() else text))
