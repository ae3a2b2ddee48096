"""Decentralized identifiers (W3C DID Core 1.0, section 3): DIDs, DID URLs, and three methods' own rules.

``did:web`` names a document at an https address; ``did:key`` holds a public key itself (multibase, multicodec);
``did:bid`` is that of Xinghuo, China's blockchain for industrial internet identifiers. Of others the syntax is checked.
"""

from __future__ import annotations

import re

from msgspec.structs import replace

from millwright.identity.codes.did_bid import bid_parts
from millwright.identity.codes.did_key import Key, read_key
from millwright.identity.codes.did_web import to_did, to_url, web_parts
from millwright.identity.codes.errors import bad_code, no_such_form
from millwright.identity.codes.model import Certainty, Code, Part, System
from millwright.identity.codes.text import check_text

_METHOD = re.compile(r"[a-z0-9]+")
_ID_CHARACTER = re.compile(r"[A-Za-z0-9._:-]|%[0-9A-Fa-f]{2}")
_PATH_CHARACTER = re.compile(r"[A-Za-z0-9._~!$&'()*+,;=:@/?-]|%[0-9A-Fa-f]{2}")
_DOCUMENT = re.compile(r"https://[^?#]*/did\.json", re.IGNORECASE)
_EXAMPLE = "Such as did:web:example.com."


def likely(text: str) -> bool:
    """Whether the text begins like one, or is the address of a ``did:web`` document."""
    return text[:4].lower() == "did:" or bool(_DOCUMENT.fullmatch(text))


def parse(text: str) -> Code:
    """A DID, a DID URL, or the address of a ``did:web`` document. Raises ``Invalid``."""
    check_text(text)
    if _DOCUMENT.fullmatch(text):
        return _of_document(text)
    if not text.startswith("did:"):
        raise bad_code(text, 0, "it does not begin with did: in lower case", _EXAMPLE, why_zh="必须以小写 did: 开头")
    colon = text.find(":", 4)
    end = len(text) if colon < 0 else colon
    if end == 4:
        raise bad_code(text, 4, "no method", _EXAMPLE, why_zh="缺少方法名")
    for at in range(4, end):
        if not _METHOD.fullmatch(text[at]):
            raise bad_code(text, at, "a method's name is a-z and 0-9", _EXAMPLE, why_zh="方法名只能由 a–z 和 0–9 组成")
    if colon < 0:
        raise bad_code(text, end, "no colon after the method", _EXAMPLE, why_zh="方法名后缺少冒号")
    start = colon + 1
    finish = (
        min(at for at in (text.find(mark, start) for mark in "/?#") if at >= 0) if _has_more(text, start) else len(text)
    )
    _check_id(text, start, finish)
    method = text[4:colon]
    meaning, meaning_zh = _METHODS.get(method, ("", ""))
    specific, certainty, notes = _specific(method, text, start, finish)
    parts = (
        Part(name="method", value=method, label="Method", label_zh="方法", at=4,
             meaning=meaning, meaning_zh=meaning_zh),
        *specific,
        *_url_parts(text, finish),
    )  # fmt: skip
    return Code(
        system="did", kind=method, text=text, canonical=_canonical(method, text, finish), parts=parts,
        certainty=certainty, notes=notes,
    )  # fmt: skip


_METHODS = {
    "web": ("a document at an https address", "https 地址上的文档"),
    "key": ("a public key itself", "公钥本身"),
    "bid": ("Xinghuo (BIF), China", "星火·链网（BIF）"),
}


def _has_more(text: str, start: int) -> bool:
    return any(mark in text[start:] for mark in "/?#")


def _check_id(text: str, start: int, finish: int) -> None:
    at = start
    while at < finish:
        found = _ID_CHARACTER.match(text, at)
        if found is None or found.end() > finish:
            raise bad_code(
                text,
                at,
                "not allowed in an identifier",
                "Letters, digits, . - _ : and %hh.",
                why_zh="标识部分不允许的字符",
            )
        at = found.end()
    # DID Core, section 3.1: *( *idchar ":" ) 1*idchar – what follows the last colon is not empty.
    if start == finish or text[finish - 1] == ":":
        raise bad_code(text, finish, "the identifier ends with nothing", _EXAMPLE, why_zh="标识部分为空")


