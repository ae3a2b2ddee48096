"""An HTTP server that answers by path: with JSON, or with whatever bytes a test wants."""

from __future__ import annotations

import json
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Source:
    """``documents``: by path, JSON data, or ``(status, headers, bytes)``. ``asked``: method, path, headers, body."""

    def __init__(self, documents: dict[str, Any]) -> None:
        self.documents = documents
        self.asked: list[tuple[str, str, dict[str, str], bytes]] = []
        self.wait_s = 0.0
        self._server: ThreadingHTTPServer | None = None
        self._open: list[socket.socket] = []

    @contextmanager
    def serving(self, tls: ssl.SSLContext | None = None) -> Iterator[int]:
        source = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            server_version, sys_version = "Source/1.0", ""

            def log_message(self, *_: Any) -> None:
                return

            def do_GET(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                source.asked.append((self.command, self.path, {k.lower(): v for k, v in self.headers.items()}, body))
                time.sleep(source.wait_s)
                found = source.documents.get(self.path, (404, {}, b"nothing"))
                status, headers, data = found if isinstance(found, tuple) else (200, {}, json.dumps(found).encode())
                self.send_response(status)
                for name, value in {"content-length": str(len(data)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(data)

            do_POST = do_GET  # noqa: N815 - the base class calls it

            def setup(self) -> None:
                super().setup()
                source._open.append(self.connection)

            def handle(self) -> None:
                try:
                    super().handle()
                except OSError:
                    return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._server.block_on_close = False
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield self._server.server_address[1]
        finally:
            self.stop()
            thread.join(10)

    def stop(self) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None
            for each in self._open:
                with suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)
