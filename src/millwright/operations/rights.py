"""What may be permitted here: rules and alarms."""

from __future__ import annotations

from millwright.parties import READERS, permission

RULES_READ = permission("rules:read", "See rules", "查看规则", READERS)
RULES_WRITE = permission("rules:write", "Keep rules and try them out", "管理和试运行规则", ["engineer"])
ALARMS_READ = permission("alarms:read", "See alarms", "查看报警", READERS)
ALARMS_ACKNOWLEDGE = permission("alarms:acknowledge", "Acknowledge alarms", "确认报警", ["operator"])
ALARMS_COMMENT = permission("alarms:comment", "Comment alarms", "备注报警", ["operator", "engineer"])
