"""What a connector package implements. A third party needs this module alone.

A *connector* speaks one field protocol; a *connection* is a configured use of it (one PLC, one broker, one bus); a
*point* is one value behind a connection, named by an *address* in the protocol's own notation; a *session* is a
connection while it is open. The host opens sessions, takes what they deliver, and opens them again when they fail;
a session never tries again by itself.

A package offers its connector by an entry point of the group ``millwright.connectors`` that names a class without
arguments, a :class:`Connector`; :mod:`.conformance` holds what every connector must pass.

Rules:

- Everything is asynchronous; what blocks runs in a thread. Every wait has an end (``timeout_s`` of the settings).
- A lost connection raises ``Unavailable`` out of :meth:`Session.run` or the call at hand. A point that is not there or
  cannot be read is no error of the session: it is delivered as a *bad* sample without a value, and goes on being tried.
- Wrong settings and addresses raise ``Invalid`` with a hint that shows a right one.
- ``time_ms`` is the source's own time where the protocol has one, else ``None``; it is never the time of receipt.
- Being cancelled ends every method at once and leaves nothing running; :meth:`Session.close` may follow anything.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar, Final, Generic, Literal, TypeVar

from msgspec import Meta, Struct

from millwright.historian import BAD, GOOD, UNCERTAIN
from millwright.kernel import Unsupported

ENTRY_POINTS: Final = "millwright.connectors"
"""The group of entry points under which packages offer connectors."""

Value = float | int | bool | str | None
ValueType = Literal["number", "integer", "boolean", "string"]
Capability = Literal["browse", "discover", "seek", "subscribe", "write", "call", "history", "secure"]
"""``discover``: peers tell that they are there. ``seek``: none does, so addresses are asked one by one.
``subscribe``: the source sends changes by itself. ``secure``: there is a mode with authentication and encryption."""


class Word(Struct, frozen=True):
    """A text for people in both languages."""

    en: str
    zh: str


class ConnectorKind(Struct, frozen=True, kw_only=True):
    """What a connector is, for lists and forms.

    ``key`` is lower case and never changes. ``does_not`` says plainly what of the protocol is missing. One that can
    read files of the machine it runs on sets ``reads_files``: only the node's own organisation may use it.
    """

    key: Annotated[str, Meta(pattern="^[a-z][a-z0-9_]{1,31}$")]
    title: Word
    summary: Word
    capabilities: frozenset[Capability]
    address_hint: Word
    """What an address looks like, with an example."""
    does_not: Word
    standard: str = ""
    reads_files: bool = False


class Point(Struct, frozen=True, kw_only=True):
    """One value to be followed: ``address`` in the protocol's notation, read about every ``interval_ms``.

    ``deadband``: a number that changed by less since it was last delivered need not be delivered.
    """

    id: str
    address: str
    interval_ms: Annotated[int, Meta(ge=10, le=86_400_000)] = 1000
    deadband: Annotated[float, Meta(ge=0)] = 0.0


@dataclass(frozen=True, slots=True)
class Sample:
    """A value of one point: ``point_id`` as in :class:`Point`, or the address where a read named addresses.

    ``time_ms``: UTC of the source, or ``None``. ``quality``: ``GOOD``, ``UNCERTAIN`` or ``BAD``. ``note`` says why
    it is not good, in the protocol's words.
    """

    point_id: str
    value: Value
    time_ms: int | None = None
    quality: int = GOOD
    note: str = ""


class Node(Struct, frozen=True, kw_only=True):
    """Something that browsing found. ``address`` is what to browse below it, and, of a variable, to follow it."""

    address: str
    name: str
    kind: Literal["folder", "variable", "method"]
    has_children: bool = False
    type: ValueType | None = None
    unit: Annotated[str | None, Meta(description="UCUM code, where the source tells the unit.")] = None
    writable: bool = False
    description: str = ""
    value: Value = None
    title: Word | None = None
    """In place of the name for people, where the name is ours and not the peer's."""
    about: Word | None = None
    """In place of the description, as ``title``."""


class NodePage(Struct, frozen=True, kw_only=True):
    """A part of what is below a node; ``next`` continues it.

    A page of a search, where the protocol has no list and questions must find out, tells in ``share`` how much of it
    is done (0 to 1): whoever browses may go on by itself, and ends the search by asking for no more. A page takes a few
    seconds at most. ``note`` says what people should know of the search.
    """

    items: Sequence[Node]
    next: str | None = None
    share: float | None = None
    note: Word | None = None


class Found(Struct, frozen=True, kw_only=True):
    """A peer that discovery found; ``settings`` are those that would connect to it."""

    title: str
    settings: Mapping[str, Any]
    detail: str = ""


