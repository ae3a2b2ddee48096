"""A register with a bit of everything on a running node, and questions to it over its native and HTTP interfaces."""

from __future__ import annotations

import socket
from collections import Counter
from collections.abc import Sequence

import httpx

from millwright.identity.digital_link import Link, link_value
from millwright.identity.handle.wire.codes import Op
from millwright.identity.handle.wire.message import Message, encode_message, frame
from millwright.identity.handle.wire.requests import Resolve, encode_request
from millwright.identity.records import Prefix, Records, SigningKeys
from millwright.identity.records.naming import name_of_text
from millwright.kernel import ROOT
from support.handle import value
from support.identifiers import home, put, records_over
from support.node import RunningNode
from support.resolution import BID

PREFIX, CLOSED = "88.118.8", "88.118.9"
GTIN = "09506000134352"
VERSION = (2, 11)


def fill(node: RunningNode) -> None:
    keys = SigningKeys(node.data / "identifiers.key", "millwright")
    with records_over(node.nats_url, node.data, keys=keys, origin="millwright") as records:
        _fill(records)


def _fill(records: Records) -> None:
    home(records, PREFIX.encode(), b"GS1:950600", b"DID:did:bid", organisation_id=ROOT)
    records.put_prefix(Prefix(prefix=CLOSED, organisation_id=ROOT, state="suspended"), who="test")
    shop = link_value(1, Link(link_type="gs1:defaultLink", href="https://shop.example/", title="shop"))
    put(
        records,
        *((f"{PREFIX}/pump-{each:04d}".encode(), (value(1),)) for each in range(400)),
        (f"GS1/01/{GTIN}".encode(), (shop,)),
        *((f"GS1/01/{GTIN}/21/{each}".encode(), (shop,)) for each in range(10)),
        (name_of_text(BID).encode(), (value(1),)),
    )


def question(name: str, number: int) -> bytes:
    message = Message(op=Op.RESOLUTION, flags=0, body=encode_request(Resolve(name.encode())))
    return frame(VERSION, 0, number, encode_message(message, VERSION))


def code_of(answer: bytes) -> int:
    return int.from_bytes(answer[24:28])


def ask_udp(node: RunningNode, names: Sequence[str], source: str = "127.0.0.1") -> Counter[int]:
    """Ask one after the other; how often each response code came."""
    found: Counter[int] = Counter()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.bind((source, 0))
        asking.settimeout(20)
        for number, name in enumerate(names):
            asking.sendto(question(name, number), ("127.0.0.1", node.handle_port))
            found[code_of(asking.recv(4096))] += 1
    return found


def ask_tcp(node: RunningNode, names: Sequence[str]) -> Counter[int]:
    found: Counter[int] = Counter()
    with socket.create_connection(("127.0.0.1", node.handle_port), 20) as asking, asking.makefile("rb") as reading:
        for number, name in enumerate(names):
            asking.sendall(question(name, number))
            envelope = reading.read(20)
            found[code_of(envelope + reading.read(int.from_bytes(envelope[16:20])))] += 1
    return found


def ask_http(node: RunningNode, paths: Sequence[str]) -> Counter[int]:
    found: Counter[int] = Counter()
    with httpx.Client(base_url=node.url, trust_env=False, timeout=20) as asking:
        for path in paths:
            found[asking.get(path).status_code] += 1
    return found
