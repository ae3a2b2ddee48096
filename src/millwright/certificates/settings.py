"""Settings of certificates, and the one switch for TLS."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

Algorithm = Literal["ec-p256", "ec-p384", "rsa-3072", "ed25519"]


class CertificatesSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """``[certificates]``: the built-in authority and what it issues."""

    algorithm: Annotated[
        Algorithm, Meta(description="Kind of the keys this node makes. `ed25519` suits devices; browsers refuse it.")
    ] = "ec-p256"
    device_days: Annotated[
        int, Meta(description="How long a device's certificate is valid, in days.", ge=1, le=3650)
    ] = 365
    node_days: Annotated[
        int, Meta(description="How long a node's own certificate is valid, in days; renewed in its last third.", ge=1)
    ] = 90
    authority_days: Annotated[
        int, Meta(description="How long a new issuing authority is valid, in days; its root twice as long.", ge=30)
    ] = 3650
    crl_url: Annotated[
        str,
        Meta(
            description="Where others fetch the revocation lists, put into certificates, such as "
            "`http://node.example.com/api/v1/certificates/crl`. Empty: not put in.",
            pattern=r"^(https?://[^\s]+)?$",
        ),
    ] = ""
    code_hours: Annotated[
        float, Meta(description="How long a one-time enrolment code may be used, in hours.", gt=0, le=8760)
    ] = 24.0
    per_device: Annotated[int, Meta(description="Most valid certificates one device may hold.", ge=1, le=100)] = 10


class TlsSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """``[tls]``: TLS on every listener of this node, by one switch."""

    mode: Annotated[
        Literal["off", "auto", "files"],
        Meta(
            description="`auto`: a certificate of the built-in authority, renewed by itself; `files`: `certificate` "
            "and `key`; `off`: as [web] and [mqtt] say."
        ),
    ] = "off"
    certificate: Annotated[str, Meta(description="PEM file with the certificate and its chain, for `files`.")] = ""
    key: Annotated[str, Meta(description="PEM file with the private key of `certificate`.")] = ""
    names: Annotated[
        list[str],
        Meta(description="Names and addresses under which others reach this node, besides this machine's own."),
    ] = []
    plain_mqtt: Annotated[
        bool, Meta(description="Keep [mqtt] port open without TLS, beside the one with TLS, while TLS is on.")
    ] = False

    def __post_init__(self) -> None:
        """Refuse ``files`` that name none: the console would be served without TLS."""
        if self.mode == "files" and not (self.certificate and self.key):
            raise ValueError("[tls] mode `files` needs certificate and key")
