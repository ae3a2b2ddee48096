/** Texts of sensing and place, in both languages. */
export const location = {
  en: {
    title: "Tags and zones", text: "Who is where: RFID readers, beacons and positioning systems, and what follows from coming and going.",
    map: "Plan", now: "Who is where", events: "Events", rules: "Feedback", readers: "Readers",
    empty: "Nothing is followed yet", emptyText: "1. Make a device a reader: an RFID reader connected by LLRP, or a gateway that publishes to millwright/v1/sightings. 2. Add a plan of the hall and draw zones, or say which antennas see into a zone. 3. Entries, stays and exits appear here at once.",
    addPlan: "Add a plan", editPlan: "Change the plan", plan: "Plan", noPlans: "No plan yet", noPlansText: "A plan shows zones and tags in metres. Zones of antennas work without one.", width: "Width in metres", height: "Height in metres", picture: "Picture (PNG, JPEG or WebP, at most 5 MB)", choosePicture: "Choose a picture", deletePlan: "Delete this plan?", deletePlanText: "Zones and readers must be taken off it first.",
    addZone: "Add a zone", draw: "Draw a zone", drawText: "Click the corners one after the other, then finish.", finish: "Finish", undo: "Take back", zone: "Zone", zones: "Zones", noZones: "No zones yet", antennas: "Antennas", antennasText: "Who is seen by these is in the zone. Without antennas the drawn area counts.", antennaOf: "Reader", antennaNumber: "Antenna; empty: all", enterReads: "Seen so often before it is inside", exitS: "Unseen for so many seconds before it has left", dwellS: "Dwell event after seconds inside; 0: none", deleteZone: "Delete this zone?", deleteZoneText: "Its rules of feedback go with it; its events stay.", inside: (n: string) => `${n} inside`, uncertain: "Uncertain", uncertainText: "A reader is lost: nobody is said to have left until it is back.", needsArea: "Name an antenna, or draw the zone on a plan",
    tag: "Tag", tags: "Tags", noTags: "Nobody has been seen yet", group: "Group", device: "Device", identifier: "Identifier", seen: "Last seen", where: "Zones", nowhere: "in no zone", position: "Position", editTag: "What the tag is fixed to", trail: "Trail", trailText: "The last 24 hours", search: "Tag, name, identifier or group",
    addReader: "Add a reader", editReader: "Reader", noReaders: "No readers yet", noReadersText: "Connect an RFID reader under Connectors (LLRP) with its point “reads”, or let a gateway publish to millwright/v1/sightings. Then add its device here.", x: "x in metres", y: "y in metres", silence: "Lost after seconds of silence", state: "State", heard: "Heard", lost: "Lost", never: "Not heard yet", clock: (s: string) => `Its clock is ${s} off; times are corrected`, antennasDown: (list: string) => `Antennas down: ${list}`, sightings: "Sightings", deleteReader: "Let it be no reader any more?", tagProperty: "Property that names the tag", xProperty: "Property with x", yProperty: "Property with y", positions: "Positions come as telemetry",
    noEvents: "No events yet", time: "Time", what: "What", stay: "Stay", export: "Export", kinds: { enter: "came", dwell: "stays", exit: "left", uncertain: "became uncertain", certain: "certain again" } as Record<string, string>, reasons: { moved: "seen elsewhere", absent: "not seen any more", removed: "the zone was deleted", reader_lost: "reader lost", reader_back: "reader back" } as Record<string, string>, notCertain: "not certain",
    addRule: "Add a rule", editRule: "Rule of feedback", noRules: "No rules yet", noRulesText: "When a tag comes, stays or leaves, a device is commanded: guarded by interlocks and locks, recorded, and its effect confirmed.", on: "When a tag", ons: { enter: "comes", dwell: "stays", exit: "leaves" } as Record<string, string>, anyTag: "any tag", command: "Command", write: "Write a property", call: "Call a service", property: "Property or service", value: "Value", hold: "Only if that still holds after seconds", again: "Not again within seconds", most: "At most so often an hour", enabled: "Switched on", off: "Off", deleteRule: "Delete this rule?", reactions: "What came of it", noReactions: "Nothing yet", reaction: { waiting: "waits", asked: "commanded", refused: "refused", passed: "let be" } as Record<string, string>,
    kindNames: { zone: "Zone", reader: "Reader", tag: "Tag", location_rule: "Rule of feedback" },
    actions: { "location.plans.add": "Added a plan", "location.plans.change": "Changed a plan", "location.plans.remove": "Removed a plan", "location.plans.picture.change": "Gave a plan a picture", "location.zones.add": "Added a zone", "location.zones.change": "Changed a zone", "location.zones.remove": "Removed a zone", "location.readers.change": "Set a reader", "location.readers.remove": "Removed a reader", "location.tags.add": "Wrote tags down", "location.tags.change": "Wrote a tag down", "location.tags.remove": "Forgot a tag", "location.rules.add": "Added a rule of feedback", "location.rules.change": "Changed a rule of feedback", "location.rules.remove": "Removed a rule of feedback", "location.feedback": "A place asked for a command" },
  },
  zh: {
    title: "标签与区域", text: "谁在哪里：RFID 读写器、信标和定位系统，以及进出触发的动作。",
    map: "平面图", now: "当前位置", events: "事件", rules: "反馈控制", readers: "读写器",
    empty: "还没有跟踪任何标签", emptyText: "1. 把设备设为读写器：用 LLRP 连接的 RFID 读写器，或向 millwright/v1/sightings 发布的网关。2. 添加车间平面图并绘制区域，或指定哪些天线覆盖某个区域。3. 进入、停留和离开会立即显示在这里。",
    addPlan: "添加平面图", editPlan: "修改平面图", plan: "平面图", noPlans: "还没有平面图", noPlansText: "平面图以米为单位显示区域和标签。由天线划定的区域不需要平面图。", width: "宽度（米）", height: "高度（米）", picture: "图片（PNG、JPEG 或 WebP，不超过 5 MB）", choosePicture: "选择图片", deletePlan: "删除该平面图？", deletePlanText: "须先移除其上的区域和读写器。",
    addZone: "添加区域", draw: "绘制区域", drawText: "依次点击各个角点，然后完成。", finish: "完成", undo: "撤销一点", zone: "区域", zones: "区域", noZones: "还没有区域", antennas: "天线", antennasText: "被这些天线看到的标签即在区域内。不指定天线时以绘制的范围为准。", antennaOf: "读写器", antennaNumber: "天线号，留空表示全部", enterReads: "看到多少次才算进入", exitS: "多少秒看不到才算离开", dwellS: "停留多少秒产生停留事件，0 表示不产生", deleteZone: "删除该区域？", deleteZoneText: "其反馈规则一并删除，事件保留。", inside: (n: string) => `${n} 个在内`, uncertain: "不确定", uncertainText: "有读写器失联：恢复之前不会判定任何标签离开。", needsArea: "请指定天线，或在平面图上绘制区域",
    tag: "标签", tags: "标签", noTags: "还没有看到任何标签", group: "分组", device: "设备", identifier: "标识", seen: "最近看到", where: "区域", nowhere: "不在任何区域", position: "坐标", editTag: "标签绑定的对象", trail: "轨迹", trailText: "最近 24 小时", search: "标签、名称、标识或分组",
    addReader: "添加读写器", editReader: "读写器", noReaders: "还没有读写器", noReadersText: "在“采集连接”中用 LLRP 连接 RFID 读写器并添加测点 reads，或让网关向 millwright/v1/sightings 发布，然后在这里添加其设备。", x: "x（米）", y: "y（米）", silence: "静默多少秒视为失联", state: "状态", heard: "正常", lost: "失联", never: "尚无消息", clock: (s: string) => `时钟偏差 ${s}，时间已校正`, antennasDown: (list: string) => `天线断开：${list}`, sightings: "读取次数", deleteReader: "不再作为读写器？", tagProperty: "标签名所在属性", xProperty: "x 所在属性", yProperty: "y 所在属性", positions: "坐标以遥测上报",
    noEvents: "还没有事件", time: "时间", what: "事件", stay: "停留", export: "导出", kinds: { enter: "进入", dwell: "停留", exit: "离开", uncertain: "变为不确定", certain: "恢复确定" } as Record<string, string>, reasons: { moved: "在别处看到", absent: "不再看到", removed: "区域已删除", reader_lost: "读写器失联", reader_back: "读写器恢复" } as Record<string, string>, notCertain: "不确定",
    addRule: "添加规则", editRule: "反馈规则", noRules: "还没有规则", noRulesText: "标签进入、停留或离开时向设备下达指令：受联锁和挂锁约束，全程留痕，并确认效果。", on: "当标签", ons: { enter: "进入", dwell: "停留", exit: "离开" } as Record<string, string>, anyTag: "任意标签", command: "指令", write: "写属性", call: "调用服务", property: "属性或服务", value: "值", hold: "多少秒后仍成立才执行", again: "多少秒内不重复", most: "每小时最多次数", enabled: "启用", off: "停用", deleteRule: "删除该规则？", reactions: "执行情况", noReactions: "暂无", reaction: { waiting: "等待", asked: "已下达", refused: "被拒绝", passed: "未执行" } as Record<string, string>,
    kindNames: { zone: "区域", reader: "读写器", tag: "标签", location_rule: "反馈规则" },
    actions: { "location.plans.add": "添加平面图", "location.plans.change": "修改平面图", "location.plans.remove": "删除平面图", "location.plans.picture.change": "上传平面图图片", "location.zones.add": "添加区域", "location.zones.change": "修改区域", "location.zones.remove": "删除区域", "location.readers.change": "设置读写器", "location.readers.remove": "移除读写器", "location.tags.add": "登记标签", "location.tags.change": "登记标签", "location.tags.remove": "删除标签登记", "location.rules.add": "添加反馈规则", "location.rules.change": "修改反馈规则", "location.rules.remove": "删除反馈规则", "location.feedback": "区域事件下达指令" },
  },
};

