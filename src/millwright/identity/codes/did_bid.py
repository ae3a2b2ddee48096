"""``did:bid``: Xinghuo's identifiers (CAICT, BID specification): an optional chain code, types, the hash of a key."""

from __future__ import annotations

import re

from millwright.identity.codes.base58 import decode
from millwright.identity.codes.errors import bad_code
from millwright.identity.codes.model import Certainty, Part
from millwright.identity.codes.tables import by_key, weakest

_CHAIN = re.compile(r"[a-z0-9]{4}")
_SUFFIX = re.compile(r"[A-Za-z0-9+/_-]{22,42}")


def bid_parts(text: str, start: int, finish: int) -> tuple[tuple[Part, ...], Certainty, tuple[str, ...]]:
    """The parts of ``text[start:finish]``, how certain they are, and what is unusual. Raises ``Invalid``."""
    first, colon, rest = text[start:finish].partition(":")
    parts: list[Part] = []
    address_at = start
    if colon or _CHAIN.fullmatch(first):
        if not _CHAIN.fullmatch(first):
            raise bad_code(
                text, start, "a chain code (AC number) is four of a-z and 0-9", why_zh="AC 号为四位小写字母或数字"
            )
        parts.append(Part(name="chain", value=first, label="Chain code (ACSN)", label_zh="AC 号（链码）", at=start))
        if not colon:
            return tuple(parts), "verified", ("It names a subordinate chain's resolution service, not an account.",)
        address_at, address = start + len(first) + 1, rest
    else:
        address = first
    more, certainty, notes = _address(text, address, address_at)
    return (*parts, *more), certainty, notes


def _address(text: str, address: str, at: int) -> tuple[list[Part], Certainty, tuple[str, ...]]:
    if len(address) < 3:
        raise bad_code(text, at, "no address of a key", "Such as did:bid:ef…", why_zh="缺少地址")
    key = by_key("did", "bid_key", "letter").get(address[0])
    if key is None:
        raise bad_code(text, at, "no key type known here", "e, z or s.", why_zh="未知的加密类型（应为 e、z 或 s）")
    encoding = by_key("did", "bid_encoding", "letter").get(address[1])
    if encoding is None:
        raise bad_code(
            text, at + 1, "no encoding type known here", "f, s or t.", why_zh="未知的编码类型（应为 f、s 或 t）"
        )
    suffix = address[2:]
    if not _SUFFIX.fullmatch(suffix):
        raise bad_code(text, at + 2, "the suffix is 22 to 42 letters and digits", why_zh="后缀应为 22–42 位字母或数字")
    notes: tuple[str, ...] = ()
    if encoding["name"] == "base58":
        size = len(decode(text, at + 2, at + len(address)))
        if size != encoding["octets"]:
            raise bad_code(
                text, at + 2, f"the hash has {encoding['octets']} octets and this one {size}",
                why_zh=f"公钥哈希应为 {encoding['octets']} 字节，实为 {size} 字节",
            )  # fmt: skip
    else:
        notes = (f"The {encoding['name']} text of the hash is not decoded.",)
    parts = [
        Part(name="key_type", value=address[0], label="Key type", label_zh="加密类型", at=at,
             meaning=key["name"], meaning_zh=key["name"]),
        Part(name="encoding", value=address[1], label="Encoding", label_zh="编码类型", at=at + 1,
             meaning=encoding["name"], meaning_zh=encoding["name"]),
        Part(name="hash", value=suffix, label="Hash of the public key", label_zh="公钥哈希", at=at + 2),
    ]  # fmt: skip
    return parts, weakest(key["certainty"], encoding["certainty"]), notes
