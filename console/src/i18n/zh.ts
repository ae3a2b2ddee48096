import type { Dictionary } from "./en";
import { approvals } from "./approvals";
import { edges } from "./edges";
import { networks } from "./networks";
import { vehicles } from "./vehicles";
import { webhooks } from "./webhooks";
import { security } from "./security";
import { codes } from "./codes";
import { emergency } from "./emergency";
import { identifiers } from "./identifiers";
import { connectors } from "./connectors";
import { commands } from "./commands";
import { drills } from "./drills";
import { exports_ } from "./exports";
import { history } from "./history";
import { imports } from "./imports";
import { filings } from "./filings";
import { location } from "./location";
import { points } from "./points";
import { operation } from "./operation";
import { prefixes } from "./prefixes";
import { releases } from "./releases";
import { templates } from "./templates";
import { usage } from "./usage";

const n2 = (n: number): string => n.toLocaleString("zh-CN");

/** 简体中文文本。 */
export const zh: Dictionary = {
  brand: { name: "百工", tagline: "设备接得上，历史留得住，报警信得过。" },
  nav: {
    overview: "总览", devices: "设备", models: "物模型", places: "位置", alarms: "报警", rules: "规则", approvals: "审批",
    deadLetters: "死信", identifiers: "标识", records: "标识记录", scan: "扫描", prefixes: "标识前缀", filings: "标识备案", templates: "元数据模板", operation: "解析监测", drills: "演练", codes: "编码", retention: "数据保留", usage: "用量", system: "系统", people: "人员", organisations: "组织", audit: "审计", account: "我的账户", menu: "菜单", skip: "跳到正文",
  },
  common: {
    save: "保存", cancel: "取消", create: "创建", add: "添加", edit: "编辑", delete: "删除", close: "关闭", retry: "重试", copy: "复制",
    copied: "已复制", download: "下载", search: "搜索", next: "下一步", back: "返回", done: "完成", loadMore: "加载更多", all: "全部",
    any: "不限", none: "无", yes: "是", no: "否", name: "名称", title: "标题", status: "状态", actions: "操作", created: "创建时间", details: "详情",
    unknown: "未知", optional: "选填", never: "从未", now: "现在", required: "此项必填", language: "语言", appearance: "外观",
    light: "浅色", dark: "深色", system: "跟随系统", on: "开", off: "关", saved: "已保存", deleted: "已删除", noData: "没有数据", refresh: "刷新",
    loading: "正在加载…", showing: (n) => `已显示 ${n2(n)} 条`, ago: (text) => `${text}前`, more: "更多",
  },
  problem: {
    failed: "操作没有成功", unreachable: "无法连接到节点", unreachableHint: "请检查节点是否在运行、本机是否与它联网。页面会自动重试。",
    denied: "您没有此权限", deniedHint: "请向管理员申请相应的角色。", retryIn: (s) => `请在 ${n2(s)} 秒后重试。`,
    crashed: "页面显示出错", crashedHint: "请重新加载。若再次出现，请附上下面的文字报告问题。", reload: "重新加载", notFound: "没有这个页面",
    notFoundHint: "网址可能有误，或者内容已被删除。", home: "回到总览", code: "代码",
  },
  live: { open: "实时", connecting: "正在连接…", lost: "实时数据中断，正在重连…", idle: "已暂停" },
  session: {
    setupTitle: "初始化本节点", setupText: "先创建第一位管理员。其他人员以后在“人员”中添加。", setupCode: "初始化码",
    setupCodeHint: "启动节点时已打印在终端上。", name: "用户名", password: "密码", repeat: "再次输入密码", passwordHint: "至少 12 个字符。一句话好记又难猜。",
    passwordShort: "至少 12 个字符", mismatch: "两次输入的密码不一致", setupSubmit: "创建管理员", signIn: "登录", signOut: "退出登录", signInTitle: "登录节点",
    wrong: "用户名或密码不正确", signedOut: "会话已结束，请重新登录。",
  },
  overview: {
    title: "总览", rates: "采集速率", messages: "消息/秒", points: "点/秒", window: "最近 10 分钟", devices: "设备", online: "在线", offline: "离线", neverSeen: "从未连接",
    alarms: "活动报警", active: "条活动", unacknowledged: (n) => `${n2(n)} 条未确认`, calm: "没有活动报警", calmText: "所有设了规则的数值都在限值之内。", newest: "最新", allAlarms: "全部报警",
    deadLetters: "死信", deadLettersNone: "收到的消息全部可读", deadLettersSome: "条消息无法解读", arrivals: "新到设备", arrivalsNone: "没有未知设备请求接入", arrivalsSome: "台未知设备请求接入",
    storage: "存储", stored: "个数据点已保存", diskFree: (free, total) => `剩余 ${free}，共 ${total}`, bytesPerPoint: (b) => `每点 ${b} 字节`, problems: "问题", noProblems: "各部分运行正常", noProblemsText: "节点的各个部分都没有报告问题。",
    welcome: "接入第一台设备", welcomeText: "设备需要名称和令牌。向导会一并生成，并给出发送第一个数值的命令。", lost: (n) => `${n2(n)} 个部分未运行`,
  },
  devices: {
    title: "设备", places: "位置", allPlaces: "全部位置", add: "新建设备", import: "导入", export: "导出", arrivals: "新到设备", list: "设备", searchHint: "名称、标题或标签", device: "设备", place: "位置", model: "物模型", tags: "标签", lastSeen: "最近活动", kind: "类型",
    online: "在线", offline: "离线", never: "从未连接", disabled: "已停用", count: (n) => `${n2(n)} 台设备`, empty: "还没有设备", emptyText: "新建一台，再从终端给它发一个数值，只需一分钟。", noMatch: "没有符合条件的设备", noMatchText: "请更换搜索词或清除筛选条件。", clear: "清除筛选",
    kinds: { device: "设备", sparkplug_edge: "Sparkplug 边缘节点", sparkplug_device: "Sparkplug 设备", gateway: "网关", gateway_device: "网关下的设备" }, showPlaces: "选择位置", alarmsActive: (n) => `${n2(n)} 条活动报警`,
    sinceOnline: (text) => `已在线 ${text}`, sinceOffline: (text) => `已离线 ${text}`,
  },
  wizard: {
    title: "新建设备", describe: "描述", connect: "连接", nameHint: "与铭牌一致：字母、数字、点、短横线和下划线。它也是 MQTT 用户名。", namePattern: "只能用字母、数字、. - _，最多 128 个", titleHint: "大家怎么称呼它", noModel: "不指定：设备发什么就收什么", noPlace: "暂不指定位置",
    sparkplug: "使用 Sparkplug B", group: "组", edgeNode: "边缘节点", sparkplugDevice: "设备（边缘节点本身则留空）", submit: "创建并显示令牌", token: "访问令牌", tokenOnce: "只显示这一次。节点只保存它的散列值。", host: "主机", port: "端口", waiting: "正在等待第一条消息…", waitingHint: "在终端运行上面的命令。数值一入库，这里就会变绿。",
    arrived: "第一条消息已到达", arrivedText: (property, value) => `${property} = ${value}`, open: "打开设备", skip: "不等了，直接打开", user: "用户名", emptyPassword: "密码留空", plain: "明文", ownRootHint: "节点证书由本节点自己的颁发机构签发：请把它的根证书 root.pem 放在命令旁边。", tlsHint: "按本机信任的证书机构核对节点证书。若是自建机构，请加 --cafile 文件，Python 中写 tls={\"ca_certs\": \"文件\"}。", noWay: "MQTT 接入已关闭", noWayHint: "请管理员在设置的 [mqtt] 一节中打开端口。请保存令牌：只显示这一次。", topic: "主题",
  },
  import: {
    title: "导入设备", text: "带表头的 CSV 文件，只有 name 一列必填。", columns: "列：name、title、model（物模型名称）、place（位置路径）、tags（用 ; 分隔）", choose: "选择或拖入 CSV 文件", template: "下载模板", created: (n) => `已创建 ${n2(n)} 台设备`, refused: (n) => `${n2(n)} 行被拒绝`,
    row: "行", reason: "原因", rows: (n) => `${n2(n)} 行`, submit: "导入", noName: "文件中没有名为 name 的列", report: "下载被拒绝的行", empty: "文件中没有数据行", issue: "为每台设备签发访问令牌", issueHint: "没有令牌设备无法连接。Sparkplug 设备使用其边缘节点的令牌。", tokens: (n) => `已签发 ${n2(n)} 个令牌`, tokensOnce: "只显示这一次：节点只保存它们的散列值。请立即下载或复制，并像密码一样妥善保管。", downloadTokens: "下载令牌 (CSV)", copyTokens: "全部复制", leaveConfirm: "不保存令牌就离开？", leaveText: "令牌尚未下载或复制，之后不再显示，每台设备都需要重新签发。", leave: "仍然离开", stay: "返回",
  },
  arrivals: {
    title: "新到设备", text: "尝试连接、但本节点不认识的设备。", empty: "没有未知设备请求接入", emptyText: "用未知凭证连接的设备会列在这里，一键即可接纳。", adopt: "接纳", discard: "忽略", firstSeen: "首次出现", attempts: "次数", from: "来源", username: "用户名", asName: "在此命名为", known: "已登记的设备使用此用户名，但密码不同。接纳即承认新密码。", adopted: "已接纳", topic: "主题",
  },
  device: {
    overview: "数值", trend: "趋势", alarms: "报警", rules: "规则", connection: "连接", about: "资料", properties: "属性", unknownProperty: "不在物模型中", unknownHint: "设备发送了它，但物模型没有定义它。", quality: { good: "良好", uncertain: "不确定", bad: "坏" }, noProperties: "还没有数值", noPropertiesText: "用本设备的令牌发送一个数值，属性会自动出现。",
    addToTrend: "在趋势中显示", alarmWhen: "设置报警…", edit: "编辑设备", disable: "停用", enable: "启用", disableConfirm: "停用这台设备？它会断开连接，并且不能再发送数据。", deleteConfirm: "删除这台设备？", deleteText: "凭证立即失效。历史数据会保留到保存期结束。", credentials: "凭证", newCredential: "新建凭证", credentialEmpty: "没有凭证：没有证书时，这台设备无法连接。",
    revoke: "吊销", revokeConfirm: "吊销这个凭证？", revokeText: "使用它的设备会立即断开，并且不能再用它连接。", lastUsed: "最近使用", noModel: "没有物模型", noPlace: "没有位置", revision: "修订", identifier: "标识", presence: "在线状态", presenceHistory: "上下线记录", since: "自", reason: "原因", children: "该边缘节点下的设备", sparkplug: "Sparkplug B", noRules: "没有规则监视这台设备", noRulesText: "在数值上选择“设置报警…”即可新建。", noAlarms: "这台设备没有报警", outOfRange: "超出范围", changed: "有人同时做了修改", changedText: "已载入较新的内容，请重新修改。", stale: (text) => `${text}前的值`, connect: "如何连接", filter: "筛选属性",
  },
  trend: {
    title: "趋势", choose: "最多选择 6 个属性", follow: "实时跟随", following: "跟随中", paused: "已暂停", ranges: { m15: "15 分钟", h1: "1 小时", h8: "8 小时", d1: "1 天", d7: "7 天", d30: "30 天", y1: "1 年" }, zoomIn: "放大", zoomOut: "缩小", earlier: "更早", later: "更晚", export: "导出 CSV", exportRaw: (p) => `${p} 的全部读数`, exportDrawn: "图上的数据（最小、平均、最大）", range: "范围", custom: "自定义范围", from: "从", to: "到", apply: "应用",
    empty: "这段时间没有记录", emptyText: "请选择其他时间范围或其他属性。", choosePrompt: "请选择要绘制的属性", min: "最小", max: "最大", mean: "平均", perBucket: (w) => `每 ${w} 一个点`, band: "线：平均值 · 带：最小到最大", readings: (n) => `${n} 个点`, help: "拖动平移，滚轮或双指缩放", notNumeric: "文本无法绘制",
  },
  models: {
    title: "物模型", add: "新建物模型", empty: "还没有物模型", emptyText: "物模型定义一类设备的属性、单位和范围。没有它设备也能工作。", properties: "属性", property: "属性", type: "类型", unit: "单位", unitHint: "UCUM 写法，如 Cel、kPa、m3/h", minimum: "最小值", maximum: "最大值", writable: "可写", titleEn: "标题", titleZh: "中文标题", form: "表单", json: "JSON", version: (n) => `版本 ${n}`, versions: "版本", newVersion: "保存为新版本", addProperty: "添加属性", deleteConfirm: "删除这个物模型及其全部版本？", types: { number: "数值", integer: "整数", boolean: "是/否", string: "文本" },
    jsonInvalid: (why) => `不是有效的 JSON：${why}`, count: (n) => `${n2(n)} 个属性`, events: "事件", services: "服务", current: "当前", duplicate: "名称重复", viewing: (n) => `您正在查看版本 ${n}，不是最新版本。`,
  },
  places: {
    title: "位置", add: "新建位置", under: (name) => `在“${name}”之下`, empty: "还没有位置", emptyText: "按 ISA-95 从企业到工作单元搭好工厂结构，就能按位置找到设备。", level: "层级", parent: "上级", top: "顶层", deleteConfirm: "删除这个位置？", rename: "重命名", hasDevices: "其中还有设备，请先移走。", levels: { enterprise: "企业", site: "厂区", area: "车间", line: "产线", cell: "工段", unit: "单元" }, addChild: "在其中添加位置",
  },
  alarms: {
    title: "报警", active: "活动", history: "全部", priority: "优先级", state: "状态", device: "设备", raised: "发生", returned: "恢复", message: "内容", value: "数值", limit: "限值", acknowledge: "确认", acknowledgeN: (n) => `确认 ${n2(n)} 条`, acknowledged: (n) => `已确认 ${n2(n)} 条报警`, acknowledgedBy: (who, when) => `${who} 于 ${when} 确认`, comment: "备注", commentHint: "看到了什么、做了什么（选填）", addComment: "添加备注", evidence: "证据", evidenceText: "报警前后的读数", entries: "经过与备注", empty: "没有活动报警", emptyText: "所有设了规则的数值都在限值之内。", emptyAll: "没有符合条件的报警", occurrences: (n) => `${n2(n)} 次`, count: (n) => `${n2(n)} 条报警`, sound: "声音", selected: (n) => `已选 ${n2(n)} 条`, duration: "持续", raisedMark: "发生", returnedMark: "恢复", high: "上限", low: "下限", noRule: "还没有规则", noRuleText: "报警需要规则：限值、变化率或静默。", newRule: "新建规则",
    priorities: { critical: "紧急", high: "高", medium: "中", low: "低" }, states: { unacknowledged: "未确认", acknowledged: "已确认", returned_unacknowledged: "已恢复未确认", normal: "正常" },
    kinds: { raised: "发生", returned: "恢复正常", acknowledged: "确认", comment: "备注" },
  },
  rules: {
    title: "规则", add: "新建规则", edit: "编辑规则", empty: "还没有规则", emptyText: "规则说明什么数值算异常、持续多久、有多紧急。", name: "名称", enabled: "启用", scope: "监视", oneDevice: "一台设备", wholeModel: "某物模型的所有设备", property: "属性", condition: "条件", kinds: { limit: "限值", rate_of_change: "变化率", stale: "静默" }, high: "上限", low: "下限", deadband: "死区", deadbandHint: "数值须回到限值以内多少，报警才恢复", onDelay: "发生延时", offDelay: "恢复延时", onDelayHint: "数值须持续越限多久", offDelayHint: "数值须持续恢复多久", perSecond: "每秒变化", window: "时间窗", direction: "方向", directions: { both: "双向", rising: "上升", falling: "下降" }, after: "无读数时长", priority: "优先级", message: "英文报警内容", messageZh: "中文报警内容", messageHint: "操作员看到的文字，最好写明该怎么做", preview: "规则含义", test: "用历史试运行", testText: (n) => `将会产生 ${n2(n)} 条报警`, testNone: "不会产生报警", testRange: "最近 24 小时", needLimit: "请填写上限、下限或两者", deleteConfirm: "删除这条规则？", deleteText: "其活动报警恢复正常，历史保留。", seconds: "秒", forDevice: "用于本设备", lowHigh: "下限必须小于上限",
  },
  sentence: {
    raise: (priority, when, lasting, clears) => `当${when}${lasting}时，发出${priority}报警${clears}。`, priorities: { critical: "紧急", high: "高优先级", medium: "中优先级", low: "低优先级" },
    above: (p, v) => `${p}高于 ${v}`, below: (p, v) => `${p}低于 ${v}`, outside: (p, l, h) => `${p}超出 ${l} 至 ${h}`, staysAbove: (p, v) => `${p}持续高于 ${v}`, staysBelow: (p, v) => `${p}持续低于 ${v}`, staysOutside: (p, l, h) => `${p}持续超出 ${l} 至 ${h}`, lasting: (t) => `达 ${t}`,
    clearsAbove: (v) => `；高于 ${v} 后恢复`, clearsBelow: (v) => `；低于 ${v} 后恢复`, clearsInside: (l, h) => `；回到 ${l} 至 ${h} 之间后恢复`, clearsAfter: (t) => `(须保持 ${t})`, clearsBack: "；回到范围内即恢复", rising: (p, v, w) => `${p}在 ${w} 内的上升快于每秒 ${v}`, falling: (p, v, w) => `${p}在 ${w} 内的下降快于每秒 ${v}`, rate: (p, v, w) => `${p}在 ${w} 内的变化快于每秒 ${v}`, stale: (p, t) => `${p}已有 ${t} 没有读数`, aProperty: "该属性",
  },
  deadLetters: {
    title: "死信", text: "收到但无法解读的消息。在重放或丢弃之前一直保留。", empty: "没有死信", emptyText: "收到的每条消息都可以解读。", reason: "原因", topic: "主题", received: "接收时间", payload: "载荷", size: "大小", replay: "重放", discard: "丢弃", replayAll: "全部重放", discardConfirm: (n) => `丢弃 ${n2(n)} 条消息？`, discardText: "此操作无法撤销。", replayed: (n) => `已重放 ${n2(n)} 条消息`, discarded: (n) => `已丢弃 ${n2(n)} 条消息`, hex: "十六进制", asText: "文本", json: "JSON", selected: (n) => `已选 ${n2(n)} 条`,
  },
  retention: {
    title: "数据保留", text: "读数保存多久。对每个序列，由第一条匹配的策略决定。到期的读数会被永久清除，默认每小时清除一次。", add: "新建策略", edit: "编辑策略", empty: "全部读数永久保存", emptyText: "策略会自动清除过期的读数，可针对全部序列，也可只针对一部分。报警的证据不受影响。",
    devices: "设备", property: "属性", keep: "保存", effect: "当前影响", allDevices: "全部设备", allProperties: "全部属性", forEver: "永久", forSomeTime: "限期", days: (n) => `${n2(n)} 天`, daysLabel: "天数", up: "提前匹配", down: "推后匹配", whose: { all: "全部设备", one: "一台设备", pattern: "按标识匹配" },
    patternHint: "设备标识的匹配式：* 代表任意多个字符，? 代表一个字符。", propertyHint: "留空表示全部。* 代表任意多个字符，? 代表一个字符。", decides: (series, devices) => `决定 ${n2(devices)} 台设备的 ${n2(series)} 个序列`, nothing: "不影响任何序列", nothingLong: "没有匹配的序列，或者都已由前面的策略决定。", due: (n) => `${n} 个读数待清除`, dueOldest: (n, oldest) => `${n} 个读数已到期，将被清除，最早的在 ${oldest}。`, nothingDue: "没有读数到期。",
    incomplete: "请填写适用范围和时长，即可看到影响。", noPreview: "暂时无法得知影响。", saveAndRemove: (n) => `保存并清除 ${n} 个读数`, removes: (n) => `这将永久清除目前仍保存的 ${n} 个读数。`, deleteConfirm: "删除这条策略？", deleteText: "其序列改由下一条匹配的策略决定，没有则永久保存。", moveConfirm: "更改顺序？", rest: "其余全部永久保存。", restCounted: (n) => (n ? `其余 ${n2(n)} 个序列永久保存。` : "没有其余序列；新出现且不匹配任何策略的序列将永久保存。"),
  },
  system: {
    meaning: "说明", fromEnvironment: "环境变量", fromFile: "文件",
    figures: {
      messages_in: "收到的消息", messages_acked: "已确认的消息", points_stored: "已存读数", dead_letters: "死信", requests: "请求", lag_messages: "待处理消息", lag_ms: "处理滞后", intake_unacknowledged_bytes: "未存字节", repeatable_messages: "为识别重发而记住",
      points_buffered: "缓冲中的读数", newest_held: "内存中的最新值", alarms_pending: "待写报警", rules_watching: "生效的规则", connections: "连接", connections_waiting: "正在登录", devices: "已连接设备", devices_online: "在线设备", uncommitted_bytes: "未落盘字节", reading_paused: "暂停读取的连接", sessions: "MQTT 会话",
      subscriptions: "订阅", retained: "保留消息", requests_in_flight: "处理中的请求", live_streams: "实时连接", live_devices: "实时关注的设备",
    },
    title: "系统", roles: "组成部分", streams: "消息流", disk: "磁盘", problems: "问题", settings: "设置", role: "部分", state: "状态", cpu: "处理器", memory: "内存", uptime: "已运行", rate: "速率", process: "进程", noProblems: "没有问题", states: { running: "运行中", starting: "启动中", restarting: "重启中", lost: "已失联" }, messages: "消息数", size: "大小", limit: "上限", setting: "设置项", value: "值", version: "版本", since: "自", lag: (n) => `${n} 条待处理`, metrics: "Prometheus 指标", openapi: "OpenAPI 描述", roleNames: { web: "网页服务", listener: "MQTT 接入", historian: "历史库", resolver: "标识解析", nats: "消息总线", "nats-server": "消息总线", supervisor: "守护", vehicles: "车辆接入" },
  },
  certificates: {
    title: "证书", issue: "签发证书", code: "一次性注册码", empty: "没有证书", emptyText: "有了证书，设备可以通过 TLS 登录而不用令牌。私钥始终留在设备上。", fingerprint: "指纹", until: "有效期至", origin: "签发依据", origins: { console: "人员操作", token: "设备令牌", code: "一次性注册码", renewal: "原有证书", node: "本节点" }, states: { valid: "有效", expired: "已过期", revoked: "已吊销" }, download: "下载", revokeConfirm: "吊销这张证书？", revokeText: "使用它的设备会在几秒内断开。吊销无法撤回，需要重新签发。",
    codeText: (when) => `设备凭它领取第一张证书，只能用一次，${when} 前有效。请立即复制，之后不再显示。`, request: "证书请求", requestText: "在设备上生成密钥和证书请求，然后把请求粘贴到这里。", choose: "选择文件", issued: "证书已签发。文件中包含证书及其上级证书。",
    authority: "证书颁发机构", active: "使用中", imported: "导入", role: "角色", roles: { root: "根", issuing: "签发" }, issuedCount: "签发 / 吊销", crl: "吊销列表", noAuthority: "还没有颁发机构", noAuthorityText: "签发第一张证书时自动建立，也可以导入。", make: "新建颁发机构", makeConfirm: "今后用新的颁发机构签发？", makeText: "此前签发的证书仍然有效，信任根证书的设备不受影响。", import: "导入颁发机构", importText: "今后由您自己的颁发机构签发。私钥加密保存，不再显示。", chain: "证书，其后依次是上级证书（PEM）", key: "私钥（PEM）", keyPassword: "私钥的密码（如有）",
    revokedList: "已吊销", subject: "所属", serial: "序列号", revokedAt: "吊销时间", reasons: { unspecified: "未说明", key_compromise: "私钥泄露", superseded: "已被替换", cessation_of_operation: "停止使用", affiliation_changed: "归属变更" },
  },
  audit: {
    title: "审计", about: "谁做了什么，什么被拒绝。每条记录都在签名日志中，可在此验证其证明。", export: "导出 CSV", searchHint: "名称、编号、值、错误", time: "时间", who: "操作者", what: "操作", object: "对象", changes: "变更", outcome: "结果",
    outcomes: { done: "完成", denied: "拒绝", failed: "失败" }, actorKinds: { person: "人员", token: "程序", device: "设备", system: "节点", unknown: "未知" }, from: "来源", agent: "所用程序", grant: "授权", behalf: "代表", number: "日志序号", request: "请求", id: "记录编号", field: "字段", before: "变更前", after: "变更后",
    digestBefore: "变更前摘要", digestAfter: "变更后摘要", erased: "（已擦除）", erasedText: "此记录中的个人信息已擦除；记录仍可证明其曾经存在。", more: (n: number) => `另有 ${n} 项`, proof: "证明", proofRight: (index: string, size: string) => `第 ${index} 条记录在共 ${size} 条的日志中，已由本浏览器验证。`,
    proofWrong: "证明不成立：此记录不是当初签名的那一条。", steps: { leaf: "记录文本的哈希", path: (n: number) => `到根的路径，${n} 个哈希`, head: "签名树头中的根", signature: "日志密钥的签名" }, verdicts: { right: "吻合", wrong: "不吻合", unchecked: "本浏览器未验证" },
    text: "参与哈希的文本", path: "路径上的哈希", checkpoint: "签名树头", insecure: "浏览器只在 HTTPS 或本机页面上验证证明；`millwright ledger prove` 可在任何地方验证。", history: "变更历史", noHistory: "尚无变更记录", noHistoryText: "今后的变更及其操作者将列在这里。",
    empty: "尚无操作", emptyText: "每次变更和每次被拒绝的尝试都会列在这里。", noMatch: "没有匹配的记录", noMatchText: "请更改搜索或清除筛选。",
    kinds: { ...approvals.zh.kinds, ...edges.zh.kinds, ...releases.zh.kinds, ...networks.zh.kinds, ...location.zh.kindNames, ...prefixes.zh.kinds, ...history.zh.kinds, ...exports_.zh.kinds, ...filings.zh.kindNames, connection: "采集连接", point: "测点", identifier: "标识", device: "设备", person: "人员", rule: "规则", alarm: "报警", model: "物模型", place: "位置", token: "令牌", session: "会话", arrival: "新到设备", dead_letter: "死信", retention: "保留策略", plan: "价格方案", subscription: "订购", limits: "限额", statement: "账单", settings: "设置", node: "节点", personal_data: "个人信息", passkey: "通行密钥", identity: "其他账号", provider: "身份提供方", organisation: "组织", role: "角色", group: "用户组", grant: "授权", invitation: "邀请", authority: "证书颁发机构", certificate: "证书", secrets: "密钥", enrolment: "注册", est: "注册" },
    actions: {
      ...approvals.zh.actions, ...edges.zh.actions, ...networks.zh.actions, ...location.zh.actions, ...vehicles.zh.actions, ...releases.zh.actions, ...prefixes.zh.actions, ...history.zh.actions, ...exports_.zh.actions, ...filings.zh.actions,
      "devices.add": "注册设备", "devices.change": "修改设备", "devices.remove": "删除设备", "devices.import": "导入设备", "devices.read": "读取设备", "devices.credentials.add": "签发凭证", "devices.credentials.remove": "吊销凭证", "places.add": "添加位置", "places.change": "修改位置", "places.remove": "删除位置",
      "models.add": "添加物模型", "models.versions.add": "添加物模型版本", "models.remove": "删除物模型", "rules.add": "新建规则", "rules.set": "修改规则", "rules.remove": "删除规则", "alarms.acknowledge": "确认报警", "alarms.comments.add": "评论报警", "arrivals.adopt": "接纳新到设备", "arrivals.remove": "忽略新到设备",
      "dead_letters.replay": "重放死信", "dead_letters.discard": "丢弃死信", "people.add": "添加人员", "ledger.export.read": "导出账本", "ledger.disclosures.read": "导出个人信息", "people.remove": "移除人员", "people.change": "修改人员", "tokens.add": "创建令牌", "tokens.remove": "终止令牌", "session.sign_in": "登录", "session.sign_out": "退出登录", "session.change": "修改偏好", "session.password": "修改密码", "sessions.remove": "终止会话",
      "session.proof": "再次证明身份", "account.second_factor": "开始设置验证器应用", "account.second_factor.add": "设置验证器应用", "account.second_factor.remove": "移除验证器应用", "account.second_factor.recovery_codes.add": "生成恢复码", "account.passkeys.challenge": "开始添加通行密钥", "account.passkeys.add": "添加通行密钥", "account.passkeys.change": "重命名通行密钥", "account.passkeys.remove": "移除通行密钥", "account.identities.add": "关联其他账号", "account.identities.remove": "取消关联其他账号", "account.identities.proof": "开始在别处证明身份", "people.second_factor.remove": "重置第二因素",
      "people.services.add": "添加服务账号", "organisations.add": "添加组织", "organisations.change": "修改组织", "organisations.remove": "删除组织", "organisations.members.remove": "终止成员资格", "organisations.members.transfer": "转移成员", "organisations.consents.add": "给予同意", "organisations.consents.remove": "撤回同意", "organisations.invitations.add": "邀请人员", "organisations.invitations.remove": "撤回邀请", "invitations.accept": "接受邀请", "invitations.read": "查看邀请", "roles.add": "新建角色", "roles.set": "修改角色", "roles.remove": "删除角色", "groups.add": "新建用户组", "groups.set": "修改用户组", "groups.remove": "删除用户组", "grants.add": "授予角色", "grants.remove": "终止授权",
      "devices.certificates.add": "签发证书", "devices.certificates.code": "创建注册码", "devices.certificates.revocation": "吊销证书", "enrolment.add": "设备自行注册", "enrolment.renewal": "设备更新证书", "est.simpleenroll": "设备自行注册（EST）", "est.simplereenroll": "设备重新注册（EST）", "certificates.authorities.add": "新建颁发机构", "certificates.authorities.import": "导入颁发机构", "certificates.renew": "更新节点证书", "secrets.rotate": "轮换密钥",
      "identifiers.add": "注册标识", "identifiers.change": "修改标识", "identifiers.remove": "删除标识", "node.set_up": "初始化节点", "node.start": "节点启动", "node.stop": "节点停止", "settings.change": "设置变更", "records.migrate": "数据库迁移", "retention.set": "设置保留策略", "metering.plans.add": "新建价格方案", "metering.plans.set": "修改价格方案", "metering.organisations.subscription.set": "设定付费方案", "metering.organisations.limits.set": "设定限额", "metering.statements.add": "开具账单", "mqtt.connect": "MQTT 连接", "handle.sign_in": "Handle 管理员登录", "ledger.erase": "擦除个人信息", "attempts.various": "多种尝试",
    },
  },
  people: {
    title: "人员", remove: "移除", removeConfirm: (name: string) => `永久移除 ${name}？`, removeText: "其成员资格、角色、会话、令牌和登录方式一并删除；其所做的一切保留，账本记录不变。", add: "新建人员", roles: "角色", roleNames: { administrator: "管理员", engineer: "工程师", operator: "操作员", viewer: "访客", auditor: "审计员" }, roleHints: { administrator: "全部权限", engineer: "设备、物模型、规则", operator: "确认与备注报警", viewer: "只能查看", auditor: "查看一切，包括谁有何权限" }, disable: "停用", enable: "启用", disableConfirm: "停用此人？其会话立即结束。", password: "密码", oldPassword: "当前密码", newPassword: "新密码", changePassword: "修改密码", passwordChanged: "密码已修改", tokens: "我的 API 令牌", tokensText: "供脚本和其他系统使用：以 “Authorization: Bearer …” 发送，以您的身份、按所给的角色操作。", newToken: "新建令牌", noTokens: "还没有令牌", noTokensText: "脚本需要令牌才能使用 API。", othersTokens: "其他人的令牌", owner: "属于", tokenOnce: "请立即复制：只显示这一次，节点只保存它的散列值。", tokenKept: "已复制", tokenNameHint: "供谁使用", tokenRolesHint: "够用即可，不会超过您自己的角色。", neverEnds: "永不到期", expired: "已到期", onDate: "指定日期", inDays: (n) => `${n2(n)} 天后`,
    preferences: "语言与外观", passwordEndsSessions: "其他会话会随之结束。", sessions: "我的会话", sessionsText: "您在这些地方登录。发现陌生的请结束它，并修改密码。", browser: "浏览器", address: "地址", signedIn: "登录时间", lastActive: "最近活动", ends: "到期", thisSession: "本会话", end: "结束", endOthers: "结束其他会话", endConfirm: "结束这个会话？", endOthersConfirm: (n) => `结束其他 ${n2(n)} 个会话？`, endText: "使用者需要重新登录。", sessionEnded: "会话已结束", othersEnded: "其他会话已结束", revoke: "吊销", revokeConfirm: "吊销这个令牌？使用它的程序将无法工作。", you: "您", disabled: "已停用", active: "可用", firstPassword: "初始密码", account: "我的账户", lastUsed: "最近使用", expires: "到期",
  },
  organisations: {
    title: "组织", text: "企业的数据归企业自己所有；上级组织须经其同意才能查看。", add: "新建组织", name: "名称", shortName: "简称", code: "统一社会信用代码", kind: "类型", parent: "上级", members: "成员", all: "全部组织", choose: "组织", suspend: "停用", resume: "恢复", suspended: "已停用", suspendText: "恢复之前，无人可在其中工作，其设备也无法接入。", deleteText: "其设备、规则、报警及其他一切将被永久删除。", one: "只有一个组织。", more: "管理多个组织…", invite: "邀请", invitations: "邀请", inviteText: "链接只能使用一次，一周内有效。请发给受邀人；此处只显示这一次。", note: "受邀人", openInvitation: "待接受", usedInvitation: "已接受", overInvitation: "已过期", withdraw: "撤回", grants: "授权", give: "授予角色", role: "角色", to: "授予", until: "有效期至", end: "终止", endText: "立即生效，已登录的会话也不例外。", leave: "移出组织", leaveText: "其在本组织及下级的角色全部终止，所有会话和令牌失效；其工作成果保留。", consents: "同意", consent: "给予同意", consentText: "未经本企业同意，在上级组织的授权不能触及本企业的数据。", noConsents: "没有同意记录：上级组织看不到本企业的数据。", noInvitations: "没有邀请", noMembers: "还没有成员", noGrants: "没有授权", firstAdministrator: "请邀请首位管理员；此后由组织内部自行决定。", permissions: "权限", roles: "角色", newRole: "新建角色", builtIn: "内置", groups: "用户组", newGroup: "新建用户组", access: "权限", accessText: "此人可以做什么、在哪里、依据哪项授权。", nothing: "这里没有任何授权。", why: "依据", through: (group) => `通过 ${group}`, on: (name) => `于 ${name}`, invitedTitle: (name) => `加入 ${name}`, invitedText: (role) => `您受邀担任：${role}。`, joinAs: (name) => `以 ${name} 的身份加入`, join: "加入", bad: "邀请无效", badText: "邀请只能使用一次，且有时限。请索取新的邀请。", kinds: { province: "省", city: "市", park: "园区", industry: "行业", enterprise: "企业", site: "厂区", department: "部门" },
  },
  approvals: approvals.zh,
  edges: edges.zh,
  networks: networks.zh,
  location: location.zh,
  vehicles: vehicles.zh,
  webhooks: webhooks.zh,
  releases: releases.zh,
  security: security.zh,
  codes: codes.zh,
  identifiers: identifiers.zh,
  connectors: connectors.zh,
  commands: commands.zh,
  drills: drills.zh,
  history: history.zh,
  exports: exports_.zh,
  points: points.zh,
  imports: imports.zh,
  operation: operation.zh,
  prefixes: prefixes.zh,
  emergency: emergency.zh,
  filings: filings.zh,
  templates: templates.zh,
  usage: usage.zh,
  help: { title: "键盘快捷键", search: "搜索", overview: "总览", devices: "设备", alarms: "报警", help: "本帮助", then: "然后", rules: "规则", system: "系统" },
  quality: { 192: "良好", 64: "不确定", 0: "坏" },
};
