"""How many GS1 Digital Links a second are resolved on one core, beside GS1's own resolver and a static file of nginx.

    python bench/digital_link.py [--products 1000000] [--seconds 8] [--folder KEPT]
    python bench/digital_link.py --documents FILE [--entries 100000]

Loads products first, each with a description, a default link and a link to a page about it (``--folder`` keeps the
register for the next run; one that bench/records.py has filled with ``--products`` serves, too). Then wrk asks for
products at random, always in the same way: a browser's question, which is redirected (307), and that for the linkset,
and the same product as a handle by the REST API. Each server is held to one core and wrk to the others. At full load,
and at half of that rate for the latency.

The peer is ``gs1/GS1_DigitalLink_Resolver_CE``. Where it is installed, ``MILLWRIGHT_BENCH_GS1_RESOLVER_CE`` is the
command that starts its web server, with the port as last argument, on 127.0.0.1 and under ``/api``; its database runs
already and has the first ``--entries`` products. ``--documents`` writes these, one document of its collection
``gs1resolver`` in a line, as ``mongoimport`` takes them. What its database costs is not counted, on any core.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

import resolution
from handle import ForgetfulLog
from millwright.identity.codes.gs1.check_digits import check_digit
from millwright.identity.digital_link import Link, link_value
from millwright.identity.handle import HandleValue
from processes import child, finish, memory, say
from resolution import PATHS, hold, measure, nginx, shown
from support.handle import admin_value, value
from support.identifiers import home, open_records
from support.nats import free_port

COMPANY = "9506"
LINKSET = "application/linkset+json"
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
PEER = "MILLWRIGHT_BENCH_GS1_RESOLVER_CE"
_PEER_CONNECTIONS = 8


def gtin(number: int) -> str:
    """One of a hundred million product numbers, spread over all of them."""
    body = f"0{COMPANY}{number * 61_803_399 % 100_000_000:08}"
    return body + check_digit(body)


def page_of(number: int) -> str:
    return f"https://trace.example.com/product/{number}"


def products(first: int, count: int) -> Iterator[tuple[bytes, tuple[HandleValue, ...]]]:
    admin = admin_value()
    for number in range(first, first + count):
        title, page = f"Bearing {number}", page_of(number)
        links = (
            Link(link_type="defaultLink", href=page, title=title),
            Link(link_type="pip", href=page, title=title, hreflang=("en",), type="text/html"),
        )
        described = value(1, b"GS1.DESCRIPTION", title.encode())
        kept = (link_value(2 + place, link) for place, link in enumerate(links))
        yield f"GS1/01/{gtin(number)}".encode(), (described, *kept, admin)


def document(number: int) -> dict[str, object]:
    """The same product as the peer keeps it."""
    key, title, page = gtin(number), f"Bearing {number}", page_of(number)
    pip = {"href": page, "title": title, "type": "text/html", "hreflang": ["en"]}
    linkset = {
        "anchor": f"/01/{key}",
        "itemDescription": title,
        "https://gs1.org/voc/defaultLink": {"href": page, "title": title},
        "https://gs1.org/voc/pip": [pip],
    }
    return {"_id": f"01_{key}", "defaultLinktype": "gs1:pip", "data": [{"qualifiers": [], "linkset": [linkset]}]}


def fill(folder: Path, count: int) -> float:
    store = open_records(folder, ForgetfulLog())
    start = time.perf_counter()
    home(store, f"GS1:{COMPANY}".encode())
    store.put_many(products(0, count), who="bench")
    took = time.perf_counter() - start
    store.close()
    return took


def both_loads(
    label: str,
    server: psutil.Process,
    url: str,
    paths: list[str],
    options: argparse.Namespace,
    cores: list[int],
    accept: str = "",
) -> dict[str, float]:
    measure(server, url, paths, 2, options.connections, cores, accept=accept)  # warm
    full = measure(server, url, paths, options.seconds, options.connections, cores, accept=accept)
    print(f"{label + ', full load':34}{shown(full)}", flush=True)
    delay_ms = 10
    connections = max(1, int(full["rate"] / 2 * delay_ms / 1000))
    half = measure(server, url, paths, options.seconds, connections, cores, delay_ms, accept)
    print(f"{label + ', half load':34}{shown(half)}", flush=True)
    return full


def of_millwright(options: argparse.Namespace, folder: Path, core: int, cores: list[int]) -> tuple[dict, bytes]:
    """What Millwright does, by question; and the linkset of a product."""
    port = free_port()
    process = child(resolution.__file__, "serve", str(folder), str(port))
    try:
        asyncio.run(say(process))
        server = psutil.Process(process.pid)
        hold(server, [core])
        url = f"http://127.0.0.1:{port}"
        chance = random.Random(1)
        asked = [chance.randrange(options.products) for _ in range(PATHS)]
        links = [f"/01/{gtin(each)}" for each in asked]
        sent = httpx.get(url + links[0], headers={"accept": BROWSER}, trust_env=False)
        assert (sent.status_code, sent.headers["location"]) == (307, page_of(asked[0])), sent
        linkset = httpx.get(url + links[0], headers={"accept": LINKSET}, trust_env=False).content
        assert page_of(asked[0]) in linkset.decode(), linkset
        found = {
            "redirect": both_loads("Millwright, redirect", server, url, links, options, cores, BROWSER),
            "linkset": both_loads("Millwright, linkset", server, url, links, options, cores, LINKSET),
        }
        handles = [f"/api/handles/GS1{each}" for each in links]
        assert httpx.get(url + handles[0], trust_env=False).json()["responseCode"] == 1
        found["handle"] = both_loads("Millwright, handle", server, url, handles, options, cores)
        print(f"{'Millwright, memory':34}{memory(server)}", flush=True)
        return found, linkset
    finally:
        asyncio.run(finish(process))


@contextmanager
def peer(core: int) -> Iterator[tuple[psutil.Process, str] | None]:
    """GS1's resolver on the same core; ``None`` where it is not installed."""
    command = os.environ.get(PEER)
    if not command:
        yield None
        return
    port = free_port()
    log = subprocess.DEVNULL
    running = subprocess.Popen([*shlex.split(command), str(port)], stdin=log, stdout=log, stderr=log)
    try:
        url = f"http://127.0.0.1:{port}/api"
        for _ in range(300):
            try:
                httpx.get(f"{url}/heartbeat", trust_env=False)
                break
            except httpx.TransportError:
                time.sleep(0.1)
        server = psutil.Process(running.pid)
        workers = server.children()
        for each in (server, *workers):
            hold(each, [core])
        yield (workers[0] if workers else server), url
    finally:
        running.terminate()
        running.wait(10)


