"""A small machine with a page in JSON, which asks for a token."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class FieldPage:
    """``{"n": …}`` at :attr:`url`, one more each time, for who says ``Authorization: Bearer <token>``."""

    def __init__(self, token: str) -> None:
        page = self
        self.served = self.refused = 0

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                allowed = self.headers.get("Authorization") == f"Bearer {token}"
                page.served += allowed
                page.refused += not allowed
                body = json.dumps({"n": page.served}).encode() if allowed else b"{}"
                self.send_response(200 if allowed else 401)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self.url = f"http://127.0.0.1:{self._server.server_port}/state.json"

    def start(self) -> None:
        """Begin to serve."""
        self._thread.start()

    def stop(self) -> None:
        """Serve no more."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@contextmanager
def field_page(token: str) -> Iterator[FieldPage]:
    """A page that serves."""
    page = FieldPage(token)
    page.start()
    try:
        yield page
    finally:
        page.stop()
