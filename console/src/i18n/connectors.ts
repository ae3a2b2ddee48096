/** Texts of connectors, in both languages. */
export const connectors = {
  en: {
    title: "Connectors", text: "Machines that are asked over their own protocol. Values become properties of devices.", add: "Connect a machine", empty: "No machine is connected yet", emptyText: "Pick a protocol, test the connection, tick the tags: live values take under two minutes. The simulated machine is there to try it.",
    states: { connecting: "Connecting", running: "Running", lost: "Lost", refused: "Refused", stopped: "Off" } as Record<string, string>, state: "State", protocol: "Protocol", points: (n: string) => `${n} points`, rate: "Values per second", perSecond: (n: string) => `${n}/s`, good: (n: string, all: string) => `${n} of ${all} good`, bad: (n: string) => `${n} bad`, lag: "Delay", reconnects: "Reconnects", since: (text: string) => `for ${text}`, broken: (key: string, why: string) => `The connector ${key} cannot be loaded: ${why}`,
    wizard: { pick: "Protocol", connect: "Connection", tags: "Tags", map: "Device", live: "Live values", name: "Name of the connection", test: "Test connection", tested: "Connected", testedText: (ms: string) => `The machine answers within ${ms} ms.`, sendTo: "Let the other system POST to this address once:", sendText: "It is answered 503 the first time; then its members are below, to be ticked. From then on documents are stored.", lookAgain: "Look for members", untested: "The machine has not answered yet. Go on all the same?", goOn: "Go on", advanced: "More settings", json: "As JSON", lines: "One a line", numbers: "Whole numbers, one a line", secretKept: "kept as it is", browse: "Browse", byHand: "Addresses by hand", byHandText: "One address a line; a property name after a comma is optional.", load: "Load more", ticked: (n: number) => (n === 1 ? "1 tag chosen" : `${n} tags chosen`), none: "Choose at least one tag", filter: "Filter tags", newDevice: "A new device", existing: "A device that is there", deviceName: "Name of the device", withModel: "Make a thing model from the tags", modelName: "Name of the model", device: "Device", interval: "Read every, ms", finish: "Connect", waiting: "Waiting for the first values…", value: "Value", property: "Property", address: "Address", quality: "Quality", time: "Time", open: "Open the device", docs: (text: string) => `Limits: ${text}` },
    about: "About", settings: "Settings", edit: "Change settings", enable: "Switch on", disable: "Switch off", remove: "Remove", removeConfirm: "Remove this connection?", removeText: "Its points go with it. Devices and their history stay.", removed: "Connection removed", acknowledge: "I have looked at it", export: "Export points", import: "Import points", importText: "CSV with the columns address, device, property; interval_ms, deadband, scale, offset and writable are optional.", imported: (n: number) => `${n} points added`, refused: (n: number) => `${n} rows refused`, addTags: "Add tags", removePoints: (n: number) => (n === 1 ? "Remove 1 point" : `Remove ${n} points`), noPoints: "No points yet", noPointsText: "Add tags, or import a file.", lastError: "Last error", saved: "Saved", vendor: "Vendor", product: "Product", version: "Version", serial: "Serial number", program: "Program", note: "Note",
    problems: { "connectors.program_changed": ["The machine runs another program than before", "Compare the points with the new program, then acknowledge it."], "connectors.abandoned": ["Calls into the connector hang", "Report it to whoever made the connector; a restart of the role connectors frees them."] } as Record<string, readonly [string, string]>,
  },
  zh: {
    title: "采集", text: "按机器自身的协议采集数据，数值成为设备的属性。", add: "接入机器", empty: "还没有接入机器", emptyText: "选择协议、测试连接、勾选测点，两分钟内即可看到实时值。可先用模拟机器试用。",
    states: { connecting: "连接中", running: "运行中", lost: "已断开", refused: "被拒绝", stopped: "已停用" } as Record<string, string>, state: "状态", protocol: "协议", points: (n: string) => `${n} 个测点`, rate: "每秒数值", perSecond: (n: string) => `${n}/秒`, good: (n: string, all: string) => `${n}/${all} 正常`, bad: (n: string) => `${n} 个异常`, lag: "延迟", reconnects: "重连次数", since: (text: string) => `已 ${text}`, broken: (key: string, why: string) => `连接器 ${key} 无法加载：${why}`,
    wizard: { pick: "协议", connect: "连接", tags: "测点", map: "设备", live: "实时值", name: "连接名称", test: "测试连接", tested: "已连接", testedText: (ms: string) => `机器在 ${ms} 毫秒内应答。`, sendTo: "让对方向此地址推送一次：", sendText: "第一次会收到 503，之后其成员显示在下方，勾选后即开始入库。", lookAgain: "刷新成员", untested: "机器尚未应答，仍要继续吗？", goOn: "继续", advanced: "更多设置", json: "JSON 格式", lines: "每行一个", numbers: "整数，每行一个", secretKept: "保持不变", browse: "浏览", byHand: "手工填写地址", byHandText: "每行一个地址；逗号后可写属性名。", load: "加载更多", ticked: (n: number) => `已选 ${n} 个测点`, none: "请至少选择一个测点", filter: "筛选测点", newDevice: "新设备", existing: "已有设备", deviceName: "设备名称", withModel: "由测点生成物模型", modelName: "物模型名称", device: "设备", interval: "采集周期（毫秒）", finish: "接入", waiting: "正在等待第一批数值…", value: "数值", property: "属性", address: "地址", quality: "质量", time: "时间", open: "打开设备", docs: (text: string) => `限制：${text}` },
    about: "概况", settings: "设置", edit: "修改设置", enable: "启用", disable: "停用", remove: "删除", removeConfirm: "删除这个连接？", removeText: "其测点一并删除，设备及其历史保留。", removed: "连接已删除", acknowledge: "已核对", export: "导出测点", import: "导入测点", importText: "CSV 文件，列：address、device、property；可选 interval_ms、deadband、scale、offset、writable。", imported: (n: number) => `已添加 ${n} 个测点`, refused: (n: number) => `${n} 行未被接受`, addTags: "添加测点", removePoints: (n: number) => `删除 ${n} 个测点`, noPoints: "还没有测点", noPointsText: "添加测点，或导入文件。", lastError: "最近的错误", saved: "已保存", vendor: "厂商", product: "产品", version: "版本", serial: "序列号", program: "程序", note: "备注",
    problems: { "connectors.program_changed": ["机器运行的程序与之前不同", "请对照新程序核对测点，然后确认。"], "connectors.abandoned": ["对连接器的调用挂起", "请反馈给连接器的作者；重启 connectors 角色可释放。"] } as Record<string, readonly [string, string]>,
  },
};

