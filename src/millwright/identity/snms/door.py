"""The door of the interface: addresses at the root, and every refusal in its envelope. Plain ASGI around the edge.

The routes are below ``/api/v1/snms`` like all others, so that whatever holds for a request (limits, counting, four
eyes, the ledger) holds for these too. Here an address at the root becomes one of those, where the node is set to it,
and a problem becomes ``{status, message, data}``.
"""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import quote

import msgspec

from millwright.identity.snms.facts import (
    BROKEN,
    DOCUMENTED,
    NOT_PERMITTED,
    NOT_SIGNED_IN,
    REFUSED,
    WORDS,
    WRONG_TYPE,
)

BELOW: Final = "/api/v1/snms"
_TEMPLATES: Final = frozenset({"/snms/api/v3/template", "/snms/api/v5/template", "/snms/api/template/v1"})
"""One and the same, by its editions."""
_PROBLEM: Final = b"application/problem+json"
_MOST = 1_000_000

_BUSINESS: Final = frozenset({400, 404, 409, 412, 422})
"""What is wrong with what was asked for: sent with 200, as clients read it."""
_SAID: Final = {
    "identifiers.exists": DOCUMENTED["exists"],
    "identifiers.unknown": DOCUMENTED["not_found"],
    "identifiers.removed": DOCUMENTED["not_found"],
    "templates.name_taken": "数据模板已存在",
    "web.too_many_requests": "请求过于频繁，请稍后重试",
    "metering.quota_exceeded": "调用次数已达上限",
    "metering.rate_exceeded": "请求过于频繁，请稍后重试",
}
_WRONG_TYPE: Final = frozenset({"web.invalid", "web.malformed", "web.media_type_unsupported"})
_OWN_STATUS: Final = frozenset({"web.no_such_path"})


class Door:
    """Takes requests to the interface; all others pass."""

    def __init__(self, app: Any, *, at_root: bool = False) -> None:
        self._app, self._at_root = app, at_root

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        path: str = scope["path"]
        inside = path.removeprefix(BELOW) if path.startswith(f"{BELOW}/") else ""
        if not inside and not (self._at_root and _is_ours(path)):
            await self._app(scope, receive, send)
            return
        asked = inside or path
        if asked.rstrip("/") in _TEMPLATES:
            asked = "/template"
        if BELOW + asked != path:
            scope = {**scope, "path": BELOW + asked, "raw_path": quote(BELOW + asked).encode()}
        await self._app(scope, receive, _Translator(send))


class _Translator:
    """Sends an answer on; a problem, and a request that waits for a second person, as an envelope."""

    def __init__(self, send: Any) -> None:
        self._send = send
        self._start: Any = None
        self._parts: list[bytes] = []

    async def __call__(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            kind = next((value for name, value in message["headers"] if name.lower() == b"content-type"), b"")
            if kind.startswith(_PROBLEM) or message["status"] == 202:
                self._start = message
                return
        elif self._start is not None and message["type"] == "http.response.body":
            self._parts.append(message.get("body", b""))
            if not message.get("more_body", False):
                await self._finish()
            return
        await self._send(message)

    async def _finish(self) -> None:
        status, envelope = translate(self._start["status"], b"".join(self._parts))
        body = msgspec.json.encode(envelope)
        left_out = (b"content-type", b"content-length", b"location")
        headers = [(name, value) for name, value in self._start["headers"] if name.lower() not in left_out]
        headers += [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        await self._send({**self._start, "status": status, "headers": headers})
        await self._send({"type": "http.response.body", "body": body, "more_body": False})


def translate(status: int, body: bytes) -> tuple[int, dict[str, Any]]:
    """HTTP status and envelope for a problem, or for what waits for a second person."""
    try:
        said = msgspec.json.decode(body[:_MOST])
    except msgspec.DecodeError:
        said = {}
    if not isinstance(said, dict):
        said = {}
    if status == 202:
        approval = said.get("approval")
        named = approval.get("id", "") if isinstance(approval, dict) else ""
        return 200, _envelope(REFUSED, f"操作需要第二人审批，已提交审批单{named}，批准后自动执行")
    code = str(said.get("code", ""))
    if code in _WRONG_TYPE:
        return 200 if status == 400 else status, _envelope(WRONG_TYPE, _where(said))
    if code == "snms.credentials_wrong":
        return 200, _envelope(REFUSED, message_of(said))
    if status == 401:
        return status, _envelope(NOT_SIGNED_IN, WORDS[NOT_SIGNED_IN])
    if status == 403:
        return status, _envelope(NOT_PERMITTED, WORDS[NOT_PERMITTED])
    if status >= 500:
        return status, _envelope(BROKEN, WORDS[BROKEN])
    kept = status not in _BUSINESS or code in _OWN_STATUS
    return status if kept else 200, _envelope(REFUSED, message_of(said))


def message_of(problem: dict[str, Any], *, many: bool = False) -> str:
    """What is said of a problem: as the guide has it, in Chinese, or in the node's own words."""
    code = problem.get("code")
    if many and code in ("identifiers.unknown", "identifiers.removed"):
        return DOCUMENTED["not_found_in_many"]
    if code in _SAID:
        return _SAID[code]
    data = problem.get("data")
    detail: dict[str, Any] = data if isinstance(data, dict) else {}
    problems = detail.get("problems")
    if isinstance(problems, list) and problems:
        return "；".join(f"{each.get('field', '')}：{each.get('why_zh', '')}" for each in problems[:20])
    return str(detail.get("why_zh") or problem.get("detail") or WORDS[REFUSED])


def _where(problem: dict[str, Any]) -> str:
    found = problem.get("errors")
    told = [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []
    places = [f"{each.get('field', '')} {each.get('message', '')}".strip() for each in told[:5]]
    return "：".join([WORDS[WRONG_TYPE], "；".join(places)]) if places else WORDS[WRONG_TYPE]


def _envelope(status: int, message: str) -> dict[str, Any]:
    return {"message": message[:2000], "status": status, "data": None}


def _is_ours(path: str) -> bool:
    bare = path.rstrip("/")
    return bare in ("/identity/token", "/identityv2/data") or path.startswith("/identityv2/data/") or bare in _TEMPLATES
