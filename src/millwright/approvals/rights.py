"""What may be permitted here: to decide, to state the policy, and to act alone in an emergency."""

from __future__ import annotations

from millwright.parties import READERS, permission

APPROVALS_READ = permission("approvals:read", "See what takes a second person", "查看哪些操作需要他人批准", READERS)
APPROVALS_DECIDE = permission("approvals:decide", "Approve or reject what others ask", "批准或拒绝他人的申请")
APPROVALS_POLICY = permission("approvals:policy", "State what takes a second person", "规定哪些操作需要他人批准")
APPROVALS_OVERRIDE = permission(
    "approvals:override", "Act without a second person in an emergency", "紧急情况下免批准执行", node=True
)
