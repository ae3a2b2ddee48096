"""OPC UA (IEC 62541) as a client, by asyncua: subscriptions, browsing, reading, writing, methods and history.

Vocabulary: a *node id* names a node of a server (Part 3, 8.2); an *address* is a node id in its text form (Part 6,
5.3.1.10), by preference with the namespace's URI, and may begin with ``index=`` for a part of an array. A *link* is a
secure channel with a session on it; a *follower* is what runs on a link: subscriptions, their items, and the numbers of
the messages that arrived.

Invariants: a notification is acknowledged only after it was delivered, so what was not delivered can be asked for
again; when a connection breaks, its session and subscriptions are kept here for ``keep_s`` and taken up by the next one
with the same settings, else made anew; a server that wants encryption is spoken to only if its certificate is trusted.

What it does not do: events and alarms, aggregates and processed history, writing of structures, PubSub, reverse
connect, the global discovery server, certificate revocation lists.
"""

from millwright.devices.connectors.opcua.connector import OpcUaConnector
from millwright.devices.connectors.opcua.settings import OpcUaSettings

__all__ = ["OpcUaConnector", "OpcUaSettings"]
