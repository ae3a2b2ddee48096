"""Dialects: the topics and messages of other platforms, so that a fleet switches by changing a host name.

Vocabulary: a *dialect* is how devices of one platform speak: ThingsBoard's gateway API, Alibaba Cloud's Alink JSON over
the topics of its thing model (TSL), the topics of JetLinks. A *gateway* is a device that speaks for others; each of
those is a device *below* it, known by its *address*: the name that the messages use. A *part* is what a message says of
one device, written in the form that :mod:`millwright.devices.telemetry` reads.

What holds: a device is known by its credential; the product and name in a topic must be its own, or those of a device
below it. A gateway that may registers devices unasked, before its message is read, so that nothing is lost; one that
may not makes arrivals, and what it said of them waits as dead letters. Alibaba's devices are answered
(``…_reply``) when their message is durable and read.

Sources: ThingsBoard *MQTT Gateway API*, Alibaba Cloud IoT Platform *Alink protocol* (device properties, events and
services; topology; sub-device login; NTP; OTA version), JetLinks *official MQTT protocol*.
"""

from typing import TYPE_CHECKING

from millwright.kernel.lazy import exports

if TYPE_CHECKING:
    from millwright.devices.dialects.attributes import AttributeAnswers
    from millwright.devices.dialects.children import Children
    from millwright.devices.dialects.decoder import DialectDecoder

__getattr__ = exports(__name__)

__all__ = ["AttributeAnswers", "Children", "DialectDecoder"]
