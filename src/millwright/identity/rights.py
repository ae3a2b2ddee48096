"""What may be permitted here.

Codes and carriers touch nothing that is kept: who may look at anything may use them. None of these passes the border of
an enterprise: an application is seen above it because it is addressed to an organisation there, which reviews it.
"""

from __future__ import annotations

from millwright.parties import READERS, permission

CODES_USE = permission("codes:use", "Parse codes, draw and read carriers", "解析编码，生成和识读标识载体", READERS)

PREFIXES_READ = permission("prefixes:read", "See prefixes and their applications", "查看标识前缀及其申请", READERS)
PREFIXES_APPLY = permission(
    "prefixes:apply", "Apply for prefixes, renew and withdraw them", "申请、续展和撤回标识前缀", ("engineer",)
)
PREFIXES_REVIEW = permission(
    "prefixes:review", "Review applications for prefixes, certify applicants", "审核标识前缀申请，认证申请企业"
)
PREFIXES_ADMINISTER = permission(
    "prefixes:administer",
    "Activate, suspend, renew, transfer and file prefixes",
    "启用、停用、续展、转移和备案标识前缀",
)
TEMPLATES_READ = permission("templates:read", "See metadata templates", "查看标识元数据模板", READERS)
TEMPLATES_EDIT = permission(
    "templates:edit", "Make and publish metadata templates", "编辑和发布标识元数据模板", ("engineer",)
)
IDENTIFIERS_READ = permission(
    "identifiers:read", "See registered identifiers and their granted values", "查看已注册标识及授权可见的数据", READERS
)
IDENTIFIERS_REGISTER = permission(
    "identifiers:register", "Register, change and remove identifiers", "注册、修改和删除标识", ("engineer",)
)
IDENTIFIERS_REVEAL = permission("identifiers:reveal", "See sealed values of identifiers", "查看标识的加密数据")
DRILLS_READ = permission("drills:read", "See drills of the register", "查看标识注册库的演练", READERS, node=True)
DRILLS_RUN = permission("drills:run", "Rehearse a failover or a restore", "开展切换和恢复演练", node=True)
