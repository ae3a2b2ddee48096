"""Pages without a script, safe under a strict policy of content, good on a phone and on paper."""

from __future__ import annotations

import base64
import hashlib
from html import escape

from msgspec import Struct

from millwright.identity.resolution.http import Headers

_STYLE = (
    ":root{color-scheme:light dark;--edge:#8884;--soft:#8882;--accent:#0a6ebd}"
    "@media(prefers-color-scheme:dark){:root{--accent:#6ab7ff}button{color:#08131d!important}}"
    "details{margin:1.2rem 0}summary{cursor:pointer;font-weight:600;padding:.3rem 0}"
    "*{box-sizing:border-box}body{font:16px/1.55 system-ui,-apple-system,'Segoe UI','PingFang SC','Microsoft YaHei',"
    "sans-serif;max-width:46rem;margin:0 auto;padding:1rem 1rem 3rem}"
    "h1{font-size:1.35rem;line-height:1.3;margin:.2rem 0 .6rem;overflow-wrap:anywhere}"
    "h2{font-size:1rem;margin:1.8rem 0 .4rem;text-transform:none}p{margin:.4rem 0}a{color:var(--accent)}"
    "code,.code{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;overflow-wrap:anywhere}"
    "table{width:100%;border-collapse:collapse}th,td{text-align:left;vertical-align:top;padding:.45rem .5rem;"
    "border-bottom:1px solid var(--edge);overflow-wrap:anywhere}th{font-weight:500;width:38%;color:color-mix(in srgb,"
    "currentColor 70%,transparent)}small{opacity:.75}ul{padding-left:1.2rem}li{margin:.35rem 0}"
    ".notice{border:1px solid var(--edge);border-left:.4rem solid #0a6ebd;border-radius:8px;padding:.7rem .9rem;"
    "margin:.8rem 0;background:var(--soft);overflow-wrap:anywhere}.notice.warning{border-left-color:#d97706}"
    ".notice.danger{border-left-color:#d92d20;background:#d92d2018}"
    ".bad{background:#e5484d;color:#fff;border-radius:3px;padding:0 .15rem}.box{background:var(--soft);"
    "border-radius:8px;padding:.7rem .9rem;margin:.8rem 0}form{display:flex;gap:.5rem;margin:1.2rem 0 0}"
    "input{flex:1;min-width:0;font:inherit;padding:.5rem .6rem;border:1px solid var(--edge);border-radius:6px;"
    "background:transparent;color:inherit}button{font:inherit;padding:.5rem .9rem;border:0;border-radius:6px;"
    "background:var(--accent);color:#fff}header,footer{display:flex;justify-content:space-between;gap:1rem;"
    "font-size:.85rem;opacity:.8}footer{margin-top:2.5rem;border-top:1px solid var(--edge);padding-top:.8rem}"
    "@media(max-width:30rem){th,td{display:block;width:auto;border:0;padding:.1rem 0}td{border-bottom:1px solid "
    "var(--edge);padding-bottom:.5rem;margin-bottom:.4rem}}@media print{form,footer{display:none}}"
)
_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
POLICY = (
    f"default-src 'none'; style-src 'sha256-{_HASH}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
).encode()


class Page(Struct, frozen=True):
    """A page and the headers that it needs."""

    content: bytes
    headers: Headers


def page(title: str, inside: str, language: str = "en") -> Page:
    """A page around ``inside``, which is HTML already."""
    tag = "zh-CN" if language == "zh" else "en"
    text = (
        f'<!doctype html><html lang="{tag}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body>{inside}</body></html>"
    )
    headers: Headers = [
        (b"content-type", b"text/html; charset=utf-8"),
        (b"content-security-policy", POLICY),
        (b"content-language", tag.encode()),
        (b"referrer-policy", b"no-referrer"),
    ]
    return Page(text.encode(), headers)
