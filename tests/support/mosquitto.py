"""A mosquitto broker of one's own, and paho as somebody who publishes."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from support.ports import free_port

needs_mosquitto = pytest.mark.skipif(shutil.which("mosquitto") is None, reason="mosquitto is missing")


class Mosquitto:
    """A broker process; ``password`` makes it want the user ``reader``, who may not see ``secret/#``."""

    def __init__(self, folder: Path, password: str = "", tls: tuple[Path, Path] | None = None) -> None:
        self.folder, self.tls = folder, tls
        self.port = free_port()
        lines = [f"listener {self.port} 127.0.0.1", "persistence false", "sys_interval 1"]
        if tls:
            lines += [f"certfile {tls[0]}", f"keyfile {tls[1]}"]
        if password:
            passwords, access = folder / "passwords", folder / "access"
            subprocess.run(
                ["mosquitto_passwd", "-b", "-c", passwords, "reader", password], check=True, capture_output=True
            )
            access.write_text("user reader\ntopic readwrite plant/#\n")
            for each in (passwords, access):
                each.chmod(0o644)
            lines += ["allow_anonymous false", f"password_file {passwords}", f"acl_file {access}"]
        else:
            lines.append("allow_anonymous true")
        if os.geteuid() == 0:
            lines.append("user root")
        (folder / "mosquitto.conf").write_text("\n".join(lines) + "\n")
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._process = subprocess.Popen(
            ["mosquitto", "-c", self.folder / "mosquitto.conf"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        end = time.monotonic() + 30
        while time.monotonic() < end:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.05)
        raise RuntimeError("mosquitto did not start")

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait(10)
            self._process = None

    @contextmanager
    def running(self) -> Iterator[Mosquitto]:
        self.start()
        try:
            yield self
        finally:
            self.stop()

    @contextmanager
    def publisher(self) -> Iterator[Any]:
        """``publish(topic, payload, retain=…)``, which returns when the broker has it."""
        client = paho.Client(CallbackAPIVersion.VERSION2)
        client.connect("127.0.0.1", self.port)
        client.loop_start()

        def publish(topic: str, payload: str | bytes, retain: bool = False) -> None:
            client.publish(topic, payload, qos=1, retain=retain).wait_for_publish(20)

        try:
            yield publish
        finally:
            client.disconnect()
            client.loop_stop()
