"""Messages between clients: sessions, subscriptions, retained messages."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Sequence

from millwright.devices.mqtt.codec import publish_bytes, publish_head
from millwright.devices.mqtt.journal import JournalWriter
from millwright.devices.mqtt.packets import SUBSCRIBE_REFUSED, RetainedMessage
from millwright.devices.mqtt.ports import Principal, StoredSession
from millwright.devices.mqtt.retained import Retained
from millwright.devices.mqtt.session import Session
from millwright.devices.mqtt.settings import MqttSettings
from millwright.devices.mqtt.subscriptions import Subscriptions
from millwright.devices.mqtt.topics import to_external, to_internal

_MOST_FILTERS = 128 * 1024
"""Characters of all filters of one session: they are kept in one message of the journal."""


class Exchange:
    """Knows every session and who wants which topic. Topics here are in internal form (see :mod:`.topics`)."""

    def __init__(self, settings: MqttSettings, writer: JournalWriter) -> None:
        self._settings = settings
        self._writer = writer
        self.sessions: dict[tuple[str, str], Session] = {}
        self._persistent: Counter[str] = Counter()
        self.subscriptions: Subscriptions[Session] = Subscriptions()
        self.retained = Retained(settings.max_retained)
        self.messages_out = 0
        self.dropped_by_ended_sessions = 0

    def restore(self, retained: Iterable[RetainedMessage], sessions: Iterable[StoredSession], now_s: float) -> None:
        """Take over what an earlier listener kept."""
        for message in retained:
            self.retained.set(message)
        for stored in sessions:
            session = self._make(stored.device_id, stored.client_id, clean=False)
            session.left_s = now_s
            for topic_filter, qos in stored.subscriptions.items():
                session.subscriptions[topic_filter] = qos
                self.subscriptions.add(to_internal(session.device_id, topic_filter), session, qos)

    # --- sessions ------------------------------------------------------------------------------------------------

    def open(self, device_id: str, client_id: str, clean: bool) -> tuple[Session | None, bool]:
        """The session for a client that connects, and whether it was present; ``None`` when there are too many."""
        key = device_id, client_id
        present = self.sessions.get(key)
        if present is not None:
            if not clean and not present.clean:
                return present, True
            self.end(present)
        # Clean sessions are among them, as many as there are connections at most.
        if not clean and (
            len(self.sessions) >= self._settings.max_sessions + self._settings.max_connections
            or self._persistent[device_id] >= self._settings.max_sessions_per_device
        ):
            return None, False
        return self._make(device_id, client_id, clean), False

    def _make(self, device_id: str, client_id: str, clean: bool) -> Session:
        settings = self._settings
        session = Session(
            device_id,
            client_id,
            clean,
            max_inflight=settings.max_inflight,
            max_queued=settings.max_queued,
            max_queued_bytes=settings.max_queued_bytes,
        )
        self.sessions[session.key] = session
        if not clean:
            self._persistent[device_id] += 1
        return session

    def end(self, session: Session) -> None:
        """Forget a session and its subscriptions."""
        for topic_filter in session.subscriptions:
            self.subscriptions.remove(to_internal(session.device_id, topic_filter), session)
        if not session.clean and session.subscriptions:
            self._writer.write_session(session.key, None)
        session.subscriptions = {}
        self.dropped_by_ended_sessions += session.dropped
        if self.sessions.get(session.key) is session:
            del self.sessions[session.key]
            if not session.clean:
                self._persistent[session.device_id] -= 1
                if not self._persistent[session.device_id]:
                    del self._persistent[session.device_id]

    def expire(self, now_s: float) -> int:
        """End the sessions whose client stayed away too long; returns how many."""
        limit_s = now_s - self._settings.session_expiry_s
        gone = [
            session for session in self.sessions.values() if session.connection is None and session.left_s < limit_s
        ]
        for session in gone:
            self.end(session)
        return len(gone)

    # --- subscriptions -------------------------------------------------------------------------------------------

    def subscribe(
        self, session: Session, principal: Principal, filters: Sequence[tuple[str, int]]
    ) -> tuple[list[int], asyncio.Future[None] | None]:
        """Subscribe; returns the SUBACK codes and, for a persistent session, when that is kept."""
        codes = []
        for topic_filter, qos in filters:
            full = topic_filter not in session.subscriptions and (
                len(session.subscriptions) >= self._settings.max_subscriptions
                or sum(map(len, session.subscriptions)) + len(topic_filter) > _MOST_FILTERS
            )
            if full or not principal.may_subscribe(topic_filter):
                codes.append(SUBSCRIBE_REFUSED)
                continue
            session.subscriptions[topic_filter] = qos
            self.subscriptions.add(to_internal(session.device_id, topic_filter), session, qos)
            codes.append(qos)
        return codes, self._keep(session) if any(code != SUBSCRIBE_REFUSED for code in codes) else None

    def unsubscribe(self, session: Session, filters: Sequence[str]) -> asyncio.Future[None] | None:
        """End subscriptions; returns when that is kept, for a persistent session."""
        changed = False
        for topic_filter in filters:
            if session.subscriptions.pop(topic_filter, None) is not None:
                self.subscriptions.remove(to_internal(session.device_id, topic_filter), session)
                changed = True
        return self._keep(session) if changed else None

    def review(self, session: Session, principal: Principal) -> None:
        """End the subscriptions that ``principal`` may no longer have."""
        self.unsubscribe(session, [f for f in session.subscriptions if not principal.may_subscribe(f)])

    def _keep(self, session: Session) -> asyncio.Future[None] | None:
        if session.clean:
            return None
        stored = StoredSession(session.device_id, session.client_id, dict(session.subscriptions))
        return self._writer.write_session(session.key, stored if stored.subscriptions else None)

    def send_retained(self, session: Session, filters: Sequence[tuple[str, int]], codes: Sequence[int]) -> None:
        """What new subscriptions receive at once (3.3.1.3)."""
        for (topic_filter, _), code in zip(filters, codes, strict=True):
            if code == SUBSCRIBE_REFUSED:
                continue
            for message in self.retained.iter_matching(to_internal(session.device_id, topic_filter)):
                head = publish_head(to_external(message.topic))
                session.deliver(head, message.payload, min(code, message.qos), True)
                self.messages_out += 1

    # --- messages ------------------------------------------------------------------------------------------------

    def route(self, topic: str, payloads: Sequence[bytes], qos: int, retain: bool) -> asyncio.Future[None] | None:
        """Deliver messages to the subscribers of ``topic``; returns when a retained one is kept."""
        found = self.subscriptions.match(topic)
        if found:
            head = publish_head(to_external(topic))
            for payload in payloads:
                for session, granted in found:
                    session.deliver(head, payload, qos if qos < granted else granted, False)
            self.messages_out += len(found) * len(payloads)
        if retain and self.retained.set(RetainedMessage(topic, payloads[-1], qos)):
            return self._writer.write_retained(topic, self.retained.find(topic))
        return None

    def find_connected(self, device_id: str, topic: str) -> Session | None:
        """A session of this device that is subscribed to ``topic`` (as the client names it) and connected now."""
        own = [
            session
            for session, _ in self.subscriptions.match(to_internal(device_id, topic))
            if session.device_id == device_id and session.connection is not None
        ]
        return own[-1] if own else None

    def send_once(self, device_id: str, topic: str, payload: bytes) -> bool:
        """Send a message to one connected client of the device, with QoS 0; whether its connection took it."""
        session = self.find_connected(device_id, topic)
        if session is None or session.connection is None:
            return False
        self.messages_out += 1
        return session.connection.offer(publish_bytes(0x30, publish_head(topic), 0, payload))

    def gauges(self) -> dict[str, int]:
        """Sizes, for the statistics."""
        sessions = self.sessions.values()
        return {
            "sessions": len(self.sessions),
            "subscriptions": self.subscriptions.count,
            "retained": len(self.retained),
            "queued_messages": sum(len(session.queue) for session in sessions if session.queue),
        }

    def dropped(self) -> int:
        """Messages dropped because their receiver was away or slow, so far."""
        return self.dropped_by_ended_sessions + sum(session.dropped for session in self.sessions.values())
