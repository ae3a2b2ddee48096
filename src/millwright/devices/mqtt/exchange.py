"""Messages between clients: sessions, subscriptions, retained messages."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Collection, Iterable, Sequence
from typing import TypeVar

from millwright.devices.mqtt.codec import publish_head
from millwright.devices.mqtt.groups import Group, options_of
from millwright.devices.mqtt.joined import Durable, joined
from millwright.devices.mqtt.journal import JournalWriter
from millwright.devices.mqtt.packets import (
    NO_LOCAL,
    QOS,
    RETAIN_AS_PUBLISHED,
    RETAIN_HANDLING_SHIFT,
    SUBSCRIBE_REFUSED,
    Queued,
    Reason,
    RetainedMessage,
)
from millwright.devices.mqtt.ports import Kept, Neighbours, Principal, StoredSession
from millwright.devices.mqtt.retained import Retained
from millwright.devices.mqtt.session import Session
from millwright.devices.mqtt.settings import MqttSettings
from millwright.devices.mqtt.subscriptions import Subscriptions
from millwright.devices.mqtt.topics import (
    device_of,
    find_certificate,
    is_private,
    split_share,
    to_external,
    to_internal,
)
from millwright.kernel import Clock, SystemClock

_TURN = 200
"""What is taken over before others have their turn: some milliseconds' worth."""
T = TypeVar("T")
_MOST_FILTERS = 128 * 1024
"""Characters of all filters of one session: they are kept in one message of the journal."""


async def by_turns(items: Iterable[T]) -> AsyncIterator[T]:
    """The items, with a turn for everybody else of the loop after some of them."""
    for number, item in enumerate(items, 1):
        yield item
        if not number % _TURN:
            await asyncio.sleep(0)