/** 连接器的问题：代码 → [标题, 建议]，写法同 node.zh.ts。 */
export const CONNECTOR_PROBLEMS: Record<string, readonly [title: string, hint?: string]> = {
  "connectors.unreachable": ["无法连接：", "请检查地址和端口、设备是否开机，以及中间是否有防火墙。"],
  "connectors.lost": ["连接已断开：", "会自动重新连接。"],
  "connectors.no_answer": ["没有应答：", "请检查设备是否开机、网络是否可达；较慢时请调大超时。"],
  "connectors.refused": ["对端拒绝：", "请检查账号、权限以及地址是否正确。"],
  "connectors.address_invalid": ["地址不正确：", "请按该协议的写法填写地址。"],
  "connectors.read_only": ["该测点只能读取：", "请选择可写的地址。"],
  "connectors.value_invalid": ["数值不适合该测点：", "请按测点的类型和范围填写。"],
  "connectors.not_taken": ["设备已确认写入，但保持的是另一个值：", "可能超出量程或状态不允许；会自行复位的寄存器请关闭回读。"],
  "connectors.folder_taken": ["该文件夹已由其他连接读取：", "请为每个连接使用单独的文件夹。"],
  "connectors.no_driver": ["没有安装该数据库的驱动：", "请把驱动安装到节点所在环境。"],
  "connectors.opcua_unreachable": ["无法连接 OPC UA 服务器：", "请检查服务器是否运行、主机和端口是否正确，以及中间是否有防火墙。"],
  "connectors.opcua_lost": ["与 OPC UA 服务器的连接已断开：", "会自动重新连接；若无效，请检查服务器和网络。"],
  "connectors.opcua_silent": ["OPC UA 服务器没有及时应答：", "请检查服务器是否运行且可达，或调大 timeout_s。"],
  "connectors.opcua_sign_in": ["OPC UA 服务器不允许登录：", "请检查用户名、密码或用户证书，以及服务器上是否有该用户。"],
  "connectors.opcua_not_trusted_there": ["OPC UA 服务器不信任本节点的证书：", "请在服务器上把本节点的证书从被拒绝移到受信任，然后重试。"],
};
