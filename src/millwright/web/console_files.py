"""The console: files that Vite built, and the page that stands in for any address inside the console.

Only files found when the host started are served, each under its exact path, so no request can leave the folder.
"""

from __future__ import annotations

import asyncio
import hashlib
import mimetypes
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from litestar.types import Receive, Send

POLICY = (
    b"content-security-policy",
    b"default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
    b"font-src 'self' data:; connect-src 'self'; worker-src 'self' blob:; object-src 'none'; base-uri 'none'; "
    b"form-action 'self'; frame-ancestors 'none'",
)
"""Scripts come from this node alone and never inline. Styles may be inline: Ant Design writes them at run time."""

_HASHED = re.compile(r"/assets/.+-[A-Za-z0-9_-]{8,}\.[a-z0-9]+\Z")
_ENCODINGS = (("br", ".br"), ("gzip", ".gz"))
_UNBUILT = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Millwright</title>
<body style="font:16px/1.5 system-ui;max-width:40em;margin:4em auto;padding:0 1em">
<h1>The console is not built</h1>
<p>This node runs, and its <a href="/openapi.json">HTTP API</a> answers, but the console's files are missing.
An installed package brings them along. In a source tree, build them with
<code>make console</code> (it needs Node.js) and start the node again.</p>
<p lang="zh">控制台尚未构建。请运行 <code>make console</code>，然后重新启动。</p>
</body></html>
""".encode()


@dataclass(frozen=True, slots=True)
class _File:
    path: Path
    media_type: bytes
    etag: bytes
    cache: bytes
    encoded: dict[str, Path] = field(default_factory=dict)


class ConsoleFiles:
    """Serves the files below ``folder``, and ``index.html`` for every address that is no file."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files: dict[str, _File] = {}
        self._index: _File | None = None
        if folder.is_dir():
            for path in sorted(folder.rglob("*")):
                if path.is_file() and path.suffix not in (".br", ".gz", ".map") and not path.is_symlink():
                    self._add(path)

    @property
    def built(self) -> bool:
        """Whether there is a console to serve."""
        return self._index is not None

    def _add(self, path: Path) -> None:
        address = "/" + path.relative_to(self._folder).as_posix()
        kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
        if kind.startswith("text/") or kind.endswith(("javascript", "json", "xml")):
            kind += "; charset=utf-8"
        stat = path.stat()
        mark = hashlib.sha256(f"{address}:{stat.st_size}:{stat.st_mtime_ns}".encode()).hexdigest()[:16]
        cache = b"public, max-age=31536000, immutable" if _HASHED.match(address) else b"no-cache"
        encoded = {name: Path(f"{path}{suffix}") for name, suffix in _ENCODINGS if Path(f"{path}{suffix}").is_file()}
        file = _File(path, kind.encode(), f'"{mark}"'.encode(), cache, encoded)
        self._files[address] = file
        if address == "/index.html":
            self._index = self._files["/"] = file

    async def __call__(self, scope: Any, _receive: Receive, send: Send) -> None:
        """Answer a GET or HEAD."""
        if scope["method"] not in ("GET", "HEAD"):
            await _answer(scope, send, 405, b"", [(b"allow", b"GET, HEAD")])
            return
        file = self._files.get(scope["path"])
        if file is None and self._index is None:
            await _answer(scope, send, 503, _UNBUILT, [(b"content-type", b"text/html; charset=utf-8"), POLICY])
            return
        if file is None and "." in scope["path"].rsplit("/", 1)[-1]:
            await _answer(scope, send, 404, b"not found\n", [(b"content-type", b"text/plain; charset=utf-8")])
            return
        await self._send_file(scope, send, file or self._index)

    async def _send_file(self, scope: Any, send: Send, file: _File | None) -> None:
        assert file is not None
        headers = dict(scope["headers"])
        given: list[tuple[bytes, bytes]] = [(b"etag", file.etag), (b"cache-control", file.cache), POLICY]
        if file.encoded:
            given.append((b"vary", b"accept-encoding"))
        if file.etag in headers.get(b"if-none-match", b""):
            await _answer(scope, send, 304, b"", given)
            return
        path = file.path
        accepted = {part.split(b";")[0].strip() for part in headers.get(b"accept-encoding", b"").split(b",")}
        for name, encoded in file.encoded.items():
            if name.encode() in accepted:
                path = encoded
                given.append((b"content-encoding", name.encode()))
                break
        given.append((b"content-type", file.media_type))
        try:
            body = await asyncio.to_thread(path.read_bytes)
        except OSError:
            await _answer(scope, send, 404, b"not found\n", [(b"content-type", b"text/plain; charset=utf-8")])
            return
        await _answer(scope, send, 200, body, given)


async def _answer(scope: Any, send: Send, status: int, body: bytes, headers: list[tuple[bytes, bytes]]) -> None:
    if status != 304:
        headers = [*headers, (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body, "more_body": False})
