"""A CPU by python-snap7's own server, in a process: ``python s7_cpu.py PORT``; orders ``real VALUE``, ``stop``."""

from __future__ import annotations

import logging
import struct
import sys

from snap7.server import Server
from snap7.type import SrvArea


def main() -> None:
    logging.disable(logging.CRITICAL)
    block = bytearray(1200)
    struct.pack_into(">f", block, 4, 21.5)
    struct.pack_into(">h", block, 2, -1234)
    block[0] = 0b00001000
    struct.pack_into(">8h", block, 20, *range(8))
    block[40:62] = bytes((20, 4)) + b"Pump" + bytes(16)
    struct.pack_into(">d", block, 1100, 2.5)
    flags, inputs, outputs = bytearray(64), bytearray(16), bytearray(16)
    struct.pack_into(">h", flags, 10, 77)
    inputs[0] = 1
    server = Server(log=False)
    server.register_area(SrvArea.DB, 1, block)
    server.register_area(SrvArea.DB, 7, bytearray(40))
    server.register_area(SrvArea.MK, 0, flags)
    server.register_area(SrvArea.PE, 0, inputs)
    server.register_area(SrvArea.PA, 0, outputs)
    server.start_to("127.0.0.1", int(sys.argv[1]))
    server.set_cpu_status(8)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    for line in sys.stdin:
        order, *words = line.split()
        if order == "real":
            struct.pack_into(">f", block, 4, float(words[0]))
        elif order == "show":
            sys.stdout.write(f"bytes {block[int(words[0]) : int(words[1])].hex()} {outputs[:2].hex()}\n")
        sys.stdout.write(f"done {order}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
