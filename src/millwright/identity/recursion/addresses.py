"""Servers and networks as settings write them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from ipaddress import ip_network

from millwright.identity.handle.transport import Address
from millwright.identity.recursion.authorities import Network, Target
from millwright.identity.recursion.errors import bad_network, bad_root

_ROOT = re.compile(r"(?:\[(?P<six>[0-9A-Fa-f:.]+)\]|(?P<host>[^\s\[\]:@/]+)):(?P<port>[0-9]{1,5})")


def read_root(text: str) -> Target:
    """A server from ``host:port``. Raises ``Invalid`` (``recursion.root_invalid``)."""
    found = _ROOT.fullmatch(text.strip())
    if found is None or not 0 < int(found["port"]) < 65_536:
        raise bad_root(text)
    host, port = found["six"] or found["host"], int(found["port"])
    return Target(Address(host, port, port))


def read_networks(name: str, listed: Sequence[str]) -> tuple[Network, ...]:
    """Networks. Raises ``Invalid`` (``recursion.network_invalid``)."""
    found = []
    for text in listed:
        try:
            found.append(ip_network(text, strict=False))
        except ValueError as error:
            raise bad_network(name, text) from error
    return tuple(found)
