"""How a command reaches its device: ports and their implementations."""

from millwright.devices.commands.routes.contract import ConnectorPoint, ConnectorRoute, Delivery, Reach, Written

__all__ = ["ConnectorPoint", "ConnectorRoute", "Delivery", "Reach", "Written"]
