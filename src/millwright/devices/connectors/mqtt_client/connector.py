"""The connector of brokers and its session. An address is a topic, and behind ``#`` a place in its JSON."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from millwright.devices.connectors.contract import (
    BAD,
    GOOD,
    UNCERTAIN,
    Connector,
    ConnectorKind,
    Deliver,
    Identity,
    Node,
    NodePage,
    Point,
    Sample,
    Session,
    Value,
    ValueType,
    Word,
)
from millwright.devices.connectors.json_path import (
    MOST_STEPS,
    Search,
    Step,
    TooMuch,
    find,
    moment_ms,
    own_name,
    parse_place,
    pointer,
    scalar,
)
from millwright.devices.connectors.mqtt_client.link import Link, Message, gone
from millwright.devices.connectors.mqtt_client.settings import MqttClientSettings
from millwright.devices.connectors.polling import due_samples
from millwright.kernel import Invalid

_LISTEN_S: Final = 1.5
_HEARD_FOR_S: Final = 30.0
_MOST_TOPICS: Final = 20_000
_BATCH: Final = 500
_PAGE: Final = 200


@dataclass(slots=True)
class _Item:
    key: str
    place: Sequence[Step]
    deadband: float = 0.0
    last: Sample | None = None


def _parse(address: str) -> tuple[str, Sequence[Step]]:
    topic, _, place = address.partition("#")
    try:
        if not topic or "+" in topic or not address.isprintable() or len(topic.encode()) > 65_535:
            raise ValueError("a topic is a name without + and #")
        return topic, parse_place(place)
    except ValueError as error:
        raise Invalid(
            f"{address!r} is no topic: {error}.",
            code="connectors.address_invalid",
            hint="Write a topic, as plant/line1/temperature; or a place in its JSON, plant/line1/state#/temperature.",
        ) from error


def _document(payload: bytes) -> Any:
    """JSON, or else text; raises ``ValueError``."""
    try:
        return msgspec.json.decode(payload)
    except (msgspec.DecodeError, RecursionError):
        try:
            return payload.decode()
        except UnicodeDecodeError:
            raise ValueError(f"{len(payload)} bytes that are no text") from None


class MqttClientSession(Session):
    """A broker that let us in."""

    def __init__(self, link: Link, settings: MqttClientSettings) -> None:
        self._link, self._settings = link, settings
        self._time_place = parse_place(settings.time_place) if settings.time_place else None
        self._asking = asyncio.Lock()
        self._following: set[Link] = set()
        self._heard: dict[str, bytes] = {}
        self._heard_at = float("-inf")

    def _samples(self, message: Message, items: Sequence[_Item]) -> list[Sample]:
        """What a message tells of the points on its topic."""
        note, when, search = "", None, Search(MOST_STEPS)
        quality = GOOD
        try:
            document = _document(message.payload)
            if self._time_place is not None:
                when = moment_ms(find(document, self._time_place, search))
        except (LookupError, ValueError) as error:
            return [Sample(item.key, None, None, BAD, str(error)) for item in items]
        if message.retained and when is None:
            if self._settings.retained == "skip":
                return []
            if self._settings.retained == "uncertain":
                quality, note = UNCERTAIN, "retained: nobody knows how old"
        out = []
        for item in items:
            try:
                out.append(Sample(item.key, scalar(find(document, item.place, search)), when, quality, note))
            except TooMuch:
                note = "the message and the points on its topic are too much to look up"
                return [Sample(item.key, None, when, BAD, note) for item in items]
            except (LookupError, ValueError) as error:
                out.append(Sample(item.key, None, when, BAD, str(error)))
        return out

    async def run(self, points: Sequence[Point], deliver: Deliver) -> None:
        """As the contract says, over a connection of its own."""
        items: dict[str, list[_Item]] = {}
        for point in points:
            topic, place = _parse(point.address)
            items.setdefault(topic, []).append(_Item(point.id, place, point.deadband))
        link = Link(self._settings, self._settings.client_id)
        self._following.add(link)
        try:
            await link.connect()
            allowed = await link.subscribe(list(items))
            refused = [item for topic, some in items.items() if not allowed[topic] for item in some]
            await self._tell(refused, [_bad(each, "the broker does not let us subscribe") for each in refused], deliver)
            await self._follow(link, items, deliver)
        finally:
            self._following.discard(link)
            await link.close()

    async def _follow(self, link: Link, items: Mapping[str, list[_Item]], deliver: Deliver) -> None:
        patience = time.monotonic() + self._settings.timeout_s
        while True:
            if patience and time.monotonic() >= patience:
                patience = 0.0
                unheard = [item for some in items.values() for item in some if item.last is None]
                await self._tell(unheard, [_bad(item, "nothing was heard yet") for item in unheard], deliver)
            if not link.messages:
                if link.lost is not None:
                    raise gone(link.lost)
                link.news.clear()
                left_s = max(0.0, patience - time.monotonic()) if patience else None
                try:
                    # Not by wait_for, which before Python 3.12 loses a cancellation that comes with the news.
                    async with asyncio.timeout(left_s):
                        await link.news.wait()
                except TimeoutError:
                    continue
            batch = [link.messages.popleft() for _ in range(min(_BATCH, len(link.messages)))]
            for message in batch:
                mine = items.get(message.topic, [])
                # One after another, for two values of one point may be in one batch.
                await self._tell(mine, self._samples(message, mine), deliver)
                link.done(message)

    async def _tell(self, items: Sequence[_Item], samples: Sequence[Sample], deliver: Deliver) -> None:
        if samples and (ready := due_samples(items, samples)):
            await deliver(ready)

    async def read(self, addresses: Sequence[str]) -> Sequence[Sample]:
        """As the contract says: what is retained, or heard while we listen."""
        wanted = {address: _parse(address) for address in addresses}
        topics = {topic for topic, _ in wanted.values()}
        heard, allowed = await self._listen(sorted(topics), lambda found: topics <= found.keys())
        out = []
        for address in addresses:
            topic, place = wanted[address]
            if topic in heard:
                out += self._samples(heard[topic], [_Item(address, place)]) or [_named(address, "retained")]
            else:
                out.append(_named(address, "nothing was heard" if allowed[topic] else "the broker does not let us"))
        return out

    async def _listen(self, topics: Sequence[str], enough: Any) -> tuple[dict[str, Message], dict[str, bool]]:
        link, heard = self._link, dict[str, Message]()
        async with self._asking:
            link.clear()
            allowed = await link.subscribe(topics)
            end = time.monotonic() + min(_LISTEN_S, self._settings.timeout_s)
            try:
                while not enough(heard) and time.monotonic() < end and len(heard) < _MOST_TOPICS:
                    if link.lost is not None:
                        raise gone(link.lost)
                    link.news.clear()
                    if not link.messages:
                        try:
                            async with asyncio.timeout(end - time.monotonic()):
                                await link.news.wait()
                        except TimeoutError:
                            break
                    while link.messages:
                        message = link.messages.popleft()
                        heard[message.topic] = message
                        link.done(message)
            finally:
                link.unsubscribe(topics)
        return heard, allowed

    async def browse(self, parent: str | None = None, cursor: str | None = None) -> NodePage:
        """As the contract says: the topics that were heard, level by level, and the members of their JSON."""
        if cursor is None and time.monotonic() - self._heard_at > _HEARD_FOR_S:
            root = self._settings.root.rstrip("/#")
            heard, _ = await self._listen([f"{root}/#" if root else "#"], lambda _: False)
            self._heard = {topic: message.payload for topic, message in heard.items()}
            self._heard_at = time.monotonic()
        nodes = self._below(parent)
        start = int(cursor) if cursor and cursor.isdecimal() else 0
        return NodePage(
            items=nodes[start : start + _PAGE], next=str(start + _PAGE) if start + _PAGE < len(nodes) else None
        )

    def _below(self, parent: str | None) -> list[Node]:
        topic, mark, place = (parent or "").partition("#")
        nodes: list[Node] = []
        if topic in self._heard:
            try:
                inside = find(_document(self._heard[topic]), parse_place(place))
            except (LookupError, ValueError):
                inside = None
            if isinstance(inside, dict | list):
                members = inside.items() if isinstance(inside, dict) else enumerate(inside)
                nodes += [
                    _member(f"{topic}#{place}{pointer([str(name)])}", str(name), value) for name, value in members
                ]
        if mark:
            return nodes
        prefix = f"{topic}/" if parent is not None else ""
        levels: dict[str, bool] = {}
        for each in self._heard:
            if each.startswith(prefix):
                name, deeper, _ = each[len(prefix) :].partition("/")
                levels[name] = levels.get(name, False) or bool(deeper)
        return nodes + [self._level(prefix + name, name, deeper) for name, deeper in sorted(levels.items())]

    def _level(self, address: str, name: str, deeper: bool) -> Node:
        if address in self._heard:
            try:
                value = _document(self._heard[address])
            except ValueError:
                value = None
            if not isinstance(value, dict | list):
                return Node(
                    address=address,
                    name=name or "/",
                    kind="variable",
                    has_children=deeper,
                    type=_type_of(value),
                    value=value,
                    writable=True,
                )
        return Node(address=address, name=name or "/", kind="folder", has_children=True)

    async def write(self, address: str, value: Value) -> None:
        """As the contract says: publishes the value as JSON; whether a device heeds it, MQTT does not tell."""
        topic, place = _parse(address)
        if place:
            raise Invalid(
                f"{address} is a part of a message, and a part cannot be published.",
                code="connectors.read_only",
                hint="Name the topic that the device takes its setpoint from, without a place behind #.",
            )
        await self._link.publish(topic, value.encode() if isinstance(value, str) else msgspec.json.encode(value))

    async def identify(self) -> Identity:
        """As the contract says: what ``$SYS/broker/version`` says, where we may hear it."""
        topic = "$SYS/broker/version"
        heard, _ = await self._listen([topic], lambda found: topic in found)
        return Identity(product=heard[topic].payload.decode("utf-8", "replace") if topic in heard else "")

    async def close(self) -> None:
        """As the contract says."""
        for link in [self._link, *self._following]:
            await link.close()


def _bad(item: _Item, note: str) -> Sample:
    return Sample(item.key, None, None, BAD, note)


def _named(address: str, note: str) -> Sample:
    return Sample(address, None, None, BAD, note)


def _member(address: str, name: str, value: Any) -> Node:
    inner = isinstance(value, dict | list)
    return Node(
        address=address,
        name=name,
        kind="folder" if inner else "variable",
        has_children=inner and bool(value),
        description=own_name(value),
        type=None if inner else _type_of(value),
        value=None if inner else value,
    )


def _type_of(value: Value) -> ValueType | None:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    return "string" if isinstance(value, str) else None


class MqttClientConnector(Connector[MqttClientSettings]):
    """Topics of a broker."""

    settings = MqttClientSettings
    kind = ConnectorKind(
        key="mqtt_client",
        title=Word("MQTT broker", "MQTT 服务器"),
        summary=Word(
            "Topics of a broker that is there already, and the values in their JSON.",
            "订阅已有 MQTT 服务器的主题，从 JSON 取值。",
        ),
        capabilities=frozenset({"browse", "subscribe", "write", "secure"}),
        address_hint=Word(
            "A topic, as plant/line1/temperature; or a place in its JSON, as plant/line1/state#/temperature",
            "主题，如 plant/line1/temperature；或其 JSON 中的位置，如 plant/line1/state#/temperature",
        ),
        does_not=Word(
            "No wildcards as points, binary payloads, Sparkplug (its nodes connect to us), QoS 2, client certificates.",
            "不支持以通配符为点、二进制载荷、Sparkplug（其节点可直接接入本平台）、QoS 2 和客户端证书。",
        ),
        standard="MQTT 3.1.1, MQTT 5.0",
    )

    async def open(self, settings: MqttClientSettings) -> MqttClientSession:
        """As the contract says."""
        try:
            parse_place(settings.time_place)
        except ValueError as error:
            raise Invalid(
                f"The place of the time cannot be read: {error}.",
                code="connectors.settings_invalid",
                hint="Write it as timestamp or /meta/timestamp.",
            ) from error
        link = Link(settings, "")
        await link.connect()
        return MqttClientSession(link, settings)

    def check_address(self, address: str) -> ValueType | None:
        """As the contract says; a topic tells no types beforehand."""
        _parse(address)
        return None
