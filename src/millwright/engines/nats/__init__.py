"""NATS: the bus between roles and the durable streams (JetStream)."""

from typing import TYPE_CHECKING

from millwright.kernel.lazy import exports

if TYPE_CHECKING:
    from millwright.engines.nats.clock import read_clock
    from millwright.engines.nats.connection import NatsConnection
    from millwright.engines.nats.follower import Follower
    from millwright.engines.nats.hub import LeafHub
    from millwright.engines.nats.nkeys import is_user_key, new_user_key
    from millwright.engines.nats.server import LeafRemote, NatsServer, find_server
    from millwright.engines.nats.settings import NatsSettings
    from millwright.engines.nats.streams import PullReader, StreamMessage, StreamSpec, StreamState
    from millwright.engines.nats.tls import tls_context

__getattr__ = exports(__name__)

__all__ = [
    "Follower",
    "LeafHub",
    "LeafRemote",
    "NatsConnection",
    "NatsServer",
    "NatsSettings",
    "PullReader",
    "StreamMessage",
    "StreamSpec",
    "StreamState",
    "find_server",
    "is_user_key",
    "new_user_key",
    "read_clock",
    "tls_context",
]
