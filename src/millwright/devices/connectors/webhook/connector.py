"""The webhook's connector and its session: documents that somebody sent become samples."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from millwright.devices.connectors.contract import (
    BAD,
    Connector,
    ConnectorKind,
    Deliver,
    Identity,
    Node,
    NodePage,
    Point,
    Sample,
    Session,
    ValueType,
    Word,
)
from millwright.devices.connectors.json_path import Step, find, own_name, parse_place, pointer
from millwright.devices.connectors.webhook.documents import documents_of, samples_of
from millwright.devices.connectors.webhook.settings import WebhookSettings
from millwright.kernel import Invalid, Unavailable


class WebhookSession(Session):
    """Waits for what is sent. Remembers the last document, to be browsed and mapped."""

    def __init__(self, settings: WebhookSettings) -> None:
        self._settings = settings
        self._deliver: Deliver | None = None
        self._places: list[tuple[str, Sequence[Step]]] = []
        self._last: list[Any] = []
        self._ended = asyncio.Event()
        self._reading = asyncio.Lock()
        """One document at a time: no connection takes all threads."""

    async def run(self, points: Sequence[Point], deliver: Deliver) -> None:
        """As the contract says; there is nothing to deliver before somebody sends."""
        self._places = [(point.id, steps_of(point.address)) for point in points]
        self._deliver = deliver
        try:
            await self._ended.wait()
        finally:
            self._deliver = None
        raise Unavailable("The session is closed.", code="connectors.lost", hint="Nothing to do: it is opened again.")

    async def receive(self, content: bytes, content_type: str) -> int:
        """As the contract says."""
        async with self._reading:
            documents = await asyncio.to_thread(documents_of, content, content_type, self._settings)
        self._last = documents[-1:] or self._last
        if self._deliver is None:
            raise Unavailable(
                "Nothing is mapped at this webhook yet.",
                code="connectors.webhook_unmapped",
                hint="Open the connection, tick the members of the document that just came, and send it again.",
                retry_after_s=60.0,
            )
        async with self._reading:
            samples = await asyncio.to_thread(samples_of, documents, self._places, self._settings)
        deliver = self._deliver
        if deliver is None:
            raise Unavailable("The session is closed.", code="connectors.lost", hint="Send it again.")
        if samples:
            await deliver(samples)
        return len(samples)

    async def read(self, addresses: Sequence[str]) -> Sequence[Sample]:
        """As the contract says: out of the last document."""
        wanted = [(address, steps_of(address)) for address in addresses]
        async with self._reading:
            samples = await asyncio.to_thread(samples_of, self._last, wanted, self._settings)
        found = {each.point_id: each for each in samples}
        note = "the last document has no such member" if self._last else "nothing was received yet"
        return [found.get(address) or Sample(address, None, None, BAD, note) for address in addresses]

    async def identify(self) -> Identity:
        """As the contract says: nobody is asked."""
        signed = "unsigned" if self._settings.scheme == "none" else f"signed ({self._settings.scheme})"
        return Identity(product="Webhook", note=f"Others POST {signed} documents to /hooks/<connection>/<secret>.")

    async def browse(self, parent: str | None = None, cursor: str | None = None) -> NodePage:
        """As the contract says: the members of the last document."""
        del cursor
        if not self._last:
            return NodePage(items=[])
        try:
            inside = find(self._last[0], steps_of(parent or ""))
        except LookupError as error:
            raise _wrong(parent or "", str(error)) from error
        if isinstance(inside, dict):
            members = list(inside.items())
        elif isinstance(inside, list):
            members = [(str(number), each) for number, each in enumerate(inside[:500])]
        else:
            return NodePage(items=[])
        return NodePage(items=[_node(parent or "", name, value) for name, value in members[:2000]])

    async def close(self) -> None:
        """As the contract says."""
        self._ended.set()


class WebhookConnector(Connector[WebhookSettings]):
    """Documents that others send."""

    settings = WebhookSettings
    kind = ConnectorKind(
        key="webhook",
        title=Word("Webhook", "Webhook（接收推送）"),
        summary=Word(
            "Others send JSON or forms to an address of this node; answered when the values are durable.",
            "外部系统向本节点的地址推送 JSON 或表单；数值持久化后才应答。",
        ),
        capabilities=frozenset({"browse", "subscribe", "secure"}),
        address_hint=Word(
            "A place in the document: /sensors/0/value or sensors[name=inlet].value",
            "文档中的位置：/sensors/0/value 或 sensors[name=inlet].value",
        ),
        does_not=Word(
            "No XML, multipart or compressed bodies, no asymmetric signatures, no challenges that want an echo.",
            "不支持 XML、multipart、压缩正文、非对称签名和需要回显的验证请求。",
        ),
        standard="RFC 8259, RFC 6901, RFC 2104",
    )

    async def open(self, settings: WebhookSettings) -> WebhookSession:
        """As the contract says; nobody is called."""
        for place in (settings.time_place, settings.items_place):
            steps_of(place)
        if settings.scheme != "none" and not settings.signing_secret:
            raise Invalid(
                "A signature cannot be checked without its secret.",
                code="connectors.settings_invalid",
                hint="Set the secret of the signature as the sender has it, or the signature to none.",
            )
        return WebhookSession(settings)

    def check_address(self, address: str) -> ValueType | None:
        """As the contract says; a document tells no types beforehand."""
        steps_of(address)
        return None


def steps_of(address: str) -> Sequence[Step]:
    """The steps to a place. Raises ``Invalid`` (``connectors.address_invalid``)."""
    try:
        if not address.isprintable():
            raise ValueError("it holds control characters")
        return parse_place(address)
    except ValueError as error:
        raise _wrong(address, str(error)) from error


def _wrong(address: str, why: str) -> Invalid:
    return Invalid(
        f"{address!r} is no place in a document: {why}.",
        code="connectors.address_invalid",
        hint="Write it as /sensors/0/value or sensors[name=inlet].value.",
    )


def _node(parent: str, name: str, value: Any) -> Node:
    base = parent
    if base and not base.startswith("/"):
        base = pointer([str(step) for step in parse_place(base)])
    inner = isinstance(value, dict | list)
    kind: ValueType | None = None
    if isinstance(value, bool):
        kind = "boolean"
    elif isinstance(value, int | float):
        kind = "number"
    elif isinstance(value, str):
        kind = "string"
    return Node(
        address=f"{base}{pointer([name])}",
        name=name,
        kind="folder" if inner else "variable",
        has_children=inner and bool(value),
        description=own_name(value),
        type=kind,
        value=None if inner else value,
    )
