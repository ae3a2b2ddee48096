"""What may be permitted here: seeing who is where, keeping plans and zones, closing the loop."""

from __future__ import annotations

from millwright.parties import READERS, permission

LOCATION_READ = permission(
    "location:read", "See plans, zones, and which tag is where", "查看平面图、区域和标签位置", READERS
)
LOCATION_WRITE = permission(
    "location:write", "Keep plans, zones, readers and tags", "管理平面图、区域、读写器和标签", ["engineer"]
)
LOCATION_FEEDBACK = permission(
    "location:feedback", "Let tags that come and go move machines", "设置由标签进出触发的指令", ["engineer"]
)
