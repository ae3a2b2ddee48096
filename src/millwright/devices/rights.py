"""What may be permitted here: places, models, devices, their credentials, arrivals, dead letters."""

from __future__ import annotations

from millwright.parties import READERS, permission

PLACES_READ = permission("places:read", "See places", "查看场所", READERS)
PLACES_WRITE = permission("places:write", "Keep places", "管理场所", ["engineer"])
MODELS_READ = permission("models:read", "See models", "查看物模型", READERS)
MODELS_WRITE = permission("models:write", "Keep models", "管理物模型", ["engineer"])
DEVICES_READ = permission(
    "devices:read", "See devices, their presence and how many alarms they have", "查看设备、在线状态和报警数", READERS
)
DEVICES_WRITE = permission("devices:write", "Register, change and remove devices", "注册、修改和删除设备", ["engineer"])
DEVICES_CREDENTIAL = permission(
    "devices:credential", "Issue and revoke devices' credentials", "签发和吊销设备凭证", ["engineer"]
)
ARRIVALS_READ = permission("arrivals:read", "See devices that knocked", "查看待接入设备", READERS)
ARRIVALS_ADOPT = permission(
    "arrivals:adopt", "Adopt and dismiss devices that knocked", "接纳或忽略待接入设备", ["engineer"]
)
READINGS_IMPORT = permission("readings:import", "Bring history in from files", "从文件导入历史数据", ["engineer"])
READINGS_EXPORT = permission(
    "readings:export", "Export history to files, also on a schedule", "将历史数据导出为文件（含定时导出）", ["engineer"]
)
DEAD_LETTERS_READ = permission(
    "dead_letters:read", "See messages that could not be read", "查看无法解析的消息", READERS
)
DEAD_LETTERS_WRITE = permission(
    "dead_letters:write", "Replay and discard messages that could not be read", "重放和丢弃无法解析的消息", ["engineer"]
)
EDGES_READ = permission("edges:read", "See edges and how they are", "查看边缘节点及其状态", READERS)
EDGES_WRITE = permission("edges:write", "Enrol and revoke edges", "接入和吊销边缘节点", ["engineer"])
EDGES_UPGRADE = permission(
    "edges:upgrade", "Keep releases for edges and roll them out", "管理边缘节点版本并推送升级", node=True
)
