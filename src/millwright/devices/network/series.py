"""The figures of a site's network as readings of one device, so that charts and alarm rules work on them."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Final

from millwright.devices.intake import FRAME_VERSION, INTAKE, Frame, Run, encode_frame, subject_of
from millwright.devices.network.model import NetworkReport, SiteLink
from millwright.engines.nats import NatsConnection
from millwright.kernel import MillwrightError

TOPIC: Final = "millwright/v1/telemetry"
_WAITING: Final = 360
_MOST_LINKS: Final = 64
_MOST_INTERFACES: Final = 32


def values_of(report: NetworkReport) -> dict[str, Any]:
    """The readings of one round, by name: of the site, of its interfaces, of its links; IPv4 and IPv6 apart."""
    found: dict[str, Any] = {
        "links": len(report.links),
        "links_down": sum(each.state == "down" for each in report.links),
        "findings": sum(each.severity != "info" for each in report.findings),
        "neighbours": sum(each.state != "failed" for each in report.neighbours),
        "ipv6_share_pct": report.readiness.share_pct,
    }
    if report.clock_offset_ms is not None:
        found["clock_offset_ms"] = round(report.clock_offset_ms, 1)
    for family in (4, 6):
        mine = [each for each in report.links if each.family == family]
        for name, value in (
            ("latency", _mean([each.latency_ms for each in mine])),
            ("jitter", _mean([each.jitter_ms for each in mine])),
            ("loss", _mean([each.loss_pct for each in mine])),
        ):
            if value is not None:
                found[f"ipv{family}.{name}_{'pct' if name == 'loss' else 'ms'}"] = value
        gateways = [each for each in mine if each.role == "gateway" and each.state != "unknown"]
        if gateways:
            found[f"ipv{family}.gateway_up"] = any(each.state != "down" for each in gateways)
    for each in [one for one in report.interfaces if not one.loopback and (one.addresses or one.up)][:_MOST_INTERFACES]:
        name = f"interface.{each.name}"
        found |= {f"{name}.up": each.up and each.carrier, f"{name}.flaps": each.flaps}
        found |= {f"{name}.errors": each.rx_errors + each.tx_errors}
        if each.rx_bps is not None and each.tx_bps is not None:
            found |= {f"{name}.rx_bps": round(each.rx_bps), f"{name}.tx_bps": round(each.tx_bps)}
    for link in report.links[:_MOST_LINKS]:
        found |= _of_link(link)
    return found


def _of_link(link: SiteLink) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if link.state != "unknown":
        found["up"] = link.state != "down"
    for key in ("latency_ms", "jitter_ms", "loss_pct"):
        if (value := getattr(link, key)) is not None:
            found[key] = value
    return {f"link.{link.peer}.{key}": value for key, value in found.items()}


def _mean(values: Sequence[float | None]) -> float | None:
    known = [each for each in values if each is not None]
    return round(sum(known) / len(known), 3) if known else None


class SeriesWriter:
    """Appends rounds to the durable intake; while the broker is away they wait in memory, the newest hour of them.

    ``full`` is whether the disk takes no more.
    """

    def __init__(self, nats: NatsConnection, name: str, full: Callable[[], bool]) -> None:
        self._nats, self._name, self._full = nats, name, full
        self._waiting: deque[tuple[str, bytes]] = deque(maxlen=_WAITING)

    async def write(self, device_id: str, report: NetworkReport) -> None:
        """Take a round, and store what waits as far as it goes."""
        payload = json.dumps({"ts": report.at_ms, "values": values_of(report)}).encode()
        run = Run(device_id, TOPIC, report.at_ms, 0, [payload])
        self._waiting.append((f"{self._name}-{report.at_ms}", encode_frame(Frame(FRAME_VERSION, self._name, [run]))))
        if self._full():
            return
        await self._nats.ensure_stream(INTAKE)
        while self._waiting:
            message_id, frame = self._waiting[0]
            try:
                await self._nats.append(subject_of(self._name), frame, message_id=message_id)
            except MillwrightError:
                return  # the next round tries again
            self._waiting.popleft()
