"""``resolve``: what an identifier is, who has it, and what is registered under it; every step is told."""

from __future__ import annotations

import asyncio
import ipaddress
import json
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import click

from millwright.cli import exits
from millwright.cli.client import ask_public
from millwright.cli.main import Options
from millwright.cli.output import json_option, print_json, print_table
from millwright.kernel import Invalid, NotFound, Unavailable

if TYPE_CHECKING:
    from millwright.identity.codes import Code
    from millwright.identity.handle import HandleValue, Site

_PORT = 2641
_SAFE = "/:;@!$&'()*+,=~-._"
"""What stays as it is in the path of a page or of Handle's REST API."""
_MOST_SHOWN = 120


class _Steps:
    """What was done, with how long each took; printed as it happens unless a program reads it."""

    def __init__(self, *, quiet: bool) -> None:
        self.timings_ms: dict[str, float] = {}
        self._quiet, self._count = quiet, 0

    @contextmanager
    def timed(self, name: str) -> Iterator[None]:
        began = time.perf_counter()
        try:
            yield
        finally:
            self.timings_ms[name] = round((time.perf_counter() - began) * 1000, 2)

    def tell(self, title: str, text: str, name: str = "", more: Sequence[str] = ()) -> None:
        self._count += 1
        if self._quiet:
            return
        took = f"   ({self.timings_ms[name]:.1f} ms)" if name in self.timings_ms else ""
        click.echo(f"{self._count}. {title + ':':<13} {text}{took}")
        for line in more:
            click.echo(f"{'':<17}{line}")


@click.command()
@click.argument("text")
@click.option("--server", metavar="HOST[:PORT]",
              help=f"Ask this server by the Handle protocol instead of the node. Default port: {_PORT}.")  # fmt: skip
@click.option("--system", help="Read it as a code of this system. Default: whichever takes it.")
@json_option
@click.pass_obj
def resolve(options: Options, text: str, server: str | None, system: str | None, as_json: bool) -> None:
    """Resolve any identifier: what it is, what it is registered under, who was asked, and what came back.

    TEXT is a code of any system or what a label says: a handle, a GTIN or element string, a GS1 Digital Link, an OID,
    a DID, an Ecode, an MA code, an EPC. The node is asked over HTTP as anybody may; it needs no token. With --server
    any Handle server is asked by the Handle protocol over UDP and TCP, and referrals are followed.

    \b
    Example:
      millwright resolve 88.118.8/pump-7
      millwright resolve "https://id.gs1.org/01/09506000134352/21/7"
      millwright resolve urn:oid:1.2.156.3 --server 127.0.0.1:2641
      millwright --url https://node.example.com resolve 88.118.8/pump-7 --json
    """
    steps = _Steps(quiet=as_json)
    found = _read(text, system, steps)
    report: dict[str, Any] = {"text": text, **found}
    ask = _by_handle if server else _by_http
    try:
        answer = ask(options, server or "", found["name"], steps)
    except NotFound:
        if as_json:
            print_json(report | {"found": False, "timings_ms": steps.timings_ms})
            raise click.exceptions.Exit(exits.NOT_FOUND) from None
        raise
    report |= answer | {"found": True, "timings_ms": steps.timings_ms}
    if as_json:
        print_json(report)
        return
    click.echo()
    rows = [
        (each["index"], each["type"], _shown(each["data"]), each.get("ttl"), each.get("timestamp"))
        for each in answer["values"]
    ]
    print_table(["index", "type", "data", "ttl", "changed"], rows, empty="It has no public values.")
    if answer.get("links"):
        click.echo()
        print_table(
            ["link", "title", "address"], [(each["linkType"], each["title"], each["href"]) for each in answer["links"]]
        )
    if answer.get("page"):
        click.echo(f"\nPage: {answer['page']}")


# --- what it is ------------------------------------------------------------------------------------------------------


def _read(text: str, system: str | None, steps: _Steps) -> dict[str, Any]:
    """The code and the name that it is registered under."""
    from millwright.identity.codes import SYSTEMS, parse_as
    from millwright.identity.records.naming import code_of_text, name_of

    also: tuple[str, ...] = ()
    with steps.timed("parse"):
        if system is not None:
            code: Code = parse_as(text, system).code
        else:
            code = code_of_text(text)
            try:
                also = tuple(each for each in parse_as(text, None).also if each != code.system)
            except Invalid:  # a name of the register or an address of a page: known here only
                also = ()
    label = next(each.label for each in SYSTEMS if each.name == code.system)
    others = f"; {', '.join(also)} would take it, too" if also else ""
    why = "as you said" if system else f"it has the form of one{others}"
    recalled = "" if code.certainty == "verified" else ", by rules known from use"
    parts = [f"{each.value}  {each.label}{f': {each.meaning}' if each.meaning else ''}" for each in code.parts]
    steps.tell("What it is", f"{label}, {code.kind}{recalled} ({why})", "parse", parts)
    with steps.timed("name"):
        name = name_of(code)
    steps.tell("Its name", name if name != text.strip() else f"{name} (as given)", "name")
    return {"code": code, "also": also, "name": name}


# --- asking the node -------------------------------------------------------------------------------------------------


