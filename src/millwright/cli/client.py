"""The command line's way to a node's HTTP API."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import httpx

from millwright.app.sections import folder_of
from millwright.app.trust import own_node, trust
from millwright.cli.exits import SentForApproval
from millwright.cli.local import environment, process_settings
from millwright.cli.main import Options
from millwright.kernel import Denied, MillwrightError, Unavailable
from millwright.kernel.errors import from_dict

_FAMILY_BY_STATUS = {400: "invalid", 401: "denied", 403: "denied", 404: "not_found", 409: "conflict", 412: "conflict"}
_FAMILY_BY_STATUS |= {413: "limit_exceeded", 422: "unsupported", 429: "limit_exceeded", 503: "unavailable"}

_THIS_MACHINE = ("localhost", "127.0.0.1", "::1")


class Client:
    """Asks the API below ``/api/v1``; an error of the node comes back as the error it was."""

    def __init__(
        self, url: str, token: str | None, *, tls: ssl.SSLContext | None = None, timeout_s: float = 30.0
    ) -> None:
        self.url = url.rstrip("/")
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        # A proxy set for the world outside knows no way back to this machine.
        near = urlsplit(self.url).hostname in _THIS_MACHINE
        self._http = httpx.Client(
            base_url=f"{self.url}/api/v1",
            headers=headers,
            timeout=timeout_s,
            trust_env=not near,
            verify=True if tls is None else tls,
        )

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def get(self, path: str, **query: Any) -> Any:
        """The JSON at ``path``; parameters that are ``None`` are left out."""
        return self._ask("GET", path, query=query).json()

    def text(self, path: str, **query: Any) -> str:
        """The body at ``path`` as text."""
        return self._ask("GET", path, query=query).text

    def post(self, path: str, body: Any = None, **query: Any) -> Any:
        """Send ``body`` as JSON; returns the JSON answer, ``None`` when there is none."""
        reply = self._ask("POST", path, query=query, json=body)
        return reply.json() if reply.content else None

    def post_file(self, path: str, content: bytes, media_type: str, **query: Any) -> Any:
        """Send a file as it is."""
        return self._ask("POST", path, query=query, content=content, headers={"Content-Type": media_type}).json()

    def put_part(self, path: str, content: bytes, offset: int) -> Any:
        """Send a part of a file as it is."""
        headers = {"Content-Type": "application/octet-stream"}
        return self._ask("PUT", path, query={"offset": offset}, content=content, headers=headers).json()

    def put(self, path: str, body: Any) -> Any:
        """Replace what is at ``path``; returns the JSON answer."""
        return self._ask("PUT", path, json=body).json()

    def patch(self, path: str, body: Any) -> Any:
        """Change what is at ``path``; returns the JSON answer."""
        return self._ask("PATCH", path, json=body).json()

    def delete(self, path: str) -> None:
        """Delete what is at ``path``."""
        self._ask("DELETE", path)

    def delete_for(self, path: str) -> Any:
        """Delete what is at ``path``; returns the JSON answer."""
        return self._ask("DELETE", path).json()

    def content(self, path: str) -> bytes:
        """The body at ``path`` as it is."""
        return self._ask("GET", path).content

    def pages(self, path: str, limit: int | None = None, **query: Any) -> Iterator[dict[str, Any]]:
        """Every item of a list that comes in pages, up to ``limit``."""
        cursor: str | None = None
        count = 0
        while True:
            page = self.get(path, cursor=cursor, **query)
            items = page if isinstance(page, list) else page["items"]
            for item in items:
                if limit is not None and count >= limit:
                    return
                count += 1
                yield item
            cursor = None if isinstance(page, list) else page["next"]
            if cursor is None:
                return

    def public(self, path: str) -> tuple[str, Any, int]:
        """The JSON at a path of the node itself, whatever its status: this client's address, the answer, the status."""
        with self._translated():
            reply = self._http.get(f"{self.url}{path}", headers={"Accept": "application/json"})
        try:
            return self.url, reply.json(), reply.status_code
        except ValueError:
            raise _error(reply) from None

    @contextmanager
    def stream(self, path: str, **query: Any) -> Iterator[Iterator[bytes]]:
        """The body at ``path``, in pieces as they come."""
        with self._translated(), self._http.stream("GET", path, params=_given(query)) as reply:
            if reply.is_error:
                reply.read()
                raise _error(reply)
            yield reply.iter_bytes()

    def _ask(self, method: str, path: str, *, query: dict[str, Any] | None = None, **body: Any) -> httpx.Response:
        with self._translated():
            reply = self._http.request(method, path, params=_given(query or {}), **body)
        if reply.is_error:
            raise _error(reply)
        if reply.status_code == 202:
            raise _held(reply)
        return reply

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except httpx.HTTPError as error:
            untrusted = _find_refusal(error)
            if untrusted is not None:
                raise Denied(
                    f"The certificate of {self.url} is not trusted: {untrusted}.",
                    code="cli.certificate_untrusted",
                    hint="Name the PEM file of its authority, or its own, with --ca, and the node as the certificate "
                    "does with --url.",
                ) from error
            raise Unavailable(
                f"No node answers at {self.url}: {str(error) or type(error).__name__}",
                code="cli.no_node",
                hint="Start one with `millwright up`, or name another with --url; `millwright doctor` looks closer.",
            ) from error


