"""Settings of a connection to an RFID reader."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from millwright.devices.connectors.wording import said


class LlrpSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the reader is, and how it is to look for tags."""

    host: Annotated[
        str,
        Meta(min_length=1, max_length=255),
        said("Host", "主机", "Address of the reader.", "读写器的地址。"),
    ]
    port: Annotated[
        int,
        Meta(ge=1, le=65535),
        said("Port", "端口", "Its LLRP port: 5084, with TLS 5085.", "读写器的 LLRP 端口：5084；启用 TLS 时为 5085。"),
    ] = 5084
    tls: Annotated[bool, said("TLS", "TLS", "Encrypted, and the reader verified.", "加密，并校验读写器的证书。")] = (
        False
    )
    tls_authorities: Annotated[
        str,
        said(
            "Authorities",
            "CA 证书",
            "Authorities (PEM) whose certificate the reader has; none: those of this machine.",
            "读写器证书的颁发机构（PEM）；留空用本机信任库。",
            multiline=True,
            when={"tls": [True]},
        ),
    ] = ""
    tls_certificate: Annotated[
        str,
        said(
            "Our certificate",
            "本方证书",
            "Our certificate with its chain (PEM), if the reader asks.",
            "读写器要求时提供的证书及证书链（PEM）。",
            multiline=True,
            advanced=True,
            when={"tls": [True]},
        ),
    ] = ""
    tls_key: Annotated[
        str,
        said(
            "Key",
            "私钥",
            "Private key (PEM) of our certificate.",
            "本方证书的私钥（PEM）。",
            secret=True,
            advanced=True,
            when={"tls": [True]},
        ),
    ] = ""
    tls_server_name: Annotated[
        str,
        said(
            "Name in the certificate",
            "证书中的名称",
            "Name in the reader's certificate, if it is not the address; `-`: any name.",
            "与地址不同时填写；“-”为任意名称。",
            advanced=True,
            when={"tls": [True]},
        ),
    ] = ""
    timeout_s: Annotated[
        float,
        Meta(ge=0.1, le=120),
        said("Timeout, s", "超时（秒）", "Longest wait for an answer.", "等待应答的最长时间。", advanced=True),
    ] = 5.0
    version: Annotated[
        Literal["1.0.1", "1.1"],
        said(
            "Version",
            "版本",
            "Version of the protocol; readers of 1.1 speak 1.0.1 as well.",
            "协议版本；支持 1.1 的读写器也支持 1.0.1。",
            advanced=True,
        ),
    ] = "1.0.1"
    antennas: Annotated[
        tuple[Annotated[int, Meta(ge=1, le=65535)], ...],
        Meta(max_length=64),
        said("Antennas", "天线", "Antennas to use; none: all of them.", "使用哪些天线；留空则使用全部。"),
    ] = ()
    report_ms: Annotated[
        int,
        Meta(ge=50, le=60_000),
        said(
            "Round, ms",
            "盘点周期（毫秒）",
            "How long a round of inventory takes, after which it is reported.",
            "一轮盘点持续多久，之后上报。",
            advanced=True,
        ),
    ] = 500
    keepalive_s: Annotated[
        float,
        Meta(ge=0.2, le=600),
        said(
            "Keep-alive, s",
            "保活间隔（秒）",
            "How often the reader gives a sign of life; three missing: it is lost.",
            "读写器多久报告一次存活；连续三次缺失即视为断开。",
            advanced=True,
        ),
    ] = 10.0
    rospec_id: Annotated[
        int,
        Meta(ge=1, le=4_294_967_295),
        said(
            "ROSpec number",
            "ROSpec 编号",
            "Number of our ROSpec; one of this number is replaced.",
            "本连接所用 ROSpec 的编号；同编号者会被替换。",
            advanced=True,
        ),
    ] = 5084
    take_over: Annotated[
        bool,
        said(
            "Take over",
            "接管读写器",
            "Stop other ROSpecs of the reader, which would report into this connection as well.",
            "停止读写器上的其他 ROSpec，否则它们也会向本连接上报。",
            advanced=True,
        ),
    ] = False
