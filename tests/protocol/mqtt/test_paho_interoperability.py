"""Eclipse's own interoperability tests for MQTT 3.1.1 servers, run as they are against the listener.

They are no part of this repository: `git clone https://github.com/eclipse/paho.mqtt.testing` and set
WITNESS_PAHO_MQTT_TESTING to the clone.
"""

from __future__ import annotations

import asyncio
import os
import re
import sys
from pathlib import Path

import pytest

from support.mqtt import running_listener
from support.nats import RunningNats

SUITE = os.environ.get("WITNESS_PAHO_MQTT_TESTING", "")

# The suite's option parser knows no value for -n and no -s, so it is imported and told host, port and topics.
RUNNER = """
import sys, unittest
sys.path.insert(0, sys.argv[1])
import client_test
client_test.host, client_test.port = "127.0.0.1", int(sys.argv[2])
client_test.topics = ("TopicA", "TopicA/B", "Topic/C", "TopicA/C", "/TopicA")
client_test.wildtopics = ("TopicA/+", "+/C", "#", "/#", "/+", "+/+", "TopicA/#")
client_test.nosubscribe_topics = ("test/nosubscribe",)
client_test.Test.test_will_message = client_test.Test.will_message_test
unittest.main(module=client_test, argv=["client_test", "-v"])
"""


@pytest.mark.skipif(not SUITE, reason="WITNESS_PAHO_MQTT_TESTING does not name a clone of eclipse/paho.mqtt.testing")
@pytest.mark.timeout(200)
async def test_paho_interoperability_suite_passes(tmp_path: Path) -> None:
    folder = Path(SUITE) / "interoperability"
    async with RunningNats(tmp_path) as nats, running_listener(nats.url) as listener:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-W",
            "ignore",
            "-c",
            RUNNER,
            str(folder),
            str(listener.port),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output, _ = await process.communicate()
    text = output.decode(errors="replace")
    ran = re.search(r"^Ran (\d+) tests", text, re.MULTILINE)
    assert ran, text
    assert int(ran[1]) == 11, text
    assert process.returncode == 0, text
