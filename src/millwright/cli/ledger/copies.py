"""``ledger export`` and ``ledger verify``: copies of the log, and checking them without any node."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from millwright.cli.client import Client, connect
from millwright.cli.main import Options
from millwright.cli.output import json_option, print_json
from millwright.kernel import Corrupt, NotFound

if TYPE_CHECKING:
    from millwright.ledger import Disclosure


@click.command("export")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option("--without-personal", is_flag=True, help="Leave personal values out; everything else can be verified.")
@json_option
@click.pass_obj
def export(options: Options, folder: Path, without_personal: bool, as_json: bool) -> None:
    """Copy the log to FOLDER: tiles, entries, tree head and keys, as any file host can serve them.

    A folder that holds an older copy is brought up to date.
    """
    from millwright.ledger.export import export as write

    with connect(options) as client:
        done = write(lambda path: _read(client, path), folder, () if without_personal else _disclosures(client))
    if as_json:
        print_json(done)
    else:
        click.echo(f"{done.size} entries of {done.origin} are in {folder}, with {done.disclosures} personal records.")


def _read(client: Client, path: str) -> bytes | None:
    try:
        return client.content(f"/ledger/files/{path}")
    except NotFound:
        return None


def _disclosures(client: Client) -> Iterator[Disclosure]:
    from millwright.ledger import Disclosure

    for each in client.pages("/ledger/disclosures"):
        yield msgspec.convert(each, Disclosure)


@click.command("verify")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False, exists=True))
@click.option("--key", "keys", multiple=True, help="Verifier key the log is known by; repeat it. Default: the copy's.")
@click.option("--witness-key", "witness_keys", multiple=True, help="A witness that must have co-signed; repeat it.")
@click.option(
    "--checkpoint",
    "earlier",
    multiple=True,
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="A tree head kept elsewhere, whose history must be in the copy; repeat it.",
)
@json_option
def verify(
    folder: Path, keys: tuple[str, ...], witness_keys: tuple[str, ...], earlier: tuple[Path, ...], as_json: bool
) -> None:
    """Check the copy of a log in FOLDER, without any node.

    Finds entries that were altered, removed, inserted or reordered, and history rewritten since a witness saw it or
    since a tree head was kept; says which entries. Exits with 0 only when nothing is wrong.

    \b
    Example:
      millwright ledger verify copy --key "$LOG" --witness-key "$WITNESS" --checkpoint last-year.txt
    """
    from millwright.ledger import Note, Verifier
    from millwright.ledger import verify as check

    report = check(
        folder,
        keys=[Verifier.parse(key) for key in keys],
        witness_keys=[Verifier.parse(key) for key in witness_keys],
        earlier=[Note.parse(path.read_text(encoding="utf-8")) for path in earlier],
    )
    if as_json:
        print_json(report)
    else:
        _print(report)
    if not report.right:
        raise Corrupt(
            f"The copy is not the log that was signed: {len(report.findings)} findings.",
            code="ledger.copy_wrong",
            hint="Compare it with another copy; keep this one as evidence.",
        )


def _print(report: Any) -> None:
    click.echo(f"log        {report.origin}\nentries    {report.size}\nroot       {report.root}")
    click.echo(f"personal   {report.disclosed} values fit their commitments, {report.erased} records are not here")
    for name in report.witnesses:
        click.echo(f"witness    {name}")
    if not report.trusted_key:
        click.echo("key        taken from the copy itself: give --key to know whose log it is")
    for finding in report.findings:
        click.echo(f"WRONG      {finding.kind}: {finding.message}")
    if report.right:
        click.echo("All is as it was signed.")


COMMANDS = (export, verify)
"""What the group takes in."""
