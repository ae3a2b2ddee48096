"""What may be permitted of connectors."""

from __future__ import annotations

from millwright.parties import READERS, permission

CONNECTORS_READ = permission(
    "connectors:read",
    "See connections, their points, health and live values",
    "查看采集连接、测点、状态和实时值",
    READERS,
)
CONNECTORS_WRITE = permission(
    "connectors:write", "Keep connections and points; test, browse and read field devices",
    "管理采集连接和测点，测试、浏览和读取现场设备", ["engineer"],
)  # fmt: skip
