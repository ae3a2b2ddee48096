"""Routes of devices and their credentials."""

from __future__ import annotations

from typing import Annotated

from litestar import Controller, Response, delete, get, patch, post
from litestar.di import NamedDependency
from litestar.params import FromQuery, JSONBody, Parameter

from millwright.devices.credentials import Credential, Issued, NewCredential
from millwright.devices.presence.model import PresenceEvent
from millwright.devices.properties import DeviceProperty
from millwright.devices.registry import Device, DeviceChange, DevicePage, DeviceQuery, Kind, NewDevice, Status
from millwright.devices.rights import DEVICES_CREDENTIAL, DEVICES_READ, DEVICES_WRITE
from millwright.devices.service import DevicesService
from millwright.historian import HistorianClient
from millwright.kernel import etag, revision_of
from millwright.kernel.scope import within
from millwright.parties import Authority, IfMatch, permit

Id = Annotated[str, Parameter(description="The device.", max_length=64)]
Text = Annotated[str | None, Parameter(max_length=255)]


class DevicesController(Controller):
    """Registered devices."""

    path = "/devices"
    tags = ["Devices"]  # noqa: RUF012

    @get("/", summary="Devices", operation_id="listDevices", guards=[permit(DEVICES_READ)])
    async def list_devices(
        self,
        devices: NamedDependency[DevicesService],
        q: Annotated[str | None, Parameter(description="Words in name, title, tags or id.", max_length=255)] = None,
        place_id: Annotated[str | None, Parameter(description="A place and all below it.", max_length=64)] = None,
        model_id: Annotated[str | None, Parameter(max_length=64)] = None,
        status: FromQuery[Status | None] = None,
        tag: Text = None,
        kind: FromQuery[Kind | None] = None,
        parent_id: Annotated[str | None, Parameter(description="An edge node.", max_length=64)] = None,
        property: Annotated[  # noqa: A002 - the API's own word
            str | None, Parameter(description="Devices that sent this property.", max_length=255)
        ] = None,
        edge_id: Annotated[str | None, Parameter(description="The devices at this edge.", max_length=64)] = None,
        cursor: Annotated[str | None, Parameter(description="`next` of the page before.", max_length=1100)] = None,
        limit: Annotated[int, Parameter(ge=1, le=1000)] = 100,
    ) -> DevicePage:
        """Devices by name, in pages that stay in order while devices are added and removed."""
        query = DeviceQuery(
            q=q,
            place_id=place_id,
            model_id=model_id,
            status=status,
            tag=tag,
            kind=kind,
            parent_id=parent_id,
            property=property,
            edge_id=edge_id,
        )
        return await devices.page(query, cursor=cursor, limit=limit)

    @post("/", summary="Register a device", operation_id="addDevice", guards=[permit(DEVICES_WRITE)])
    async def add(self, data: JSONBody[NewDevice], devices: NamedDependency[DevicesService]) -> Response[Device]:
        """Register a device; then issue it a credential."""
        return _tagged(await devices.registry.create(data), 201)

    @get("/{device_id:str}", summary="A device", operation_id="getDevice", guards=[permit(DEVICES_READ)])
    async def device(self, device_id: Id, devices: NamedDependency[DevicesService]) -> Response[Device]:
        """One device; the header `ETag` carries its revision."""
        return _tagged(await devices.device(device_id))

    @patch("/{device_id:str}", summary="Change a device", operation_id="updateDevice", guards=[permit(DEVICES_WRITE)])
    async def update(
        self,
        device_id: Id,
        data: JSONBody[DeviceChange],
        devices: NamedDependency[DevicesService],
        if_match: IfMatch = None,
    ) -> Response[Device]:
        """Change what is named; with `If-Match` only if nobody changed the device since."""
        return _tagged(await devices.registry.change(device_id, data, expected=revision_of(if_match)))

    @delete("/{device_id:str}", summary="Remove a device", operation_id="deleteDevice", guards=[permit(DEVICES_WRITE)])
    async def remove(self, device_id: Id, devices: NamedDependency[DevicesService], if_match: IfMatch = None) -> None:
        """Remove a device and its credentials; its connection ends, its history stays."""
        await devices.registry.delete(device_id, expected=revision_of(if_match))

    @get(
        "/{device_id:str}/properties",
        summary="A device's properties",
        operation_id="listDeviceProperties",
        guards=[permit(DEVICES_READ)],
    )
    async def properties(
        self,
        device_id: Id,
        devices: NamedDependency[DevicesService],
        historian: NamedDependency[HistorianClient],
        authority: NamedDependency[Authority],
    ) -> list[DeviceProperty]:
        """What its model declares and what it was seen to send; with its newest reading for who may see history."""
        with within(authority.scope("history:read")):
            readable = await devices.registry.known([device_id])
        return await devices.properties.list(device_id, historian if readable else None)

    @get(
        "/{device_id:str}/presence",
        summary="How a device came and went",
        operation_id="listDevicePresence",
        guards=[permit(DEVICES_READ)],
    )
    async def presence(self, device_id: Id, devices: NamedDependency[DevicesService]) -> list[PresenceEvent]:
        """The last 50 changes between online and offline, newest first."""
        return await devices.presence.events(device_id)


class CredentialsController(Controller):
    """What a device proves itself with."""

    path = "/devices/{device_id:str}/credentials"
    tags = ["Devices"]  # noqa: RUF012

    @get("/", summary="A device's credentials", operation_id="listCredentials", guards=[permit(DEVICES_CREDENTIAL)])
    async def list_credentials(self, device_id: Id, devices: NamedDependency[DevicesService]) -> list[Credential]:
        """The credentials, without their secrets."""
        return await devices.credentials.list(device_id)

    @post("/", summary="Issue a credential", operation_id="addCredential", guards=[permit(DEVICES_CREDENTIAL)])
    async def add(
        self, device_id: Id, data: JSONBody[NewCredential], devices: NamedDependency[DevicesService]
    ) -> Issued:
        """A new token, shown this once. The device sends it as MQTT user name, or as password with its name."""
        return await devices.credentials.issue(device_id, data)

    @delete(
        "/{credential_id:str}",
        summary="Revoke a credential",
        operation_id="deleteCredential",
        guards=[permit(DEVICES_CREDENTIAL)],
    )
    async def remove(
        self,
        device_id: Id,
        credential_id: Annotated[str, Parameter(description="The credential.", max_length=64)],
        devices: NamedDependency[DevicesService],
    ) -> None:
        """Revoke it; a connection made with it ends."""
        await devices.credentials.revoke(device_id, credential_id)


def _tagged(device: Device, status_code: int = 200) -> Response[Device]:
    return Response(device, status_code=status_code, headers=etag(device.revision))
