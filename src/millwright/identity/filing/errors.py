"""Errors of filing: one function for each, so that code, words and hint are in one place."""

from __future__ import annotations

from millwright.kernel import Conflict, Denied, Invalid, LimitExceeded, NotFound, Unavailable


def unknown(what: str, key: str) -> NotFound:
    """There is no such thing, or not for this person."""
    return NotFound(
        f"There is no {what} {key[:64]}.",
        code="filing.unknown",
        hint="List them; it may have been removed.",
        detail={"why_zh": "没有这条记录"},
    )


def organisation_unknown(organisation_id: str) -> NotFound:
    """An organisation that is not there for this person."""
    return NotFound(
        f"There is no organisation {organisation_id[:64]} here.",
        code="filing.organisation_unknown",
        hint="Name yours or one below it.",
        detail={"pointer": "/holder_id", "why_zh": "没有这个组织"},
    )


def too_large(limit: int) -> LimitExceeded:
    """A document is too large."""
    return LimitExceeded(
        f"A signed document has at most {limit // 1024} KB.",
        code="filing.too_large",
        hint="It holds what nodes below have signed; file with fewer words.",
        detail={"limit": limit, "why_zh": f"签名文件不得超过 {limit // 1024} KB"},
    )


def document_invalid(why: str) -> Invalid:
    """A document that cannot be read."""
    return Invalid(
        f"The signed document cannot be read: {why}",
        code="filing.document_invalid",
        hint="Send it as it was signed. A node of another version may write another form.",
        detail={"why_zh": "签名文件无法读取"},
    )


def signature_wrong(name: str) -> Denied:
    """A signature that does not hold."""
    return Denied(
        f"The document is not signed by the key that it names, {name[:80]}.",
        code="filing.signature_wrong",
        hint="It was changed on its way, or somebody else made it.",
        detail={"why_zh": "签名与文件所称密钥不符"},
    )


def no_filer() -> NotFound:
    """The account is no node's."""
    return NotFound(
        "This account is not that of a node below.",
        code="filing.no_filer",
        hint="Use the token that was shown when the node was admitted (Filings, Nodes below).",
        detail={"why_zh": "该账号不是已准入的下级节点"},
    )


def filer_suspended() -> Denied:
    """A node below may not file now."""
    return Denied(
        "This node was suspended from filing.",
        code="filing.suspended",
        hint="Ask who runs the node above.",
        detail={"why_zh": "该下级节点已被暂停报送"},
    )


def key_changed(name: str) -> Denied:
    """Another key than the one that is known."""
    return Denied(
        f"The document is signed by another key than that of the node {name[:80]}.",
        code="filing.key_changed",
        hint="If the node has a new key, who runs the node above enters it, or lets the next one be taken.",
        detail={"why_zh": "签名密钥与已登记的节点密钥不一致"},
    )


def key_taken() -> Conflict:
    """Two nodes with one key."""
    return Conflict(
        "Another node files with this key.",
        code="filing.key_taken",
        hint="A data folder was copied. Give one of the two a key of its own: stop it and remove identifiers.key.",
        detail={"why_zh": "另一节点正在使用同一密钥，可能复制了数据目录"},
    )


def own_key() -> Conflict:
    """A node that has this node's key."""
    return Conflict(
        "The other node has the key of this one.",
        code="filing.own_key",
        hint="It is this node itself, or a copy of its data folder; a copy needs a key of its own.",
        detail={"why_zh": "对方节点与本节点使用同一密钥"},
    )


def not_for_this_node() -> Invalid:
    """A document for another node."""
    return Invalid(
        "The document is addressed to another node's key.",
        code="filing.not_for_this_node",
        hint="This node may have a new key: look at it below and take it (Filings, Nodes above).",
        detail={"why_zh": "该文件是报送给其他节点的"},
    )


def clock_wrong(ahead_ms: int, now_ms: int) -> Invalid:
    """Signed in the future."""
    return Invalid(
        f"The document was signed {ahead_ms // 1000} s from now.",
        code="filing.clock_wrong",
        hint="Set the clock of one of the two nodes.",
        detail={"ahead_ms": ahead_ms, "now_ms": now_ms, "why_zh": "签名时间晚于当前时间，请校准时钟"},
    )


