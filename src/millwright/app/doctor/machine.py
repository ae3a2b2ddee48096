"""The machine: ports, disk, clock, limits, memory."""

from __future__ import annotations

import resource
import shutil
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import psutil

from millwright.app.doctor.finding import Finding, ok, warning, wrong

_EARLIEST_S = 1_735_689_600  # 2025-01-01: a clock before that was never set
_NEEDED_FILES = 4096
_LOW_MEMORY = 1_000_000_000


def check_port(name: str, host: str, port: int, own: set[int], *, udp: bool = False) -> Finding:
    """Whether ``host:port`` is free, or held by a process of ``own``; for TCP unless ``udp``."""
    check = f"port {port} ({name}{', UDP' if udp else ''})"
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM if udp else socket.SOCK_STREAM) as probe:
        if not udp:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except PermissionError:
            return wrong(check, f"This user may not open port {port}.", "Choose a port of 1024 or higher.")
        except OSError as error:
            holders = list(find_holders(port, udp=udp))
            if holders and all(pid in own for pid, _ in holders):
                return ok(check, "held by this node")
            if not holders:
                return wrong(check, f"{host}:{port} cannot be opened: {error.strerror}", _port_hint(name))
            who = ", ".join(f"{program} (process {pid})" for pid, program in holders)
            return wrong(check, f"{host}:{port} is taken by {who}.", _port_hint(name))
    return ok(check, "free")


def find_holders(port: int, *, udp: bool = False) -> Iterator[tuple[int, str]]:
    """The processes that listen on a port of TCP or UDP: id and name (what this user may see of them)."""
    try:
        connections = psutil.net_connections(kind="udp" if udp else "tcp")
    except psutil.Error:
        return
    seen = set()
    for connection in connections:
        listens = udp or connection.status == psutil.CONN_LISTEN
        if not listens or not connection.laddr or connection.laddr.port != port or not connection.pid:
            continue
        if connection.pid in seen:
            continue
        seen.add(connection.pid)
        try:
            yield connection.pid, psutil.Process(connection.pid).name()
        except psutil.Error:
            yield connection.pid, "a program that just ended"


def _port_hint(name: str) -> str:
    return f"Stop that program, or set [{name}] port to another one."


def check_disk(folder: Path, low_mb: int, stop_mb: int) -> Finding:
    """Free space where the data is, or will be."""
    there = next(path for path in (folder, *folder.parents) if path.exists())
    free_mb = shutil.disk_usage(there).free // 1_000_000
    message = f"{free_mb:,} MB are free on {there}."
    if free_mb < stop_mb:
        return wrong("disk", f"{message} Intake stops below {stop_mb} MB.", "Free space, or shorten the retention.")
    if free_mb < low_mb:
        return warning("disk", message, "Free space, or shorten the retention; [node] disk_low_mb is the limit.")
    return ok("disk", message)


def check_clock() -> Finding:
    """Whether the wall clock can be right, and runs as fast as the monotonic one."""
    if time.time() < _EARLIEST_S:
        return wrong(
            "clock", f"The clock says {time.strftime('%Y-%m-%d')}.", "Set it; a time server (NTP) keeps it so."
        )
    wall, steady = time.time(), time.monotonic()
    time.sleep(0.2)
    drift_ms = abs((time.time() - wall) - (time.monotonic() - steady)) * 1000
    if drift_ms > 20:
        return warning("clock", f"The clock jumped {drift_ms:.0f} ms in 0.2 s.", "Let a time server slew it, not step.")
    return ok("clock", time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime()))


def check_files() -> Finding:
    """The limit of open files: one for each connection."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < _NEEDED_FILES:
        return warning(
            "open files",
            f"At most {hard} files may be open, so about {max(0, hard - 200)} devices can connect.",
            "Raise the limit: `ulimit -n 65536`, or LimitNOFILE= in the systemd unit.",
        )
    return ok("open files", f"limit {soft}, raised to {hard} by each role" if soft < hard else f"limit {soft}")


def check_memory() -> Finding:
    """Memory that is available now."""
    available = psutil.virtual_memory().available
    message = f"{available / 1e9:.1f} GB of memory are available."
    if available < _LOW_MEMORY:
        return warning("memory", message, "A node takes about 0.7 GB; lower [clickhouse] memory_mb or end something.")
    return ok("memory", message)
