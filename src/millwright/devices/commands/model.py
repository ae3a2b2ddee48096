"""A command, the rules that stand in its way, and what became of it, as the API shows them."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from msgspec import Meta, Struct

from millwright.kernel import ROOT

Kind = Literal["write", "call"]
State = Literal[
    "queued",
    "sending",
    "sent",
    "acknowledged",
    "confirmed",
    "delivered",
    "failed",
    "timed_out",
    "refused",
    "expired",
    "cancelled",
    "superseded",
]
"""``queued``: waits for the device or for its turn. ``sending``: on its way out, which is written down before.
``sent``: the device's connection took it. ``acknowledged``: the device took it, its effect is not seen yet. The rest
are ends: ``confirmed`` (the effect was seen), ``delivered`` (sent, and no answer was wanted), ``failed`` (the device
said no), ``timed_out`` (nobody knows), ``refused`` (an interlock or a lock stood against it; not sent), ``expired``
(the device did not wake up in time; not sent), ``cancelled`` and ``superseded`` (not sent)."""

WAITING: Final = ("queued",)
UNDER_WAY: Final = ("sending", "sent", "acknowledged")
OPEN: Final = WAITING + UNDER_WAY

Value = float | int | bool | str
"""A value that is written or handed over."""

Confirm = Literal["any", "value", "none"]
Reason = Annotated[str, Meta(max_length=1000, description="Why; shown in the history and in the ledger.")]
Seconds = Annotated[float, Meta(ge=0.5, le=3600)]


class _Asked(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What every command may say."""

    reason: Reason = ""
    timeout_s: Annotated[Seconds | None, Meta(description="How long the effect may take once it is sent.")] = None
    expires_s: Annotated[
        Annotated[float, Meta(ge=0, le=2_592_000)] | None,
        Meta(description="How long it may wait for the device; 0: only if it is there now."),
    ] = None


class Write(_Asked, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Set a writable property."""

    property: Annotated[str, Meta(max_length=256, examples=["setpoint"])]
    value: Annotated[Value, Meta(description="In the property's unit.", examples=[42.5])]
    tolerance: Annotated[
        Annotated[float, Meta(ge=0)] | None, Meta(description="How far what comes back may be from it.")
    ] = None
    confirm: Annotated[
        Literal["any", "value"],
        Meta(description="`any`: the device's answer is enough. `value`: only the value that comes back is."),
    ] = "any"
    supersede: Annotated[bool, Meta(description="Take the place of older writes of the property that wait.")] = True


class Call(_Asked, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Call a service."""

    service: Annotated[str, Meta(max_length=256, examples=["restart"])]
    inputs: Annotated[dict[str, Value], Meta(description="All inputs that the model names.")] = {}
    confirm: Annotated[
        Literal["any", "none"],
        Meta(description="`none`: one way, nothing is waited for once it is sent."),
    ] = "any"


class Seen(Struct, frozen=True):
    """A value as it was seen."""

    value: Value | None
    time_ms: int
    quality: int


class Outcome(Struct, frozen=True, kw_only=True):
    """How it ended, in words: ``code`` for programs, ``text`` and ``hint`` for people."""

    code: str
    text: str = ""
    hint: str = ""
    detail: dict[str, Any] = {}


class Withdrawal(Struct, frozen=True, kw_only=True):
    """Somebody wants a command back that an edge has; ``superseded_by``: for a newer one. The edge's answer is out."""

    by_id: str
    by_name: str
    asked_ms: int
    superseded_by: str | None = None

    @property
    def words(self) -> str:
        """Why it ended, if it can be taken back."""
        if self.superseded_by is None:
            return f"{self.by_name} cancelled it."
        return f"{self.by_name} asked for another value before this one was sent."


class Command(Struct, frozen=True, kw_only=True):
    """One command. ``number`` orders the commands of a node; ``before`` and ``after`` are the property's values."""

    id: str
    number: int
    device_id: str
    device_name: str
    kind: Kind
    name: Annotated[str, Meta(description="The property or the service.")]
    value: Value | None = None
    inputs: dict[str, Any] = {}
    unit: str | None = None
    state: State
    confirm: Confirm
    tolerance: float | None = None
    reason: str
    by_id: str
    by_name: str
    asked_ms: int
    expires_ms: int
    timeout_s: float
    sent_ms: int | None = None
    deadline_ms: int | None = None
    ended_ms: int | None = None
    route: Annotated[str | None, Meta(description="How it goes, or went, to the device.")] = None
    attempts: int = 0
    before: Seen | None = None
    after: Seen | None = None
    outputs: dict[str, Any] | None = None
    outcome: Outcome | None = None
    batch_id: str | None = None
    superseded_by: str | None = None
    withdrawal: Withdrawal | None = None
    organisation_id: str = ROOT


class CommandEvent(Struct, frozen=True, kw_only=True):
    """One line of a command's history."""

    at_ms: int
    state: Annotated[str, Meta(description="A state, or `note`.")]
    text: str
    detail: dict[str, Any] = {}


class CommandDetail(Command, frozen=True, kw_only=True):
    """A command with its history, oldest first."""

    history: list[CommandEvent]


class CommandPage(Struct, frozen=True):
    """Commands, newest first; ``next`` continues the list."""

    items: list[Command]
    next: str | None


class Batch(Struct, frozen=True, kw_only=True):
    """One command to many devices. ``refused``: devices that did not get one, and why."""

    id: str
    total: int
    open: int
    states: dict[str, int]
    refused: list[BatchRefusal] = []


class BatchRefusal(Struct, frozen=True):
    """A device that was not asked."""

    device_id: str
    code: str
    message: str


DeviceIds = Annotated[
    list[Annotated[str, Meta(max_length=64)]], Meta(min_length=1, max_length=1000, description="Devices.")
]


class BulkWrite(Write, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Set a property of many devices."""

    device_ids: DeviceIds


class BulkCall(Call, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Call a service of many devices."""

    device_ids: DeviceIds


class Lock(Struct, frozen=True, kw_only=True):
    """A person's lock on a device (lock-out/tag-out): nothing is sent to it while there is one."""

    id: str
    device_id: str
    by_id: str
    by_name: str
    reason: str
    placed_ms: int
    released_ms: int | None = None
    released_by: str | None = None


class NewLock(Struct, frozen=True, forbid_unknown_fields=True):
    """What the tag says."""

    reason: Annotated[str, Meta(min_length=1, max_length=1000)]
