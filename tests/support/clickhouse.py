"""ClickHouse's HTTP interface, spoken over the real engine (chDB), on a port of this machine."""

from __future__ import annotations

import asyncio
import threading
from email import message_from_bytes
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

_OUR_OWN = {"database", "query", "wait_end_of_query"}


class ClickHouseServer:
    """Answers ``POST /?query=…&param_x=…&setting=…`` as a ClickHouse server does."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.fail_next: list[tuple[int, str]] = []
        """Status and text to answer the next requests with, in order; status 0 cuts the connection."""
        self.requests: list[dict[str, str]] = []
        self._http: ThreadingHTTPServer | None = None
        self._lock = threading.Lock()

    async def start(self) -> None:
        await asyncio.to_thread(self._start)

    def _start(self) -> None:
        from chdb.state.sqlitelike import Connection

        self._engine = Connection(f"file:{self._folder}")
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                server._answer(self)

            def log_message(self, *_: Any) -> None:
                return

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}"
        threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    async def stop(self) -> None:
        def end() -> None:
            if self._http is not None:
                self._http.shutdown()
                self._http.server_close()
                self._engine.close()

        await asyncio.to_thread(end)

    def _answer(self, request: BaseHTTPRequestHandler) -> None:
        body = request.rfile.read(int(request.headers.get("Content-Length", 0)))
        fields = dict(parse_qsl(urlsplit(request.path).query, keep_blank_values=True))
        if request.headers.get("Content-Type", "").startswith("multipart/form-data"):
            fields |= _form(request.headers["Content-Type"], body)
            body = b""
        self.requests.append(fields | {"user": request.headers.get("X-ClickHouse-User", "")})
        if self.fail_next:
            status, text = self.fail_next.pop(0)
            if not status:
                request.close_connection = True
                request.connection.close()
                return
            self._reply(request, status, text.encode())
            return
        try:
            with self._lock:
                self._reply(request, 200, self._run(fields, body))
        except RuntimeError as error:
            self._reply(request, 500, str(error).encode())

    def _run(self, fields: dict[str, str], body: bytes) -> bytes:
        sql = fields["query"] if "query" in fields else body.decode()
        query = self._engine.query
        query(f"USE {fields['database']}", "Null")
        params = {name[6:]: value for name, value in fields.items() if name.startswith("param_")}
        settings = {k: v for k, v in fields.items() if k not in _OUR_OWN and not k.startswith("param_")}
        if settings:
            query("SET " + ", ".join(f"{name} = '{value}'" for name, value in settings.items()), "Null")
        if sql.startswith("INSERT") and sql.endswith("FORMAT ArrowStream"):
            with self._engine.send_insert(sql.removesuffix(" FORMAT ArrowStream"), "ArrowStream") as stream:
                stream.append(body)
                stream.finish()
            return b""
        sql, _, form = sql.partition("\nFORMAT ")
        result = query(sql, form or "Null", params=params or None)
        return result.bytes() or b"" if result is not None else b""

    @staticmethod
    def _reply(request: BaseHTTPRequestHandler, status: int, body: bytes) -> None:
        request.send_response(status)
        if status != 200:
            code = body.decode(errors="replace").partition("Code: ")[2].partition(".")[0]
            request.send_header("X-ClickHouse-Exception-Code", code or "999")
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)


def _form(content_type: str, body: bytes) -> dict[str, str]:
    message = message_from_bytes(b"Content-Type: " + content_type.encode() + b"\r\n\r\n" + body)
    fields = {}
    for part in message.get_payload():
        name = part.get_param("name", header="content-disposition")
        fields[name] = part.get_payload(decode=True).decode()
    return fields
