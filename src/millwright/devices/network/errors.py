"""Errors of the network of a site."""

from __future__ import annotations

from millwright.kernel import Conflict, Denied, Invalid, LimitExceeded, NotFound, Unsupported


def site_unknown(site_id: str) -> NotFound:
    """There is no such site, or not for this person."""
    return NotFound(
        f"There is no site {site_id[:64]}.",
        code="devices.network_unknown",
        hint="GET /api/v1/networks lists them: this node and its edges.",
        detail={"id": site_id[:64]},
    )


def scan_unreadable(subnet: str) -> Invalid:
    """What was given is no subnet."""
    return Invalid(
        f"{subnet[:64]!r} is no subnet.",
        code="devices.network_scan_subnet",
        hint="Write it like 192.168.10.0/24 or fd00::/120.",
        detail={"pointer": "/subnet"},
    )


def scan_public(subnet: str) -> Denied:
    """The subnet is not private: its hosts are others'."""
    return Denied(
        f"{subnet} is not a private network.",
        code="devices.network_scan_public",
        hint="Only private networks are scanned: 10/8, 172.16/12, 192.168/16, 169.254/16, fc00::/7, fe80::/10.",
        detail={"subnet": subnet},
    )


def scan_too_large(subnet: str, most: int) -> LimitExceeded:
    """The subnet has too many addresses."""
    return LimitExceeded(
        f"{subnet} has more than {most} addresses.",
        code="devices.network_scan_large",
        hint="Scan a smaller one, or raise [network] scan_hosts there.",
        detail={"subnet": subnet, "most": most},
    )


def scan_refused() -> Unsupported:
    """The settings allow no scans."""
    return Unsupported(
        "This node scans no networks.",
        code="devices.network_scan_off",
        hint="Set [network] scan_hosts and start the node again.",
    )


def not_watched(site_id: str) -> Conflict:
    """This node looks at its network only while that is watched."""
    return Conflict(
        "The network of this node is not watched.",
        code="devices.network_not_watched",
        hint="Have it watched first; a scan is done by what watches.",
        detail={"id": site_id},
    )


def scan_under_way(site_id: str) -> Conflict:
    """One scan of a site at a time."""
    return Conflict(
        "A scan of this site is under way.",
        code="devices.network_scan_busy",
        hint="Wait until it is done.",
        detail={"id": site_id},
    )
