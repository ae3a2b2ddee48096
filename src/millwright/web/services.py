"""What the composition root hands to the web host."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from msgspec import Struct

from millwright.approvals import Approvals
from millwright.devices import ArrivalService, DevicesService
from millwright.devices.dead_letters import DeadLetters
from millwright.engines.nats import NatsConnection
from millwright.engines.sql import Records
from millwright.historian import HistorianClient, PolicyStore
from millwright.kernel import Clock
from millwright.ledger import Denials, Ledger, Recorder
from millwright.operations import Alarms, Rules
from millwright.parties import Parties
from millwright.web.calls import Calls
from millwright.web.settings import WebSettings

Owners = Callable[[Collection[str]], Awaitable[Mapping[str, str]]]
"""The organisations of devices, whoever's they are."""


class SettingView(Struct, frozen=True):
    """One setting in force; a secret's value is hidden before it gets here."""

    name: str
    value: Any
    default: Any = None
    source: str = "default"
    description: str = ""


class Connection(Struct, frozen=True):
    """Ports of the MQTT listener, on the host that the console is reached at unless somebody put them elsewhere.

    Null: that way in is turned off. ``own_authority``: the certificate over TLS is of this node's own authority, so
    that a device has to be given its root.
    """

    mqtt_port: int | None
    mqtt_tls_port: int | None
    own_authority: bool = False


def _no_settings() -> Sequence[SettingView]:
    return ()


@dataclass(frozen=True, slots=True)
class Services:
    """Everything the routes are given, by the name under which they ask for it.

    ``owners`` tells whose devices are, whoever's, for what hears of everybody. ``streams`` are the durable streams that
    the system page shows. ``describe_settings`` lists the settings in force.
    """

    parties: Parties
    approvals: Approvals
    devices: DevicesService
    arrivals: ArrivalService
    historian: HistorianClient
    alarms: Alarms
    rules: Rules
    dead_letters: DeadLetters
    ledger: Ledger
    recorder: Recorder
    denials: Denials
    retention: PolicyStore
    owners: Owners
    bus: NatsConnection
    records: Records
    clock: Clock
    settings: WebSettings
    version: str
    data_folder: Path
    connection: Connection
    streams: tuple[str, ...] = ("INTAKE", "DEAD_LETTERS", "LEDGER")
    calls: Calls = field(default_factory=Calls)
    describe_settings: Callable[[], Sequence[SettingView]] = _no_settings
    more: dict[str, Any] = field(default_factory=dict)
    """Further dependencies of routes, by name."""
