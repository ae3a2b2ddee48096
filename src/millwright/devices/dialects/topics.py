"""Which dialect a topic is in, and what it is about."""

from __future__ import annotations

from functools import lru_cache
from typing import Final, NamedTuple

from millwright.devices.registry.addresses import Dialect

GATEWAY: Final = "v1/gateway/"
ATTRIBUTES_REQUEST: Final = "v1/devices/me/attributes/request/"
GATEWAY_TOPICS: Final = frozenset(
    GATEWAY + leaf for leaf in ("connect", "disconnect", "telemetry", "attributes", "attributes/request", "rpc")
)
"""Where a ThingsBoard gateway publishes."""

ALIBABA_ROOTS: Final = ("/sys/", "/ext/ntp/", "/ext/session/", "/ota/device/inform/")


class Route(NamedTuple):
    """A topic taken apart: whose it is (``product``, ``name``), and ``action``, the rest of it."""

    dialect: Dialect
    product: str
    name: str
    action: str


@lru_cache(maxsize=20_000)
def find_route(topic: str) -> Route | None:
    """The route of a topic, ``None`` when no dialect has it. Of JetLinks is any other ``/product/device/…``."""
    if topic.startswith((GATEWAY, ATTRIBUTES_REQUEST)):
        return Route("thingsboard", "", "", topic)
    for root in ALIBABA_ROOTS:
        if topic.startswith(root):
            product, _, rest = topic[len(root) :].partition("/")
            name, _, action = rest.partition("/")
            kind = "" if root == "/sys/" else root[1:]
            return Route("alibaba", product, name, kind + action) if product and name else None
    if topic.startswith("/"):
        product, _, rest = topic[1:].partition("/")
        name, _, action = rest.partition("/")
        return Route("jetlinks", product, name, action) if product and name and action else None
    return None


def own_roots(dialect: str, product: str, name: str) -> tuple[str, ...]:
    """The beginnings of the topics that belong to a device with this address."""
    own = f"{product}/{name}"
    if dialect == "alibaba":
        return (*(f"{root}{own}/" for root in ALIBABA_ROOTS[:3]), f"/{own}/")
    return (f"/{own}/",) if dialect == "jetlinks" else ()


def version_topic(product: str, name: str) -> str:
    """Where a device of Alibaba tells its firmware's version; a topic without anything below it."""
    return f"{ALIBABA_ROOTS[3]}{product}/{name}"
