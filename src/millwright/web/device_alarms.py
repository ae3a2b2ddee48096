"""Fills in what the devices' floor cannot know: how many active alarms each device has."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from litestar import Response

from millwright.devices import Device, DevicePage
from millwright.operations import Alarms


def fill_in(alarms: Alarms) -> Callable[[Response[Any]], Awaitable[Response[Any]]]:
    """A hook for the devices' routes: sets ``alarms_active`` in every device that is answered."""

    async def hook(response: Response[Any]) -> Response[Any]:
        content = response.content
        if isinstance(content, Device):
            counts = await alarms.active_by_device([content.id])
            response.content = _counted(content, counts)
        elif isinstance(content, DevicePage):
            counts = await alarms.active_by_device([device.id for device in content.items])
            items = [_counted(device, counts) for device in content.items]
            response.content = msgspec.structs.replace(content, items=items)
        return response

    return hook


def _counted(device: Device, counts: dict[str, int]) -> Device:
    active = counts.get(device.id, 0)
    return device if active == device.alarms_active else msgspec.structs.replace(device, alarms_active=active)
