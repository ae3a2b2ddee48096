"""What may be permitted here.

Metering passes the border of an enterprise, for who bills it must know how much it used: it shows amounts, never data.
Price plans do not: what an enterprise asks of its own departments is its own.
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
PLANS_READ = permission("plans:read", "See price plans", "查看价格方案", ("auditor",))
PLANS_MANAGE = permission("plans:manage", "Keep price plans", "管理价格方案")