def _specific(method: str, text: str, start: int, finish: int) -> tuple[tuple[Part, ...], Certainty, tuple[str, ...]]:
    if method == "web":
        return web_parts(text, start, finish), "verified", ()
    if method == "key":
        key = read_key(text, start, finish)
        return _key_parts(text[start:finish], key, start), key.certainty, key.notes
    if method == "bid":
        return bid_parts(text, start, finish)
    whole = Part(
        name="id", value=text[start:finish], label="Method-specific identifier", label_zh="方法专用标识", at=start
    )
    return (whole,), "verified", (f"The rules of the method {method!r} itself are not checked here.",)


def _key_parts(value: str, key: Key, start: int) -> tuple[Part, ...]:
    return (
        Part(name="multibase", value=value[0], label="Multibase", label_zh="Multibase 编码", at=start,
             meaning="base58btc", meaning_zh="base58btc"),
        Part(name="key", value=value[1:], label="Public key", label_zh="公钥", at=start + 1,
             meaning=f"{key.name}, {key.octets.hex()}", meaning_zh=f"{key.name}，{key.octets.hex()}"),
    )  # fmt: skip


def _url_parts(text: str, start: int) -> list[Part]:
    """Path, query and fragment (DID Core, section 3.2)."""
    parts, at = [], start
    for mark, name, label, label_zh in (
        ("/", "path", "Path", "路径"), ("?", "query", "Query", "查询"), ("#", "fragment", "Fragment", "片段"),
    ):  # fmt: skip
        if at >= len(text) or text[at] != mark:
            continue
        ends = (text.find(each, at + 1) for each in {"/": "?#", "?": "#", "#": ""}[mark])
        end = min((each for each in ends if each >= 0), default=len(text))
        inside = at + (mark != "/")
        position = inside
        while position < end:
            found = _PATH_CHARACTER.match(text, position)
            if found is None or found.end() > end:
                raise bad_code(
                    text, position, f"not allowed in a {name}", "Write it as %hh.", why_zh=f"{label_zh}中不允许的字符"
                )
            position = found.end()
        parts.append(Part(name=name, value=text[inside:end], label=label, label_zh=label_zh, at=inside))
        at = end
    return parts


def _canonical(method: str, text: str, finish: int) -> str:
    did = text[:finish]
    if method == "web":
        # Domain names have no case; what follows the first colon behind them is a path and has one.
        host, colon, rest = did[8:].partition(":")
        did = f"did:web:{host.lower().replace('%3a', '%3A')}{colon}{rest}"
    return did + text[finish:]


def _of_document(text: str) -> Code:
    did, host_at = to_did(text)
    inner, parts, at = parse(did), [], host_at
    for part in inner.parts:
        if part.name != "method":
            found = text.find(part.value, at)
            parts.append(replace(part, at=found))
            # The next one stands behind it, whatever else looks like it.
            at = found + len(part.value) if found >= 0 else at
    return Code(
        system="did", kind="web", text=text, canonical=inner.canonical, parts=tuple(parts),
        notes=("It is the address of the document of a did:web.",),
    )  # fmt: skip


# --- other forms -----------------------------------------------------------------------------------------------------


def _only(code: Code, method: str, form: str) -> str:
    if code.kind != method:
        raise no_such_form(form, f"only did:{method} has it.")
    return re.split(r"[/?#]", code.canonical, maxsplit=1)[0]


def _key(code: Code) -> Key:
    did = _only(code, "key", "a key")
    return read_key(did, len("did:key:"), len(did))


SYSTEM = System(
    name="did",
    label="Decentralized identifier (DID)",
    label_zh="分布式标识符（DID）",
    standard="W3C DID Core 1.0, section 3; did:web, did:key; BID of CAICT",
    example="did:web:example.com:factory:7",
    likely=likely,
    parse=parse,
    conversions={
        "did": lambda code: re.split(r"[/?#]", code.canonical, maxsplit=1)[0],
        "url": lambda code: to_url(_only(code, "web", "the address of its document")),
        "key_hex": lambda code: _key(code).octets.hex(),
        "jwk": lambda code: _key(code).jwk(),
    },
)
"""DIDs."""
