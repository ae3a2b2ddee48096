"""Settings of four-eyes approval."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct


class ApprovalsSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """``[approvals]``: requests that wait for a second person."""

    expires_hours: Annotated[
        float, Meta(description="Hours after which a request that nobody decided expires.", gt=0, le=720)
    ] = 24.0
    max_body_kb: Annotated[
        int, Meta(description="Largest body of a request that can wait for approval, in kilobytes.", ge=1, le=16384)
    ] = 256
    execute_timeout_s: Annotated[
        float, Meta(description="How long an approved request may take before its end counts as unknown.", gt=0, le=600)
    ] = 60.0
    emergency: Annotated[
        bool,
        Meta(
            description="Whether an administrator of the root may act without a second person by stating an emergency "
            "(`X-Emergency-Reason`). Each use is in the ledger and in the log."
        ),
    ] = False
