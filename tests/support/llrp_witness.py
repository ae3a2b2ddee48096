"""Others' opinions on LLRP: sllurp as a client of our reader, Wireshark's dissector on what we send.

``python llrp_witness.py PORT SECONDS`` runs sllurp (a process of its own: it is under the GPL) and writes the tags it
was told of as lines of JSON.
"""

from __future__ import annotations

import json
import struct
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

CLIENT, READER = bytes((127, 0, 0, 2)), bytes((127, 0, 0, 3))
PORT = 5084


def write_pcap(file: Path, said: list[tuple[bool, bytes]]) -> None:
    """A capture of a TCP connection: (whether the client said it, octets), in order."""
    packets = [struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262_144, 228)]
    sequence = {True: 1, False: 1}
    for at, (client, data) in enumerate(said):
        for begin in range(0, len(data), 1400):
            part = data[begin : begin + 1400]
            ports = (40_000, PORT) if client else (PORT, 40_000)
            tcp = struct.pack(">HHIIBBHHH", *ports, sequence[client], sequence[not client], 0x50, 0x18, 8192, 0, 0)
            sequence[client] += len(part)
            ends = CLIENT + READER if client else READER + CLIENT
            ip = struct.pack(">BBHHHBBH", 0x45, 0, 40 + len(part), at, 0, 64, 6, 0) + ends
            frame = ip + tcp + part
            packets.append(struct.pack("<IIII", 1_767_225_600 + at, 0, len(frame), len(frame)) + frame)
    file.write_bytes(b"".join(packets))


def dissect(file: Path) -> list[dict[str, Any]]:
    """What Wireshark sees, packet by packet: its layer ``llrp`` as text, and its complaints."""
    lines = subprocess.run(
        ["tshark", "-r", str(file), "-d", f"tcp.port=={PORT},llrp", "-T", "pdml"],
        check=True,
        capture_output=True,
        timeout=60,
    ).stdout.decode()
    found = []
    for packet in lines.split("<packet>")[1:]:
        shown = [part.split('"')[0] for part in packet.split('showname="')[1:]]
        found.append({"fields": shown, "bad": "_ws.malformed" in packet or "_ws.expert.severity" in packet})
    return found


def main(port: int, seconds: float) -> None:
    """sllurp's client for some seconds."""
    from sllurp.llrp import LLRPReaderClient, LLRPReaderConfig

    def told(_reader: Any, tags: list[dict[str, Any]]) -> None:
        for tag in tags:
            plain = {key: value.decode() if isinstance(value, bytes) else value for key, value in tag.items()}
            sys.stdout.write(json.dumps(plain, default=str) + "\n")
        sys.stdout.flush()

    wanted = {
        "tag_content_selector": {
            "EnableROSpecID": False,
            "EnableSpecIndex": False,
            "EnableInventoryParameterSpecID": False,
            "EnableAntennaID": True,
            "EnableChannelIndex": False,
            "EnablePeakRSSI": True,
            "EnableFirstSeenTimestamp": True,
            "EnableLastSeenTimestamp": True,
            "EnableTagSeenCount": True,
            "EnableAccessSpecID": False,
        },
        "report_every_n_tags": None,
        "duration": 0.2,
    }
    client = LLRPReaderClient("127.0.0.1", port, LLRPReaderConfig(wanted))
    client.add_tag_report_callback(told)
    client.connect()
    time.sleep(seconds)
    client.disconnect()


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]))
