"""The words of the pages, English and Chinese."""

from __future__ import annotations

WORDS: dict[str, tuple[str, str]] = {
    "search": ("Look up", "查询"),
    "hint": (
        "Identifier of any kind: Handle, GS1, OID, DID, MA, Ecode …",
        "任意标识：Handle、GS1、OID、DID、MA、Ecode……",
    ),
    "parts": ("What it says", "编码含义"),
    "values": ("What is registered", "登记信息"),
    "links": ("Links", "链接"),
    "forms": ("Other ways to write it", "其他写法"),
    "about": ("About this record", "关于本记录"),
    "system": ("Code system", "编码体系"),
    "prefix": ("Prefix", "前缀"),
    "responsible": ("Responsible", "责任单位"),
    "changed": ("Last changed", "最近更新"),
    "name": ("Kept here as", "登记名称"),
    "notes": ("Note", "说明"),
    "unchecked": ("A rule of this code was not checked against its standard.", "该编码的部分规则未经标准文本核实。"),
    "no_public": ("Registered, and nothing of it is public.", "已登记，但没有公开的信息。"),
    "unknown": ("Nothing is registered here under this identifier.", "此标识未在本节点登记。"),
    "prefix_here": (
        "Its prefix is kept here: compare the rest, character by character.",
        "其前缀由本节点管理：请逐字核对其余部分。",
    ),
    "prefix_elsewhere": ("Its prefix is not kept here: ask who issued it.", "其前缀不由本节点管理：请向签发方查询。"),
    "closed": ("It does not resolve at present", "目前不提供解析"),
    "suspend": (
        "Suspended: this identifier does not resolve at present",
        "已暂停解析：该标识目前不提供解析",
    ),
    "danger": ("Important notice", "重要通告"),
    "warning": ("Notice", "通告"),
    "info": ("For your information", "提示"),
    "read_more": ("Read more", "查看详情"),
    "since": ("since {at}", "自 {at}"),
    "until": ("until {at}", "至 {at}"),
    "invalid": ("This is no identifier that is known here", "无法识别此标识"),
    "at": ("At character {at}: {why}", "第 {at} 个字符：{why}"),
    "nearest": ("It looks most like: {system}", "最接近：{system}"),
    "tried": ("Why it is none of the others", "其他编码体系不匹配的原因"),
    "understood": ("What was understood", "已识别的内容"),
    "data": ("Read by programs", "程序访问"),
    "start": ("Look up an identifier", "标识查询"),
    "other_language": ("中文", "English"),
    "binary": ("binary, {size} bytes", "二进制数据，{size} 字节"),
    "also": ("It could also be: {systems}", "也可能是：{systems}"),
}


def word(name: str, language: str, **given: object) -> str:
    """A text in a language."""
    text = WORDS[name][language == "zh"]
    return text.format(**given) if given else text


TYPES: dict[str, tuple[str, str]] = {
    "URL": ("Address", "网址"),
    "EMAIL": ("E-mail", "电子邮件"),
    "DESC": ("Description", "描述"),
    "DESCRIPTION": ("Description", "描述"),
    "NAME": ("Name", "名称"),
    "TITLE": ("Title", "标题"),
    "GS1.DESCRIPTION": ("Description", "描述"),
    "HS_ADMIN": ("Administrator", "管理员"),
    "HS_PUBKEY": ("Public key", "公钥"),
    "HS_SITE": ("Service", "解析服务"),
    "HS_VLIST": ("Group", "管理组"),
    "DID.DOCUMENT": ("DID document", "DID 文档"),
}
"""What common types of values are to people."""

FORMS: dict[str, tuple[str, str]] = {
    "element_string": ("Element string", "单元数据串"),
    "gs1_128": ("As scanned (GS1-128)", "扫码数据（GS1-128）"),
    "digital_link": ("Digital Link", "数字链接"),
    "digital_link_compressed": ("Compressed Digital Link", "压缩数字链接"),
    "epc_uri": ("EPC identity", "EPC 标识"),
    "epc_tag_uri": ("EPC tag", "EPC 标签"),
    "epc_hex": ("Memory of an RFID tag", "射频标签存储内容"),
    "handle": ("Handle", "Handle"),
    "hdl": ("With its scheme", "带前缀写法"),
    "https": ("Global proxy", "全球代理网址"),
    "info": ("URI", "URI"),
    "dotted": ("With dots", "点分形式"),
    "urn": ("URN", "URN"),
    "iri": ("With names", "名称路径"),
    "asn1": ("ASN.1", "ASN.1"),
    "der_hex": ("DER", "DER 编码"),
    "uuid": ("UUID", "UUID"),
    "did": ("DID", "DID"),
    "url": ("Address of its document", "文档网址"),
    "key_hex": ("Key", "公钥"),
    "jwk": ("Key as JSON", "公钥（JSON）"),
    "ecode": ("Ecode", "Ecode"),
    "prefixed": ("With its name", "带名称写法"),
    "ma": ("MA code", "MA 编码"),
    "udi_di": ("Device identifier (UDI-DI)", "产品标识（UDI-DI）"),
}
"""What the other forms of a code are to people."""
