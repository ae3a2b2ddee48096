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
IDENTIFIERS_OPERATE = permission(
    "identifiers:operate",
    "Watch how identifiers are resolved, deal with abnormal look-ups",
    "监测标识解析运行，处理异常查询",
    ("engineer", "operator"),
)
RESOLUTION_READ = permission(
    "resolution:read",
    "See rates, latencies, failures and mirrors of resolution",
    "查看标识解析的速率、时延、失败和镜像",
    READERS,
    node=True,
)
IDENTIFIERS_REVEAL = permission("identifiers:reveal", "See sealed values of identifiers", "查看标识的加密数据")
IDENTIFIERS_EMERGENCY = permission(
    "identifiers:emergency",
    "Suspend and redirect identifiers, announce for them",
    "标识应急处置：暂停、转向、通告",
    ("engineer", "operator"),
)
FILINGS_READ = permission("filings:read", "See filings with nodes above, and those received", "查看标识备案", READERS)
FILINGS_SUBMIT = permission(
    "filings:submit",
    "File prefixes as the node below; taken by its account alone",
    "作为下级节点报送备案",
    ("engineer",),
)
FILINGS_REVIEW = permission("filings:review", "Accept and refuse filings of nodes below", "受理和拒绝下级节点的备案")
FILINGS_MANAGE = permission("filings:manage", "Admit nodes below to filing", "管理报送备案的下级节点")
FILINGS_CONNECT = permission(
    "filings:connect", "Connect the nodes above with which prefixes are filed", "连接备案的上级节点", node=True
)
DRILLS_READ = permission("drills:read", "See drills of the register", "查看标识注册库的演练", READERS, node=True)
DRILLS_RUN = permission("drills:run", "Rehearse a failover or a restore", "开展切换和恢复演练", node=True)
