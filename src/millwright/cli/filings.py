"""``identifiers filing``: proofs of filings (备案)."""

from __future__ import annotations

from pathlib import Path

import click
import msgspec

from millwright.cli.local import load_settings
from millwright.cli.main import Options
from millwright.cli.output import format_time, json_option, print_json


@click.group()
def filing() -> None:
    """Filings with nodes above (备案)."""


@filing.command("verify")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--key", "keys", multiple=True, help="A public key that you trust, name+hash+base64; repeat it.")
@json_option
@click.pass_obj
def verify(options: Options, file: Path, keys: tuple[str, ...], as_json: bool) -> None:
    """Verify the proof of a filing in FILE, as the console gives it; no node is asked.

    Every signature is checked, and that each receipt is for exactly this filing. The keys are trusted that are given,
    that are in `[identity] trusted_keys`, and this node's own; and one further above that a trusted node vouches for.
    Exit code 1: a signature is wrong, a receipt is for something else, or a key is not trusted.

    \b
    Example:
      millwright identifiers filing verify filing-88.118.8.json --key "$(cat secondary.key)"
    """
    from millwright.app.registers import trusted_by
    from millwright.identity.filing.checking import verify as check

    found = check(file.read_bytes(), [*keys, *trusted_by(load_settings(options))])
    if as_json:
        print_json(msgspec.to_builtins(found))
    else:
        click.echo(f"{found.prefix or '?'}  {found.holder}")
        click.echo(f"filing SHA-256 {found.digest}")
        for each in found.chain:
            mark = "ok" if each.signature == "valid" and each.trusted else "KEY NOT TRUSTED"
            mark = mark if each.signature == "valid" else "WRONG"
            more = " ".join(part for part in (each.state, each.number, each.reason) if part)
            when = format_time(each.at_ms) if each.at_ms else ""
            click.echo(f"  {mark:16}{each.kind:9}{each.node or '?'} ({each.key_id or '?'})  {when}  {more}".rstrip())
        if not found.valid:
            click.echo("Not verified: a signature is wrong, or a receipt is for another document.")
        elif not found.trusted:
            click.echo("Every signature is right, but not by keys that are trusted here; give them with --key.")
        else:
            click.echo(f"Verified: {found.outcome}{f', number {found.number}' if found.number else ''}.")
    if not (found.valid and found.trusted):
        raise SystemExit(1)
