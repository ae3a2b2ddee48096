"""Settings of the ledger."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from millwright.ledger.merkle.hashing import Algorithm


class LedgerSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """``[ledger]``: the tamper-evident record of who did what."""

    origin: Annotated[
        str,
        Meta(
            description="Name of this node's log among all logs, such as `plant.example.com/ledger`; kept from the "
            "first start on. Empty: `millwright/` and the node's name.",
            pattern=r"^[^\s+]*$",
        ),
    ] = ""
    algorithm: Annotated[
        Algorithm,
        Meta(description="Hash of the log, kept from the first start on: `sha256`, or `sm3` for national algorithms."),
    ] = "sha256"
    signature: Annotated[
        Literal["ed25519", "sm2"],
        Meta(
            description="Who signs tree heads: an Ed25519 key, or with `sm2` a key for SM2 beside it, for national "
            "algorithms."
        ),
    ] = "ed25519"
    key_file: Annotated[
        str,
        Meta(description="File with the keys that sign tree heads. Empty: `ledger.key` in the data folder."),
    ] = ""
    witnesses: Annotated[
        list[str],
        Meta(
            description="Who co-signs tree heads, as `ADDRESS KEY`: the address that `add-checkpoint` is below, and "
            "the witness's verifier key."
        ),
    ] = []
    witness_every_s: Annotated[
        float, Meta(description="A changed tree head is sent to the witnesses at most this often, in seconds.", gt=0)
    ] = 10.0
    interrupted_after_s: Annotated[
        float,
        Meta(
            description="A change that was begun and not reported as ended is entered as interrupted after this many "
            "seconds.",
            ge=10,
        ),
    ] = 300.0
    repeats_every_s: Annotated[
        float,
        Meta(description="Equal denied attempts are counted, and the count is entered this often, in seconds.", ge=1),
    ] = 60.0

    @property
    def kinds(self) -> tuple[int, ...]:
        """The kinds of keys that sign tree heads."""
        from millwright.ledger.notes import LOG, LOG_SM2

        return (LOG, LOG_SM2) if self.signature == "sm2" else (LOG,)
