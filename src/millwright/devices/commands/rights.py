"""What may be permitted here: commands, interlocks, locks."""

from __future__ import annotations

from millwright.parties import READERS, permission

COMMANDS_READ = permission(
    "commands:read", "See commands to devices, interlocks and locks", "查看设备指令、联锁和挂锁", READERS
)
COMMANDS_WRITE = permission("commands:write", "Write devices' properties", "写设备属性", ["engineer", "operator"])
COMMANDS_CALL = permission("commands:call", "Call devices' services", "调用设备服务", ["engineer", "operator"])
COMMANDS_CANCEL = permission(
    "commands:cancel", "Cancel commands that wait", "取消等待中的指令", ["engineer", "operator"]
)
INTERLOCKS_WRITE = permission("interlocks:write", "Keep interlocks of commands", "管理指令联锁", ["engineer"])
LOCKS_WRITE = permission(
    "locks:write",
    "Lock devices for maintenance and release one's own lock",
    "检修挂锁和解除本人的挂锁",
    ["engineer", "operator"],
)
LOCKS_OVERRIDE = permission("locks:override", "Release another person's lock", "解除他人的挂锁")