@contextmanager
def connect(options: Options, *, timeout_s: float = 30.0) -> Iterator[Client]:
    """A client of the node that ``--url`` names, else of the one on this machine's data folder.

    Raises ``Unavailable`` (``cli.no_node``) when none runs there, ``Denied`` without a token (``cli.no_token``) or when
    the node's certificate is not trusted (``cli.certificate_untrusted``).
    """
    url, token = _target(options)
    client = Client(url, token, tls=_tls(options, url), timeout_s=timeout_s)
    try:
        yield client
    finally:
        client.close()


@contextmanager
def ask_public(options: Options, *, timeout_s: float = 30.0) -> Iterator[Callable[[str], tuple[str, Any, int]]]:
    """Asks what a node tells everybody, without a token: a function of a path that gives the node's address, the JSON
    there and the status, which may be one of a failure.

    Raises ``Unavailable`` (``cli.no_node``), ``Denied`` (``cli.certificate_untrusted``).
    """
    url = options.url or _here(options)
    client = Client(url, None, tls=_tls(options, url), timeout_s=timeout_s)
    try:
        yield client.public
    finally:
        client.close()


def _here(options: Options) -> str:
    folder = folder_of(process_settings(options))
    addresses = folder.read_addresses()
    if addresses is None:
        raise _no_node(folder.root)
    return str(addresses["http"])


def _no_node(root: Path) -> Unavailable:
    return Unavailable(
        f"No node runs on {root}.",
        code="cli.no_node",
        hint="Start it with `millwright up`, name its folder with --data, or another node with --url.",
    )


def _target(options: Options) -> tuple[str, str | None]:
    if options.url:
        if not options.token:
            raise Denied(
                "A token is needed for a node named by --url.",
                code="cli.no_token",
                hint="Give --token or set MILLWRIGHT_TOKEN; `millwright token add` on that node makes one.",
            )
        return options.url, options.token
    folder = folder_of(process_settings(options))
    addresses = folder.read_addresses()
    if addresses is None:
        raise _no_node(folder.root)
    if options.token:
        return addresses["http"], options.token
    try:
        return addresses["http"], folder.token.read_text(encoding="ascii").strip()
    except OSError as error:
        raise Denied(
            f"The token of this folder cannot be read: {error}",
            code="cli.no_token",
            hint="Run as the user who started the node, or give --token.",
        ) from error


def part(text: str) -> str:
    """``text`` as one part of a path, whatever it holds."""
    return quote(text, safe="")


def _tls(options: Options, url: str) -> ssl.SSLContext | None:
    """What to trust at ``url``: ``--ca``, else on this machine what its own node is known by, else the system's."""
    if not url.startswith("https:"):
        return None
    if options.ca is not None:
        return trust(options.ca)
    return None if options.url else own_node(options.config, environment(options))


def _find_refusal(error: BaseException | None) -> str | None:
    """Why a server's certificate was refused, when that is what lies behind an error."""
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return error.verify_message if getattr(error, "verify_message", "") else str(error.args[-1])
        error = error.__cause__ or error.__context__
    return None


def _given(query: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in query.items() if value is not None and value != ()}


def _held(reply: httpx.Response) -> SentForApproval:
    approval = reply.json()["approval"]
    return SentForApproval(
        f"This takes a second person: {approval['action']} waits as {approval['id']}.",
        code="approvals.asked",
        hint=f"Nothing was done yet. Somebody else: millwright approvals approve {approval['id']}",
        detail={"approval": approval},
    )


def _error(reply: httpx.Response) -> MillwrightError:
    try:
        problem = reply.json()
    except ValueError:
        problem = {}
    family = _FAMILY_BY_STATUS.get(reply.status_code, "unavailable" if reply.status_code >= 500 else "invalid")
    return from_dict(
        {
            "family": family,
            "message": problem.get("detail") or problem.get("title") or f"The node answered {reply.status_code}.",
            "code": problem.get("code", f"http.{reply.status_code}"),
            "hint": problem.get("hint", ""),
            "detail": {
                key: value for key, value in problem.items() if key not in ("type", "title", "detail", "code", "hint")
            },
        }
    )
