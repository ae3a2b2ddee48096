"""Sparkplug B 3.0, the host's side: edge nodes and the devices below them (https://sparkplug.eclipse.org, 3.0.0).

Vocabulary: an *edge node* publishes birth, data and death certificates for itself and its *devices*; an *alias* is the
number that stands for a metric's name between births; *bdSeq* ties a death to its birth; a *rebirth* is a birth on
request. An edge node is a registered device of kind ``sparkplug_edge``, its devices are of kind ``sparkplug_device``.
"""

from typing import TYPE_CHECKING

from millwright.kernel.lazy import exports

if TYPE_CHECKING:
    from millwright.devices.sparkplug.host import SparkplugHost, rebirth_request
    from millwright.devices.sparkplug.payload import DataSet, Metric, Payload, find_payload
    from millwright.devices.sparkplug.reordering import ReorderWatch
    from millwright.devices.sparkplug.session import EdgeSession, MetricSet
    from millwright.devices.sparkplug.sessions_stream import SESSIONS, SparkplugSessions
    from millwright.devices.sparkplug.state import HostState, publish
    from millwright.devices.sparkplug.topics import Topic, command_topic, find_topic, state_topic
    from millwright.devices.sparkplug.values import DataType

__getattr__ = exports(__name__)

__all__ = [
    "DataSet",
    "DataType",
    "EdgeSession",
    "HostState",
    "Metric",
    "MetricSet",
    "Payload",
    "ReorderWatch",
    "SESSIONS",
    "SparkplugHost",
    "SparkplugSessions",
    "Topic",
    "command_topic",
    "find_payload",
    "find_topic",
    "publish",
    "rebirth_request",
    "state_topic",
]
