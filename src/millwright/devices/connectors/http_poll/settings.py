"""Settings of an HTTP source."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from msgspec import Meta, Struct, field

from millwright.devices.connectors.wording import said


class HttpPollSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One origin and how it is asked."""

    url: Annotated[
        str,
        Meta(pattern="^https?://.+"),
        said(
            "URL",
            "网址",
            "The document, as http://192.168.1.20/status.json. Whoever sets it makes this node call there.",
            "JSON 文档的网址，如 http://192.168.1.20/status.json。设置者即让本节点访问该地址。",
        ),
    ]
    method: Annotated[
        Literal["GET", "POST"], said("Method", "方法", "How the document is asked for.", "请求方法。", advanced=True)
    ] = "GET"
    body: Annotated[
        str,
        said(
            "Body",
            "请求体",
            "JSON that is sent with POST.",
            "POST 时发送的 JSON。",
            multiline=True,
            when={"method": ["POST"]},
            advanced=True,
        ),
    ] = ""
    headers: Annotated[
        Mapping[str, str],
        said("Headers", "请求头", "Further headers; no secrets.", "附加请求头；勿放机密。", advanced=True),
    ] = field(default_factory=dict)
    user: Annotated[str, said("User", "用户名", "For HTTP Basic.", "用于 HTTP Basic 认证。")] = ""
    password: Annotated[str, said("Password", "密码", "For HTTP Basic.", "用于 HTTP Basic 认证。", secret=True)] = ""
    token: Annotated[
        str,
        said("Token", "令牌", "Sent as Authorization: Bearer …", "以 Authorization: Bearer … 发送。", secret=True),
    ] = ""
    api_key: Annotated[
        str, said("API key", "API 密钥", "Sent in the header of the next setting.", "放入下一项的请求头。", secret=True)
    ] = ""
    api_key_header: Annotated[
        str, said("Header of the key", "密钥请求头", "As X-Api-Key.", "如 X-Api-Key。", advanced=True)
    ] = "X-Api-Key"
    ca: Annotated[
        str,
        said(
            "Certificate authority",
            "CA 证书",
            "PEM certificates to trust in place of the system's.",
            "用以代替系统信任库的 PEM 证书。",
            multiline=True,
            advanced=True,
        ),
    ] = ""
    verify: Annotated[
        bool,
        said(
            "Verify certificate",
            "校验证书",
            "Off: anybody can be the source.",
            "关闭后任何人都可冒充数据源。",
            advanced=True,
        ),
    ] = True
    time_place: Annotated[
        str,
        said(
            "Place of the time",
            "时间位置",
            "Where in the document its time is: ISO 8601, or since 1970; empty: the time of receipt.",
            "文档中时间所在位置（ISO 8601 或 1970 年起的时间）；留空则用接收时间。",
        ),
    ] = ""
    timeout_s: Annotated[
        float,
        Meta(gt=0, le=300),
        said("Timeout, s", "超时（秒）", "How long a whole request may take.", "一次请求的最长时间。"),
    ] = 10.0
    max_bytes: Annotated[
        int,
        Meta(ge=1024, le=64_000_000),
        said("Largest document", "最大文档", "In bytes, unpacked.", "解压后的字节数上限。", advanced=True),
    ] = 4_000_000
