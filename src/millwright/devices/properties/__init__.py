"""The properties of a device: those its model declares, and those it was seen to send."""

from millwright.devices.properties.model import DeviceProperty, LatestValue, SeenProperty
from millwright.devices.properties.service import PropertyService
from millwright.devices.properties.store import PropertyStore

__all__ = ["DeviceProperty", "LatestValue", "PropertyService", "PropertyStore", "SeenProperty"]
