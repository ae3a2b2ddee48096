"""``dead-letters``: messages that could not be read."""

from __future__ import annotations

import click

from millwright.cli.client import connect
from millwright.cli.main import Options
from millwright.cli.output import format_time, json_option, print_json, print_table


@click.group("dead-letters")
def dead_letters() -> None:
    """Messages that could not be read: look, replay, discard."""


@dead_letters.command("list")
@click.option("--reason", help="Only of this reason.")
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True)
@json_option
@click.pass_obj
def list_letters(options: Options, reason: str | None, limit: int, as_json: bool) -> None:
    """List them, newest first."""
    with connect(options) as client:
        found = list(client.pages("/dead-letters", limit, reason=reason))
    if as_json:
        print_json(found)
        return
    rows = [
        (x["sequence"], format_time(x["received_ms"]), x["reason"], x["device_id"], x["topic"], x["text"])
        for x in found
    ]
    print_table(["number", "received (UTC)", "reason", "device", "topic", "what"], rows, empty="No dead letters.")


@dead_letters.command("show")
@click.argument("sequence", type=int)
@json_option
@click.pass_obj
def show(options: Options, sequence: int, as_json: bool) -> None:
    """Print one whole, payload included, as JSON in any case."""
    del as_json
    with connect(options) as client:
        print_json(client.get(f"/dead-letters/{sequence}"))


def _selection(sequences: tuple[int, ...], every: bool, reason: str | None) -> dict[str, object]:
    if bool(sequences) == every:
        raise click.UsageError("Give numbers of dead letters, or --all.")
    return {"all": True, "reason": reason} if every else {"sequences": list(sequences)}


@dead_letters.command("replay")
@click.argument("sequences", nargs=-1, type=int)
@click.option("--all", "every", is_flag=True, help="All of them.")
@click.option("--reason", help="With --all: only of this reason.")
@json_option
@click.pass_obj
def replay(options: Options, sequences: tuple[int, ...], every: bool, reason: str | None, as_json: bool) -> None:
    """Read them again, after the cause was mended.

    \b
    Example:
      millwright dead-letters replay --all --reason telemetry.device_unknown
    """
    with connect(options, timeout_s=300) as client:
        done = client.post("/dead-letters/replay", _selection(sequences, every, reason))
    if as_json:
        print_json(done)
    else:
        click.echo(f"{done['replayed']} replayed.")


@dead_letters.command("discard")
@click.argument("sequences", nargs=-1, type=int)
@click.option("--all", "every", is_flag=True, help="All of them.")
@click.option("--reason", help="With --all: only of this reason.")
@json_option
@click.pass_obj
def discard(options: Options, sequences: tuple[int, ...], every: bool, reason: str | None, as_json: bool) -> None:
    """Remove them for good."""
    with connect(options, timeout_s=300) as client:
        done = client.post("/dead-letters/discard", _selection(sequences, every, reason))
    if as_json:
        print_json(done)
    else:
        click.echo(f"{done['discarded']} discarded.")
