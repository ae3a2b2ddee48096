"""What passes over the link about the network of an edge, as msgpack; the report is compressed.

The edge asks on ``up.network``; its account says whose report it is. A question without a report only asks what is
wanted of the edge.
"""

from __future__ import annotations

import zlib
from typing import Final

import msgspec
from msgspec import Struct

from millwright.devices.network.model import NetworkReport, ScanOrder
from millwright.kernel import Invalid

NETWORK: Final = "network"
_MOST_BYTES: Final = 512 * 1024
_MOST_OPEN: Final = 4 * 1024 * 1024


class NetworkAsked(Struct, frozen=True):
    """What the parent wants of the edge: a device whose readings the figures are, and a scan."""

    device_id: str | None = None
    scan: ScanOrder | None = None


def pack(report: NetworkReport) -> bytes:
    """The report as it goes over the link."""
    return zlib.compress(msgspec.msgpack.encode(report), 6)


def unpack(data: bytes) -> NetworkReport:
    """The report from the link. Raises ``Invalid`` (``devices.edge_message_invalid``)."""
    try:
        if len(data) > _MOST_BYTES:
            raise ValueError(f"it has {len(data)} bytes")
        opened = zlib.decompressobj()
        content = opened.decompress(data, _MOST_OPEN)
        if not opened.eof or opened.unconsumed_tail:
            raise ValueError("it is too large or cut off")
        return msgspec.msgpack.decode(content, type=NetworkReport)
    except (ValueError, zlib.error, msgspec.MsgspecError) as error:
        raise Invalid(
            f"What the edge told of its network cannot be read: {error}",
            code="devices.edge_message_invalid",
            hint="Let the edge run the same version as its parent.",
        ) from None
