"""A nats-server that keeps no data and lets the brokers of edges in, each into an account of its own.

It stands beside the node's broker: what an edge can reach ends in this server, and the node's own messages and streams
are not in it at all. In an edge's account are the edge's broker, as a leaf node, and this node, as a client with a
connection of its own for each edge: so the account says whose a message is, and nobody can speak for another or hear
another. Nothing is exported or imported between accounts. Who is let in is a list of public keys; a longer list is
taken over without a restart, and to cut off who is no longer on it the server is started anew.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from pathlib import Path

from millwright.engines.nats.server import PINGS, find_server, free_port, is_free
from millwright.kernel import Conflict
from millwright.kernel.files import write_whole


class LeafHub:
    """The configuration, command line and address of the server; run by who composes it.

    ``host`` and ``port``: where edges come in. ``certificate`` and ``key``: PEM files; empty, edges come in without
    TLS. Edges are named by ids that are safe in a subject.
    """

    def __init__(self, folder: Path, host: str, port: int, *, certificate: str = "", key: str = "") -> None:
        self._folder, self._host, self.port = folder, host, port
        self._certificate, self._key = certificate, key
        self._token = secrets.token_urlsafe(24)
        self._client_port = free_port("127.0.0.1")

    @property
    def reached_at(self) -> str:
        """An address of this machine at which the port for edges answers."""
        return {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}.get(self._host, self._host)

    def url_of(self, edge_id: str) -> str:
        """Where the node itself gets into an edge's account, password included: never log it."""
        return f"nats://{edge_id}:{self._token}@127.0.0.1:{self._client_port}"

    def command(self) -> list[str]:
        """The command line, after :meth:`write`. Raises ``Conflict`` (``engines.nats_port_taken``)."""
        if not is_free(self._host, self.port):
            raise Conflict(
                f"Port {self.port} is taken, so that edges cannot come in there.",
                code="engines.nats_port_taken",
                hint="Set [edges] port to another one and tell the edges, or stop what listens there.",
            )
        return [str(find_server()), "--config", str(self._file)]

    def write(self, edges: Mapping[str, str]) -> None:
        """Write the configuration that lets these edges in: id → public key (NKEY)."""
        write_whole(self._file, self._config(edges).encode(), private=True)

    @property
    def _file(self) -> Path:
        return self._folder / "edges.conf"

    def _config(self, edges: Mapping[str, str]) -> str:
        tls = ""
        if self._certificate:
            files = f"cert_file: {json.dumps(self._certificate)}, key_file: {json.dumps(self._key)}"
            tls = f", tls {{ {files}, timeout: 5 }}"
        accounts = "".join(self._account(edge_id, public_key) for edge_id, public_key in sorted(edges.items()))
        return (
            "# Written by millwright whenever an edge is enrolled or revoked.\n"
            "server_name: millwright-edges\n"
            'host: "127.0.0.1"\n'
            f"port: {self._client_port}\n"
            "max_payload: 8MB\n"
            f"{PINGS}"
            f"leafnodes {{ host: {json.dumps(self._host)}, port: {self.port}, no_advertise: true{tls} }}\n"
            "accounts {\n"
            # Without an account of somebody the server would let in whoever comes.
            f"{self._account('nobody', '')}"
            f"{accounts}"
            "}\n"
        )

    def _account(self, name: str, public_key: str) -> str:
        edge = f" {{ nkey: {public_key}, allowed_connection_types: [LEAFNODE] }}," if public_key else ""
        node = f" {{ user: {name}, password: {json.dumps(self._token)}, allowed_connection_types: [STANDARD] }}"
        return f"  {name}: {{ users: [{edge}{node} ] }}\n"