class Exchange:
    """Knows every session and who wants which topic. Topics here are in internal form (see :mod:`.topics`)."""

    def __init__(self, settings: MqttSettings, writer: JournalWriter, clock: Clock | None = None) -> None:
        self._settings = settings
        self._writer = writer
        self._clock = clock or SystemClock()
        self.sessions: dict[tuple[str, str], Session] = {}
        self._persistent: Counter[str] = Counter()
        self.subscriptions: Subscriptions[Session | Group] = Subscriptions()
        self._groups: dict[tuple[str, str, str], Group] = {}
        self.retained = Retained(settings.max_retained)
        self.neighbours: Neighbours | None = None
        """The other processes of this listener, where there are any."""
        self.messages_out = 0
        self.dropped_by_ended_sessions = 0

    async def restore(self, kept: Kept, now_s: float) -> None:
        """Take over what an earlier listener kept. Sessions live on as if their clients had left now.

        However much it is, others of the loop have their turns.
        """
        now_ms = self._clock.now_ms()
        async for message in by_turns(kept.retained):
            if not message.expires_ms or message.expires_ms > now_ms:
                self.retained.set(message)
            else:
                self._writer.write_retained(message.topic, None)
        async for stored in by_turns(kept.sessions):
            session = self._make(stored.device_id, stored.client_id, stored.expiry_s or self._settings.session_expiry_s)
            session.left_s = now_s
            session.organisation_id = stored.organisation_id
            for topic_filter, grant in stored.subscriptions.items():
                session.subscriptions[topic_filter] = grant
                self._attach(session, topic_filter, grant)
        async for entry in by_turns(kept.batches):
            batch = self._writer.queues.restore(entry.key, list(entry.messages), entry.sequence)
            found = self.sessions.get(entry.key)
            if found is None:
                self._writer.end_queue(entry.key)
                continue
            for queued in entry.messages:
                found.deliver(
                    publish_head(queued.topic),
                    queued.payload,
                    queued.first >> 1 & 3,
                    bool(queued.first & 1),
                    queued.properties,
                    queued.expires_ms,
                    tuple(queued.identifiers),
                    batch,
                )

    # --- sessions ------------------------------------------------------------------------------------------------

    def open(
        self, device_id: str, client_id: str, clean: bool, expiry_s: int, organisation_id: str = ""
    ) -> tuple[Session | None, bool]:
        """The session for a client that connects, and whether it was present; ``None`` when there are too many.

        ``clean``: begin anew. ``expiry_s``: how long it lives on from the client's leaving, 0: not at all. What was
        kept for the device while it was another organisation's is not given to ``organisation_id``.
        """
        key = device_id, client_id
        present = self.sessions.get(key)
        before = present.organisation_id if present is not None else ""
        if before and organisation_id and before != organisation_id:
            self.forget({device_id})
            present = None
        if present is not None:
            if not clean and not present.clean and not present.is_over(self._clock.monotonic_s()):
                self.set_expiry(present, expiry_s)
                present.organisation_id = present.organisation_id or organisation_id
                return present, True
            self.end(present)
        # Clean sessions are among them, as many as there are connections at most.
        elsewhere = self.neighbours.sessions_elsewhere() if self.neighbours is not None else 0
        if expiry_s and (
            len(self.sessions) + elsewhere >= self._settings.max_sessions + self._settings.max_connections
            or self._persistent[device_id] >= self._settings.max_sessions_per_device
        ):
            return None, False
        made = self._make(device_id, client_id, expiry_s)
        made.organisation_id = organisation_id
        return made, False

    def _make(self, device_id: str, client_id: str, expiry_s: int) -> Session:
        settings = self._settings
        session = Session(
            device_id,
            client_id,
            expiry_s,
            max_inflight=settings.max_inflight,
            max_queued=settings.max_queued,
            max_queued_bytes=settings.max_queued_bytes,
            clock=self._clock,
        )
        self.sessions[session.key] = session
        if expiry_s:
            self._persistent[device_id] += 1
        return session

    def set_expiry(self, session: Session, expiry_s: int) -> None:
        """Let a session live so long without its client."""
        if expiry_s == session.expiry_s:
            return
        was_clean, session.expiry_s = session.clean, expiry_s
        if was_clean and not session.clean:
            self._persistent[session.device_id] += 1
        elif session.clean and not was_clean:
            self._forget_persistent(session)
            self._end_kept(session)
        self._keep(session)

    def _end_kept(self, session: Session) -> None:
        if session.subscriptions:
            self._writer.end_session(session.key)
        else:  # it is not among those that are kept, but messages for it may be
            self._writer.end_queue(session.key)

    def _forget_persistent(self, session: Session) -> None:
        self._persistent[session.device_id] -= 1
        if not self._persistent[session.device_id]:
            del self._persistent[session.device_id]

    def end(self, session: Session) -> None:
        """Forget a session and its subscriptions."""
        if session.delayed_will is not None:
            session.delayed_will.fire()
        for topic_filter in session.subscriptions:
            self._detach(session, topic_filter)
        if not session.clean:
            self._end_kept(session)
        session.subscriptions = {}
        session.discard()
        self.dropped_by_ended_sessions += session.dropped
        session.dropped = 0
        if self.sessions.get(session.key) is session:
            del self.sessions[session.key]
            if not session.clean:
                self._forget_persistent(session)

    def known_devices(self) -> set[str]:
        """The devices of which something is kept: a session, or what is retained on a topic of theirs alone."""
        private = (device_of(topic) for topic in self.retained.iter_topics())
        return {device_id for device_id, _ in self.sessions} | {each for each in private if each}

    def forget(self, device_ids: Collection[str]) -> int:
        """Let go of all that is kept for devices that are no more, or are somebody else's now: sessions, messages for
        them, and what is retained on topics of theirs alone. Returns how many of each there were."""
        gone = [session for session in self.sessions.values() if session.device_id in device_ids]
        for session in gone:
            self.end(session)
        topics = [topic for topic in self.retained.iter_topics() if device_of(topic) in device_ids]
        for topic in topics:
            self.retained.set(RetainedMessage(topic, b"", 0))
            self._writer.write_retained(topic, None)
        return len(gone) + len(topics)

    def expire(self, now_s: float) -> int:
        """End the sessions whose client stayed away too long; returns how many. Retained messages end likewise."""
        gone = [session for session in self.sessions.values() if session.is_over(now_s)]
        for session in gone:
            self.end(session)
        for topic in self.retained.expire(self._clock.now_ms()):
            if self.neighbours is None:  # with others, what is written could come after something newer of theirs
                self._writer.write_retained(topic, None)
        return len(gone)

    # --- subscriptions -------------------------------------------------------------------------------------------

    def _attach(self, session: Session, topic_filter: str, grant: int) -> Durable:
        name, inner = split_share(topic_filter)
        internal = to_internal(session.device_id, inner)
        told: Durable = None
        if self.neighbours is not None and not is_private(inner):
            told = self.neighbours.want(internal, (session.key, name))
        if not name:
            self.subscriptions.add(internal, session, grant)
            return told
        key = session.device_id, name, internal
        group = self._groups.get(key)
        if group is None:
            group = self._groups[key] = Group()
            self.subscriptions.add(internal, group, 2 | RETAIN_AS_PUBLISHED)
        group.members[session] = grant
        return told

    def _detach(self, session: Session, topic_filter: str) -> None:
        name, inner = split_share(topic_filter)
        internal = to_internal(session.device_id, inner)
        if self.neighbours is not None:
            self.neighbours.unwant(internal, (session.key, name))
        if not name:
            self.subscriptions.remove(internal, session)
            return
        key = session.device_id, name, internal
        group = self._groups.get(key)
        if group is not None:
            group.members.pop(session, None)
            if not group.members:
                del self._groups[key]
                self.subscriptions.remove(internal, group)

    def subscribe(
        self, session: Session, principal: Principal, filters: Sequence[tuple[str, int]]
    ) -> tuple[list[int], list[bool], Durable]:
        """Subscribe; returns a reason code for each filter (from 0x80 on: refused), which of them get what is
        retained, and for a persistent session, when that is kept."""
        codes: list[int] = []
        retained: list[bool] = []
        told: Durable = None
        for topic_filter, grant in filters:
            there = topic_filter in session.subscriptions
            full = not there and (
                len(session.subscriptions) >= self._settings.max_subscriptions
                or sum(map(len, session.subscriptions)) + len(topic_filter) > _MOST_FILTERS
            )
            name, inner = split_share(topic_filter)
            if full or not principal.may_subscribe(inner):
                codes.append(Reason.QUOTA_EXCEEDED if full else Reason.NOT_AUTHORIZED)
                retained.append(False)
                continue
            session.subscriptions[topic_filter] = grant
            told = joined(told, self._attach(session, topic_filter, grant))
            codes.append(grant & QOS)
            handling = grant >> RETAIN_HANDLING_SHIFT & 3
            retained.append(not name and (not handling or (handling == 1 and not there)))
        kept = self._keep(session) if any(code < SUBSCRIBE_REFUSED for code in codes) else None
        return codes, retained, joined(kept, told)

    def unsubscribe(self, session: Session, filters: Sequence[str]) -> tuple[list[int], Durable]:
        """End subscriptions; returns a reason code for each and when that is kept, for a persistent session."""
        codes = []
        for topic_filter in filters:
            if session.subscriptions.pop(topic_filter, None) is None:
                codes.append(Reason.NO_SUBSCRIPTION_EXISTED)
                continue
            self._detach(session, topic_filter)
            codes.append(Reason.SUCCESS)
        return list(codes), self._keep(session) if Reason.SUCCESS in codes else None

    def review(self, session: Session, principal: Principal) -> None:
        """End the subscriptions that ``principal`` may no longer have."""
        self.unsubscribe(session, [f for f in session.subscriptions if not principal.may_subscribe(split_share(f)[1])])

    def _keep(self, session: Session) -> Durable:
        if session.clean:
            return None
        if not session.subscriptions:
            return self._writer.write_session(session.key, None)
        stored = StoredSession(
            session.device_id,
            session.client_id,
            dict(session.subscriptions),
            expiry_s=session.expiry_s,
            organisation_id=session.organisation_id,
        )
        return self._writer.write_session(session.key, stored)

    def send_retained(self, session: Session, filters: Sequence[tuple[str, int]], wanted: Sequence[bool]) -> None:
        """What new subscriptions receive at once (3.3.1.3)."""
        now_ms = self._clock.now_ms()
        for (topic_filter, grant), asked in zip(filters, wanted, strict=True):
            if not asked:
                continue
            granted, _, identifiers = options_of(grant)
            for message in self.retained.iter_matching(to_internal(session.device_id, topic_filter)):
                if message.expires_ms and message.expires_ms <= now_ms:
                    continue
                head, qos = publish_head(to_external(message.topic)), min(granted, message.qos)
                session.deliver(head, message.payload, qos, True, message.properties, message.expires_ms, identifiers)
                self.messages_out += 1

    # --- messages ------------------------------------------------------------------------------------------------

    def route(
        self,
        topic: str,
        payloads: Sequence[bytes],
        qos: int,
        retain: bool,
        properties: bytes = b"",
        expires_ms: int = 0,
        source: Session | None = None,
        *,
        here: bool = False,
    ) -> Durable:
        """Deliver messages to the subscribers of ``topic``; returns when what must be kept of them is.

        ``source`` is the session that published them: it does not get them where it said *no local*. ``here``: what
        came from another process, which has sent it to all that want it and retains it.
        """
        found = self.subscriptions.match(topic)
        durable: Durable = None
        if found:
            name = to_external(topic)
            head = publish_head(name)
            for payload in payloads:
                for subscriber, options, identifiers in found:
                    session = subscriber
                    if isinstance(session, Group):
                        chosen = session.choose(qos)
                        if chosen is None:
                            continue
                        session, grant = chosen
                        granted, as_published, identifiers = options_of(grant)
                    else:
                        if options & NO_LOCAL and session is source:
                            continue
                        granted, as_published = options & QOS, bool(options & RETAIN_AS_PUBLISHED)
                    least, flag = min(qos, granted), retain and as_published
                    kept = None
                    if least and session.expiry_s:
                        queued = Queued(name, payload, least << 1 | flag, properties, expires_ms, identifiers)
                        kept, durable = self._writer.keep(session.key, queued)
                    session.deliver(head, payload, least, flag, properties, expires_ms, identifiers, kept)
            self.messages_out += len(found) * len(payloads)
        if here:
            return durable
        if retain and self.retained.set(RetainedMessage(topic, payloads[-1], qos, properties, expires_ms)):
            durable = self._writer.write_retained(topic, self.retained.find(topic))
        if self.neighbours is not None:
            told = self.neighbours.forward(topic, payloads, qos, retain, properties, expires_ms)
            durable = joined(durable, told)
        if self._settings.sparkplug_certificates and (certificate := find_certificate(topic)) is not None:
            durable = joined(durable, self.route(certificate, payloads, qos, retain=True, properties=properties))
        return durable

    def route_out(self, topic: str, payload: bytes, qos: int, retain: bool) -> None:
        """Deliver a message that every process of the listener hears."""
        self.route(topic, [payload], qos, retain, here=self.neighbours is not None)
        keeps = retain and self.neighbours is not None and self.neighbours.keeps(topic)
        if keeps and self.retained.set(RetainedMessage(topic, payload, qos)):
            self._writer.write_retained(topic, self.retained.find(topic))

    def find_connected(self, device_id: str, topic: str) -> Session | None:
        """A session of this device that is subscribed to ``topic`` (as the client names it) and connected now."""
        found = None
        for subscriber, _, _ in self.subscriptions.match(to_internal(device_id, topic)):
            chosen = subscriber.choose(0) if isinstance(subscriber, Group) else (subscriber, 0)
            if chosen and chosen[0].device_id == device_id and chosen[0].connection is not None:
                found = chosen[0]
        return found

    def send_once(self, device_id: str, topic: str, payload: bytes) -> bool:
        """Send a message to one connected client of the device, with QoS 0; whether its connection took it."""
        session = self.find_connected(device_id, topic)
        if session is None or not session.offer(publish_head(topic), payload):
            return False
        self.messages_out += 1
        return True

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
