"""A controller by cpppo (another implementation, GPL, used as a process only): ``python cpppo_controller.py PORT``.

It reads and writes tags; it does not tell which there are. Says ``ready`` once it accepts connections.
"""

from __future__ import annotations

import os
import runpy
import sys
import threading
import time
from socket import create_connection

TAGS = ("Count=DINT", "Speeds=REAL[10]", "Small=INT[400]", "On=BOOL", "Name=SSTRING", "Big=LINT", "Ratio=LREAL")


def watch(port: int) -> None:
    """Say when it is there; end when our input does."""
    while True:
        try:
            create_connection(("127.0.0.1", port), timeout=1).close()
            break
        except OSError:
            time.sleep(0.1)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    threading.Thread(target=watch, args=(int(sys.argv[1]),), daemon=True).start()
    sys.stderr = open(os.devnull, "w")  # noqa: SIM115, PTH123
    sys.argv = ["enip", "--no-config", "-a", f"127.0.0.1:{sys.argv[1]}", "--no-print", *TAGS]
    runpy.run_module("cpppo.server.enip", run_name="__main__")
