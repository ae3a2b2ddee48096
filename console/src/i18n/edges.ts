/** Texts of edges, in both languages. */
export const edges = {
  en: {
    title: "Edges", text: "Small nodes near the devices. They keep what devices send and forward it here, also after a cut link.",
    empty: "No edges yet", emptyText: "Enrol an edge, type the command it shows on the machine near the devices, then choose the edge as the place where its devices connect.",
    enrol: "Enrol an edge", name: "Name", place: "Place", state: "State", devices: "Devices", backlog: "Waiting", lag: "Lag", rtt: "Link latency", clock: "Clock", seen: "Last heard", since: "Connected since", joined: "Joined", version: "Version", disk: "Free disk", memory: "Memory", addresses: "Addresses", applied: "Desired state", appliedAt: (when: string) => `in force since ${when}`, lacks: "What it lacks", nothing: "Nothing", live: "New data goes first",
    states: { waiting: "Not joined", connected: "Connected", cut: "Cut off", revoked: "Revoked" },
    lack: { not_joined: "The machine has not joined yet", code_expired: "The code has expired", link: "The link is down", clock: "Its clock is wrong", cloned: "Another machine has a copy of its data folder, and is refused", desired_state: "What is desired is not in force there", backlog_given_up: "Data left the backlog before it came here; local history has it", problems: "It has problems of its own", devices: "Not all devices are in force there", guards: "Not all interlocks are in force there", connections: "It does not run all connections", rules: "It cannot judge by all rules" } as Record<string, string>,
    messages: (n: string, bytes: string) => `${n} frames, ${bytes}`, gone: (n: string, from: string, to: string) => `${n} frames received from ${from} to ${to} never came here; local history at the edge has them`, ahead: (s: string) => `${s} ahead`, behind: (s: string) => `${s} behind`,
    code: "Join this machine", codeText: "Type this on the edge's machine. The code is shown this once and is good once.", codeEnds: (when: string) => `The code is valid until ${when}.`, up: "Then run it:", newCode: "New code", newCodeText: "Who uses the new code takes the edge over; the machine before is cut off then.",
    revoke: "Revoke", revokeConfirm: "Revoke this edge?", revokeText: "Its link ends within seconds, for good. What it forwarded stays.", delete: "Remove", deleteConfirm: "Remove this edge?",
    problems: "Problems at the edge", at: "Connects at", here: "This node", runsAt: "Runs at",
    section: "Part", inForce: "In force / desired", why: "Why not", connections: "Connections", commands: "Commands",
    sections: { devices: "Devices", guards: "Interlocks and locks", connections: "Connections", rules: "Rules" } as Record<string, string>,
    kinds: { edge: "Edge" },
    actions: { "edges.add": "Enrolled an edge", "edges.change": "Changed an edge", "edges.remove": "Removed an edge", "edges.code.add": "Made a code for an edge", "edges.revocation.add": "Revoked an edge", "edge_joining.add": "A machine joined as an edge" },
  },
  zh: {
    title: "边缘节点", text: "部署在设备旁的小型节点，保存设备数据并转发到本节点，断网后自动补传。",
    empty: "还没有边缘节点", emptyText: "新建边缘节点，在现场机器上执行显示的命令，再在设备的“接入点”中选择该节点。",
    enrol: "接入边缘节点", name: "名称", place: "位置", state: "状态", devices: "设备", backlog: "待转发", lag: "滞后", rtt: "链路时延", clock: "时钟", seen: "最近联络", since: "连接时间", joined: "加入时间", version: "版本", disk: "磁盘剩余", memory: "内存", addresses: "地址", applied: "期望状态", appliedAt: (when: string) => `自 ${when} 起生效`, lacks: "存在的问题", nothing: "无", live: "新数据优先",
    states: { waiting: "未加入", connected: "已连接", cut: "已断开", revoked: "已吊销" },
    lack: { not_joined: "机器尚未加入", code_expired: "接入码已过期", link: "链路中断", clock: "时钟不准", cloned: "另一台机器持有其数据文件夹的副本，已被拒绝", desired_state: "期望状态未能生效", backlog_given_up: "部分数据在转发前已被清除，本地历史中仍有", problems: "节点自身存在问题", devices: "部分设备未生效", guards: "部分联锁未生效", connections: "部分采集连接未运行", rules: "部分规则无法执行" } as Record<string, string>,
    messages: (n: string, bytes: string) => `${n} 帧，${bytes}`, gone: (n: string, from: string, to: string) => `${from} 至 ${to} 接收的 ${n} 帧未能转发，边缘节点的本地历史中仍有`, ahead: (s: string) => `快 ${s}`, behind: (s: string) => `慢 ${s}`,
    code: "让机器加入", codeText: "在边缘机器上执行此命令。接入码只显示这一次，只能使用一次。", codeEnds: (when: string) => `接入码有效期至 ${when}。`, up: "然后运行：", newCode: "新接入码", newCodeText: "使用新接入码的机器将接替该边缘节点，原机器随即断开。",
    revoke: "吊销", revokeConfirm: "吊销该边缘节点？", revokeText: "链路将在数秒内永久断开，已转发的数据保留。", delete: "删除", deleteConfirm: "删除该边缘节点？",
    problems: "节点上的问题", at: "接入点", here: "本节点", runsAt: "运行于",
    section: "内容", inForce: "已生效 / 期望", why: "未生效原因", connections: "采集连接", commands: "命令",
    sections: { devices: "设备", guards: "联锁与挂锁", connections: "采集连接", rules: "规则" } as Record<string, string>,
    kinds: { edge: "边缘节点" },
    actions: { "edges.add": "接入边缘节点", "edges.change": "修改边缘节点", "edges.remove": "删除边缘节点", "edges.code.add": "生成边缘节点接入码", "edges.revocation.add": "吊销边缘节点", "edge_joining.add": "机器加入为边缘节点" },
  },
};