def _by_http(options: Options, _server: str, name: str, steps: _Steps) -> dict[str, Any]:
    """What the node tells everybody: its page as JSON says whose it is, its Handle API the values."""
    path = quote(name, safe=_SAFE)
    with steps.timed("page"), ask_public(options) as get:
        url, page, _ = get(f"/id/{path}?format=json")
    prefix, responsible = page.get("prefix", ""), page.get("responsible", "")
    state = page.get("prefix_state", "")
    said = {"here": "kept by this node", "elsewhere": "not kept by this node"}.get(state, state)
    steps.tell(
        "Its prefix",
        f"{prefix or 'none that is known'}, {said}{f'; held by {responsible}' if responsible else ''}",
        "page",
    )
    asked = f"/api/handles/{path}"
    with steps.timed("answer"), ask_public(options) as get:
        url, body, status = get(asked)
    code = body.get("responseCode")
    steps.tell("Asked", f"{url}{asked}: {status}, response code {code}", "answer")
    signature = page.get("signature")
    if signature is not None:
        steps.tell("Signature", _about_signature(signature), more=[f"by {each}" for each in signature.get("chain", ())])
    if code not in (1, 200):
        closed = state if state not in ("here", "elsewhere", "") else ""
        why = closed or str(body.get("message") or f"Nothing is registered here under {name}.")
        hint = (
            "Who decides on the prefix knows why." if closed else "Check it letter by letter; `--server` asks another."
        )
        if signature is not None:
            hint = "Its holder knows what was signed; `--server` shows what another server says, unverified."
        raise NotFound(why, code="cli.not_resolved", hint=hint, detail={"name": name, "asked": url + asked})
    shown = body.get("values", [])
    steps.tell("Came back", f"{len(shown)} value{'' if len(shown) == 1 else 's'}")
    return {
        "prefix": prefix, "prefix_state": state, "responsible": responsible, "asked": url + asked, "by": "http",
        "values": shown, "links": page.get("links", []), "page": f"{url}/id/{path}",
        **({} if signature is None else {"signature": signature}),
    }  # fmt: skip


def _about_signature(signature: dict[str, Any]) -> str:
    """What the node found out about a record's signatures."""
    words = {
        "valid": "valid, up to a trusted root",
        "untrusted": "signed by nobody who is trusted",
        "broken": "BROKEN: it is not as it was signed",
        "unsigned": "none",
    }
    text = words.get(signature["state"], signature["state"])
    return f"{text}. {signature['text']}" if signature.get("text") and signature["state"] != "unsigned" else text


# --- asking a Handle server ------------------------------------------------------------------------------------------


def _by_handle(_options: Options, server: str, name: str, steps: _Steps) -> dict[str, Any]:
    """What a Handle server tells everybody, by the native protocol."""
    from millwright.identity.handle import HandleClient
    from millwright.identity.handle.json_form import value_to_json
    from millwright.identity.handle.naming import prefix_of

    host, port = _address(server)
    with steps.timed("address"):
        address = _looked_up(host, port)
    site = _site(address, port)
    handle = name.encode()
    steps.tell(
        "Its prefix",
        f"{prefix_of(handle).decode(errors='replace')}; {host}:{port} is asked, which may refer to another",
    )

    async def ask() -> tuple[Site | None, tuple[HandleValue, ...]]:
        client = HandleClient([site])
        with steps.timed("site"):
            try:
                told = await client.site_info()
            except Unavailable:
                raise
            except Exception:  # what it says of itself is good to know, not needed
                told = None
        with steps.timed("answer"):
            return told, await client.resolve(handle)

    told, values = asyncio.run(ask())
    asked = f"{address}:{port}" if host != str(address) else f"{host}:{port}"
    about = [] if told is None else [_about(told)]
    steps.tell("Asked", f"{asked} by the Handle protocol over UDP or TCP", "site", about)
    steps.tell("Came back", f"{len(values)} value{'' if len(values) == 1 else 's'}", "answer")
    return {"asked": asked, "by": "handle", "values": [value_to_json(each) for each in values], "links": []}


def _about(site: Site) -> str:
    """What a site says of itself."""
    names = [f"{key.decode(errors='replace')}={value.decode(errors='replace')}" for key, value in site.attributes]
    what = "primary" if site.primary else "mirror"
    return ", ".join([f"{what} site of {len(site.servers)} server(s), serial {site.serial}", *names])


def _address(server: str) -> tuple[str, int]:
    """Host and port of ``HOST``, ``HOST:PORT`` or ``[IPv6]:PORT``."""
    host, colon, port = server.rpartition(":")
    if not colon or (":" in host and not host.endswith("]")):
        host, port = server, str(_PORT)
    if not port.isascii() or not port.isdigit() or not 0 < int(port) < 65536 or not host:
        raise click.BadParameter("Give HOST or HOST:PORT.", param_hint="--server")
    return host.strip("[]"), int(port)


def _looked_up(host: str, port: int) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        pass
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise Unavailable(
            f"There is no host {host}: {error.strerror or error}.", code="cli.no_host", hint="Check its name."
        ) from error
    return ipaddress.ip_address(found[0][4][0])


def _site(address: ipaddress.IPv4Address | ipaddress.IPv6Address, port: int) -> Site:
    """A site of one server that takes both transports."""
    from millwright.identity.handle import Interface, Server, Site

    interfaces = tuple(Interface(3, transport, port) for transport in (0, 1))
    return Site(servers=(Server(1, address, b"", interfaces),))


def site_at(server: str) -> Site:
    """The site of the server at ``HOST[:PORT]``. Raises ``Unavailable`` (``cli.no_host``)."""
    host, port = _address(server)
    return _site(_looked_up(host, port), port)


def _shown(data: Any) -> str:
    value = data.get("value") if isinstance(data, dict) and "value" in data else data
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    text = "".join(character if character.isprintable() else " " for character in text)
    return text if len(text) <= _MOST_SHOWN else f"{text[: _MOST_SHOWN - 1]}…"
