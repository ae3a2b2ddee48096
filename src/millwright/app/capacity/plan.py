"""From a number of devices to cores, memory, disk, network and machines."""

from __future__ import annotations

import math
from dataclasses import dataclass

from millwright.app.capacity.figures import figures
from millwright.kernel import Invalid

_DAY_S = 86_400


@dataclass(frozen=True, slots=True)
class Demand:
    """What is asked: every one of ``devices`` sends ``points`` readings in one message every ``every_s`` seconds.

    ``connects_per_day``: how often a device connects anew. ``keep_days``: how long readings stay on the disk.
    ``identifiers``: how many the register holds. Raises ``Invalid`` (``capacity.demand``) for what is not a plant.
    """

    devices: int
    points: int
    every_s: float
    tls: bool = True
    replicas: int = 3
    keep_days: float = 365
    connects_per_day: float = 4
    back_in_s: float = 300
    identifiers: int = 0

    def __post_init__(self) -> None:
        wrong = {
            "devices": self.devices < 1,
            "points": self.points < 1,
            "every": not 0 < self.every_s < math.inf,
            "replicas": self.replicas not in (1, 3),
            "keep-days": not 0 < self.keep_days < math.inf,
            "connects-per-day": not 0 <= self.connects_per_day < math.inf,
            "back-in": not 0 < self.back_in_s < math.inf,
            "identifiers": self.identifiers < 0,
        }
        if names := [name for name, is_wrong in wrong.items() if is_wrong]:
            raise Invalid(
                f"Nothing can be planned with this {', '.join(names)}.",
                code="capacity.demand",
                hint="Counts and times are above zero; replicas is 1 or 3.",
            )


@dataclass(frozen=True, slots=True)
class Part:
    """What one part of the platform needs, over all its processes."""

    name: str
    processes: int
    cores: float
    memory_gb: float
    disk_gb: float
    bound_by: str
    """What decides the number of processes."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What the demand needs; ``machines`` are of the size in the figures.

    ``cells`` are whole nodes, each with a share of the devices: more than one as soon as one process cannot decode what
    comes in.
    """

    demand: Demand
    messages_per_s: float
    readings_per_s: float
    network_mbit_per_s: float
    storm_s: float
    disk_gb_per_day: float
    parts: tuple[Part, ...]
    cells: int
    machines: int
    machines_for: str
    """What that number of machines is for."""
    limits: dict[str, int]
    """Which limit of one node is met with how many devices, the lowest first."""

    @property
    def cores(self) -> float:
        """Processor cores, all parts together, at the planned utilisation."""
        return sum(part.cores for part in self.parts)

    @property
    def memory_gb(self) -> float:
        """Memory of all parts together."""
        return sum(part.memory_gb for part in self.parts)

    @property
    def disk_gb(self) -> float:
        """Disk of all parts together."""
        return sum(part.disk_gb for part in self.parts)


