"""What ends a connection."""

from __future__ import annotations

from millwright.kernel import Invalid


class ProtocolError(Invalid):
    """A client broke the protocol; its connection is closed (MQTT 3.1.1, 4.8; 5.0, 4.13) and ``reason`` is counted.

    ``reason`` is one of a small fixed set of words such as ``malformed`` or ``packet_too_large``; a client of MQTT 5
    is told it as the reason code that :mod:`.reasons` gives the word, with ``message`` as its reason string.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message, code=f"mqtt.{reason}", hint="Correct the client; see MQTT 3.1.1 or 5.0 (OASIS).")
        self.reason = reason


def malformed(message: str) -> ProtocolError:
    """The packet's bytes are not what its type calls for."""
    return ProtocolError("malformed", message)
