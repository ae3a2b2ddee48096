"""How many sightings a second one core turns into stays: the tracker with its records, from the stream to SQLite.

    python bench/location.py [--tags 2000] [--readers 20] [--sightings 100000] [--positions]

Readers' messages of 50 sightings each are put into a real JetStream intake first. Then the role's worker reads them,
tracks, and keeps every step in SQLite as it does on a node. Tags move from reader to reader; some reads are missing.
Prints sightings a second of one core's time (user and system) and of the clock, and how many events came of it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import tempfile
import time
from pathlib import Path

from millwright.devices.intake import FRAME_VERSION, INTAKE, Frame, Run, encode_frame
from millwright.devices.location.model import Antenna, Corner, NewFloorPlan, NewZone, ReaderForm


async def main(options: argparse.Namespace) -> None:
    import sys

    sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
    from support.located import located

    chance = random.Random(5)
    with tempfile.TemporaryDirectory() as folder:
        async with located(Path(folder)) as place:
            begin_ms = place.clock.now_ms() - 3_600_000
            readers = []
            place.store.add_plan("plan", NewFloorPlan(name="Hall", width_m=100, height_m=100))
            for number in range(options.readers):
                device_id = await place.device(f"reader-{number}")
                place.store.set_reader(device_id, ReaderForm(plan_id="plan", silence_s=86_400), begin_ms - 1)
                readers.append(device_id)
                left = number * 100 / options.readers
                corners = [Corner(left, 0), Corner(left + 5, 0), Corner(left + 5, 50), Corner(left, 50)]
                zone = (
                    NewZone(name=f"Zone {number}", plan_id="plan", polygon=corners)
                    if options.positions
                    else NewZone(name=f"Zone {number}", antennas=[Antenna(device_id=device_id)], exit_s=5)
                )
                place.store.add_zone(f"zone-{number}", zone)
            sent, at_ms = 0, begin_ms
            while sent < options.sightings:
                at_ms += 20
                here = chance.randrange(options.readers)
                sightings = []
                for _ in range(50):
                    tag = chance.randrange(options.tags)
                    home = (tag + at_ms // 30_000) % options.readers
                    sighting = {"tag": f"E2{tag:022X}", "antenna": 1, "ts": at_ms}
                    if options.positions:
                        x = home * 100 / options.readers + chance.gauss(2.5, 1)
                        sighting |= {"x": round(x, 2), "y": round(chance.gauss(25, 8), 2)}
                    else:
                        sighting["rssi"] = round((-50 if home == here else -70) + chance.gauss(0, 3), 1)
                    sightings.append(sighting)
                payload = json.dumps({"ts": at_ms, "sightings": sightings}).encode()
                run = Run(readers[here], "millwright/v1/sightings", at_ms, 0, [payload])
                await place.bus.append("intake.bench", encode_frame(Frame(FRAME_VERSION, "bench", [run])))
                sent += 50
            state = await place.bus.state(INTAKE.name)
            worker = place.worker()
            used, began = sum(os.times()[:2]), time.monotonic()
            await worker.start()
            await place.taken(120)
            used, took = sum(os.times()[:2]) - used, time.monotonic() - began
            await worker.stop()
            kept = len(place.events())
    print(f"{sent:,} sightings of {options.tags:,} tags in {state.messages:,} messages, {worker.events:,} events")
    print(f"{sent / used:,.0f} sightings/s on a core, {sent / took:,.0f}/s by the clock; load {os.getloadavg()[0]:.1f}")
    assert kept, "nothing came of it"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tags", type=int, default=2000)
    parser.add_argument("--readers", type=int, default=20)
    parser.add_argument("--sightings", type=int, default=100_000)
    parser.add_argument("--positions", action="store_true", help="positions on a plan instead of antennas")
    asyncio.run(main(parser.parse_args()))
