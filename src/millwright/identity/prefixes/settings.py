"""Settings of prefixes."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct


class PrefixesSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """``[prefixes]``: applications for prefixes of identifiers."""

    require_certification: Annotated[
        bool, Meta(description="Whether a prefix is activated and renewed only while its applicant is certified.")
    ] = True
    max_document_kb: Annotated[
        int, Meta(description="Largest document of an application, in kilobytes.", ge=1, le=15 * 1024)
    ] = 5 * 1024
    max_documents: Annotated[int, Meta(description="Most documents of one prefix.", ge=1, le=200)] = 20
    watch_s: Annotated[
        float, Meta(description="Seconds between two looks for prefixes that have expired.", gt=0, le=3600)
    ] = 5.0
