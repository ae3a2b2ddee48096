"""MQTT servers of others at which this node is a Sparkplug host application: their edge nodes are read like our own."""

from millwright.devices.sparkplug.servers.desk import ServerDesk
from millwright.devices.sparkplug.servers.link import Server, ServerLink, servers_of

__all__ = ["Server", "ServerDesk", "ServerLink", "servers_of"]
