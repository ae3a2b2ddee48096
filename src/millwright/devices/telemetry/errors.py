"""Why a message becomes a dead letter."""

from __future__ import annotations


class Unreadable(Exception):
    """A message that cannot be turned into readings; becomes a dead letter and never leaves the decoder.

    ``reason`` is the dead letter's stable code, ``text`` says it for a person.
    """

    def __init__(self, reason: str, text: str) -> None:
        super().__init__(text)
        self.reason = reason
        self.text = text


REASONS: dict[str, str] = {
    "telemetry.frame_unreadable": "The intake frame itself is damaged.",
    "telemetry.device_unknown": "The sending device is not registered (any more).",
    "telemetry.topic_unknown": "No decoder is responsible for the topic.",
    "telemetry.empty_payload": "The message has no payload.",
    "telemetry.not_utf8": "The payload is not UTF-8, so it is no JSON.",
    "telemetry.not_json": "The payload is no JSON (NaN and Infinity are none either).",
    "telemetry.not_an_object": "The JSON is neither an object nor an array of objects.",
    "telemetry.too_deep": "Objects or arrays are nested too deep.",
    "telemetry.too_many_properties": "One message holds too many properties.",
    "telemetry.device_property_limit": "The device would exceed its number of distinct properties.",
    "telemetry.property_name": "A property name is empty, too long, or contains NUL.",
    "telemetry.text_too_long": "A text value is too long.",
    "telemetry.too_fast_without_time": "More than 1,000 messages a second without a time of their own.",
    "telemetry.failed": "Decoding failed in an unforeseen way.",
    "dialect.message": "The message is not what its topic has on the platform it comes from.",
    "dialect.foreign_device": "The product and device name in the topic are not the device's own.",
    "dialect.no_gateway": "The device speaks for others and is not registered as a gateway.",
    "dialect.device_unknown": "The device that a gateway speaks for is not registered below it yet.",
    "dialect.device_disabled": "The device that a gateway speaks for is disabled.",
    "dialect.answer_unasked": "It answers a command that was not given here.",
    "location.sightings": "The message on the topic of sightings is no report of a reader.",
    "vehicle.message": "It is no message of GB/T 32960, or its check byte is wrong.",
    "vehicle.item": "A vehicle's report cannot be read to its end; the values before that are kept.",
    "sparkplug.not_protobuf": "The payload is no Sparkplug B payload.",
    "sparkplug.device_disabled": "The device that an edge node speaks for is disabled.",
    "sparkplug.topic": "The topic is not one of Sparkplug B 3.0.",
    "sparkplug.foreign_edge": "The edge node's credential belongs to another group or edge node.",
    "sparkplug.before_birth": "Data came before the birth certificate; a rebirth was requested.",
    "sparkplug.alias_unknown": "An alias was not announced by the birth certificate; a rebirth was requested.",
    "sparkplug.metric": "A metric has no name, no type, or a value that does not fit its type.",
    "sparkplug.device_unknown": "The Sparkplug device is not registered below its edge node yet.",
}
"""Every reason a dead letter can have."""
