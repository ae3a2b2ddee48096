"""Which roles a node runs: all of them, those of a parent of edges, or those of an edge; and where vehicles connect."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from msgspec import field

from millwright.app import ROLES, name_of
from millwright.app.folder import DataFolder
from millwright.app.sections import ProcessSettings, load_sections
from millwright.devices.edge.joining import find_membership, remote_of
from millwright.devices.edge.settings import EdgeSettings, EdgesSettings
from millwright.devices.mqtt.settings import MqttSettings
from millwright.devices.vehicles.settings import VehiclesSettings
from millwright.engines.nats import LeafRemote


class _Sections(ProcessSettings, frozen=True):
    edges: EdgesSettings = field(default_factory=EdgesSettings)
    edge: EdgeSettings = field(default_factory=EdgeSettings)
    mqtt: MqttSettings = field(default_factory=MqttSettings)
    vehicles: VehiclesSettings = field(default_factory=VehiclesSettings)


def own_edge(folder: DataFolder) -> str | None:
    """The id of the edge that the node on this folder is; ``None`` when it is nobody's."""
    membership = find_membership(folder.root)
    return None if membership is None else membership.edge_id


@dataclass(frozen=True, slots=True)
class Chosen:
    """What the supervisor runs, and where its broker joins as a leaf node."""

    roles: tuple[str, ...]
    remote: LeafRemote | None = None


def chosen(config: Path | None, folder: DataFolder, environ: Mapping[str, str] | None = None) -> Chosen:
    """By the settings, and by whether the folder has joined a parent. Raises ``Corrupt`` (``devices.edge_file``)."""
    settings = load_sections(_Sections, config, environ)
    membership = find_membership(folder.root)
    further = ("vehicles",) if settings.vehicles.port or settings.vehicles.tls_port else ()
    if membership is None:
        roles = (*ROLES, *(("edges",) if settings.edges.port else ()), *further)
        return Chosen(_in_processes(roles, settings.mqtt.processes))
    roles = ("historian", "listener", "edge", *(("web",) if settings.edge.console else ()))
    return Chosen(_in_processes((*roles, *further), settings.mqtt.processes), remote_of(membership, folder.root))


def _in_processes(roles: tuple[str, ...], listeners: int) -> tuple[str, ...]:
    """The roles with every process of the listener."""
    found: list[str] = []
    for role in roles:
        found += [name_of(role, number) for number in range(1, (listeners if role == "listener" else 1) + 1)]
    return tuple(found)
