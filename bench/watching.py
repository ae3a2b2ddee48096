"""What watching resolution costs on the quick ways, CPU time of one core.

    python bench/watching.py [--questions 300000]

Counts as the quick ways do (native UDP and TCP, Handle REST), for several rates: at a low one every answer is looked at
closely, at a high one few. Names by Zipf's law or all different; 2,000 networks. CPU seconds count, not wall time.
"""

from __future__ import annotations

import argparse
import random
import time

from millwright.identity.operation.watch import _CLOSELY_PER_S, Watch


def cost_ns(names: list[bytes], addresses: list[str], stride: int) -> float:
    """Of one answer, without the loop around it."""
    watch = Watch()
    lane = watch.lanes["udp"]
    lane.stride = lane.left = stride
    started = time.process_time()
    for name, address in zip(names, addresses, strict=True):
        lane.hit(name, address)
    spent = time.process_time() - started
    started = time.process_time()
    for _name, _address in zip(names, addresses, strict=True):
        pass
    return (spent - (time.process_time() - started)) / len(names) * 1e9


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--questions", type=int, default=300_000)
    count = parser.parse_args().questions
    chosen = random.Random(1)
    different = [b"88.118.8/pump-%d" % chosen.randrange(10**7) for _ in range(count)]
    few = [b"88.118.8/pump-%d" % each for each in range(10_000)]
    zipf = chosen.choices(few, weights=[1 / (each + 1) for each in range(len(few))], k=count)
    addresses = [f"10.{each % 8}.{each % 250}.7" for each in (chosen.randrange(2_000) for _ in range(count))]
    print(f"{'answers a second':>18}  {'looked at':>10}  {'Zipf':>8}  {'different':>10}   (ns for each answer)")
    for rate in (500, 1_000, 2_000, 4_000, 10_000, 30_000):
        stride = max(1, rate // _CLOSELY_PER_S)
        print(
            f"{rate:>18,}  {f'1 in {stride}':>10}  {cost_ns(zipf, addresses, stride):>8.0f}"
            f"  {cost_ns(different, addresses, stride):>10.0f}"
        )
    watch = Watch()
    for name, address in zip(different, addresses, strict=True):
        watch.lanes["udp"].found += 1
        watch.lanes["udp"].look(name, address)
    started = time.process_time()
    told = watch.take()
    spent_ms = (time.process_time() - started) * 1000
    print(f"taking what is told, once in two seconds, after all those: {spent_ms:.1f} ms, {len(told.names)} names")


if __name__ == "__main__":
    main()
