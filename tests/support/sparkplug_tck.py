"""Speaking with the Eclipse Sparkplug TCK, which somebody has running in a HiveMQ at localhost:1883."""

from __future__ import annotations

import queue
import re
import time

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from support.mqtt import hang_up


class Console:
    """What the kit's web page does: ask for a test, answer its questions, take its result."""

    def __init__(self) -> None:
        self._results: queue.Queue[str] = queue.Queue()
        self.prompts: queue.Queue[str] = queue.Queue()
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="console")
        self._client.on_message = self._on_message
        self._client.connect("127.0.0.1", 1883)
        self._client.subscribe([("SPARKPLUG_TCK/RESULT", 1), ("SPARKPLUG_TCK/CONSOLE_PROMPT", 1)])
        self._client.loop_start()

    def _on_message(self, _client: mqtt.Client, _data: object, message: mqtt.MQTTMessage) -> None:
        kind = self._results if message.topic.endswith("RESULT") else self.prompts
        kind.put(message.payload.decode())

    def begin(self, *words: str) -> None:
        self._client.publish("SPARKPLUG_TCK/TEST_CONTROL", " ".join(("NEW_TEST", *words)), qos=1).wait_for_publish(5)

    def end(self) -> None:
        self._client.publish("SPARKPLUG_TCK/TEST_CONTROL", "END_TEST", qos=1).wait_for_publish(5)

    def send(self, topic: str, payload: str) -> None:
        self._client.publish(topic, payload, qos=1).wait_for_publish(5)

    def verdicts(self, timeout_s: float = 150) -> dict[str, str]:
        """Requirement → PASS, or FAIL and why; without those the test had no occasion to look at."""
        found = self._results.get(timeout=timeout_s)
        pairs = re.findall(r"^([\w:-]+): (.*?);?$", found, re.MULTILINE)
        return {name: verdict for name, verdict in pairs if not verdict.startswith("NOT EXECUTED")}

    def close(self) -> None:
        self._client.disconnect()
        hang_up(self._client)


def judge(verdicts: dict[str, str], least: int = 11) -> None:
    """Nothing failed, and something was looked at: ``least`` requirements passed."""
    assert verdicts.pop("OVERALL").startswith("PASS"), {n: v for n, v in verdicts.items() if v.startswith("FAIL")}
    assert len([each for each in verdicts.values() if each.startswith("PASS")]) >= least, verdicts


def name_of_now() -> str:
    return f"Edge{time.time_ns()}"