def of_peer(options: argparse.Namespace, core: int, cores: list[int]) -> dict[str, dict[str, float]]:
    """What the peer does, by question. It takes long for each: fewer connections, and more time."""
    with peer(core) as started:
        if started is None:
            print(f"GS1's resolver is not compared: {PEER} does not say how it is started")
            return {}
        server, url = started
        chance = random.Random(2)
        asked = [chance.randrange(options.entries) for _ in range(2_000)]
        links = [f"/api/01/{gtin(each)}" for each in asked]
        base = url.removesuffix("/api")
        sent = httpx.get(base + links[0], headers={"accept": BROWSER}, timeout=30, trust_env=False)
        if (sent.status_code, sent.headers.get("location")) != (307, page_of(asked[0])):
            raise SystemExit(f"GS1's resolver answers {sent.status_code}: are the documents of --documents in it?")
        found = {}
        for question, accept in (("redirect", BROWSER), ("linkset", LINKSET)):
            seconds = options.seconds * 2
            full = measure(server, base, links, seconds, _PEER_CONNECTIONS, cores, accept=accept)
            print(f"{f'GS1 Resolver CE, {question}, full load':34}{shown(full)}", flush=True)
            # One connection that rests as long as an answer takes.
            rest_ms = max(1, int(1000 / max(full["rate"], 0.1)))
            half = measure(server, base, links, seconds, 1, cores, rest_ms, accept)
            print(f"{f'GS1 Resolver CE, {question}, half load':34}{shown(half)}", flush=True)
            if full["failed"]:
                raise SystemExit("answers of GS1's resolver failed: nothing is compared")
            found[question] = full
        print(f"{'GS1 Resolver CE, memory':34}{memory(server)}; its database and validator not counted", flush=True)
        return found


def main(options: argparse.Namespace) -> None:
    """Load, serve, measure."""
    cores = sorted(os.sched_getaffinity(0))
    core, others = cores[0], cores[1:] or cores
    print(f"load {psutil.getloadavg()[0]:.1f} on {len(cores)} cores before", flush=True)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(options.folder or temporary) / "identifiers"
        if not folder.exists():
            took = fill(folder.parent, options.products)
            print(f"loaded {options.products:,} products in {took:.1f} s: {options.products / took:,.0f}/s", flush=True)
        ours, linkset = of_millwright(options, folder, core, others)
    theirs = of_peer(options, core, others)
    for question, found in theirs.items():
        here = ours[question]
        print(
            f"{question}: {here['rate'] / found['rate']:,.0f} times the rate of GS1's resolver, with "
            f"{options.products:,} products to its {options.entries:,}; CPU of a core 1 to "
            f"{found['cpu_us'] / here['cpu_us']:,.0f}"
        )
    with nginx(linkset, core) as ceiling:
        if ceiling is None:
            print("nginx is not installed: no ceiling")
            return
        top = measure(*ceiling, ["/01/product"], options.seconds, options.connections, others)
        print(f"{'nginx, a static file':34}{shown(top)}")
        shares = ", ".join(f"{question} {found['rate'] / top['rate']:.2f}" for question, found in ours.items())
        print(f"of nginx's rate: {shares}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--products", type=int, default=1_000_000)
    parser.add_argument("--entries", type=int, default=100_000, help="how many of them the peer has")
    parser.add_argument("--documents", type=Path, help="write the peer's documents into a file, and end")
    parser.add_argument("--seconds", type=int, default=8)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--folder", help="keeps the register for the next run")
    chosen = parser.parse_args()
    if chosen.documents:
        with chosen.documents.open("w", encoding="utf-8") as file:
            file.writelines(json.dumps(document(number)) + "\n" for number in range(chosen.entries))
        raise SystemExit
    if shutil.which("wrk") is None:
        raise SystemExit("wrk is not on PATH (Debian: apt-get install wrk)")
    main(chosen)
