"""Read one property's last hour as Arrow: no parsing, no rounding, of any length.

MILLWRIGHT_URL=http://… MILLWRIGHT_TOKEN=mwt_… python history.py DEVICE_ID PROPERTY
"""

import os
import sys
import time

import httpx
import pyarrow as pa

now_ms = time.time_ns() // 1_000_000
query = {
    "device_id": sys.argv[1],
    "property": sys.argv[2],
    "from_ms": now_ms - 3_600_000,
    "to_ms": now_ms + 1,
    "format": "arrow",
}
reply = httpx.get(
    os.environ["MILLWRIGHT_URL"] + "/api/v1/readings",
    params=query,
    headers={"Authorization": "Bearer " + os.environ["MILLWRIGHT_TOKEN"]},
    timeout=300,
)
reply.raise_for_status()
table = pa.ipc.open_stream(reply.content).read_all()
print(table.num_rows, "readings with the columns", ", ".join(table.column_names))
for row in table.slice(0, 3).to_pylist():
    print(row)
# frame = table.to_pandas()