/** What the node says about places, in Chinese: code → [title, advice]. */
export const LOCATION_PROBLEMS: Record<string, readonly [title: string, hint?: string]> = {
  "location.plan_unknown": ["没有这个平面图", "可能已被删除。"],
  "location.zone_unknown": ["没有这个区域", "可能已被删除。"],
  "location.reader_unknown": ["该设备不是读写器", "可能已被移除。"],
  "location.tag_unknown": ["该标签没有登记", "可能已被删除。"],
  "location.rule_unknown": ["没有这条反馈规则", "可能已被删除。"],
  "location.picture_unknown": ["该平面图没有图片", "请先上传图片。"],
  "location.plan_name_taken": ["已有同名的平面图", "请换一个名称，名称不区分大小写。"],
  "location.zone_name_taken": ["已有同名的区域", "请换一个名称，名称不区分大小写。"],
  "location.rule_name_taken": ["已有同名的规则", "请换一个名称，名称不区分大小写。"],
  "location.plan_in_use": ["平面图上还有区域或读写器", "请先移走或删除它们。"],
  "location.revision_stale": ["内容已被他人修改", "请刷新后在最新内容上重做。"],
  "location.zone_invalid": ["区域不正确：", "区域须有天线，或在平面图上有至少三个角点和一定面积的多边形。"],
  "location.image_invalid": ["图片无法使用：", "请上传不超过 5 MB、4000 万像素的 PNG、JPEG 或 WebP。"],
  "location.reader_invalid": ["读写器设置不完整：", "坐标须同时指定 x 和 y 属性，并选择平面图。"],
  "location.tag_invalid": ["标签名不正确：", "请按读写器上报的写法填写。"],
  "location.rule_invalid": ["规则不完整：", "写属性须填写值，设备须存在且与区域属于同一组织。"],
  "location.maker_gone": ["创建规则的人已无权下达该指令", "请由有权限的人重新保存规则，此后以其名义下达。"],
  "location.command_denied": ["没有向该设备下达指令的权限", "规则会下达指令，请由有权限的人创建。"],
  "llrp.taken": ["读写器已被其他客户端占用", "读写器一次只服务一个客户端；请断开其他中间件或测试工具，系统会自动重试。"],
  "llrp.refused": ["读写器拒绝了请求：", "请检查设置中的天线和协议版本。"],
  "llrp.malformed": ["对端发来的不是 LLRP：", "请确认端口是读写器的 LLRP 端口，并检查其固件。"],
  "llrp.no_greeting": ["对端没有按读写器的方式应答", "请确认端口是读写器的 LLRP 端口。"],
  "llrp.no_answer": ["读写器没有及时应答：", "会自动重新连接；若反复出现，请重启读写器。"],
};
/** Why a message of sightings could not be read. */
export const LOCATION_LETTER: Record<string, string> = { "location.sightings": "“标签读取”主题上的消息格式不正确。" };
