"""Settings of a webhook."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from millwright.devices.connectors.wording import said

Scheme = Literal["none", "github", "stripe", "hex", "base64"]


class WebhookSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who may send, how it proves itself, and what its documents look like."""

    token: Annotated[
        str,
        Meta(min_length=16, max_length=200, pattern="^[A-Za-z0-9_-]+$"),
        said(
            "Secret of the address",
            "地址密钥",
            "The address is /hooks/<id of the connection>/<this>. At least 16 letters or digits, by chance.",
            "接收地址为 /hooks/<连接 ID>/<此密钥>；至少 16 位随机字母或数字。",
            secret=True,
        ),
    ]
    scheme: Annotated[
        Scheme,
        said(
            "Signature",
            "签名方式",
            "HMAC-SHA256: github (X-Hub-Signature-256), stripe (with a time), hex or base64 in a header of its own.",
            "HMAC-SHA256：github（X-Hub-Signature-256）、stripe（带时间戳），或以 hex/base64 放入自定义请求头。",
        ),
    ] = "none"
    signing_secret: Annotated[
        str,
        Meta(max_length=500),
        said("Secret of the signature", "签名密钥", "As the sender has it.", "与发送方一致。", secret=True),
    ] = ""
    signature_header: Annotated[
        str,
        Meta(max_length=100),
        said("Header of the signature", "签名请求头", "For hex and base64.", "用于 hex 和 base64。", advanced=True),
    ] = "X-Signature"
    time_header: Annotated[
        str,
        Meta(max_length=100),
        said(
            "Header of the time",
            "时间请求头",
            "For hex and base64: seconds since 1970, signed before the body as «time.body». Empty: none.",
            "用于 hex 和 base64：1970 年起的秒数，与正文以“时间.正文”一同签名；留空则不用。",
            advanced=True,
        ),
    ] = ""
    tolerance_s: Annotated[
        float,
        Meta(gt=0, le=86_400),
        said(
            "Replay window, s",
            "重放窗口（秒）",
            "How far a signed time may be from now.",
            "签名时间与当前时间的最大差值。",
            advanced=True,
        ),
    ] = 300.0
    once: Annotated[
        bool,
        said(
            "The same signature once",
            "相同签名只收一次",
            "Who overheard a signed document cannot send it again, whatever it is called. Off: for senders that send "
            "the very same document twice and mean it. Where a time is signed, always.",
            "防止他人重放已签名的文档（更换投递 ID 也无效）。仅当发送方会有意重复发送完全相同的文档时才关闭；"
            "带签名时间的方式始终启用。",
            advanced=True,
        ),
    ] = True
    id_header: Annotated[
        str,
        Meta(max_length=100),
        said(
            "Header of the delivery id",
            "投递 ID 请求头",
            "What came with the same id before is not taken again. Empty: X-GitHub-Delivery, Idempotency-Key, "
            "Webhook-Id.",
            "相同 ID 的投递不再重复入库；留空则识别 X-GitHub-Delivery、Idempotency-Key、Webhook-Id。",
            advanced=True,
        ),
    ] = ""
    items_place: Annotated[
        str,
        Meta(max_length=500),
        said(
            "Place of the list",
            "列表位置",
            "Where the document has a list whose members are read one by one; empty: the document is read as one.",
            "文档中逐项读取的列表所在位置；留空则整个文档作为一项。",
        ),
    ] = ""
    time_place: Annotated[
        str,
        Meta(max_length=500),
        said(
            "Place of the time",
            "时间位置",
            "Where its time is: ISO 8601, or since 1970; empty: the time of receipt.",
            "时间所在位置（ISO 8601 或 1970 年起的时间）；留空则用接收时间。",
        ),
    ] = ""
    max_bytes: Annotated[
        int,
        Meta(ge=1024, le=4_000_000),
        said("Largest document", "最大文档", "In bytes.", "字节数上限。", advanced=True),
    ] = 1_000_000
    timeout_s: Annotated[
        float,
        Meta(gt=0, le=60),
        said(
            "Timeout, s",
            "超时（秒）",
            "How long a sender waits for its document to be durable.",
            "发送方等待文档持久化的最长时间。",
        ),
    ] = 10.0
