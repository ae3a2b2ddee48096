"""What every role of a node stands on: settings, folder, clock, the bus, the records, its figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from millwright.app.folder import DataFolder
from millwright.app.sections import broker_of, folder_of
from millwright.app.settings import NodeSettings
from millwright.app.stats import StatsPublisher
from millwright.engines.nats import NatsConnection
from millwright.kernel import Clock, Part, Scope, SystemClock
from millwright.kernel.scope import EVERYTHING

if TYPE_CHECKING:
    from millwright.engines.secrets import Secrets
    from millwright.engines.sql import Records


@dataclass(frozen=True)
class Node:
    """The engines of one process, constructed and not yet started."""

    role: str
    settings: NodeSettings
    folder: DataFolder
    clock: Clock
    bus: NatsConnection
    stats: StatsPublisher
    config: Path | None = None
    number: int = 1
    """Which of several processes of the role it is."""

    @property
    def instance(self) -> str:
        """The node's name, with the number of a further process of one role."""
        return instance_of(self.settings.node.name, self.number)

    @cached_property
    def records(self) -> Records:
        """The records database; a role that asks for it pays for importing SQLAlchemy."""
        # What serves people sees what the request's scope contains; what serves the node sees everything.
        return open_records(self.settings, None if self.role == "web" else EVERYTHING)

    def close(self) -> None:
        """Let go of the records, where they were asked for: who does so last leaves a SQLite database in one file."""
        opened = self.__dict__.get("records")
        if opened is not None:
            opened.close()


@dataclass(frozen=True, slots=True)
class Composition:
    """What runs in one role, in the order it starts, and where the role is reached from this machine."""

    parts: Sequence[Part]
    address: str | None = None


def instance_of(node: str, number: int) -> str:
    """What process ``number`` of a role is called on the bus."""
    return node if number == 1 else f"{node}-{number}"


def construct(role: str, settings: NodeSettings, config: Path | None = None, number: int = 1) -> Node:
    """The engines of the process ``role``; no connection is opened yet."""
    folder = folder_of(settings)
    clock = SystemClock()
    instance = instance_of(settings.node.name, number)
    bus = broker_of(settings, role, instance)
    stats = StatsPublisher(role, bus=bus, clock=clock, instance=instance)
    return Node(role, settings, folder, clock, bus, stats, config, number)


def secrets_of(node: Node) -> Secrets:
    """What this node keeps sealed in its records. Only roles that need it pay for importing cryptography."""
    from millwright.engines.secrets import open_secrets

    return open_secrets(node.settings.secrets, node.records, node.folder.root, node.clock)


def open_records(settings: NodeSettings, scope: Scope | None = None) -> Records:
    """The records database: the configured one, or SQLite in the data folder."""
    from millwright.engines.sql import Records

    if settings.sql.url:
        return Records(settings.sql.url, scope)
    folder = folder_of(settings)
    folder.make()
    return Records.in_folder(folder.root, scope)
