"""Settings of identifiers."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct


class IdentitySettings(Struct, frozen=True, forbid_unknown_fields=True):
    """``[identity]``: the register of identifiers."""

    mirror: Annotated[
        bool,
        Meta(
            description="This node only follows the log of identifiers that another one, the primary, writes; "
            "it registers and changes none."
        ),
    ] = False
    mirror_of: Annotated[
        str,
        Meta(
            description="The primary's NATS servers, comma separated, with token or user in them: this node is a "
            "mirror of a register that it has no other way to. Secret."
        ),
    ] = ""
    mirror_ca: Annotated[
        str,
        Meta(description="PEM file with the authorities of the servers in `mirror_of`. Empty: those of this machine."),
    ] = ""
    mirror_certificate: Annotated[
        str, Meta(description="PEM file with the certificate that this node shows to those servers.")
    ] = ""
    mirror_key: Annotated[str, Meta(description="PEM file with the private key of `mirror_certificate`.")] = ""
    snms: Annotated[
        bool,
        Meta(
            description="Answer programs written for a secondary node (SNMS, IDHub) at the addresses that they know, "
            "`/identityv2/data…`, `/identity/token`, `/snms/api/v3/template`. Below `/api/v1/snms` they are always "
            "answered."
        ),
    ] = False
    snapshot_every_h: Annotated[
        float,
        Meta(
            description="How often the node makes a snapshot of its register, in hours, if anything has changed. "
            "0: never by itself.",
            ge=0,
        ),
    ] = 24.0
    snapshot_every_mb: Annotated[
        int,
        Meta(
            description="By how much the log has grown since the last snapshot, in megabytes, when one is made sooner. "
            "0: however much.",
            ge=0,
        ),
    ] = 1024
    snapshots_kept: Annotated[
        int, Meta(description="How many snapshots are kept, each as large as the index.", ge=1)
    ] = 3
    keep_log_days: Annotated[
        int,
        Meta(
            description="Days of the log that are kept behind snapshots; what is older is removed once a snapshot was "
            "read back, and nothing that any kept snapshot needs. 0: the log is never trimmed.",
            ge=0,
        ),
    ] = 0
    trusted_keys: Annotated[
        list[str],
        Meta(
            description="Public keys, as `name+hash+base64`, of other nodes that have signed entries of that log: "
            "of its primary, of one before."
        ),
    ] = []

    @property
    def follows(self) -> bool:
        """Whether another node writes what this one resolves."""
        return self.mirror or bool(self.mirror_of)
