"""Print a device's readings as they come (Server-Sent Events), until so many events were seen.

MILLWRIGHT_URL=http://… MILLWRIGHT_TOKEN=mwt_… python live.py DEVICE_ID [COUNT]
"""

import json
import os
import sys

import httpx

wanted = int(sys.argv[2]) if len(sys.argv) > 2 else 10
headers = {"Authorization": "Bearer " + os.environ["MILLWRIGHT_TOKEN"]}
address = os.environ["MILLWRIGHT_URL"] + "/api/v1/live"
with httpx.stream("GET", address, params={"device_id": sys.argv[1]}, headers=headers, timeout=30) as reply:
    reply.raise_for_status()
    event = ""
    for line in reply.iter_lines():  # an empty line ends an event; a line that begins with a colon keeps the line open
        if line.startswith("event:"):
            event = line[6:].strip()
        elif line.startswith("data:") and event == "readings":
            for name, time_ms, value, quality in json.loads(line[5:])["readings"]:
                print(time_ms, name, value, quality, flush=True)
            wanted -= 1
            if wanted == 0:
                break
