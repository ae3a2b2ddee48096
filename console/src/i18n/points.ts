/** Texts of discovery and of editing points, in both languages. */
export const points = {
  en: {
    seek: "Ask who is there", seekAt: "Address, or network as 192.168.0.0/28", stop: "Stop", nobody: "Nobody answered there. Check the address, cable and firewall; what is off is not found.", searching: (percent: string) => `Searching: ${percent}`, searched: "Search ended",
    look: "Look on the network", looking: "Looking…", nothing: "Nobody answered. Machines in other networks, and those that do not announce themselves, are not found: fill in the address.",
    edit: "Edit", editMany: (n: number) => (n === 1 ? "Edit 1 point" : `Edit ${n} points`), property: "Property", address: "Address", interval: "Read every, ms", deadband: "Deadband", deadbandText: "Smaller changes are not recorded.", scale: "Factor", offset: "Offset", scaleText: "What is stored is the raw value × factor + offset.", writable: "Writable", unit: "Unit", unitText: "Of the property, from its model; changed there.", asIs: "as they are", yes: "Yes", no: "No", changed: (n: number) => (n === 1 ? "1 point changed" : `${n} points changed`), removed: (n: number) => (n === 1 ? "1 point removed" : `${n} points removed`), undo: "Undo", undone: "Undone", nothingChanged: "Nothing is changed",
  },
  zh: {
    seek: "询问有谁在", seekAt: "地址，或网段如 192.168.0.0/28", stop: "停止", nobody: "该处没有机器应答。请检查地址、网线和防火墙；未开机的机器找不到。", searching: (percent: string) => `正在查找：${percent}`, searched: "查找结束",
    look: "在网络中查找", looking: "正在查找…", nothing: "没有机器应答。其他网段的机器以及不自报的机器无法发现，请直接填写地址。",
    edit: "编辑", editMany: (n: number) => `编辑 ${n} 个测点`, property: "属性", address: "地址", interval: "采集周期（毫秒）", deadband: "死区", deadbandText: "小于死区的变化不记录。", scale: "倍率", offset: "偏移", scaleText: "存储值 = 原始值 × 倍率 + 偏移。", writable: "可写", unit: "单位", unitText: "属性的单位来自物模型，请在物模型中修改。", asIs: "保持原样", yes: "是", no: "否", changed: (n: number) => `已修改 ${n} 个测点`, removed: (n: number) => `已删除 ${n} 个测点`, undo: "撤销", undone: "已撤销", nothingChanged: "没有任何修改",
  },
};