/** 代码 → [标题, 建议]，见 node.zh.ts。 */
export const EDGE_PROBLEMS: Record<string, readonly [title: string, hint?: string]> = {
  "devices.edge_away": ["边缘节点没有应答", "请查看其链路。它会自行继续运行，链路恢复后即可询问。"],
  "devices.edge_seal": ["密钥不是为该边缘节点封存的", "该节点重新加入过；请在上级重新填写连接的密码等密钥。"],
  "devices.edge_seal_missing": ["该边缘节点尚未加入，或以旧版本加入，无法为其封存密钥", "请生成新接入码，并用 millwright edge join --again 重新加入。"],
  "devices.edge_connection_clash": ["与边缘节点自身的连接冲突：", "它有同名的连接，或已为该属性采集；请修改那个连接。"],
  "devices.edge_state": ["期望状态与边缘节点自身的内容冲突：", "边缘节点自己登记的设备占用了名称或地址，请将其改名。"],
  "devices.edge_state_unreadable": ["期望状态无法读取：", "请让边缘节点与上级运行同一版本。"],
  "connectors.edge_policy": ["边缘节点不允许：", "由边缘机器上的 [edge] parent_reaches 和 [connectors] enterprises 决定。"],
  "connectors.kept_above": ["该连接由上级维护", "请在上级的控制台修改，数秒后即在此生效。"],
  "connectors.device_elsewhere": ["设备不在该连接所在的边缘节点：", "请先将设备的接入点改为该边缘节点，或另选设备。"],
  "commands.expired": ["命令超时未发出", "请重新下发；边缘节点常断线时请延长等待时间。"],
  "commands.edge_left": ["设备已移出该边缘节点，结果不明", "请先查看机器再重新下发。"],
  "operations.rule_unreadable": ["边缘节点无法执行该规则：", "请让边缘节点与上级运行同一版本；在此之前由上级判断。"],
};
