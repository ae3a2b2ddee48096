"""Eclipse's own interoperability tests for MQTT 3.1.1 and 5.0 servers, run as they are against the listener.

They are no part of this repository: `git clone https://github.com/eclipse/paho.mqtt.testing` and set
WITNESS_PAHO_MQTT_TESTING to the clone. What is taken for granted there and is not the standard's:

- the suite for 5.0 wants 0x80 for a subscription that is not allowed; we say 0x87, *not authorized* (3.9.3);
- it wants the server to shorten every keep-alive to 60 s, so we are told to.

With two processes every client id is a device of its own, so that clients and messages go from process to process; a
subscription is shared by the clients of one device, which the suite's are not then.
"""

from __future__ import annotations

import asyncio
import os
import re
import sys
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest

from millwright.devices.mqtt import Principal, Refusal
from support.mqtt import OpenDoor, OpenPrincipal, running_listener
from support.mqtt_processes import running_processes
from support.nats import RunningNats

SUITE = os.environ.get("WITNESS_PAHO_MQTT_TESTING", "")

# The suite's option parser knows no value for -n and no -s, so it is imported and told host, port and topics.
# Its own clean-up takes it that nobody else waits: its clients are those of one device here.
# Topics that begin with a slash are a device's own here (other platforms' do), and what it publishes there reaches
# no client. The suite wants one such topic for a will; it gets another name.
RUNNER = """
import sys, unittest, importlib
sys.path.insert(0, sys.argv[1])
suite = importlib.import_module(sys.argv[3])
suite.host, suite.port = "127.0.0.1", int(sys.argv[2])
suite.topic_prefix = "client_test5/"
suite.topics = ("TopicA", "TopicA/B", "Topic/C", "TopicA/C", "TopicD")
suite.wildtopics = ("TopicA/+", "+/C", "#", "/#", "/+", "+/+", "TopicA/#")
suite.nosubscribe_topics = ("test/nosubscribe",)
suite.setData = getattr(suite, "setData", None) and (lambda: None)
if hasattr(suite.Test, "will_message_test"):
    suite.Test.test_will_message = suite.Test.will_message_test
unittest.main(module=suite, argv=[sys.argv[3], "-v"] + sys.argv[4:])
"""

needs_suite = pytest.mark.skipif(
    not SUITE, reason="WITNESS_PAHO_MQTT_TESTING does not name a clone of eclipse/paho.mqtt.testing"
)


class OneEach(OpenDoor):
    """Every client id is a device."""

    async def authenticate(
        self, username: str | None, password: bytes | None, client_id: str, peer: str
    ) -> Principal | Refusal:
        return OpenPrincipal(f"dev_{client_id}")


def listening(url: str, folder: Path, processes: int, **settings: int) -> AbstractAsyncContextManager[Any]:
    if processes == 1:
        return running_listener(url, **settings)
    return running_processes(url, folder, processes, door=OneEach(), **settings)


async def run(tmp_path: Path, name: str, processes: int, **settings: int) -> tuple[int, str, int]:
    """Run a suite; returns how many tests ran, what it said, and its return code."""
    folder = Path(SUITE) / "interoperability"
    async with RunningNats(tmp_path) as nats, listening(nats.url, tmp_path, processes, **settings) as running:
        port = (running if processes == 1 else running[0]).port
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-W",
            "ignore",
            "-c",
            RUNNER,
            str(folder),
            str(port),
            name,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output, _ = await process.communicate()
    text = output.decode(errors="replace")
    ran = re.search(r"^Ran (\d+) tests", text, re.MULTILINE)
    assert ran, text
    assert process.returncode is not None
    return int(ran[1]), text, process.returncode


@needs_suite
@pytest.mark.timeout(200)
@pytest.mark.parametrize("processes", [1, 2])
async def test_paho_interoperability_suite_passes(tmp_path: Path, processes: int) -> None:
    ran, text, code = await run(tmp_path, "client_test", processes)
    assert (ran, code) == (11, 0), text


@needs_suite
@pytest.mark.timeout(400)
@pytest.mark.parametrize("processes", [1, 2])
async def test_paho_interoperability_suite_for_mqtt_5_passes_but_for_what_is_its_own(
    tmp_path: Path, processes: int
) -> None:
    ran, text, _ = await run(tmp_path, "client_test5", processes, max_keep_alive_s=60)
    failed = set(re.findall(r"^(?:FAIL|ERROR): (\w+)", text, re.MULTILINE))
    assert ran == 27, text
    assert failed <= {"test_subscribe_failure"} | ({"test_shared_subscriptions"} if processes > 1 else set()), text
