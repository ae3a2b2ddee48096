"""What may be permitted here. Both pass the border of an enterprise: who bills it must know how much it used.

They show amounts, never data.
"""

from __future__ import annotations

from millwright.parties import permission

METERING_READ = permission(
    "metering:read",
    "See usage and statements, also of enterprises below",
    "查看用量和账单（含下级企业）",
    ("auditor",),
    across=True,
)
METERING_MANAGE = permission(
    "metering:manage",
    "Keep price plans, limits and statements of organisations below",
    "管理下级组织的价格方案、限额和账单",
    across=True,
)
