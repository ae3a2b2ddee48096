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
LEDGER_READ = permission(
    "ledger:read", "Search and export the ledger of the node", "查询和导出审计账本", ("auditor",), node=True
)
LEDGER_LOOK = permission(
    "ledger:look",
    "See the history of one object",
    "查看单个对象的变更历史",
    ("engineer", "operator", "auditor"),
    node=True,
)
