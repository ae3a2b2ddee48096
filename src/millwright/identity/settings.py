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
    trusted_keys: Annotated[
        list[str],
        Meta(
            description="Public keys, as `name+hash+base64`, of other nodes that have signed entries of that log: "
            "of its primary, of one before."
        ),
    ] = []
