"""What is known of the interface, and from where. No I/O.

Its maker has published no specification but pages of a guide for developers. A fact that no more than one of them
states, or that only somebody's client implies, is marked so; what nothing states is decided here and called ``ours``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

Status: TypeAlias = Literal[1, -1, -2, -3, -4, 21000]

DONE: Final = 1
NOT_SIGNED_IN: Final = -1
REFUSED: Final = -2
NOT_PERMITTED: Final = -3
BROKEN: Final = -4
WRONG_TYPE: Final = 21000

MOST: Final = 2000
"""Identifiers in one request of many."""
RESERVED_INDEX: Final = 1001
"""Is answered with the template's name, and never taken."""
FIRST_FREE_INDEX: Final = 2000
"""Where the indexes of a template begin when it names none."""
RESERVED_TYPE: Final = "TEMPLATE"
FORMAT: Final = "string"
SUCCESS: Final = "success"

Verified: TypeAlias = Literal["pages", "page", "client", "ours"]
"""``pages``: several pages of the guide, or a page and a client, agree; ``page``: one page alone says so; ``client``:
only what a public client of it does; ``ours``: nothing says so, and this is what was decided."""


@dataclass(frozen=True, slots=True)
class Fact:
    """Something the interface does, how well that is known, and from where."""

    what: str
    verified: Verified
    source: str = ""


_V3 = "docs/idhub/snms/v3/handle-operate.md"
_V5 = "docs/dev-tools/snms/v5/handle-operate.md"
_SIGNING_IN = "docs/dev-tools/snms/v3/identity-auth.md"
_TEMPLATE = "docs/idhub/snms/v3/template.md"
_CODES = "docs/dev-tools/snms/attachment.md"
_CODES_STANDARD = "docs/dev-tools/standard/api/snms/attachment.md"

GUIDE: Final = "https://github.com/teleinfo-dev/id-guide"
"""The repository of the pages that are named below."""

FACTS: Final = (
    Fact("GET /identityv2/data/detail?handle=; POST, PUT, DELETE /identityv2/data", "pages", f"{_V3}, {_V5}"),
    Fact("POST …/batchCreate, PUT …/batchUpdate, DELETE …/batchDelete; 2,000 at most", "pages", f"{_V3}, {_V5}"),
    Fact("the envelope {status, message, data}; 1 is success", "pages", f"{_V3}, {_V5}, a web page that reads it"),
    Fact("POST /identity/token: username, password; data.token", "pages", f"{_SIGNING_IN}, a Java, a Python client"),
    Fact("the header Authorization: Bearer and the token", "pages", f"{_V3}, {_V5}, a Java and a Python client"),
    Fact("index 1001 is reserved, and answered as TEMPLATE with the template's version", "pages", f"{_V3}, {_V5}"),
    Fact("data.format is string", "pages", f"{_V3}, {_V5}, a Java client"),
    Fact("indexes of a template begin at 2000", "pages", "docs/idhub/snms/v5/template.md, a Java client, a note"),
    Fact("batchDelete takes an array of texts, and answers code 1 or -2 for each", "pages", f"{_V3}, {_V5}"),
    Fact("GET, POST, DELETE /snms/api/v3/template and v5, with prefix and version", "pages", f"{_TEMPLATE}, …/v5/…"),
    Fact("PUT /snms/api/v5/template: what it does not name stays, state 0 disables", "page", "…/v5/template.md"),
    Fact("the same at /snms/api/template/v1", "client", "a Java client"),
    Fact("idIndex of items from 2000; in a request it may be a text", "page", "docs/idhub/snms/v5/template.md"),
    Fact("status -1, -3, -4: not signed in, not permitted, an error inside", "pages", f"{_CODES}, {_CODES_STANDARD}"),
    Fact("status 21000: a parameter of a wrong type", "page", _CODES_STANDARD),
    Fact("data.code is the text 200 in what detail answers", "page", f"{_V3}: in an example, in no table"),
    Fact("an error of a single identifier is sent with the HTTP status 200", "client", "a web page reads it so"),
    Fact("the array of batchDelete may stand under the name handles", "page", f"{_V3}: the table, not the example"),
    Fact("what PUT does to attributes that it does not name: they stay", "ours"),
    Fact("HTTP status of -1, -3, -4: 401, 403, 5xx", "ours"),
    Fact("words of messages beside those in DOCUMENTED", "ours"),
    Fact("templateVersion is unique for a prefix there; here the name of a template is, in an organisation", "ours"),
)

DOCUMENTED: Final = {
    "exists": "标识已存在",
    "not_found": "没有找到标识",
    "not_found_in_many": "标识不存在",
    "handle_missing": "缺少必要的请求参数: handle",
    "index_unknown": "非法操作，索引{index}在模板中不存在",
    "credentials_wrong": "用户名/密码错误！",
}
"""Messages that the guide's examples show, to the letter; programs may look for them."""

WORDS: Final = {
    NOT_SIGNED_IN: "没有登录，需要验证",
    REFUSED: "操作失败",
    NOT_PERMITTED: "没有权限",
    BROKEN: "系统内部错误",
    WRONG_TYPE: "入参类型不匹配",
}
"""What a status is called in the guide's table; ours for -2, whose message there says the reason."""
