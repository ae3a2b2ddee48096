"""The settings of an OPC UA connection."""

from __future__ import annotations

from typing import Annotated, Literal
from urllib.parse import urlsplit

from msgspec import Meta, Struct

from millwright.kernel import Invalid

Policy = Literal["None", "Basic256Sha256", "Aes128_Sha256_RsaOaep", "Aes256_Sha256_RsaPss"]
DEFAULT_PORT = 4840


class OpcUaSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a server is reached, who we are to it, and how it is asked."""

    url: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=500,
            extra={
                "title": "URL",
                "title_zh": "地址",
                "zh": "服务器地址，如 opc.tcp://192.168.0.10:4840；不采用服务器自报的地址。",
            },
            description="Address of the server, as in opc.tcp://192.168.0.10:4840; the server's own idea of it is "
            "not used.",
        ),
    ]
    security: Annotated[
        Policy,
        Meta(
            extra={
                "title": "Security policy",
                "title_zh": "安全策略",
                "zh": "除 None 外均签名并加密，需要双方互相信任对方的证书。",
            },
            description="Security policy. Anything but None signs and encrypts, and needs the server's "
            "certificate among "
            "the trusted ones and ours among the server's.",
        ),
    ] = "None"
    mode: Annotated[
        Literal["SignAndEncrypt", "Sign"],
        Meta(
            extra={
                "title": "Mode",
                "title_zh": "安全模式",
                "zh": "消息加密，或仅签名。",
                "when": {"security": ["Basic256Sha256", "Aes128_Sha256_RsaOaep", "Aes256_Sha256_RsaPss"]},
            },
            description="Whether messages are encrypted or only signed; without meaning when the policy is None.",
        ),
    ] = "SignAndEncrypt"
    user: Annotated[
        str,
        Meta(
            max_length=200,
            extra={"title": "User", "title_zh": "用户名", "zh": "留空则匿名登录。"},
            description="User name; empty signs in anonymously.",
        ),
    ] = ""
    password: Annotated[
        str,
        Meta(
            max_length=500,
            description="Password of the user.",
            extra={"secret": True, "title": "Password", "title_zh": "密码", "zh": "用户的密码。"},
        ),
    ] = ""
    plain_password: Annotated[
        bool,
        Meta(
            extra={
                "title": "Password in the clear",
                "title_zh": "允许明文密码",
                "zh": "即使服务器不提供加密方式也发送密码：途中任何人都能读取。",
                "when": {"security": ["None"]},
            },
            description="Send the password even where the server offers no way to encrypt it: everyone on the way "
            "reads it.",
        ),
    ] = False
    user_certificate: Annotated[
        str,
        Meta(
            max_length=50_000,
            extra={"title": "User certificate", "title_zh": "用户证书", "zh": "以证书（PEM）代替用户名登录。"},
            description="Certificate (PEM) to sign in with instead of a user name.",
        ),
    ] = ""
    user_key: Annotated[
        str,
        Meta(
            max_length=50_000,
            description="Private key (PEM) of the user certificate.",
            extra={
                "secret": True,
                "title": "Key of the user certificate",
                "title_zh": "用户证书私钥",
                "zh": "用户证书的私钥（PEM）。",
            },
        ),
    ] = ""
    certificate: Annotated[
        str,
        Meta(
            max_length=50_000,
            extra={
                "title": "Our certificate",
                "title_zh": "本方证书",
                "zh": "本方应用证书（PEM）；留空则自动生成并保留，各连接共用。",
                "when": {"security": ["Basic256Sha256", "Aes128_Sha256_RsaOaep", "Aes256_Sha256_RsaPss"]},
            },
            description="Our application certificate (PEM). Empty: one is made and kept, the same for all connections.",
        ),
    ] = ""
    key: Annotated[
        str,
        Meta(
            max_length=50_000,
            description="Private key (PEM) of the application certificate.",
            extra={
                "secret": True,
                "title": "Key of our certificate",
                "title_zh": "本方证书私钥",
                "zh": "应用证书的私钥（PEM）。",
                "when": {"security": ["Basic256Sha256", "Aes128_Sha256_RsaOaep", "Aes256_Sha256_RsaPss"]},
            },
        ),
    ] = ""
    trusted: Annotated[
        tuple[str, ...],
        Meta(
            max_length=50,
            extra={
                "title": "Trusted servers",
                "title_zh": "受信任的服务器",
                "zh": "信任的服务器证书：证书或其颁发机构的 PEM，或 SHA-256、SHA-1 指纹（十六进制）。",
                "when": {"security": ["Basic256Sha256", "Aes128_Sha256_RsaOaep", "Aes256_Sha256_RsaPss"]},
            },
            description="Servers' certificates that are believed: PEM of the certificate or of the authority that "
            "issued it, "
            "or the SHA-256 or SHA-1 fingerprint in hexadecimal digits.",
        ),
    ] = ()
    publishing_interval_ms: Annotated[
        int,
        Meta(
            ge=0,
            le=60_000,
            extra={
                "title": "Publishing interval, ms",
                "title_zh": "发布周期（毫秒）",
                "zh": "服务器多久发送一次变化；0 与测点采样同步。周期越长消息越少越大，不丢值，只是更晚到达。",
                "advanced": True,
            },
            description="How often the server sends what changed. 0: as often as a point is sampled. A longer "
            "interval makes "
            "fewer, larger messages; no value is lost, it comes later.",
        ),
    ] = 0
    queue_size: Annotated[
        int,
        Meta(
            ge=1,
            le=100_000,
            extra={"title": "Queue", "title_zh": "队列长度", "zh": "服务器为每个测点暂存的值数。", "advanced": True},
            description="Values of one point that the server keeps until it can send them.",
        ),
    ] = 100
    keep_s: Annotated[
        float,
        Meta(
            ge=5,
            le=3600,
            extra={
                "title": "Session kept, s",
                "title_zh": "会话保留（秒）",
                "zh": "连接中断时服务器保留会话和订阅的时间。",
                "advanced": True,
            },
            description="How long the server shall keep our session and its subscriptions while the connection is "
            "away, in seconds.",
        ),
    ] = 120.0
    timeout_s: Annotated[
        float,
        Meta(
            ge=0.2,
            le=120,
            extra={
                "title": "Timeout, s",
                "title_zh": "超时（秒）",
                "zh": "等待应答的最长时间；沉默约三倍时间后放弃连接。",
            },
            description="Longest wait for an answer, in seconds. A server that is silent for about three times as "
            "long is given up.",
        ),
    ] = 5.0

    def host_port(self) -> tuple[str, int]:
        """Where to connect. Raises ``Invalid`` (``connectors.opcua_url``)."""
        try:
            parts = urlsplit(self.url)
            port = parts.port or DEFAULT_PORT
        except ValueError as error:
            raise _url(self.url) from error
        if parts.scheme != "opc.tcp" or not parts.hostname:
            raise _url(self.url)
        if "@" in parts.netloc:
            raise Invalid(
                "The address of the server names a user.",
                code="connectors.opcua_url",
                hint="Put the user name and the password into the settings `user` and `password`.",
            )
        return parts.hostname, port

    def endpoint(self) -> str:
        """The URL with its port."""
        host, port = self.host_port()
        literal = f"[{host}]" if ":" in host else host
        return f"opc.tcp://{literal}:{port}{urlsplit(self.url).path}"


def _url(url: str) -> Invalid:
    return Invalid(
        f"{url!r} is no address of an OPC UA server.",
        code="connectors.opcua_url",
        hint="Write it as opc.tcp://HOST:PORT, for example opc.tcp://192.168.0.10:4840; HTTPS and WebSocket are "
        "not spoken.",
    )
