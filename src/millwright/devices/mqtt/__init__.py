"""The MQTT listener: where devices connect.

A *principal* is a device known by its credential. What it publishes becomes *runs*, gathered into *frames*
(:mod:`millwright.devices.intake`) that are durable before the device gets its PUBACK (PUBREC with QoS 2). Follows
MQTT 5.0 and 3.1.1 (OASIS Standards, 7 March 2019 and 29 October 2014), with WebSocket too, and takes 3.1 clients.

What holds:

- What was acknowledged is in the stream ``INTAKE``, whatever is killed when.
- Client ids are a device's own: two devices using the same one do not disturb each other.
- Topics below ``v1/devices/me/`` and ``millwright/v1/`` mean *this device*: what it publishes there reaches no other
  device, and a message on ``$device/<device id>/v1/devices/me/…`` (subject ``mqtt.out``) reaches it alone.
- Publishing where the device may not ends the connection (3.1.1 has no other way to say so; 5.0 answers 0x87, in its
  turn); subscribing where it may not is answered 0x80 or 0x87.
- Retained messages, and of persistent sessions the subscriptions and the messages for their clients, survive the
  listener's sudden end; SUBACK and PUBACK wait for that.
- A client that breaks a rule, does not read or does not speak is disconnected; the reason is counted, and told to a
  client of 5.0.
"""

from typing import TYPE_CHECKING

from millwright.kernel.lazy import exports

if TYPE_CHECKING:
    from millwright.devices.mqtt.errors import ProtocolError
    from millwright.devices.mqtt.journal import JetStreamJournal, VolatileJournal
    from millwright.devices.mqtt.listener import OUT_SUBJECT, MqttListener, OutMessage
    from millwright.devices.mqtt.ports import (
        Authenticator,
        CertificateAuthenticator,
        Intake,
        Journal,
        OnRefused,
        Pacer,
        Principal,
        Refusal,
        StoredSession,
    )
    from millwright.devices.mqtt.presence import PresenceReport
    from millwright.devices.mqtt.settings import MqttSettings
    from millwright.devices.mqtt.stream_intake import JetStreamIntake
    from millwright.devices.mqtt.tls import ListenerTls

__getattr__ = exports(__name__)

__all__ = [
    "OUT_SUBJECT",
    "Authenticator",
    "CertificateAuthenticator",
    "Intake",
    "JetStreamIntake",
    "JetStreamJournal",
    "ListenerTls",
    "Journal",
    "MqttListener",
    "MqttSettings",
    "OnRefused",
    "OutMessage",
    "Pacer",
    "PresenceReport",
    "Principal",
    "ProtocolError",
    "Refusal",
    "StoredSession",
    "VolatileJournal",
]
