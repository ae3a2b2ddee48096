"""Use cases of dead letters: look, replay after the cause was mended, discard."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence

import msgspec

from millwright.devices.dead_letters.model import DeadLetter, device_of, reason_of
from millwright.devices.dead_letters.model import subject_of as subject_of_letter
from millwright.devices.dead_letters.stream import DeadLetterStream, StoredLetter
from millwright.devices.intake import FLAG_DUPLICATE, FLAG_REPLAYED, FRAME_VERSION, Frame, Run, encode_frame, subject_of
from millwright.engines.nats import NatsConnection
from millwright.kernel import ROOT, Invalid, NotFound, current_scope
from millwright.ledger import note

_REPLAYER = "replay"
_ATTEMPT = 1 << 8
_FLAGS = _ATTEMPT - 1


class Summary(msgspec.Struct, frozen=True):
    """How many dead letters there are, in all, by reason and by device (the hundred with most)."""

    count: int
    by_reason: dict[str, int]
    by_device: dict[str, int]


Gate = Callable[[Collection[str]], Awaitable[Collection[str]]]
"""Which of these devices may be seen by the work at hand."""


class DeadLetters:
    """What could not be read, for people: each sees the letters of devices in their scope.

    Letters whose sender is unknown belong to the root. ``gate`` is the registry's; it answers in the scope at hand.
    """

    def __init__(self, nats: NatsConnection, gate: Gate, stream: DeadLetterStream | None = None) -> None:
        self._nats = nats
        self._gate = gate
        self._stream = stream or DeadLetterStream(nats)

    async def start(self) -> None:
        """Make the stream if it is not there yet."""
        await self._stream.start()

    async def stop(self) -> None:
        """Nothing to release."""

    async def list(
        self, *, before: int | None = None, limit: int = 50, reason: str | None = None, device_id: str | None = None
    ) -> Sequence[StoredLetter]:
        """Up to ``limit`` letters older than the sequence ``before``, newest first."""
        seen = await self._seen()
        return await self._stream.page(before=before, limit=limit, reason=reason, device_id=device_id, seen=seen)

    async def get(self, sequence: int) -> StoredLetter:
        """One letter. Raises ``NotFound`` (``dead_letters.unknown``)."""
        return await self._find(sequence, await self._seen())

    async def summary(self) -> Summary:
        """How many, and why."""
        by_reason: dict[str, int] = {}
        by_device: dict[str, int] = {}
        counted = await self._stream.count()
        seen = await self._seen(counted)
        for subject, count in counted.items():
            if not seen(device_of(subject)):
                continue
            by_reason[reason_of(subject)] = by_reason.get(reason_of(subject), 0) + count
            device = device_of(subject)
            if device is not None:
                by_device[device] = by_device.get(device, 0) + count
        most = sorted(by_device.items(), key=lambda item: -item[1])[:100]
        return Summary(sum(by_reason.values()), by_reason, dict(most))

    async def replay(
        self, sequences: Sequence[int] | None, *, reason: str | None = None, device_id: str | None = None
    ) -> int:
        """Put letters into the intake again and take them off the list; returns how many.

        What still cannot be read comes back as a new letter. ``sequences`` of ``None`` means all that match. A crash in
        between may replay a letter twice, which changes nothing in history. What was done before an error is in the
        ledger.
        """
        done = 0
        try:
            async for stored in self._chosen(sequences, reason, device_id):
                await self._nats.append(subject_of(_REPLAYER), _frame_of(stored.letter))
                done += 1
                await self._stream.discard(stored.sequence)
        finally:
            _note_done("replayed", done, sequences, reason, device_id)
        return done

    async def discard(
        self, sequences: Sequence[int] | None, *, reason: str | None = None, device_id: str | None = None
    ) -> int:
        """Remove letters for good; returns how many were there. What was done before an error is in the ledger."""
        done = 0
        try:
            async for stored in self._chosen(sequences, reason, device_id):
                done += await self._stream.discard(stored.sequence)
        finally:
            _note_done("discarded", done, sequences, reason, device_id)
        return done

    async def count(self) -> int:
        """How many letters may be seen."""
        counted = await self._stream.count()
        seen = await self._seen(counted)
        return sum(count for subject, count in counted.items() if seen(device_of(subject)))

    async def _find(self, sequence: int, seen: Callable[[str | None], bool]) -> StoredLetter:
        """One letter; that of somebody else costs what none would, for ``seen`` was worked out before."""
        found = await self._stream.find(sequence)
        if found is None or not seen(device_of(subject_of_letter(found.letter))):
            raise _unknown(sequence)
        return found

    async def _seen(self, counted: Collection[str] | None = None) -> Callable[[str | None], bool]:
        """Whose letters may be seen now; asked of the registry once for all who have letters.

        ``counted``: the subjects of the letters there are, where they are known.
        """
        subjects = await self._stream.count() if counted is None else counted
        devices = {device_of(subject) for subject in subjects} - {None}
        visible = set(await self._gate([each for each in devices if each is not None]))
        root = ROOT in current_scope()
        return lambda device: root if device is None else device in visible

    async def _chosen(
        self, sequences: Sequence[int] | None, reason: str | None, device_id: str | None
    ) -> AsyncIterator[StoredLetter]:
        if sequences is None:
            last, seen = await self._stream.last_sequence(), await self._seen()
            async for stored in self._stream.scan(last=last, reason=reason, device_id=device_id):
                if seen(device_of(subject_of_letter(stored.letter))):
                    yield stored
            return
        if reason is not None or device_id is not None:
            raise Invalid(
                "Name the letters, or a reason and device, not both.",
                code="dead_letters.ambiguous",
                hint="Send either `sequences` or `all` with `reason` and `device_id`.",
            )
        seen = await self._seen()
        for sequence in sequences:
            yield await self._find(sequence, seen)


def _note_done(
    what: str, done: int, sequences: Sequence[int] | None, reason: str | None, device_id: str | None
) -> None:
    if not done:
        return
    chosen = {"sequences": None if sequences is None else list(sequences), "reason": reason, "device_id": device_id}
    note("dead_letter", "", after={what: done, **chosen})


def _frame_of(letter: DeadLetter) -> bytes:
    if letter.reason == "telemetry.frame_unreadable":
        return letter.payload
    attempt = (letter.flags // _ATTEMPT + 1) * _ATTEMPT  # makes a letter that comes back differ from this one
    flags = (letter.flags & _FLAGS & ~FLAG_DUPLICATE) | FLAG_REPLAYED | attempt
    run = Run(letter.device_id, letter.topic, letter.received_ms, flags, [letter.payload])
    return encode_frame(Frame(FRAME_VERSION, _REPLAYER, [run]))


def _unknown(sequence: int) -> NotFound:
    return NotFound(
        f"There is no dead letter {sequence}.",
        code="dead_letters.unknown",
        hint="It was replayed, discarded, or dropped for its age.",
        detail={"sequence": sequence},
    )
