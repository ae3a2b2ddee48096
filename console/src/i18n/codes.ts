/** Texts of codes and their carriers, in both languages. */
export const codes = {
  en: {
    title: "Codes", about: "Type, paste or scan an identifier: what it is, what its parts mean, how else it is written, and its label.", input: "Identifier", placeholder: "Such as 88.118.8/pump-7 or did:web:example.com", picture: "Picture", camera: "Camera", dropped: "Drop the picture to read it", choose: "Choose a picture",
    examples: "What can be read", examplesText: "Click an example to take it apart. A picture with a code can be pasted or dropped anywhere on this page.", system: "System", standard: "Standard", kind: "Kind", canonical: "Canonical text", parts: "Parts", forms: "Other forms", position: "At", part: "Part", value: "Value", meaning: "Meaning", verified: "Verified", recalled: "Known from use", recalledText: "At least one rule could not be checked against its standard.", also: (names: string) => `It could also be a code of: ${names}`, notes: "Notes",
    wrongAt: (at: string) => `Character ${at}`, unknown: "No code system takes this text", looksLike: (name: string) => `It looks like ${name}, but it breaks a rule.`, tried: "What was tried", noCode: "No carrier was found in the picture", noCodeText: "Get closer, and let the code fill a third of the picture.", severalFound: "Codes in the picture", plain: "text",
    carrier: "Carrier", symbology: "Kind of carrier", symbologies: { qr: "QR Code", data_matrix: "Data Matrix", code_128: "Code 128", gs1_qr: "GS1 QR Code", gs1_data_matrix: "GS1 DataMatrix", gs1_128: "GS1-128" } as Record<string, string>, alt: (kind: string, text: string) => `${kind}: ${text}`, hri: "Text beneath it",
    sheet: "Label sheet", sheetText: "One label a row: text, caption, kind of carrier, copies. The first row may name the columns.", list: "List (CSV)", listFile: "CSV file", columns: "Columns", rows: "Rows", frames: "Frames to cut along", makePdf: "Make a PDF", making: "Drawing the labels", sheetRefused: "The sheet could not be drawn",
    cameraTitle: "Hold the code before the camera", cameraDenied: "The camera cannot be used", cameraDeniedText: "Allow it in the browser. Browsers give it to pages over HTTPS only.", cameraText: "It is read as soon as it is sharp. Pictures are not kept.",
  },
  zh: {
    title: "编码", about: "输入、粘贴或扫描一个标识：它是什么、各部分的含义、其他写法以及标签。", input: "标识", placeholder: "例如 88.118.8/pump-7 或 did:web:example.com", picture: "图片", camera: "摄像头", dropped: "松开即可识读图片", choose: "选择图片",
    examples: "可以解析的编码体系", examplesText: "点击示例查看解析结果。含编码的图片可以粘贴或拖放到本页任意位置。", system: "编码体系", standard: "标准", kind: "类型", canonical: "规范形式", parts: "组成部分", forms: "其他写法", position: "位置", part: "部分", value: "值", meaning: "含义", verified: "已核对", recalled: "据使用经验", recalledText: "至少有一条规则未能对照标准原文核对。", also: (names: string) => `也可能是以下体系的编码：${names}`, notes: "说明",
    wrongAt: (at: string) => `第 ${at} 个字符`, unknown: "没有编码体系接受这段文本", looksLike: (name: string) => `看起来是 ${name}，但不符合规则。`, tried: "已尝试的体系", noCode: "图片中没有找到编码", noCodeText: "请靠近一些，让编码占画面的三分之一。", severalFound: "图片中的编码", plain: "文本",
    carrier: "载体", symbology: "载体类型", symbologies: { qr: "QR 码", data_matrix: "Data Matrix 码", code_128: "Code 128 条码", gs1_qr: "GS1 QR 码", gs1_data_matrix: "GS1 Data Matrix 码", gs1_128: "GS1-128 条码" } as Record<string, string>, alt: (kind: string, text: string) => `内容为“${text}”的${kind}`, hri: "下方显示文本",
    sheet: "标签页", sheetText: "每行一个标签：文本、说明、载体类型、份数。第一行可以是列名。", list: "列表（CSV）", listFile: "CSV 文件", columns: "列数", rows: "行数", frames: "裁切框线", makePdf: "生成 PDF", making: "正在绘制标签", sheetRefused: "无法生成标签页",
    cameraTitle: "将编码对准摄像头", cameraDenied: "无法使用摄像头", cameraDeniedText: "请在浏览器中允许使用。浏览器只允许 HTTPS 页面使用摄像头。", cameraText: "画面清晰后自动识读，图片不会保存。",
  },
};
