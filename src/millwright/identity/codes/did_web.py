"""``did:web``: an https address as a DID, and back (did:web Method Specification, sections 2.1 and 2.5)."""

from __future__ import annotations

import re
from urllib.parse import quote, unquote

from millwright.identity.codes.errors import bad_code
from millwright.identity.codes.model import Part

_HOST = re.compile(
    r"(?=.{1,253}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?", re.I
)
_ADDRESS = re.compile(r"[0-9]+(?:\.[0-9]+){3}")
_WELL_KNOWN = "/.well-known/did.json"
_PORT = re.compile(r"[0-9]{1,5}")
_MOST_PORT = 65535


def web_parts(text: str, start: int, finish: int) -> tuple[Part, ...]:
    """Host, port and path of ``text[start:finish]``. Raises ``Invalid``."""
    host_part, *path = text[start:finish].split(":")
    host, escaped, port = re.sub("%3a", "%3A", host_part, flags=re.I).partition("%3A")
    _check_host(text, host, start)
    parts = [Part(name="host", value=host, label="Host", label_zh="主机", at=start)]
    if escaped:
        at = start + len(host) + 3
        if not _PORT.fullmatch(port) or not 0 < int(port) <= _MOST_PORT:
            raise bad_code(text, at, "no port between 1 and 65535", why_zh="端口应为 1–65535")
        parts.append(Part(name="port", value=port, label="Port", label_zh="端口", at=at))
    at = start + len(host_part) + 1
    for index, segment in enumerate(path, 1):
        if not segment or unquote(segment) in (".", "..") or "/" in unquote(segment):
            raise bad_code(text, at, "no segment of a path", "Colons stand for slashes.", why_zh="路径段无效")
        parts.append(Part(name=f"path_{index}", value=segment, label="Path", label_zh="路径", at=at))
        at += len(segment) + 1
    return tuple(parts)


def _check_host(text: str, host: str, start: int) -> None:
    if not _HOST.fullmatch(host):
        raise bad_code(text, start, "no domain name", "Such as did:web:example.com.", why_zh="不是有效的域名")
    if _ADDRESS.fullmatch(host):
        raise bad_code(
            text, start, "an IP address is no domain name", "Use a domain name.", why_zh="不允许使用 IP 地址"
        )


def to_url(did: str) -> str:
    """The address of the document of a checked ``did:web``."""
    host, *path = did.removeprefix("did:web:").split(":")
    host = re.sub("%3a", ":", host, flags=re.I)
    return f"https://{host}/{'/'.join(path)}/did.json" if path else f"https://{host}{_WELL_KNOWN}"


def to_did(url: str) -> tuple[str, int]:
    """The ``did:web`` of a document's address, and where its host begins. Raises ``Invalid``."""
    start = len("https://")
    host, _, path = url[start:].partition("/")
    at = start + len(host)
    if "@" in host:
        raise bad_code(url, start, "an address with a user", why_zh="地址中不得含用户名")
    did = f"did:web:{host.replace(':', '%3A')}"
    folder = f"/{path}"[: -len("/did.json")]
    if folder.lower() != "/.well-known":
        if not folder:
            raise bad_code(
                url,
                at,
                "a document at the root",
                "Its place is /.well-known/did.json.",
                why_zh="应位于 /.well-known/did.json",
            )
        # Percent escapes stay; a colon within a segment would end it.
        did += ":" + ":".join(quote(segment, safe="%-._") for segment in folder[1:].split("/"))
    return did, start
