"""What may be permitted of the network of a site."""

from __future__ import annotations

from millwright.parties import READERS, permission

NETWORK_READ = permission(
    "network:read", "See the network of a site: interfaces, peers, protocols, findings",
    "查看现场网络：接口、对端、协议和问题", READERS,
)  # fmt: skip
NETWORK_WRITE = permission(
    "network:write", "Have the network of a site watched, and say which neighbours belong there",
    "开启现场网络监测，确认已知邻居", ["engineer"],
)  # fmt: skip
NETWORK_SCAN = permission("network:scan", "Scan a private subnet of a site", "扫描现场的私有网段", ["engineer"])
