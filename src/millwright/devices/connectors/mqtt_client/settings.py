"""Settings of a broker."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from millwright.devices.connectors.wording import said


class MqttClientSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One broker and how it is spoken to."""

    host: Annotated[str, Meta(min_length=1), said("Broker", "服务器", "Its address.", "MQTT 服务器的地址。")]
    port: Annotated[
        int, Meta(ge=1, le=65535), said("Port", "端口", "1883, with TLS 8883.", "1883；启用 TLS 时为 8883。")
    ] = 1883
    version: Annotated[Literal["3.1.1", "5"], said("Version", "协议版本", "Of MQTT.", "MQTT 版本。", advanced=True)] = (
        "3.1.1"
    )
    tls: Annotated[bool, said("TLS", "TLS", "Encrypted and verified.", "加密并校验。")] = False
    ca: Annotated[
        str,
        said(
            "Certificate authority",
            "CA 证书",
            "PEM certificates to trust in place of the system's.",
            "用以代替系统信任库的 PEM 证书。",
            multiline=True,
            when={"tls": [True]},
            advanced=True,
        ),
    ] = ""
    user: Annotated[str, said("User", "用户名", "For the broker.", "登录用户名。")] = ""
    password: Annotated[str, said("Password", "密码", "For the broker.", "登录密码。", secret=True)] = ""
    client_id: Annotated[
        str,
        Meta(max_length=200),
        said(
            "Client id",
            "客户端标识",
            "With one, the broker keeps the session while we are away. No two clients may share it.",
            "填写后服务器在断线期间保留会话；不可与其他客户端重复。",
        ),
    ] = ""
    qos: Annotated[Literal[0, 1], said("QoS", "服务质量", "Of subscriptions.", "订阅的服务质量。", advanced=True)] = 1
    retained: Annotated[
        Literal["uncertain", "good", "skip"],
        said(
            "Retained messages",
            "保留消息",
            "What those are that tell no time: they may be old.",
            "未带时间的保留消息如何对待：可能是旧值。",
            advanced=True,
        ),
    ] = "uncertain"
    time_place: Annotated[
        str,
        said(
            "Place of the time",
            "时间位置",
            "Where in a JSON payload its time is, as timestamp; empty: the time of receipt.",
            "JSON 载荷中时间所在位置，如 timestamp；留空则用接收时间。",
        ),
    ] = ""
    root: Annotated[
        str,
        said(
            "Root of browsing",
            "浏览根主题",
            "Below which topic is listened, as plant.",
            "从哪个主题向下浏览。",
            advanced=True,
        ),
    ] = ""
    keep_alive_s: Annotated[
        int, Meta(ge=5, le=3600), said("Keep alive, s", "心跳（秒）", "Of the connection.", "连接心跳。", advanced=True)
    ] = 20
    timeout_s: Annotated[
        float,
        Meta(gt=0, le=60),
        said("Timeout, s", "超时（秒）", "How long to wait for the broker.", "等待服务器的时间。"),
    ] = 5.0
