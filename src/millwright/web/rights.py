"""What may be permitted here: the node itself. These count on the root of the tree only."""

from __future__ import annotations

from millwright.parties import READERS, permission

SYSTEM_READ = permission(
    "system:read",
    "See the node from inside: processes, streams, rates, storage",
    "查看系统运行状态",
    READERS,
    node=True,
)
SYSTEM_SETTINGS = permission("system:settings", "See the settings in force", "查看生效的设置", node=True)
