"""What comes back: answers to commands, and the values that show their effect."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter, deque
from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

import msgspec
import numpy as np

from millwright.devices.commands.handing import EDGE
from millwright.devices.commands.interlocks import AHEAD_S
from millwright.devices.commands.model import OPEN, UNDER_WAY, Command, Outcome, Seen
from millwright.devices.commands.store import Addressed, CommandStore
from millwright.devices.commands.values import check_value, is_asked
from millwright.devices.commands.wire import Answer, Question, encode_reply
from millwright.devices.models.store import ModelStore
from millwright.devices.mqtt import OUT_SUBJECT, OutMessage
from millwright.devices.telemetry import Decoded
from millwright.historian import UNCERTAIN, Value, series_id
from millwright.kernel import Bus, Clock, Invalid, LimitExceeded, MillwrightError, Unavailable

logger = logging.getLogger(__name__)

_MOST_QUESTIONS: Final = 1000
_ANSWERABLE: Final = (*UNDER_WAY, "queued")


class _Reading(NamedTuple):
    command_id: str
    time_ms: int
    received_ms: int
    value: Value
    quality: int


class Hearing:
    """Gathers on the hot path, judges off it."""

    def __init__(self, store: CommandStore, models: ModelStore, bus: Bus, clock: Clock) -> None:
        self._store, self._models, self._bus, self._clock = store, models, bus, clock
        self._series = np.array([], np.uint64)
        self._whose: dict[int, str] = {}
        self._heard: deque[Answer | _Reading] = deque()
        self._questions: deque[Question] = deque(maxlen=_MOST_QUESTIONS)
        self._last: dict[str, Seen] = {}
        self.counts: Counter[str] = Counter()

    def watch(self, commands: Iterable[Command]) -> None:
        """Look for the effect of those of the commands that write and are under way."""
        whose = {
            int(series_id(command.device_id, command.name)): command.id
            for command in commands
            if command.kind == "write" and command.state in UNDER_WAY and command.route != EDGE
        }
        if whose != self._whose:
            self._whose = whose
            self._series = np.array(sorted(whose), np.uint64)
            self._last = {key: seen for key, seen in self._last.items() if key in whose.values()}

    def offer(self, decoded: Decoded) -> bool:
        """Take what concerns commands; whether there was anything. Does no I/O."""
        found = False
        for each in decoded.answers:
            found = True
            if isinstance(each, Question):
                self._questions.append(each)
            else:
                self._heard.append(each)
        batch = decoded.batch
        if len(self._series) and len(batch):
            for row in np.flatnonzero(np.isin(batch.series, self._series)).tolist():
                found = True
                self._heard.append(
                    _Reading(
                        self._whose[int(batch.series[row])],
                        int(batch.time_ms[row]),
                        int(batch.received_ms[row]),
                        batch.value(row),
                        int(batch.quality[row]),
                    )
                )
        return found

    async def take(self, known: Mapping[str, Addressed]) -> list[Command]:
        """Judge what was heard, in order; the commands whose state changed. Raises ``Unavailable``, and keeps the rest.

        The intake is acknowledged after that, so what cannot be judged for another reason is passed over.
        """
        moved: list[Command] = []
        while self._heard:
            heard, command = self._heard[0], None
            try:
                if isinstance(heard, _Reading):
                    command = await self._on_reading(heard, known)
                else:
                    command = await self._on_answer(heard)
            except (Unavailable, LimitExceeded):
                raise
            except Exception:
                logger.exception("what came back for a command cannot be judged: %.300r", heard)
                self.counts["answers_unknown"] += 1
            self._heard.popleft()
            if command is not None:
                moved.append(command)
        while self._questions:
            await self._reply(self._questions.popleft())
        return moved

    def timeout_of(self, command: Command) -> Outcome:
        """How a command that nobody confirmed is told."""
        seen = self._last.get(command.id)
        if command.state == "acknowledged":
            text = "The device took it, but its effect was not seen in time."
        elif command.kind == "call":
            text = "No answer came in time. Whether the device did it is not known; it is not sent again."
        else:
            text = "The value did not come back in time. Whether the device took it is not known."
        detail: dict[str, Any] = {}
        if seen is not None:
            text += f" The last value seen is {seen.value}."
            detail = {"last": msgspec.to_builtins(seen)}
        hint = "Look at the machine before asking again."
        return Outcome(code="commands.timeout", text=text, hint=hint, detail=detail)

    # --- values --------------------------------------------------------------------------------------------------

    async def _on_reading(self, reading: _Reading, known: Mapping[str, Addressed]) -> Command | None:
        each = known.get(reading.command_id)
        if each is None or each.command.state not in UNDER_WAY or reading.received_ms < (each.command.sent_ms or 0):
            return None
        if reading.received_ms > self._clock.now_ms() + AHEAD_S * 1000:  # it may be of before the sending
            return None
        value = reading.value.replace("\0", "") if isinstance(reading.value, str) else reading.value
        command, seen = each.command, Seen(value, reading.time_ms, reading.quality)
        if reading.quality < UNCERTAIN or not is_asked(reading.value, command.value, command.tolerance):
            self._last[command.id] = seen
            return None
        outcome = Outcome(code="commands.came_back", text="The value came back from the device.")
        return await self._move(command, UNDER_WAY, "confirmed", outcome, after=seen)

    # --- answers -------------------------------------------------------------------------------------------------

    async def _on_answer(self, answer: Answer) -> Command | None:
        command = await asyncio.to_thread(self._find, answer)
        if command is None or command.device_id != answer.device_id or not command.attempts:
            self.counts["answers_unknown"] += 1
            return None
        if command.route == EDGE:  # the edge heard it too, and tells what that came to
            return None
        if command.state not in OPEN:
            if command.state == "timed_out":
                self.counts["answers_late"] += 1
                said = {"ok": "done", "accepted": "taken", "error": "refused"}.get(answer.status or "", "unreadable")
                text = f"The device answered after the time was over: {said}. {answer.text}".strip()
                detail = {"code": "commands.answered_late", "status": answer.status, "value": _plain(answer.value)}
                await asyncio.to_thread(self._store.note, command, self._clock.now_ms(), text, detail)
            else:
                self.counts["answers_repeated"] += 1
            return None
        state, outcome, changes = await asyncio.to_thread(self._judge, command, answer)
        if state == "acknowledged":
            return await self._move(command, ("sending", "sent"), state, outcome, **changes)
        return await self._move(command, _ANSWERABLE, state, outcome, **changes)

    def _find(self, answer: Answer) -> Command | None:
        if answer.command_id is not None:
            return self._store.find(answer.command_id)
        return self._store.find_number(answer.number or 0)

    def _judge(self, command: Command, answer: Answer) -> tuple[str, Outcome | None, dict[str, Any]]:
        """What an answer makes of a command that is not over: the state, how it is told, what else changes."""
        if answer.status is None:
            text = f"The device answered something that cannot be read ({answer.text})."
            hint = "Whether it did it is not known: look at the machine."
            return "failed", Outcome(code="commands.answer_unreadable", text=text, hint=hint), {}
        if answer.status == "error":
            return "failed", Outcome(code="commands.device_refused", text=answer.text or "The device refused."), {}
        if answer.status == "accepted":
            return "acknowledged", None, {}
        outcome = Outcome(code="commands.answered", text=answer.text or "The device answered that it is done.")
        if command.kind == "call":
            return self._judge_call(command, answer, outcome)
        value = answer.value
        if value is None:
            return ("confirmed", outcome, {}) if command.confirm == "any" else ("acknowledged", None, {})
        plain = value if isinstance(value, bool | int | float | str) else None
        seen = Seen(plain, answer.received_ms, 192)
        if not is_asked(plain, command.value, command.tolerance):
            text = f"The device answered with {str(value)[:60]} in place of the value that was asked for."
            return "failed", Outcome(code="commands.other_value", text=text), {"after": seen}
        return ("confirmed", outcome, {"after": seen}) if command.confirm == "any" else ("acknowledged", None, {})

    def _judge_call(self, command: Command, answer: Answer, outcome: Outcome) -> tuple[str, Outcome, dict[str, Any]]:
        outputs = answer.outputs if isinstance(answer.outputs, dict) else {}
        if answer.outputs is None and answer.value is not None:
            outputs = {"value": answer.value}
        try:
            for spec in self._outputs_of(command):
                if spec.name in outputs:
                    check_value(spec, outputs[spec.name], f"/outputs/{spec.name}")
        except Invalid as error:
            text = f"The device answered what the model does not allow: {error.message}"
            return "failed", Outcome(code="commands.answer_invalid", text=text), {"outputs": _plain(outputs)}
        return "confirmed", outcome, {"outputs": _plain(outputs)}

    def _outputs_of(self, command: Command) -> tuple[Any, ...]:
        found = self._store.model_of(command.device_id)
        model = self._models.find(*found) if found else None
        service = next((each for each in model.services if each.name == command.name), None) if model else None
        return service.outputs if service else ()

    async def _move(
        self, command: Command, allowed: tuple[str, ...], state: Any, outcome: Outcome | None, **changes: Any
    ) -> Command | None:
        def work() -> Command | None:
            return self._store.move(command.id, allowed, state, self._clock.now_ms(), outcome, **changes)

        return await asyncio.to_thread(work)

    # --- questions -----------------------------------------------------------------------------------------------

    async def _reply(self, question: Question) -> None:
        """Answer a device; a node that cannot leaves the device to ask again."""
        self.counts["questions"] += 1
        topic, payload = encode_reply(question, self._clock.now_ms())
        message = OutMessage(f"$device/{question.device_id}/{topic}", payload, qos=1)
        try:
            await self._bus.publish(OUT_SUBJECT, msgspec.msgpack.encode(message))
        except MillwrightError as error:
            logger.debug("a device's question was not answered: %s", error.message)


def _plain(value: Any) -> Any:
    """Small JSON as it is, large as a beginning of it."""
    raw = msgspec.json.encode(value)
    return value if len(raw) <= 16_384 else {"cut": raw[:1000].decode(errors="replace")}
