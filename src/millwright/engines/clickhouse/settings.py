"""Settings of the series engine."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct


class ClickHouseSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """``[clickhouse]``: where series are kept, or how the embedded engine runs."""

    url: Annotated[
        str,
        Meta(description="HTTP interface of a ClickHouse server. Empty: chDB, the same engine inside this node."),
    ] = ""
    database: Annotated[
        str, Meta(description="Database that holds the tables.", pattern="^[A-Za-z_][A-Za-z0-9_]*$")
    ] = "millwright"
    cluster: Annotated[
        str,
        Meta(
            description="Cluster the tables are made on, replicated and sharded by series. Empty: one server.",
            pattern="^[A-Za-z0-9_.-]*$",
        ),
    ] = ""
    user: Annotated[str, Meta(description="User of the ClickHouse server.")] = "default"
    password: Annotated[str, Meta(description="Password of the ClickHouse server.")] = ""
    timeout_s: Annotated[float, Meta(description="Longest a statement may take, in seconds.", gt=0)] = 60.0
    retries: Annotated[int, Meta(description="How often a request that got no answer is sent again.", ge=0)] = 3
    sync: Annotated[
        bool,
        Meta(
            description="Embedded engine: force every insert to the disk before it counts as stored, "
            "which survives a power cut; off survives a crash of any process."
        ),
    ] = False
    memory_mb: Annotated[int, Meta(description="Most memory the embedded engine may take, in megabytes.", ge=512)] = (
        2048
    )
    cache_mb: Annotated[
        int, Meta(description="Memory for the index and mark caches of the embedded engine, in megabytes.", ge=8)
    ] = 64
    threads: Annotated[int, Meta(description="Statements the node runs at once.", ge=1, le=64)] = 4
