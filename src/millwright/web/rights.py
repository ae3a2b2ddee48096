"""What may be permitted here: the node itself. These count on the root of the tree only."""

from __future__ import annotations

from typing import Any, Final

from litestar.connection import ASGIConnection
from litestar.handlers.base import BaseRouteHandler
from litestar.types import Guard

from millwright.parties import READERS, permission, permit

SYSTEM_READ = permission(
    "system:read",
    "See the node from inside: processes, streams, rates, storage",
    "查看系统运行状态",
    READERS,
    node=True,
)
SYSTEM_SETTINGS = permission("system:settings", "See the settings in force", "查看生效的设置", node=True)
LEDGER_READ = permission("ledger:read", "Search and export the ledger", "查询和导出审计账本", ("auditor",))
LEDGER_FILES = permission(
    "ledger:files",
    "Read the files of the whole node's ledger and export its personal values",
    "读取全节点账本文件，导出个人信息",
    ("auditor",),
    node=True,
)
LEDGER_ERASE = permission("ledger:erase", "Erase personal data in the ledger", "擦除账本中的个人信息", node=True)
LEDGER_LOOK = permission(
    "ledger:look",
    "See the history of one object",
    "查看单个对象的变更历史",
    ("engineer", "operator", "auditor"),
)

THINGS: Final = frozenset(
    {
        "alarm",
        "arrival",
        "certificate",
        "command",
        "credential",
        "dead_letter",
        "device",
        "interlock",
        "lock",
        "model",
        "place",
        "retention",
        "rule",
    }
)
"""The kinds of objects whose history ``ledger:look`` shows; that of all others (people, sessions, tokens, grants, …)
takes ``ledger:read``, by which it can be searched for, too."""


def look_into_history() -> Guard:
    """Guard of the history of one object, whose kind the path names."""
    things, all_kinds = permit(LEDGER_LOOK), permit(LEDGER_READ)

    async def guard(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
        chosen = things if connection.path_params.get("kind") in THINGS else all_kinds
        await chosen(connection, handler)  # type: ignore[misc]  # it is a coroutine function

    guard.permission = LEDGER_LOOK  # type: ignore[attr-defined]  # read by the tests and the reference
    return guard