def plan(demand: Demand) -> Plan:
    """The arithmetic: every slope times how often it is paid, divided by the share of a core that is planned with."""
    value = {name: figure.value for name, figure in figures().items()}
    share = value["utilisation"]
    messages = demand.devices / demand.every_s
    readings = messages * demand.points
    payload = _payload(demand, value)
    steady_connects = demand.devices * demand.connects_per_day / _DAY_S
    storm_connects = demand.devices / demand.back_in_s
    connect_us = value["connect_tls_us" if demand.tls else "connect_us"]

    listening = messages * value["message_us"] / 1e6 + steady_connects * connect_us / 1e6
    storm = storm_connects * connect_us / 1e6
    listener_cores = max(listening / share, listening + storm)
    held = demand.devices * (
        value["connection_tls_kb" if demand.tls else "connection_kb"] + value["connection_kernel_kb"]
    )
    by_load, by_files = listener_cores, demand.devices / value["connections_per_process"]
    listeners = Part(
        "listener",
        max(1, math.ceil(max(by_load, by_files))),
        listener_cores,
        held * 1024 / 1e9 + max(1, math.ceil(max(by_load, by_files))) * value["process_gb"],
        0.0,
        "connections" if by_files > by_load else "all coming back at once" if storm > listening / share else "messages",
    )

    intake_mb = messages * payload / 1e6
    kind = "" if demand.replicas == 1 else "replicated_"
    frames = min(messages, listeners.processes * 1e3 / value["frame_ms"])
    broker_cores = (messages * value[f"broker_{kind}us"] + frames * value[f"frame_{kind}us"]) / 1e6 / share
    decoding = readings * value["decode_us"] / 1e6
    cells = max(
        1,
        math.ceil(decoding / share),
        math.ceil(intake_mb / (value["stream_mb_per_s"] * share)),
        math.ceil(readings * value["store_us"] / 1e6 / value["machine_cores"] / share),
    )
    servers = demand.replicas * cells
    brokers = Part(
        "broker",
        servers,
        broker_cores,
        servers * value["broker_gb"],
        min(intake_mb * value["intake_kept_s"], value["intake_kept_mb"] * cells) * demand.replicas / 1e3,
        "replicas",
    )

    disk_day = readings * _DAY_S * value["reading_bytes"] / 1e9
    historian_cores = readings * (value["decode_us"] + value["store_us"]) / 1e6 / share
    historians = Part(
        "historian",
        cells,
        historian_cores,
        cells * value["historian_gb"] + demand.devices * demand.points * value["series_bytes"] / 1e9,
        disk_day * demand.keep_days,
        "decoding, one process an intake",
    )
    others = Part("web, resolver, supervisor", cells * 3, cells * 1.0, cells * value["node_rest_gb"], 0.0, "cells")
    register = Part(
        "register of identifiers",
        1 if demand.identifiers else 0,
        0.0,
        demand.identifiers * value["identifier_bytes"] / 1e9,
        demand.identifiers * value["identifier_bytes"] / 1e9,
        "kept in memory by the system where there is room",
    )
    parts = (listeners, brokers, historians, others, *((register,) if demand.identifiers else ()))
    network = messages * (payload + value["wire_bytes"]) * 8 / 1e6 * (1 + demand.replicas)
    by = {
        "cores": sum(part.cores for part in parts) / value["machine_cores"],
        "memory": sum(part.memory_gb for part in parts) / value["machine_memory_gb"],
        "disk": sum(part.disk_gb for part in parts) / value["machine_disk_gb"],
        "network": network / (value["machine_network_mbit"] * share),
        "replicas on machines of their own": float(demand.replicas),
    }
    return Plan(
        demand,
        messages,
        readings,
        network,
        demand.devices * connect_us / 1e6 / (listener_cores - listening),
        disk_day,
        parts,
        cells,
        max(1, math.ceil(max(by.values()))),
        max(by, key=lambda each: by[each]),
        limits(demand),
    )


def limits(demand: Demand) -> dict[str, int]:
    """With how many such devices each limit of one node, of one process a role, is met; the lowest first."""
    value = {name: figure.value for name, figure in figures().items()}
    share, each_s = value["utilisation"], demand.every_s
    connect_us = value["connect_tls_us" if demand.tls else "connect_us"]
    payload = _payload(demand, value)
    found = {
        "decoding in one historian process": share * each_s / demand.points / value["decode_us"] * 1e6,
        "messages in one listener process": share * each_s / value["message_us"] * 1e6,
        "connections of one listener process": value["connections_per_process"],
        "all coming back to one listener process": demand.back_in_s / connect_us * 1e6,
        "bytes into one stream of the broker": share * value["stream_mb_per_s"] * 1e6 / payload * each_s,
        "disk of one machine": value["machine_disk_gb"]
        * 1e9
        / (demand.points / each_s * _DAY_S * demand.keep_days * value["reading_bytes"]),
    }
    return {name: int(found[name]) for name in sorted(found, key=lambda each: found[each])}


def _payload(demand: Demand, value: dict[str, float]) -> float:
    return value["payload_fixed_bytes"] + value["payload_point_bytes"] * demand.points
