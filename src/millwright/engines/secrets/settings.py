"""Settings of the secrets engine."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct


class SecretsSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """``[secrets]``: where the master key is, and how secrets are sealed."""

    source: Annotated[
        Literal["file", "environment", "command"],
        Meta(
            description="Where the master key is: in `file`, in the environment (`secret_key`), "
            "or in a key management service that `command` asks."
        ),
    ] = "file"
    file: Annotated[
        str,
        Meta(
            description="File with the master keys, newest first, readable by its owner alone. "
            "Empty: `secrets.key` in the data folder, made at the first start."
        ),
    ] = ""
    secret_key: Annotated[
        str,
        Meta(description="The master key for `source = environment`: 32 bytes in base64 (`openssl rand -base64 32`)."),
    ] = ""
    old_secret_keys: Annotated[
        list[str], Meta(description="Master keys before `secret_key`, kept until `millwright secrets rotate` is done.")
    ] = []
    command: Annotated[
        list[str],
        Meta(
            description="Program and arguments for `source = command`; called with `wrap` or `unwrap` at the end, "
            "base64 on its standard input and output."
        ),
    ] = []
    command_timeout_s: Annotated[float, Meta(description="Most seconds `command` may take.", gt=0, le=120)] = 10.0
    cipher: Annotated[
        Literal["aes-256-gcm", "sm4-gcm"],
        Meta(description="What new secrets are sealed with; `sm4-gcm` where national algorithms are asked for."),
    ] = "aes-256-gcm"
