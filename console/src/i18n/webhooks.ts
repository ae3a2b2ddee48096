/** Texts of webhooks: what was sent, and a try, in both languages. */
export const webhooks = {
  en: {
    deliveries: "Deliveries", tryTab: "Try", address: "Address to send to", addressText: "The secret at its end is the one of the settings; it is not shown again.",
    empty: "Nothing was sent yet", emptyText: "Have the other system POST to this address once. Until members are ticked it is answered 503, and what it sent can be looked at.",
    noneSo: "No such delivery", noneSoText: "None of the last deliveries ended like that.", all: "All",
    outcomes: { taken: "Taken", repeated: "Repeated", refused: "Refused" } as Record<string, string>,
    repeatedText: "It had been taken before; nothing was stored twice.", readings: "Values", values: (n: string) => (n === "1" ? "1 value" : `${n} values`), size: "Size", peer: "From", id: "Delivery id", at: "Received", why: "Reason", last: (n: string) => `the last ${n}`,
    tryText: "What the points of this webhook make of a document. Nothing is stored and no signature is asked for.", body: "Document", type: "Content type", go: "Try", format: "Format",
    nothing: "No point finds anything in it", nothingText: "Compare the addresses of the points with the members of the document.", unmapped: "No member is a point yet: let the other system send once, then add tags.", result: (n: number) => (n === 1 ? "1 value" : `${n} values`), noTime: "time of receipt",
  },
  zh: {
    deliveries: "投递记录", tryTab: "试算", address: "推送地址", addressText: "末尾的密钥即设置中的地址密钥，不再显示。",
    empty: "还没有收到推送", emptyText: "请让对方向此地址 POST 一次。勾选成员之前会应答 503，但可以看到推送内容的成员。",
    noneSo: "没有这样的投递", noneSoText: "最近的投递中没有这种结果。", all: "全部",
    outcomes: { taken: "已接收", repeated: "重复", refused: "已拒绝" } as Record<string, string>,
    repeatedText: "此前已接收过，没有重复入库。", readings: "数值", values: (n: string) => `${n} 个数值`, size: "大小", peer: "来源", id: "投递编号", at: "收到时间", why: "原因", last: (n: string) => `最近 ${n} 次`,
    tryText: "看看此推送的测点会从文档中得到什么。不入库，也不校验签名。", body: "文档", type: "内容类型", go: "试算", format: "排版",
    nothing: "没有测点在其中找到数值", nothingText: "请对照测点地址与文档成员。", unmapped: "还没有把成员设为测点：先让对方推送一次，再添加测点。", result: (n: number) => `${n} 个数值`, noTime: "以收到时间为准",
  },
};
