"""What may be permitted here: the authorities are the node's own, the certificates their organisations'."""

from __future__ import annotations

from millwright.parties import READERS, permission

AUTHORITIES_READ = permission(
    "authorities:read", "See the authorities that sign certificates", "查看证书颁发机构", READERS, node=True
)
AUTHORITIES_MANAGE = permission(
    "authorities:manage", "Make and import authorities that sign certificates", "新建和导入证书颁发机构", node=True
)
CERTIFICATES_READ = permission(
    "certificates:read", "See the certificates that were issued", "查看已签发的证书", ("engineer", "auditor")
)
