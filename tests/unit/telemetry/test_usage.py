"""What intake frames count: each message once, however often it came and in whatever order."""

from __future__ import annotations

import orjson
import pytest

from millwright.devices.intake import (
    FLAG_ACKNOWLEDGED,
    FLAG_DUPLICATE,
    FLAG_REPLAYED,
    Frame,
    Run,
    encode_frame,
)
from millwright.devices.telemetry import Collector, Decoder, JsonDecoder, KnownDevice, TelemetrySettings
from millwright.devices.telemetry.usage import HOUR_MS, UsageCounter
from support.telemetry import Plant

T0 = 1_790_000_000_000
HOUR = T0 // HOUR_MS
DUP = FLAG_ACKNOWLEDGED | FLAG_DUPLICATE


class Bench:
    """A decoder, and everything it counted."""

    def __init__(self) -> None:
        plant = Plant(KnownDevice("pump", organisation_id="red"), KnownDevice("fan", organisation_id="blue"))
        settings = TelemetrySettings()
        self.collector = Collector(settings)
        self.decoder = Decoder(plant, self.collector, JsonDecoder(self.collector, settings), None)  # type: ignore[arg-type]
        self.sequence = 0

    def take(self, *runs: Run) -> dict[tuple[str, int], list[int]]:
        self.sequence += 1
        self.decoder.decode(encode_frame(Frame(1, "l", list(runs))), self.sequence)
        return self.decoder.take().usage


def run(
    first: int, count: int, *, device: str = "pump", flags: int = FLAG_ACKNOWLEDGED, at_ms: int = T0, timed: bool = True
) -> Run:
    payloads = []
    for n in range(first, first + count):
        values = {"a": n, "b": n + 0.5}
        payloads.append(orjson.dumps({"ts": T0 + n, "values": values} if timed else values))
    return Run(device, "millwright/v1/telemetry", at_ms, flags, payloads, list(range(first + 1, first + 1 + count)))


def test_messages_and_readings_by_organisation_and_hour() -> None:
    bench = Bench()
    found = bench.take(run(0, 3), run(0, 2, device="fan"), run(10, 1, at_ms=T0 + HOUR_MS), run(0, 9, device="ghost"))
    assert found == {("red", HOUR): [3, 6], ("blue", HOUR): [2, 4], ("red", HOUR + 1): [1, 2]}
    assert bench.take() == {}


@pytest.mark.parametrize("timed", [True, False])
def test_a_repetition_counts_nothing_and_what_is_new_beside_it_counts(timed: bool) -> None:
    bench = Bench()
    bench.take(run(0, 5, timed=timed))
    assert bench.take(run(3, 4, flags=DUP, timed=timed)) == {("red", HOUR): [2, 4]}  # 3 and 4 came before
    assert bench.take(run(3, 4, flags=DUP, timed=timed)) == {}
    assert bench.take(run(3, 1, flags=DUP, device="fan", timed=timed)) == {("blue", HOUR): [1, 2]}


def test_a_packet_id_that_is_used_again_for_another_message_counts() -> None:
    bench = Bench()
    bench.take(run(0, 1))
    other = Run("pump", "millwright/v1/telemetry", T0, DUP, [b'{"a": 99}'], [1])
    assert bench.take(other) == {("red", HOUR): [1, 1]}


def test_a_repetition_that_is_there_twice_counts_once() -> None:
    twice = Run("pump", "millwright/v1/telemetry", T0, DUP, [b'{"a": 1}', b'{"a": 1}'], [1, 1])
    assert Bench().take(twice) == {("red", HOUR): [1, 1]}


def test_an_original_that_comes_after_its_repetition_counts_nothing() -> None:
    bench = Bench()
    assert bench.take(run(0, 2, flags=DUP, at_ms=T0 + 50)) == {("red", HOUR): [2, 4]}
    assert bench.take(run(0, 3, at_ms=T0)) == {("red", HOUR): [1, 2]}
    # The same payload under the same id, sent later and not as a repetition, is another message.
    assert bench.take(run(0, 1, at_ms=T0 + 100)) == {("red", HOUR): [1, 2]}


def test_runs_that_are_later_than_every_early_repetition_are_not_looked_at_one_by_one() -> None:
    counter = UsageCounter(300.0)
    repetition = run(0, 1, flags=DUP, at_ms=T0 + 50)
    frame = Frame(1, "l", [repetition])
    counter.hold(encode_frame(frame), T0 + 50)
    assert counter.is_doubtful(repetition)
    assert counter.find_repeated(repetition, frame) == [False]
    earlier = run(1, 1, flags=DUP, at_ms=T0 + 20)
    assert counter.find_repeated(earlier, Frame(1, "l", [earlier])) == [False]
    assert counter.is_doubtful(run(0, 2, at_ms=T0 + 50))
    assert not counter.is_doubtful(run(0, 2, at_ms=T0 + 51))
    assert not counter.is_doubtful(run(0, 2, device="fan", at_ms=T0 + 30_000))
    assert counter.is_doubtful(run(2, 1, flags=DUP, at_ms=T0 + 30_000))


def test_a_repetition_in_the_frame_of_its_original() -> None:
    assert Bench().take(run(0, 2), run(1, 2, flags=DUP)) == {("red", HOUR): [3, 6]}


def test_after_a_restart_it_is_known_what_came_before() -> None:
    bench = Bench()
    bench.decoder.recall(encode_frame(Frame(1, "l", [run(0, 5)])))
    bench.decoder.recall(encode_frame(Frame(1, "l", [run(7, 2, flags=DUP)])))
    assert bench.decoder.take().usage == {}
    assert bench.take(run(3, 7, flags=DUP)) == {("red", HOUR): [3, 6]}  # 5, 6 and 9


def test_a_dead_letter_taken_again_counts_its_readings_alone() -> None:
    assert Bench().take(run(0, 2, flags=FLAG_REPLAYED)) == {("red", HOUR): [0, 4]}


def test_a_message_that_cannot_be_read_counts_as_a_message() -> None:
    broken = Run("pump", "millwright/v1/telemetry", T0, FLAG_ACKNOWLEDGED, [b"{", b'{"a": 1}'], [1, 2])
    assert Bench().take(broken) == {("red", HOUR): [2, 1]}


def test_what_is_held_is_bounded() -> None:
    counter = UsageCounter(300.0, most_bytes=1000)
    frames = [Frame(1, "l", [run(n, 1)]) for n in range(100)]
    for frame in frames:
        counter.hold(encode_frame(frame), T0)
    repeated = [counter.find_repeated(run(n, 1, flags=DUP), frames[-1])[0] for n in range(100)]
    assert repeated[-5:] == [True] * 5
    assert not any(repeated[:80])
    counter.hold(encode_frame(frames[0]), T0 + 301_000)
    assert len(counter._held) == 1


def test_what_was_looked_into_is_bounded_too() -> None:
    counter = UsageCounter(300.0, most_indexed=100_000)
    frames = [Frame(1, "l", [run(0, 50_000, device=f"pump{n}")]) for n in range(5)]
    for frame in frames:
        counter.hold(encode_frame(frame), T0)
    assert counter.find_repeated(run(7, 1, device="pump4", flags=DUP), frames[-1]) == [True]
    assert counter.find_repeated(run(7, 1, device="pump0", flags=DUP), frames[-1]) == [False]
    assert len(counter._index) <= 200_000
