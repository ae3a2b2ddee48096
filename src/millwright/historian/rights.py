"""What may be permitted here: readings, and how long they are kept."""

from __future__ import annotations

from millwright.parties import READERS, permission

HISTORY_READ = permission("history:read", "See readings", "查看历史数据", READERS)
RETENTION_READ = permission("retention:read", "See how long readings are kept", "查看数据保留策略", READERS)
RETENTION_WRITE = permission("retention:write", "Decide how long readings are kept", "修改数据保留策略")