class Identity(Struct, frozen=True, kw_only=True):
    """What the other side says of itself, shown when a connection is tested.

    ``fingerprint`` changes when it runs another program; the host warns then that addresses may mean something else.
    """

    vendor: str = ""
    product: str = ""
    version: str = ""
    serial: str = ""
    fingerprint: str = ""
    note: str = ""


Deliver = Callable[[Sequence[Sample]], Awaitable[None]]
"""Takes samples in the order of their times. Awaiting it is the back-pressure: it returns when there is room."""

S = TypeVar("S", bound=Struct)


class Session(ABC):
    """An open connection. Methods other than :meth:`run` may be called while it runs."""

    @abstractmethod
    async def run(self, points: Sequence[Point], deliver: Deliver) -> None:
        """Follow ``points`` and deliver each once soon, then changes or each cycle, until cancelled.

        Raises ``Unavailable`` when the connection is lost.
        """

    @abstractmethod
    async def read(self, addresses: Sequence[str]) -> Sequence[Sample]:
        """The values now, in the order of ``addresses``; ``point_id`` is the address."""

    @abstractmethod
    async def close(self) -> None:
        """Let go of everything; never raises, within a few seconds."""

    async def identify(self) -> Identity:
        """What the other side says of itself; empty where the protocol has no such question."""
        return Identity()

    async def browse(self, parent: str | None = None, cursor: str | None = None) -> NodePage:
        """What is below ``parent``, or at the top. Raises ``Unsupported`` without the capability ``browse``."""
        raise _cannot("browse", parent, cursor)

    async def write(self, address: str, value: Value) -> None:
        """Set a value; returns when the other side confirmed it.

        Raises ``Denied`` when it refuses, ``Invalid`` when the value does not fit, ``Unsupported`` without the
        capability ``write``.
        """
        raise _cannot("write", address, value)

    async def call(self, address: str, inputs: Mapping[str, Value]) -> Mapping[str, Value]:
        """Call a method and return its outputs by name. Raises as :meth:`write`."""
        raise _cannot("call", address, inputs)

    async def receive(self, content: bytes, content_type: str) -> int:
        """Take a document that somebody sent to this node for the connection; returns how many samples it gave, when
        they are delivered. Raises ``Invalid`` when it cannot be read, ``Unsupported`` where nobody sends documents."""
        raise _cannot("receive documents", content, content_type)

    async def history(self, address: str, begin_ms: int, end_ms: int, limit: int = 10_000) -> Sequence[Sample]:
        """Values that the other side kept, oldest first: ``begin_ms`` ≤ time < ``end_ms``."""
        raise _cannot("history", address, begin_ms, end_ms, limit)


class Connector(ABC, Generic[S]):
    """One protocol. Stateless: what lasts is in sessions."""

    kind: ClassVar[ConnectorKind]
    settings: type[S]
    """A frozen, keyword-only msgspec Struct that forbids unknown fields; each field has a description, a default where
    one is sensible, and ``Meta(extra={"secret": True})`` where it must be sealed. ``timeout_s`` is among them."""
    folder: Path = Path("millwright-data") / "connectors"
    """Where the connector may keep files of its own (a certificate, say); the host sets it. It need not be there."""

    @abstractmethod
    async def open(self, settings: S) -> Session:
        """Connect. Raises ``Unavailable`` when nobody answers, ``Denied`` when we are refused, ``Invalid``."""

    @abstractmethod
    def check_address(self, address: str) -> ValueType | None:
        """The type of the values behind ``address``, where it tells. Raises ``Invalid`` when it is no address."""

    async def discover(self, timeout_s: float = 5.0) -> Sequence[Found]:
        """Peers on the local network. Raises ``Unsupported`` without the capability ``discover``."""
        raise _cannot("discover", timeout_s)

    async def seek(self, at: str, timeout_s: float = 5.0) -> Sequence[Found]:
        """Peers at an address, or in a small network as ``192.168.0.0/28``: each is asked who it is and nothing else.

        Ends within ``timeout_s`` with what was found by then. Raises ``Invalid`` for what is no address,
        ``Unsupported`` without the capability ``seek``.
        """
        raise _cannot("seek", at, timeout_s)


def _cannot(capability: str, *_: object) -> Unsupported:
    return Unsupported(
        f"This connector cannot {capability}.",
        code="connectors.unsupported",
        hint="The table of connectors in the documentation says what each one does.",
    )


__all__ = [
    "BAD",
    "ENTRY_POINTS",
    "GOOD",
    "UNCERTAIN",
    "Capability",
    "Connector",
    "ConnectorKind",
    "Deliver",
    "Found",
    "Identity",
    "Node",
    "NodePage",
    "Point",
    "Sample",
    "Session",
    "Value",
    "ValueType",
    "Word",
]
