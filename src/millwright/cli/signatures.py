"""``identifiers sign``, ``verify`` and ``certify``: signed records, without a node."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from millwright.cli.lookup import read_json
from millwright.cli.output import json_option, print_json
from millwright.kernel import Corrupt, Invalid

if TYPE_CHECKING:
    from millwright.identity.handle import HandleValue, Reference
    from millwright.identity.handle.trust.model import Verdict

_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)
_KEY_HELP = "Private key: PEM (RSA, DSA, P-256, Ed25519), or `sm2:` and its number in hexadecimal."


@click.command("sign")
@click.argument("file", type=_FILE)
@click.option("--key", "key_file", type=_FILE, required=True, help=_KEY_HELP)
@click.option("--issuer", required=True, metavar="INDEX:HANDLE", help="The name of the key in its certificate.")
@click.option(
    "--days", type=click.IntRange(0, 36_500), default=0, help="How long it holds. Default: as the certificate."
)
@click.option("--chain", multiple=True, metavar="INDEX:HANDLE",
              help="Certificates up to the root, the issuer's first. Default: the one in its handle.")  # fmt: skip
def sign(file: Path, key_file: Path, issuer: str, days: int, chain: tuple[str, ...]) -> None:
    """Sign the public values of the record in FILE and print it with its HS_SIGNATURE.

    FILE is a record as the Handle REST API shows it: `handle` and `values`. A signature of the same issuer in it is
    replaced.

    \b
    Example:
      millwright identifiers sign pump-7.json --key 88.118.8.pem --issuer 300:0.NA/88.118.8
    """
    from millwright.identity.handle.trust.roots import read_private_key
    from millwright.identity.handle.trust.signing import Signer, signed_values

    handle, values = _record(read_json(file), str(file))
    signer = Signer(issuer=_reference(issuer), key=read_private_key(str(key_file)), days=days, chain=chain)
    signed = signed_values(handle, values, (), signer, int(time.time()))
    print_json(_shown(handle, signed))


@click.command("verify")
@click.argument("file", type=_FILE)
@click.option(
    "--roots", "roots_file", type=_FILE, required=True, help="Trusted public keys: PEM, or a JSON Web Key Set."
)
@click.option("--root-handle", multiple=True, default=("0.0/0.0",), show_default=True,
              help="Handle that those keys are of.")  # fmt: skip
@click.option("--with", "others", multiple=True, type=_FILE,
              help="A record with certificates (HS_CERT), or a list of records.")  # fmt: skip
@click.option("--server", metavar="HOST[:PORT]", help="Ask this Handle server for other certificates.")
@json_option
def verify(
    file: Path,
    roots_file: Path,
    root_handle: tuple[str, ...],
    others: tuple[Path, ...],
    server: str | None,
    as_json: bool,
) -> None:
    """Say whether the record in FILE is signed by who may, up to a trusted root; exit code 1 when it is not.

    Certificates come from the record itself, from the files given by --with, and from --server.

    \b
    Example:
      millwright identifiers verify pump-7.json --roots root.pem --with 0.NA-88.118.8.json
    """
    from millwright.identity.handle.naming import fold
    from millwright.identity.handle.trust.roots import read_roots
    from millwright.identity.handle.trust.verifying import NotFetched, RecordVerifier

    roots = read_roots(str(roots_file), root_handle)
    handle, values = _record(read_json(file), str(file))
    known = {fold(handle): values}
    for each in others:
        found = read_json(each)
        known |= {fold(name): told for name, told in (_record(one, str(each)) for one in _listed(found))}

    async def find(name: bytes) -> Sequence[HandleValue] | None:
        here = known.get(fold(name))
        if here is not None or server is None:
            return here
        try:
            return await _fetched(server, name)
        except Exception as error:  # whatever it is: there is no certificate
            raise NotFetched from error

    verdict = asyncio.run(RecordVerifier(roots).verdict(handle, values, find, int(time.time())))
    _tell(handle, verdict, as_json)


@click.command("certify")
@click.option("--key", "key_file", type=_FILE, required=True, help=f"The issuer's. {_KEY_HELP}")
@click.option("--issuer", required=True, metavar="INDEX:HANDLE", help="The name of the issuer's key.")
@click.option("--subject", required=True, metavar="INDEX:HANDLE", help="The name of the key that is certified.")
@click.option("--public-key", "public_file", type=_FILE, required=True, help="That key: PEM or a JSON Web Key.")
@click.option("--permission", "permissions", multiple=True, required=True, metavar="KIND[:HANDLE]",
              help="everything, thisHandle:H, derivedPrefixes:H or handlesUnderThisPrefix:H.")  # fmt: skip
@click.option("--days", type=click.IntRange(1, 36_500), default=730, show_default=True, help="How long it holds.")
@click.option("--chain", multiple=True, metavar="INDEX:HANDLE", help="Certificates of the issuer up to the root.")
@click.option("--index", type=click.IntRange(1, 0x7FFFFFFF), default=400, show_default=True,
              help="Index of the value that is printed.")  # fmt: skip
def certify(
    key_file: Path,
    issuer: str,
    subject: str,
    public_file: Path,
    permissions: tuple[str, ...],
    days: int,
    chain: tuple[str, ...],
    index: int,
) -> None:
    """Certify a key, as that of a prefix delegated below, and print the HS_CERT as a value of a handle.

    It belongs into the subject's handle, where its signatures are looked up.

    \b
    Example:
      millwright identifiers certify --key 88.118.pem --issuer 300:0.NA/88.118 --subject 300:0.NA/88.118.8 \\
        --public-key 88.118.8.pub.pem --permission handlesUnderThisPrefix:0.NA/88.118.8
    """
    from millwright.identity.handle.json_form import value_to_json
    from millwright.identity.handle.trust.roots import read_keys, read_private_key
    from millwright.identity.handle.trust.signing import certificate, certificate_value

    try:
        public_key = read_keys(public_file.read_text("utf-8"))[0]
    except Invalid as error:
        raise click.BadParameter(error.message, param_hint="--public-key") from error
    now_s = int(time.time())
    data = certificate(
        _reference(subject), public_key, [_permission(each) for each in permissions], _reference(issuer),
        read_private_key(str(key_file)), now_s=now_s, days=days, chain=chain,
    )  # fmt: skip
    print_json(value_to_json(certificate_value(data, index, now_s)))


def _tell(handle: bytes, verdict: Verdict, as_json: bool) -> None:
    import msgspec

    if as_json:
        print_json({"handle": handle.decode()} | msgspec.to_builtins(verdict))
        raise click.exceptions.Exit(0 if verdict.state == "valid" else 1)
    click.echo(f"{handle.decode()}: {verdict.state}{f'. {verdict.text}' if verdict.text else ''}")
    for each in verdict.chain:
        click.echo(f"  by {each}")
    if verdict.state != "valid":
        raise Corrupt(
            f"The record is {verdict.state}.",
            code="handle.record_not_valid",
            hint="Ask who holds the prefix for the record as it was signed, and for the certificate of the signer.",
            detail={"handle": handle.decode(), "state": verdict.state, "reason": verdict.reason},
        )


def _permission(text: str) -> Any:
    from millwright.identity.handle.trust.claims import TrustPermission
    from millwright.identity.handle.trust.permissions import ALL_HANDLES, KINDS

    kind, _, handle = text.partition(":")
    if kind not in KINDS or (kind != ALL_HANDLES) != bool(handle):
        raise click.BadParameter(
            f"{text!r} is none: write everything, or one of {', '.join(KINDS[1:])} with a handle.",
            param_hint="--permission",
        )
    return TrustPermission(handle or None, kind)


def _reference(text: str) -> Reference:
    from millwright.identity.handle.trust.claims import read_reference

    try:
        found = read_reference(text)
    except Invalid as error:
        raise click.BadParameter(error.message) from error
    if not found.index:
        raise click.BadParameter(f"{text!r} names no key: write its index, as in 300:0.NA/88.118.8.")
    return found


def _record(shown: Any, where: str) -> tuple[bytes, tuple[HandleValue, ...]]:
    """A record as the Handle REST API has it. Raises ``Invalid`` (``cli.no_record``)."""
    from millwright.identity.handle.json_form import value_from_json

    try:
        return str(shown["handle"]).encode(), tuple(value_from_json(each) for each in shown["values"])
    except (KeyError, TypeError, Invalid) as error:
        why = f": {error.message}" if isinstance(error, Invalid) else ""
        raise Invalid(
            f"{where} has no record{why}",
            code="cli.no_record",
            hint="Give `handle` and `values`, as /api/handles/HANDLE answers.",
        ) from error


def _listed(shown: Any) -> list[Any]:
    return shown if isinstance(shown, list) else [shown]


def _shown(handle: bytes, values: Sequence[HandleValue]) -> dict[str, Any]:
    from millwright.identity.handle.json_form import value_to_json

    ordered = sorted(values, key=lambda each: each.index)
    return {"handle": handle.decode(), "values": [value_to_json(each) for each in ordered]}


async def _fetched(server: str, name: bytes) -> tuple[HandleValue, ...]:
    from millwright.cli.resolve import site_at
    from millwright.identity.handle import HandleClient

    return await HandleClient([site_at(server)]).resolve(name)
