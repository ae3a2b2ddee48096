"""What a client says once it is in, besides PUBLISH: acknowledgements, subscriptions, its goodbye."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from millwright.devices.mqtt import codec, codec5
from millwright.devices.mqtt.errors import ProtocolError
from millwright.devices.mqtt.ingest import PUBREC_BASE, Ingest
from millwright.devices.mqtt.ingest5 import REASON_SHIFT, Ingest5
from millwright.devices.mqtt.packets import SUBSCRIBE_REFUSED, PacketType, Reason, Subscribe, Unsubscribe

if TYPE_CHECKING:
    from millwright.devices.mqtt.connection import Connection
    from millwright.devices.mqtt.listener import MqttListener
    from millwright.devices.mqtt.session import Outlet, Session

_ACKNOWLEDGEMENTS: Final = frozenset({PacketType.PUBACK, PacketType.PUBREC, PacketType.PUBREL, PacketType.PUBCOMP})
_WHY: Final = {
    Reason.NOT_AUTHORIZED: "The device may not publish to this topic.",
    Reason.PAYLOAD_FORMAT_INVALID: "The payload is said to be UTF-8 and is not.",
}


def handle(connection: Connection, listener: MqttListener, session: Session, kind: int, body: bytes) -> None:
    """One packet of a client that has signed in. Raises what :mod:`.errors` has."""
    five = connection.level == codec5.LEVEL
    if kind in _ACKNOWLEDGEMENTS:
        packet_id, reason = codec5.decode_answer(kind, body) if five else (codec.decode_packet_id(body), 0)
        _on_acknowledgement(connection, session, kind, packet_id, reason)
    elif kind == PacketType.SUBSCRIBE:
        packet = codec5.decode_subscribe(body) if five else codec.decode_subscribe(body)
        _on_subscribe(connection, listener, session, packet)
    elif kind == PacketType.UNSUBSCRIBE:
        ended = codec5.decode_unsubscribe(body) if five else codec.decode_unsubscribe(body)
        _on_unsubscribe(connection, listener, session, ended)
    elif kind == PacketType.DISCONNECT and five:
        _on_goodbye(connection, listener, session, codec5.decode_disconnect(body))
    elif kind == PacketType.DISCONNECT and not body:
        connection.drop_will()
        connection.close("client")
    elif kind == PacketType.AUTH and connection.challenge is not None:
        connection.challenge.on_auth(codec5.decode_auth(body))
    else:
        raise ProtocolError("unexpected_packet", f"A {PacketType(kind).name} was not expected here.")


def _on_acknowledgement(connection: Connection, session: Session, kind: int, packet_id: int, reason: int) -> None:
    if kind == PacketType.PUBACK:
        session.on_puback(packet_id)
    elif kind == PacketType.PUBREC:
        session.on_pubrec(packet_id, connection, reason)
    elif kind == PacketType.PUBCOMP:
        session.on_pubcomp(packet_id)
    else:
        connection.release(packet_id)
        session.on_pubrel(packet_id, connection)


def _on_goodbye(connection: Connection, listener: MqttListener, session: Session, goodbye: codec5.Goodbye) -> None:
    expiry_s = goodbye.session_expiry_s
    if expiry_s is not None:
        if session.clean and expiry_s:
            raise ProtocolError("protocol_error", "A session that ends with its connection cannot be prolonged.")
        listener.exchange.set_expiry(session, min(expiry_s, listener.settings.session_expiry_s))
    if goodbye.reason:  # 0x04 asks for the will; the others say that something went wrong (MQTT 5.0, 3.1.2.5)
        connection.close("client_with_will")
    else:
        connection.drop_will()
        connection.close("client")


def _on_subscribe(connection: Connection, listener: MqttListener, session: Session, packet: Subscribe) -> None:
    assert connection.principal is not None
    exchange = listener.exchange
    codes, retained, kept = exchange.subscribe(session, connection.principal, packet.filters)

    def answer(_: object = None) -> None:
        if not connection.connected:
            return
        if connection.framing is None:
            connection.send(codec.encode_suback(packet.packet_id, [min(code, SUBSCRIBE_REFUSED) for code in codes]))
        else:
            connection.answer(codec5.encode_codes(PacketType.SUBACK, packet.packet_id, codes))
        exchange.send_retained(session, packet.filters, retained)

    answer() if kept is None else kept.add_done_callback(answer)


def _on_unsubscribe(connection: Connection, listener: MqttListener, session: Session, packet: Unsubscribe) -> None:
    codes, kept = listener.exchange.unsubscribe(session, packet.filters)

    def answer(_: object = None) -> None:
        if connection.framing is None:
            number = codec.acknowledgement(PacketType.UNSUBACK, packet.packet_id)
            connection.send(codec.encode_acknowledgements((number,)))
        else:
            connection.answer(codec5.encode_codes(PacketType.UNSUBACK, packet.packet_id, codes))

    answer() if kept is None else kept.add_done_callback(answer)


def send_refusals(connection: Connection, before: list[int], base: int, packet_ids: list[int]) -> None:
    """Acknowledgements that refuse (MQTT 5), after those that came before them."""
    if before:
        connection.send(codec.encode_acknowledgements(before))
    framing, first, reason = connection.framing, base >> 24 & 0xFF, base >> REASON_SHIFT
    text = _WHY.get(Reason(reason), "") if framing is not None and framing.problems else ""
    for packet_id in packet_ids:
        data = codec5.encode_answer(first, packet_id, reason, text)
        if framing is not None and not framing.fits(data):
            data = codec5.encode_answer(first, packet_id, reason)
        connection.answer(data)


def acknowledge(
    connection: Connection,
    ingest: Ingest | None,
    received: dict[int, Outlet | None],
    acknowledgements: list[tuple[int, list[int]]],
) -> None:
    """What a client published is durable: PUBACK, or PUBREC to whichever connection waits for it now."""
    numbers: list[int] = []
    for base, packet_ids in acknowledgements:
        if base >> REASON_SHIFT:
            send_refusals(connection, numbers, base, packet_ids)
            numbers = []
            continue
        if base != PUBREC_BASE:
            numbers += [base | packet_id for packet_id in packet_ids]
            if isinstance(ingest, Ingest5):
                ingest.unanswered -= len(packet_ids)
            continue
        for packet_id in packet_ids:
            waiting = received.get(packet_id)
            if waiting is None:
                continue
            received[packet_id] = None
            if waiting is connection:
                numbers.append(base | packet_id)
            else:
                waiting.send((base | packet_id).to_bytes(4, "big"))
    if numbers:
        connection.send(codec.encode_acknowledgements(numbers))
