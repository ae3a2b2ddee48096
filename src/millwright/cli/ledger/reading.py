"""``ledger list``, ``search``, ``show``, ``prove``, ``erase``."""

from __future__ import annotations

from typing import Any

import click

from millwright.cli.client import connect
from millwright.cli.main import Options
from millwright.cli.output import format_time, json_option, print_json, print_table
from millwright.kernel import Corrupt, Invalid

_HEADINGS = ["no.", "time (UTC)", "who", "did", "to", "outcome", "id"]


def _filters(command: Any) -> Any:
    for option in (
        click.option("--limit", type=click.IntRange(1), default=50, show_default=True, help="Most entries."),
        click.option("--outcome", type=click.Choice(["done", "denied", "failed"]), help="Only these."),
        click.option("--action", help="Only this action; `devices.*` for all that begin so."),
        click.option("--actor", help="Only what this person, program or device did, by id."),
        click.option("--object", "object_id", help="Only what was done to this object, by id."),
        click.option("--kind", help="Only objects of this kind, such as device or rule."),
    ):
        command = option(command)
    return command


def _show(options: Options, as_json: bool, limit: int, **query: Any) -> None:
    with connect(options) as client:
        found = list(client.pages("/ledger/entries", limit, **query))
    if as_json:
        print_json(found)
        return
    rows = [
        (
            entry["index"],
            format_time(entry["at_ms"]),
            _who(entry["actor"]),
            entry["action"] + (f" ×{entry['count']}" if entry["count"] > 1 else ""),
            entry["target"].get("name") or f"{entry['target']['kind']} {entry['target'].get('id', '')}".strip(),
            f"{entry['outcome']} {entry['error']}".strip(),
            entry["id"],
        )
        for entry in found
    ]
    print_table(_HEADINGS, rows, empty="No entries.")


def _who(actor: dict[str, Any]) -> str:
    return actor.get("name") or actor.get("id") or str(actor["kind"])


@click.command("list")
@_filters
@json_option
@click.pass_obj
def list_entries(
    options: Options,
    as_json: bool,
    limit: int,
    outcome: str | None,
    action: str | None,
    actor: str | None,
    object_id: str | None,
    kind: str | None,
) -> None:
    """List entries, newest first.

    \b
    Example:
      millwright ledger list --kind device --outcome denied
    """
    _show(
        options, as_json, limit, outcome=outcome, action=action, actor_id=actor, object_id=object_id, object_kind=kind
    )


@click.command("search")
@click.argument("words", nargs=-1, required=True)
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True, help="Most entries.")
@json_option
@click.pass_obj
def search(options: Options, words: tuple[str, ...], limit: int, as_json: bool) -> None:
    """Find entries that hold all WORDS, in any case: names, ids, actions, values that changed."""
    _show(options, as_json, limit, q=" ".join(words))


@click.command("show")
@click.argument("entry_id")
@click.pass_obj
def show(options: Options, entry_id: str) -> None:
    """Show one entry as JSON."""
    with connect(options) as client:
        print_json(client.get(f"/ledger/entries/{entry_id}"))


@click.command("prove")
@click.argument("entry_id")
@click.option("--key", "keys", multiple=True, help="Verifier key the log is known by; repeat it. Default: the node's.")
@json_option
@click.pass_obj
def prove(options: Options, entry_id: str, keys: tuple[str, ...], as_json: bool) -> None:
    """Fetch the proof of an entry and check it here.

    Checked are the entry's hash, the path from it to the root, the signature of the tree head, and the commitments to
    personal values.
    """
    from millwright.ledger.proving import check_proof

    with connect(options) as client:
        proof = client.get(f"/ledger/entries/{entry_id}/proof")
    wrong = check_proof(proof, keys)
    if as_json:
        print_json({"proof": proof, "wrong": wrong})
    if wrong:
        raise Corrupt(
            f"The proof does not hold: {'; '.join(wrong)}.",
            code="ledger.proof_wrong",
            hint="Export the ledger and run `millwright ledger verify` on the copy.",
        )
    if not as_json:
        click.echo(f"Entry {proof['index']} is in the log of {proof['size']} entries with the root {proof['root']}.")


@click.command("erase")
@click.argument("subject")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def erase(options: Options, subject: str, yes: bool) -> None:
    """Delete the personal values of SUBJECT (a person's id) from every entry, for good.

    Names, addresses and agents go; the entries and every proof stay. That it was done is an entry too.
    """
    if not yes and not click.confirm(f"Erase the personal values of {subject} for good?"):
        raise Invalid("Nothing was erased.", code="cli.not_confirmed", hint="Answer y, or give --yes.")
    with connect(options) as client:
        done = client.delete_for(f"/ledger/personal/{subject}")
    click.echo(f"Erased in {done['entries']} entries.")


COMMANDS = (list_entries, search, show, prove, erase)
"""What the group takes in."""
