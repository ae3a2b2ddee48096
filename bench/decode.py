"""How fast intake frames become columns, one core.

    python bench/decode.py [--seconds 2] [--profile]

Frames are synthetic: 200 devices, JSON messages of ten values, runs of eight messages. CPU seconds count, not wall
time, so that a busy machine does not change the figures.
"""

from __future__ import annotations

import argparse
import cProfile
import pstats
import random
import time
from collections.abc import Callable

import orjson

from millwright.devices.intake import FLAG_ACKNOWLEDGED, Frame, Run, encode_frame
from millwright.devices.telemetry import (
    Collector,
    DeclaredProperty,
    Decoder,
    JsonDecoder,
    KnownDevice,
    TelemetrySettings,
)

NOW_MS = 1_750_000_000_000
DEVICES = 200
POINTS = 10


class Plant:
    """A directory of devices, with or without a model."""

    def __init__(self, *, model: bool) -> None:
        declared = {f"sensor_{i}": DeclaredProperty(f"sensor_{i}", minimum=-50, maximum=150) for i in range(POINTS)}
        self._devices = {f"dev_{i}": KnownDevice(f"dev_{i}", declared if model else {}) for i in range(DEVICES)}

    def find_device(self, device_id: str) -> KnownDevice | None:
        return self._devices.get(device_id)

    def find_sparkplug_device(self, _edge_id: str, _name: str) -> str | None:
        return None


def flat(rng: random.Random, _at: int) -> object:
    return {f"sensor_{i}": round(rng.uniform(0, 100), 3) for i in range(POINTS)}


def timed(rng: random.Random, at: int) -> object:
    return {"ts": NOW_MS + at, "values": flat(rng, at)}


def with_booleans(rng: random.Random, _at: int) -> object:
    return {f"sensor_{i}": rng.random() < 0.5 if i < 2 else round(rng.uniform(0, 100), 3) for i in range(POINTS)}


def nested(rng: random.Random, _at: int) -> object:
    return {"motor": {f"sensor_{i}": round(rng.uniform(0, 100), 3) for i in range(9)}, "state": "running"}


def frames_of(form: Callable[[random.Random, int], object], run_length: int, messages: int = 40_000) -> list[bytes]:
    rng = random.Random(7)
    frames, runs, size, packet = [], [], 0, 0
    for at in range(0, messages, run_length):
        payloads = [orjson.dumps(form(rng, at + i)) for i in range(run_length)]
        packet_ids = [(packet + i) % 65_535 + 1 for i in range(run_length)]
        packet += run_length
        device = f"dev_{(at // run_length) % DEVICES}"
        runs.append(Run(device, "v1/devices/me/telemetry", NOW_MS + at // 10, FLAG_ACKNOWLEDGED, payloads, packet_ids))
        size += sum(map(len, payloads))
        if size > 200_000:
            frames.append(encode_frame(Frame(1, "bench", runs)))
            runs, size = [], 0
    frames.append(encode_frame(Frame(1, "bench", runs)))
    return frames


class NoSparkplug:
    def decode(self, run: Run, _device: KnownDevice, _sequence: int) -> None:
        raise AssertionError(run.topic)


def parsing_alone(seconds: float) -> float:
    """Microseconds that orjson alone takes for a flat message: the floor under every other figure."""
    payloads = [orjson.dumps(flat(random.Random(7), i)) for i in range(1000)]
    started, messages = time.process_time(), 0
    while (spent := time.process_time() - started) < seconds:
        for payload in payloads:
            orjson.loads(payload)
        messages += len(payloads)
    return spent / messages * 1e6


def measure(frames: list[bytes], *, model: bool, seconds: float) -> tuple[float, float]:
    """Points a second and microseconds a message, by CPU time."""
    settings = TelemetrySettings()
    collector = Collector(settings)
    decoder = Decoder(Plant(model=model), collector, JsonDecoder(collector, settings), NoSparkplug())
    points = messages = 0
    started = time.process_time()
    sequence = 0
    while (spent := time.process_time() - started) < seconds:
        for frame in frames:
            sequence += 1
            decoder.decode(frame, sequence)
            if sequence % 4 == 0:
                taken = decoder.take()
                points += len(taken.batch)
                messages += taken.counts["messages_in"]
    return points / spent, spent / messages * 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--profile", action="store_true")
    options = parser.parse_args()
    print(f"{'parsing alone (orjson)':28} {'':30} {parsing_alone(options.seconds / 2):6.2f} us/message")
    for name, form, run_length, model in (
        ("flat, runs of 8", flat, 8, False),
        ("flat, runs of 1", flat, 1, False),
        ("flat, runs of 100", flat, 100, False),
        ("flat, limits of a model", flat, 8, True),
        ("ts + values", timed, 8, False),
        ("two booleans", with_booleans, 8, False),
        ("nested, one text", nested, 8, False),
    ):
        frames = frames_of(form, run_length)
        rate, per_message = measure(frames, model=model, seconds=options.seconds)
        print(f"{name:28} {rate / 1e6:6.2f} M points/s a core   {per_message:6.2f} us/message")
    if options.profile:
        frames = frames_of(flat, 8)
        profile = cProfile.Profile()
        profile.enable()
        measure(frames, model=False, seconds=options.seconds)
        profile.disable()
        pstats.Stats(profile).sort_stats("tottime").print_stats(15)


if __name__ == "__main__":
    main()
