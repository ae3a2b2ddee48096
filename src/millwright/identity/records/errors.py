"""Errors of the register."""

from __future__ import annotations

from millwright.kernel import Conflict, Corrupt, Denied, LimitExceeded, Unavailable


def unverified(position: int, why: str) -> Corrupt:
    """A message of the log is not one that may be applied."""
    return Corrupt(
        f"Batch {position} of the identifiers' log does not verify: {why}.",
        code="records.batch_unverified",
        hint="Nothing from it on is applied. Find out who wrote it; then remove it from the stream IDENTITY, or add "
        "the key that signed it to [identity] trusted_keys, and start again.",
        detail={"position": position, "why": why},
    )


def log_behind(last: int, position: int) -> Corrupt:
    """The log has lost its end."""
    return Corrupt(
        f"The identifiers' log ends at {last} and the index is at {position}: the log has lost its end.",
        code="records.log_behind",
        hint="Restore the stream IDENTITY from a backup, or move the index's folder away: it is built from the log.",
        detail={"last": last, "position": position},
    )


def closed() -> Unavailable:
    """The register was not started, or was stopped."""
    return Unavailable("The register of identifiers is not open.", code="records.closed", hint="Start it.")


def two_writers(other: str) -> Conflict:
    """Another node writes to the same log."""
    return Conflict(
        f"Another node writes to this log of identifiers: {other}.",
        code="records.two_writers",
        hint="One node is the primary: set [identity] mirror on the other, or let this one take over.",
        detail={"other": other},
    )


def is_mirror() -> Denied:
    """This node only follows."""
    return Denied(
        "This node is a mirror: identifiers are registered and changed at the primary.",
        code="records.mirror",
        hint="Ask the primary, or unset [identity] mirror once the primary is gone for good.",
    )


def rebuilding(position: int) -> Unavailable:
    """The index does not know everything yet."""
    return Unavailable(
        f"The index of identifiers is being built from the log and has {position:,} batches of it.",
        code="records.rebuilding",
        hint="Try again later; the node goes on by itself.",
        detail={"position": position},
        retry_after_s=5.0,
    )


def primary_away() -> Unavailable:
    """The node whose log is followed cannot be reached."""
    return Unavailable(
        "The primary of identifiers does not answer.",
        code="records.primary_away",
        hint="The mirror resolves from what it has and goes on by itself when the primary is back.",
    )


def primary_there(position: int) -> Conflict:
    """Somebody wants to take over from a node that is there."""
    return Conflict(
        f"The primary answers, and its log is at batch {position:,}: two nodes would write.",
        code="records.primary_there",
        hint="Stop the primary first. With --force this node takes over all the same, and what the primary writes from "
        "then on is lost.",
        detail={"position": position},
    )


def other_log(position: int) -> Conflict:
    """A mirror's own stream is not a copy of the primary's."""
    return Conflict(
        f"This node's own log of identifiers is another than the primary's, at batch {position:,}.",
        code="records.other_log",
        hint="It was a primary itself. When what it wrote is not needed any more: `millwright identifiers "
        "discard-log`, and begin with a snapshot of the primary.",
        detail={"position": position},
    )


def index_there(folder: str) -> Conflict:
    """A snapshot is to take the place of an index."""
    return Conflict(
        f"There is an index in {folder}.",
        code="records.index_there",
        hint="With --replace it is put aside.",
    )


def snapshot_unusable(why: str) -> Corrupt:
    """A file that is no snapshot, or not one to be believed."""
    return Corrupt(
        f"The snapshot cannot be used: {why}.",
        code="records.snapshot_unusable",
        hint="Copy the file again; add the key of the node that wrote it to [identity] trusted_keys.",
        detail={"why": why},
    )


def snapshot_no_room(why: str) -> LimitExceeded:
    """The disk is too full for a snapshot."""
    return LimitExceeded(
        f"There is no room for a snapshot of the identifiers: {why}.",
        code="records.snapshot_no_room",
        hint="The log stays as long as it is. Free disk space, or lower [identity] snapshots_kept; it is tried again.",
        detail={"why": why},
    )


def log_trimmed(position: int, first: int) -> Unavailable:
    """The log begins behind what the index has."""
    return Unavailable(
        f"The identifiers' log begins at {first:,} and the index is at {position:,}: what lies between is only in a "
        "snapshot.",
        code="records.log_trimmed",
        hint="A snapshot is looked for in this node's folder and at its primary. When there is none: "
        "`millwright identifiers restore` with one of the primary.",
        detail={"position": position, "first": first},
        retry_after_s=5.0,
    )


def unconfirmed(why: str) -> Unavailable:
    """The log did not say whether it has the batch."""
    return Unavailable(
        f"The log of identifiers did not confirm the change: {why}",
        code="records.unconfirmed",
        hint="It may or may not have been made: look at the record, then repeat.",
        detail={"why": why},
    )


def too_large(size: int, most: int) -> LimitExceeded:
    """More changes at once than one message holds."""
    return LimitExceeded(
        f"These changes take {size:,} bytes; {most:,} can be made at once.",
        code="records.batch_too_large",
        hint="Make them in several parts.",
        detail={"bytes": size, "most": most},
    )
