"""A pinned certificate against real TLS servers: that one and no other, and nothing is sent to another."""

from __future__ import annotations

import contextlib
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from millwright.app.trust import pin, trust
from millwright.cli.client import Client
from millwright.kernel import Denied, Invalid
from support.tls import certificate, needs_openssl

pytestmark = needs_openssl


class Server(ThreadingHTTPServer):
    """Answers every GET with ``{}``; ``heard`` keeps the tokens that reached it."""

    daemon_threads = True
    heard: list[str]


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.server.heard.append(self.headers["Authorization"])
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_: Any) -> None:
        return


@contextlib.contextmanager
def serving(files: tuple[Path, Path]) -> Iterator[tuple[str, list[str]]]:
    """The address of an HTTPS server with this certificate and key, and what it heard."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*files)
    server = Server(("127.0.0.1", 0), Handler)
    server.heard = []
    server.handle_error = lambda *_: None  # type: ignore[method-assign]  # refused handshakes are what is tested
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"https://127.0.0.1:{server.server_address[1]}", server.heard
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def ask(url: str, tls: ssl.SSLContext | None) -> Any:
    client = Client(url, "mwt_secret", tls=tls, timeout_s=10)
    try:
        return client.get("/anything")
    finally:
        client.close()


def test_the_pinned_certificate_is_accepted_whatever_its_name(tmp_path: Path) -> None:
    files = certificate(tmp_path, "DNS:plant.example.com")
    with serving(files) as (url, heard):
        assert ask(url, pin(files[0])) == {}
        assert heard == ["Bearer mwt_secret"]


def test_another_certificate_of_the_same_name_is_refused_before_anything_is_sent(tmp_path: Path) -> None:
    ours = certificate(tmp_path / "ours", "DNS:plant.example.com")
    forged = certificate(tmp_path / "forged", "DNS:plant.example.com,IP:127.0.0.1")
    with serving(forged) as (url, heard):
        with pytest.raises(Denied, match="not trusted") as caught:
            ask(url, pin(ours[0]))
        assert caught.value.code == "cli.certificate_untrusted"
        assert heard == []


def test_a_certificate_signed_by_the_pinned_one_is_still_another(tmp_path: Path) -> None:
    ours = certificate(tmp_path / "ours", "DNS:plant.example.com")
    signed = certificate(tmp_path / "signed", "IP:127.0.0.1", signer=ours)
    with serving(signed) as (url, heard):
        with pytest.raises(Denied, match="another certificate than"):
            ask(url, pin(ours[0]))
        assert heard == []
        assert ask(url, trust(ours[0])) == {}, "as an authority it is good for the name"


def test_authorities_of_a_file_leave_the_name_checked(tmp_path: Path) -> None:
    files = certificate(tmp_path, "DNS:plant.example.com,DNS:localhost")
    with serving(files) as (url, heard):
        with pytest.raises(Denied, match="IP address mismatch"):
            ask(url, trust(files[0]))
        with pytest.raises(Denied, match=r"self.signed"):
            ask(url, None)
        assert heard == []
        assert ask(url.replace("127.0.0.1", "localhost"), trust(files[0])) == {}


def test_a_file_that_is_no_certificate_is_named(tmp_path: Path) -> None:
    (tmp_path / "empty.pem").write_text("nothing")
    for function in (pin, trust):
        for name in ("empty.pem", "missing.pem"):
            with pytest.raises(Invalid, match=name) as caught:
                function(tmp_path / name)
            assert caught.value.code == "app.certificate_unreadable"
