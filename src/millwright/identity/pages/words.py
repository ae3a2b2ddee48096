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
    "signature": ("Signature", "签名"),
    "signed_by": ("by {signer}", "签名者：{signer}"),
    "refused": ("This record is not shown", "该记录不予显示"),
    "refused_hint": (
        "Only records are shown here whose origin can be confirmed. Ask who holds the prefix.",
        "此处只显示来源可确认的记录，请联系前缀持有者。",
    ),
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

SIGNATURES: dict[str, tuple[str, str]] = {
    "valid": ("Signed, and confirmed up to a trusted root", "已签名，并经证书链验证至可信根"),
    "untrusted": ("Signed, but by nobody who is trusted here", "有签名，但签名者未获本节点信任"),
    "broken": ("Not as it was signed", "内容与签名不符"),
    "unsigned": ("Not signed", "未签名"),
}
"""What the signatures of a record are worth."""

SIGNATURE_REASONS: dict[str, tuple[str, str]] = {
    "expired": ("it has expired", "已过有效期"),
    "not_yet": ("it does not hold yet", "尚未生效"),
    "not_permitted": ("its signer may not sign for this identifier", "签名者无权为此标识签名"),
    "no_certificate": ("its signer has no certificate", "找不到签名者的证书"),
    "no_root": ("its chain ends at an unknown root", "证书链未到达可信根"),
    "loop": ("its certificates vouch for one another", "证书相互担保"),
    "too_long": ("its chain is too long", "证书链过长"),
    "unreachable": ("its certificates could not be read", "无法取得证书"),
    "timeout": ("its certificates could not be read in time", "未能及时取得证书"),
    "changed": ("a value was changed", "有字段被改动"),
    "uncovered": ("a value was added that is not signed", "含有未经签名的字段"),
    "wrong_signature": ("the signature is not by its signer", "签名并非签名者所为"),
    "forged_certificate": ("a certificate is forged", "证书系伪造"),
    "other_handle": ("it is the signature of something else", "签名属于其他标识"),
    "malformed": ("the signature cannot be read", "签名无法识读"),
}
"""Why they are not worth more."""


def signature_words(state: str, reason: str, language: str) -> str:
    """What the signatures of a record are worth, in a language."""
    zh = language == "zh"
    text = SIGNATURES[state][zh]
    why = SIGNATURE_REASONS.get(reason)
    return text if why is None else f"{text}{'：' if zh else ': '}{why[zh]}"