def in_a_circle() -> Conflict:
    """A filing that came back to where it was made."""
    return Conflict(
        "The filing was made by this node, and has come back to it.",
        code="filing.circle",
        hint="Two nodes are above each other: remove one of the two connections.",
        detail={"why_zh": "该备案由本节点发出又报送回本节点，上下级关系形成环路"},
    )


def id_taken(filing_id: str) -> Conflict:
    """Another document under an id that is known."""
    return Conflict(
        f"Another document was filed as {filing_id[:64]}.",
        code="filing.id_taken",
        hint="File it again under a new id.",
        detail={"why_zh": "该备案编号已用于另一份文件"},
    )


def out_of_order(prefix: str, newest: int) -> Conflict:
    """Something newer was filed."""
    return Conflict(
        f"A newer filing of {prefix} is known.",
        code="filing.out_of_order",
        hint="File the prefix again, as it is now.",
        detail={"sequence": newest, "why_zh": "已收到该前缀更新的备案"},
    )


def address_invalid(why: str, why_zh: str) -> Invalid:
    """An address that is no node's."""
    return Invalid(
        f"The address cannot be used: {why}.",
        code="filing.address_invalid",
        hint="Write https://, the host, and a port where it is not 443.",
        detail={"pointer": "/url", "why": why, "why_zh": why_zh},
    )


def ca_invalid() -> Invalid:
    """Certificates that cannot be read."""
    return Invalid(
        "The authorities cannot be read.",
        code="filing.ca_invalid",
        hint="Paste certificates in PEM, from -----BEGIN CERTIFICATE----- on.",
        detail={"pointer": "/ca", "why_zh": "CA 证书不是有效的 PEM"},
    )


def token_needed() -> Invalid:
    """A token for a new address."""
    return Invalid(
        "The token has to be entered.",
        code="filing.token_needed",
        hint="A token is only sent to the address that it was entered for.",
        detail={"pointer": "/token", "why_zh": "请填写令牌；更改地址后须重新填写"},
    )


def name_taken(name: str) -> Conflict:
    """Two of one name."""
    return Conflict(
        f"There is a node called {name} already.",
        code="filing.name_taken",
        hint="Choose another name.",
        detail={"pointer": "/name", "why_zh": "已有同名节点"},
    )


def upper_away(why: str, why_zh: str, *, retry_after_s: float = 10.0) -> Unavailable:
    """The node above does not answer."""
    return Unavailable(
        f"The node above does not answer: {why}.",
        code="filing.upper_away",
        hint="It is tried again. Check its address, the network, and that it runs.",
        detail={"why_zh": f"上级节点无应答：{why_zh}"},
        retry_after_s=retry_after_s,
    )


def upper_certificate(why: str) -> Unavailable:
    """The certificate of the node above is not accepted."""
    return Unavailable(
        f"The certificate of the node above is not accepted: {why}.",
        code="filing.upper_certificate",
        hint="Enter the authority that issued it, and the name that it is made out to.",
        detail={"why_zh": "上级节点的证书未通过校验"},
    )


def upper_strange(why: str, why_zh: str) -> Unavailable:
    """The node above answers what it should not."""
    return Unavailable(
        f"The answer of the node above cannot be used: {why}.",
        code="filing.upper_strange",
        hint="Something else may be at this address: a proxy, a page, a node of another version.",
        detail={"why_zh": f"上级节点的应答不可用：{why_zh}"},
    )


def upper_refuses(code: str, message: str, why_zh: str = "") -> Unavailable:
    """The node above does not let this node file."""
    return Unavailable(
        f"The node above does not let this node file ({code[:60]}): {message[:300]}",
        code="filing.upper_refuses",
        hint="Compare token and key with those that are admitted there.",
        detail={"code": code[:60], "why_zh": why_zh or "上级节点不接受本节点的报送"},
    )


def answer_unverified(why: str) -> Unavailable:
    """A receipt that cannot be believed."""
    return Unavailable(
        f"What the node above answered is not its signed receipt: {why}",
        code="filing.answer_unverified",
        hint="If the node above has a new key, take it (Filings, Nodes above).",
        detail={"why_zh": "上级节点的回执签名校验未通过"},
    )
