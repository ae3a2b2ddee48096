"""Speaking to a node above over its HTTP API.

The address is an administrator's; what answers there may be anything. So nothing but JSON of the expected shape is
taken, no redirect is followed, an answer has a size and a time, and its text is never shown. Addresses inside the plant
are as good as others; link-local ones (where clouds keep what only the machine may know) are refused.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
from contextlib import suppress
from typing import Any, TypeVar
from urllib.parse import SplitResult, urlsplit

import msgspec
from msgspec import Struct

from millwright.identity.filing import errors
from millwright.identity.filing.model import Delivery, FilingAnswer, FilingDesk, ReportAnswer
from millwright.kernel import MillwrightError

T = TypeVar("T")

MOST_ANSWER_BYTES = 4_000_000
_MOST_IDS = 50
_ROW = frozenset(
    {
        "filing.too_large",
        "filing.document_invalid",
        "filing.id_taken",
        "filing.out_of_order",
        "filing.circle",
    }
)
"""Of these the document is the reason, not the node: it is not sent again."""


class _Problem(Struct):
    code: str = ""
    detail: str = ""
    data: Any = None


class NotTaken(Exception):
    """The node above cannot take this document, whenever it is sent."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


class ClockWrong(Exception):
    """The node above has an earlier clock."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


def check_address(text: str) -> str:
    """The address in the form that it is kept in. Raises ``Invalid`` (``filing.address_invalid``)."""
    try:
        parts = urlsplit(text.strip())
        port = parts.port
    except ValueError:
        raise errors.address_invalid("it cannot be read", "无法识别") from None
    if parts.scheme not in ("http", "https"):
        raise errors.address_invalid(
            "it begins neither with https:// nor with http://", "须以 https:// 或 http:// 开头"
        )
    if not parts.hostname or port == 0:
        raise errors.address_invalid("it names no host", "缺少主机名")
    if parts.username or parts.password or parts.query or parts.fragment or "\\" in text or " " in text.strip():
        why = "it has more than a host, a port and a path"
        raise errors.address_invalid(why, "只能包含主机、端口和路径，不能包含用户名、查询或片段")
    with suppress(ValueError):  # a name
        _need_allowed(ipaddress.ip_address(parts.hostname))
    return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"


def check_authorities(pem: str) -> None:
    """Raises ``Invalid`` (``filing.ca_invalid``) for what is no certificate in PEM."""
    if pem.strip():
        try:
            ssl.create_default_context(cadata=pem)
        except (ssl.SSLError, ValueError):
            raise errors.ca_invalid() from None


def _need_allowed(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
    mapped = getattr(address, "ipv4_mapped", None) or address
    if mapped.is_link_local or mapped.is_multicast or mapped.is_unspecified:
        raise errors.address_invalid("link-local and multicast addresses are nobody's node", "不允许链路本地或组播地址")


class UpperClient:
    """One node above: its address, token and authorities. ``answer_s``: for a whole answer."""

    def __init__(self, url: str, token: str, ca: str, answer_s: float) -> None:
        self._parts: SplitResult = urlsplit(url)
        self._url, self._token, self._ca, self._answer_s = url, token, ca, answer_s

    async def desk(self) -> FilingDesk:
        """What it says of itself. Raises ``Unavailable`` (``filing.upper_…``)."""
        return await self._ask("GET", "/api/v1/filings/desk", FilingDesk)

    async def file(self, document: str) -> FilingAnswer:
        """File a document. Raises ``Unavailable``, :class:`NotTaken`, :class:`ClockWrong`."""
        return await self._ask("POST", "/api/v1/filings", FilingAnswer, Delivery(document=document))

    async def report(self, document: str) -> ReportAnswer:
        """Send a report. Raises as :meth:`file`."""
        return await self._ask("POST", "/api/v1/filings/reports", ReportAnswer, Delivery(document=document))

    async def answers(self, filing_ids: list[str]) -> list[FilingAnswer]:
        """How filings stand now; those it does not know are left out. Raises ``Unavailable``."""
        found: list[FilingAnswer] = []
        for start in range(0, len(filing_ids), _MOST_IDS):
            query = "&".join(f"id={each}" for each in filing_ids[start : start + _MOST_IDS])
            found += await self._ask("GET", f"/api/v1/filings/answers?{query}", list[FilingAnswer])
        return found

    async def _ask(self, method: str, path: str, kind: type[T], body: Struct | None = None) -> T:
        import httpx  # with the first filing, not with every start

        try:
            async with asyncio.timeout(self._answer_s):
                await self._need_allowed()
                status, content = await self._exchange(httpx, method, path, body)
        except TimeoutError:
            raise errors.upper_away(f"not within {self._answer_s:g} s", f"{self._answer_s:g} 秒内没有应答") from None
        except httpx.TimeoutException:
            raise errors.upper_away(f"not within {self._answer_s:g} s", f"{self._answer_s:g} 秒内没有应答") from None
        except httpx.HTTPError as error:
            raise _of_transport(error) from None
        if status not in (200, 201):
            raise self._refusal(status, content)
        try:
            return msgspec.json.decode(content, type=kind)
        except (msgspec.MsgspecError, UnicodeError):
            raise errors.upper_strange("it is not what a filing desk says", "不是备案接口的应答") from None

    async def _need_allowed(self) -> None:
        host, port = self._parts.hostname or "", self._parts.port or 0
        try:
            found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except OSError:
            raise errors.upper_away("its name is not known", "无法解析主机名") from None
        for each in found:
            _need_allowed(ipaddress.ip_address(str(each[4][0]).partition("%")[0]))

    async def _exchange(self, httpx: Any, method: str, path: str, body: Struct | None) -> tuple[int, bytes]:
        secured = self._parts.scheme == "https"
        verify: Any = ssl.create_default_context(cadata=self._ca or None) if secured else True
        headers = {"Accept": "application/json", "Accept-Encoding": "identity"}
        headers["Authorization"] = f"Bearer {self._token}"
        content = None
        if body is not None:
            content = msgspec.json.encode(body)
            headers["Content-Type"] = "application/json"
        pause_s = self._answer_s * 0.8  # the library, asked first, leaves nothing open behind
        async with (
            httpx.AsyncClient(verify=verify, follow_redirects=False, trust_env=False, timeout=pause_s) as http,
            http.stream(method, f"{self._url}{path}", content=content, headers=headers) as answer,
        ):
            if 300 <= answer.status_code < 400:
                raise errors.upper_strange("it points elsewhere", "要求跳转到其他地址")
            parts, taken = [], 0
            async for part in answer.aiter_raw():
                taken += len(part)
                if taken > MOST_ANSWER_BYTES:
                    raise errors.upper_strange("it answers without end", "应答过大")
                parts.append(part)
            return answer.status_code, b"".join(parts)

    def _refusal(self, status: int, content: bytes) -> Exception:
        try:
            problem = msgspec.json.decode(content, type=_Problem)
        except (msgspec.MsgspecError, UnicodeError):
            problem = _Problem()
        known = problem.code.startswith(("filing.", "parties.")) and len(problem.code) < 80
        said = problem.detail[:300] if known else ""
        zh = problem.data.get("why_zh", "") if known and isinstance(problem.data, dict) else ""
        zh = str(zh)[:200]
        if problem.code == "filing.clock_wrong":
            return ClockWrong(said)
        if problem.code in _ROW:
            return NotTaken(problem.code, zh or said)
        if status == 401:
            return errors.upper_refuses("parties.sign_in_required", "the token is not known", "令牌无效")
        if known and status < 500:
            return errors.upper_refuses(problem.code, said, zh)
        if status in (429, 503):
            return errors.upper_away(f"it is busy ({status})", f"对方繁忙（{status}）")
        return errors.upper_strange(f"it answers with status {status}", f"状态码 {status}")


def _of_transport(error: Exception) -> MillwrightError:
    """The error for what the connection failed by; nothing of what came is in it."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return errors.upper_certificate(cause.verify_message[:200])
        if isinstance(cause, ssl.SSLError):
            return errors.upper_away("it does not speak TLS here", "TLS 握手失败")
        cause = cause.__cause__ or cause.__context__
    if "Protocol" in type(error).__name__ or "Decoding" in type(error).__name__:
        return errors.upper_strange("it is no HTTP", "不是 HTTP 应答")
    return errors.upper_away("no connection", "无法建立连接")
