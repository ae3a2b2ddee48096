/** Texts of edges, in both languages. */
export const edges = {
  en: {
    title: "Edges", text: "Small nodes near the devices. They keep what devices send and forward it here, also after a cut link.",
    empty: "No edges yet", emptyText: "Enrol an edge, type the command it shows on the machine near the devices, then choose the edge as the place where its devices connect.",
    enrol: "Enrol an edge", name: "Name", place: "Place", state: "State", devices: "Devices", backlog: "Waiting", lag: "Lag", rtt: "Link latency", clock: "Clock", seen: "Last heard", since: "Connected since", joined: "Joined", version: "Version", disk: "Free disk", memory: "Memory", addresses: "Addresses", applied: "Desired state", appliedAt: (when: string) => `in force since ${when}`, lacks: "What it lacks", nothing: "Nothing", live: "New data goes first",
    states: { waiting: "Not joined", connected: "Connected", cut: "Cut off", revoked: "Revoked" },
    lack: { not_joined: "The machine has not joined yet", code_expired: "The code has expired", link: "The link is down", clock: "Its clock is wrong", cloned: "Another machine has a copy of its data folder, and is refused", desired_state: "What is desired is not in force there", backlog_given_up: "Data left the backlog before it came here; local history has it", problems: "It has problems of its own" } as Record<string, string>,
    messages: (n: string, bytes: string) => `${n} frames, ${bytes}`, gone: (n: string, from: string, to: string) => `${n} frames received from ${from} to ${to} never came here; local history at the edge has them`, ahead: (s: string) => `${s} ahead`, behind: (s: string) => `${s} behind`,
    code: "Join this machine", codeText: "Type this on the edge's machine. The code is shown this once and is good once.", codeEnds: (when: string) => `The code is valid until ${when}.`, up: "Then run it:", newCode: "New code", newCodeText: "Who uses the new code takes the edge over; the machine before is cut off then.",
    revoke: "Revoke", revokeConfirm: "Revoke this edge?", revokeText: "Its link ends within seconds, for good. What it forwarded stays.", delete: "Remove", deleteConfirm: "Remove this edge?",
    problems: "Problems at the edge", at: "Connects at", here: "This node",
    kinds: { edge: "Edge" },
    actions: { "edges.add": "Enrolled an edge", "edges.change": "Changed an edge", "edges.remove": "Removed an edge", "edges.code.add": "Made a code for an edge", "edges.revocation.add": "Revoked an edge", "edge_joining.add": "A machine joined as an edge" },
  },
  zh: {
    title: "边缘节点", text: "部署在设备旁的小型节点，保存设备数据并转发到本节点，断网后自动补传。",
    empty: "还没有边缘节点", emptyText: "新建边缘节点，在现场机器上执行显示的命令，再在设备的“接入点”中选择该节点。",
    enrol: "接入边缘节点", name: "名称", place: "位置", state: "状态", devices: "设备", backlog: "待转发", lag: "滞后", rtt: "链路时延", clock: "时钟", seen: "最近联络", since: "连接时间", joined: "加入时间", version: "版本", disk: "磁盘剩余", memory: "内存", addresses: "地址", applied: "期望状态", appliedAt: (when: string) => `自 ${when} 起生效`, lacks: "存在的问题", nothing: "无", live: "新数据优先",
    states: { waiting: "未加入", connected: "已连接", cut: "已断开", revoked: "已吊销" },
    lack: { not_joined: "机器尚未加入", code_expired: "接入码已过期", link: "链路中断", clock: "时钟不准", cloned: "另一台机器持有其数据文件夹的副本，已被拒绝", desired_state: "期望状态未能生效", backlog_given_up: "部分数据在转发前已被清除，本地历史中仍有", problems: "节点自身存在问题" } as Record<string, string>,
    messages: (n: string, bytes: string) => `${n} 帧，${bytes}`, gone: (n: string, from: string, to: string) => `${from} 至 ${to} 接收的 ${n} 帧未能转发，边缘节点的本地历史中仍有`, ahead: (s: string) => `快 ${s}`, behind: (s: string) => `慢 ${s}`,
    code: "让机器加入", codeText: "在边缘机器上执行此命令。接入码只显示这一次，只能使用一次。", codeEnds: (when: string) => `接入码有效期至 ${when}。`, up: "然后运行：", newCode: "新接入码", newCodeText: "使用新接入码的机器将接替该边缘节点，原机器随即断开。",
    revoke: "吊销", revokeConfirm: "吊销该边缘节点？", revokeText: "链路将在数秒内永久断开，已转发的数据保留。", delete: "删除", deleteConfirm: "删除该边缘节点？",
    problems: "节点上的问题", at: "接入点", here: "本节点",
    kinds: { edge: "边缘节点" },
    actions: { "edges.add": "接入边缘节点", "edges.change": "修改边缘节点", "edges.remove": "删除边缘节点", "edges.code.add": "生成边缘节点接入码", "edges.revocation.add": "吊销边缘节点", "edge_joining.add": "机器加入为边缘节点" },
  },
};
