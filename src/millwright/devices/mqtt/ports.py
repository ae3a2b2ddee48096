"""What the listener needs from others: who may connect, where messages go, what outlives it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from millwright.devices.mqtt.joined import Durable
from millwright.devices.mqtt.packets import Queued, RetainedMessage, StoredWill
from millwright.devices.mqtt.queues import Batch


class Principal(Protocol):
    """A device that was let in, and what it may do. Answers must be quick: they are asked on the hot path."""

    @property
    def device_id(self) -> str:
        """Id of the device."""
        ...

    @property
    def name(self) -> str:
        """Name of the device, for logs."""
        ...

    @property
    def revision(self) -> int:
        """Grows when what the device may do changes."""
        ...

    @property
    def organisation_id(self) -> str:
        """Whose the device is."""
        ...

    def may_publish(self, topic: str) -> bool:
        """Whether the device may publish to ``topic``."""
        ...

    def may_subscribe(self, topic_filter: str) -> bool:
        """Whether the device may subscribe to ``topic_filter``, wildcards included."""
        ...


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a client is not let in: a CONNACK return code (MQTT 3.1.1, table 3.1) and a reason for the log.

    3: server unavailable, 4: bad user name or password, 5: not authorized. ``arrival``: report it to whoever
    collects unknown devices. ``device_id``: the device it is about, where that is known.
    """

    code: int
    reason: str
    arrival: bool = True
    device_id: str | None = None


class Authenticator(Protocol):
    """Knows devices by their credentials."""

    async def authenticate(
        self, username: str | None, password: bytes | None, client_id: str, peer: str
    ) -> Principal | Refusal:
        """The device behind a CONNECT, or why not. ``peer`` is ``address:port``. In the normal case no I/O.

        Any exception answers CONNACK 3, server unavailable.
        """
        ...


class CertificateAuthenticator(Protocol):
    """Knows devices by their certificates too."""

    async def authenticate_certificate(self, fingerprint: bytes, client_id: str, peer: str) -> Principal | Refusal:
        """The device whose certificate has this SHA-256, or why not; TLS has verified the certificate before.

        Empty: the client showed none, where one is required; the answer is a refusal.
        """
        ...


class Intake(Protocol):
    """Durable storage for frames."""

    async def commit(self, frame: bytes, message_id: str) -> None:
        """Return when ``frame`` is durable; the same ``message_id`` again is the same frame.

        Raises ``LimitExceeded`` when the store is full and ``Unavailable`` when it did not confirm; the caller tries
        again with the same ``message_id``.
        """
        ...


@dataclass(frozen=True, slots=True)
class StoredSession:
    """What is kept of a persistent session: whose it is, and its subscriptions (filter → grant, see :mod:`.packets`).

    ``expiry_s`` is how long it lives without its client; 0: as long as the settings say. ``organisation_id``: whose
    the device was; empty: it is not known.
    """

    device_id: str
    client_id: str
    subscriptions: dict[str, int]
    expiry_s: int = 0
    organisation_id: str = ""


@dataclass(frozen=True, slots=True)
class StoredBatch:
    """Messages for the client of a session, by (device id, client id), and where the journal has them."""

    key: tuple[str, str]
    messages: Sequence[Queued]
    sequence: int


@dataclass(frozen=True, slots=True)
class Kept:
    """Everything a journal keeps; batches in the order in which they were written."""

    retained: Sequence[RetainedMessage]
    sessions: Sequence[StoredSession]
    batches: Sequence[StoredBatch]
    wills: Sequence[StoredWill] = ()


NO_WILLS: Mapping[str, StoredWill | None] = {}


class Neighbours(Protocol):
    """The other processes of this listener, to who moves messages between clients."""

    def want(self, topic_filter: str, subscriber: object) -> Durable:
        """A client here subscribed; done when the others know."""
        ...

    def unwant(self, topic_filter: str, subscriber: object) -> None:
        """A client here is subscribed no more."""
        ...

    def forward(
        self, topic: str, payloads: Sequence[bytes], qos: int, retain: bool, properties: bytes, expires_ms: int
    ) -> Durable:
        """Send messages to the others whose clients subscribed; done when they have them."""
        ...

    def keeps(self, topic: str) -> bool:
        """Whether what all processes hear is to be retained by this one."""
        ...

    def sessions_elsewhere(self) -> int:
        """How many sessions the others have."""
        ...


class Journal(Protocol):
    """Keeps retained messages and persistent sessions beyond the listener's own life."""

    async def load(self, *, retained: bool = True) -> Kept:
        """Everything kept, or all but what is retained."""
        ...

    async def load_retained(self) -> tuple[Sequence[tuple[RetainedMessage, str]], Mapping[str, int]]:
        """What is retained, each with its name in the journal, and where each name's last entry stands."""
        ...

    async def write(
        self,
        retained: dict[str, RetainedMessage | None],
        sessions: dict[tuple[str, str], StoredSession | None],
        batches: Sequence[Batch] = (),
        wills: Mapping[str, StoredWill | None] = NO_WILLS,
    ) -> Mapping[str, int]:
        """Keep these (``None``: forget), by topic, (device id, client id) and the will's id; returns when durable.

        Returns where what is retained on each topic stands.

        Batches get their ``sequence``; those that have one are kept already. Raises ``Unavailable`` or
        ``LimitExceeded``; the caller tries again.
        """
        ...

    async def trim(self, before: dict[tuple[str, str], int]) -> None:
        """Forget the batches of these sessions below a sequence (0: all). Raises ``Unavailable``."""
        ...


class Pacer(Protocol):
    """Holds devices to a rate."""

    def take(self, principal: Principal, messages: int) -> float:
        """Count messages that were taken; returns for how many seconds no more should be read from the device."""
        ...


OnRefused = Callable[[str | None, str, str, int], None]
"""Called with user name, client id, peer and UTC ms of a refused connection, at a bounded rate."""
