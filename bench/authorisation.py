"""What authorisation adds to a request: the authority and scope when remembered and when not, and a confined query.

    python bench/authorisation.py [--organisations 1000] [--repeat 20000]

A tree of provinces, cities and enterprises; somebody with a grant on the root and thirty on enterprises.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from millwright import devices, parties
from millwright.devices import rights
from millwright.devices.store import devices as things
from millwright.engines.sql import Migrations, Records
from millwright.kernel import ROOT, SystemClock
from millwright.kernel.scope import EVERYTHING, enter, leave
from millwright.parties import Parties
from millwright.parties.origin import Origin
from millwright.parties.store.organisations_tables import grants, organisations

DEVICES = 2_000


def build(records: Records, count: int) -> None:
    """Organisations below the root, a tenth of them cities, and devices of each in turn."""
    rows = []
    for number in range(count):
        city = f"org_{number // 10 * 10:026}"
        is_city = number % 10 == 0
        key = f"org_{number:026}"
        rows.append(
            {
                "id": key,
                "parent_id": ROOT if is_city else city,
                "kind": "city" if is_city else "enterprise",
                "name": key,
                "name_key": key,
                "path": f"/{ROOT}/{key}/" if is_city else f"/{ROOT}/{city}/{key}/",
                "suspended": False,
                "created_ms": 0,
                "revision": 1,
            }
        )
    kept = {"kind": "device", "tags": [], "disabled": False, "created_ms": 0, "revision": 1}
    owned = [
        {"id": f"dev_{n}", "name": f"d{n}", "name_key": f"d{n}", "search": "", "organisation_id": rows[n % count]["id"]}
        | kept
        for n in range(DEVICES)
    ]
    with records.scoped(EVERYTHING).begin() as connection:
        connection.execute(sa.insert(organisations), rows)
        connection.execute(sa.insert(things), owned)


def microseconds(work: Callable[[], Any], repeat: int) -> float:
    """The median of nine rounds, for one call."""
    rounds = []
    for _ in range(9):
        began = time.perf_counter()
        for _ in range(repeat // 9):
            work()
        rounds.append((time.perf_counter() - began) / (repeat // 9) * 1e6)
    return statistics.median(rounds)


async def run(folder: Path, count: int, repeat: int) -> None:
    """Measure and print."""
    records = Records.in_folder(folder)
    Migrations(records, [parties.MIGRATIONS, devices.MIGRATIONS]).upgrade()
    build(records, count)
    domain = Parties(records, SystemClock())
    code = await domain.new_setup_code()
    opened = await domain.set_up("Anna", "copper kettles whistle", code or "")
    person = opened.session.person.id
    second = await domain.open_session(person, Origin("", "", ""), ["password"])
    with records.begin() as connection:
        mine = [f"org_{number:026}" for number in range(1, min(count, 301), 10)]
        rows = [{"organisation_id": each, "person_id": person, "role": "engineer", "created_ms": 0} for each in mine]
        if rows:
            connection.execute(sa.insert(grants), [{"id": f"grt_{n}", **row} for n, row in enumerate(rows)])
    domain.forget()
    permission = rights.DEVICES_READ.name

    async def cached() -> float:
        await domain.authority(opened.session)
        began = time.perf_counter()
        done = 0
        while done < repeat:
            authority = await domain.authority(opened.session)
            leave(enter(authority.scope(permission)))
            done += 1
        return (time.perf_counter() - began) / done * 1e6

    async def anew() -> tuple[float, float]:
        """For the first session that asks, which reads the tree too, and for the next one."""
        took: list[list[float]] = [[], []]
        for _ in range(30):
            domain.forget()
            for position, each in enumerate((opened, second)):
                began = time.perf_counter()
                (await domain.authority(each.session)).scope(permission)
                took[position].append((time.perf_counter() - began) * 1e6)
        return statistics.median(took[0]), statistics.median(took[1])

    remembered, (first_out, next_out) = await cached(), await anew()
    authority = await domain.authority(opened.session)
    scope = authority.scope(permission)
    question = sa.select(things.c.id, things.c.name).where(things.c.id == sa.bindparam("wanted"))
    times = []
    for chosen in (EVERYTHING, scope):
        token = enter(chosen)
        with records.read() as connection:
            times.append(
                microseconds(lambda c=connection: c.execute(question, {"wanted": "dev_0"}).all(), repeat // 4)  # type: ignore[misc]
            )
        leave(token)
    print(f"organisations {count:,}, grants {len(mine) + 1}, organisations in scope {len(scope.organisations):,}")
    print(f"authority and scope, remembered      {remembered:8.1f} µs a request (aim: 50 at most)")
    print(f"authority and scope, tree read too   {first_out:8.1f} µs, once a second")
    print(f"authority and scope, worked out      {next_out:8.1f} µs, once a second and session")
    print(f"a device by id, unconfined           {times[0]:8.1f} µs")
    print(f"a device by id, confined to a scope  {times[1]:8.1f} µs")
    records.close()


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--organisations", type=int, default=1000)
    parser.add_argument("--repeat", type=int, default=20_000)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(run(Path(folder), chosen.organisations, chosen.repeat))


if __name__ == "__main__":
    main()
