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
            description="Address of the server, as in opc.tcp://192.168.0.10:4840; the server's own idea of it is "
            "not used.",
        ),
    ]
    security: Annotated[
        Policy,
        Meta(
            description="Security policy. Anything but None signs and encrypts, and needs the server's "
            "certificate among "
            "the trusted ones and ours among the server's."
        ),
    ] = "None"
    mode: Annotated[
        Literal["SignAndEncrypt", "Sign"],
        Meta(description="Whether messages are encrypted or only signed; without meaning when the policy is None."),
    ] = "SignAndEncrypt"
    user: Annotated[str, Meta(max_length=200, description="User name; empty signs in anonymously.")] = ""
    password: Annotated[str, Meta(max_length=500, description="Password of the user.", extra={"secret": True})] = ""
    plain_password: Annotated[
        bool,
        Meta(
            description="Send the password even where the server offers no way to encrypt it: everyone on the way "
            "reads it."
        ),
    ] = False
    user_certificate: Annotated[
        str, Meta(max_length=50_000, description="Certificate (PEM) to sign in with instead of a user name.")
    ] = ""
    user_key: Annotated[
        str,
        Meta(max_length=50_000, description="Private key (PEM) of the user certificate.", extra={"secret": True}),
    ] = ""
    certificate: Annotated[
        str,
        Meta(
            max_length=50_000,
            description="Our application certificate (PEM). Empty: one is made and kept, the same for all connections.",
        ),
    ] = ""
    key: Annotated[
        str,
        Meta(
            max_length=50_000, description="Private key (PEM) of the application certificate.", extra={"secret": True}
        ),
    ] = ""
    trusted: Annotated[
        tuple[str, ...],
        Meta(
            max_length=50,
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
            description="How often the server sends what changed. 0: as often as a point is sampled. A longer "
            "interval makes "
            "fewer, larger messages; no value is lost, it comes later.",
        ),
    ] = 0
    queue_size: Annotated[
        int,
        Meta(ge=1, le=100_000, description="Values of one point that the server keeps until it can send them."),
    ] = 100
    keep_s: Annotated[
        float,
        Meta(
            ge=5,
            le=3600,
            description="How long the server shall keep our session and its subscriptions while the connection is "
            "away, in seconds.",
        ),
    ] = 120.0
    timeout_s: Annotated[
        float,
        Meta(
            ge=0.2,
            le=120,
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
