"""``identifiers``: the register of this node, its copies, and a mirror that takes over."""

from __future__ import annotations

from pathlib import Path

import click
import msgspec

from millwright.cli.client import connect
from millwright.cli.drill import drill
from millwright.cli.filings import filing
from millwright.cli.local import load_settings
from millwright.cli.main import Options
from millwright.cli.measures import COMMANDS as MEASURES
from millwright.cli.output import format_time, interactive, json_option, print_json
from millwright.cli.signatures import certify, sign, verify
from millwright.kernel import Conflict, Denied, Invalid


@click.group()
def identifiers() -> None:
    """The register of identifiers: how it stands, snapshots, mirrors, drills, signed records, filing, emergencies."""


for _command in (sign, verify, certify, *MEASURES, filing, drill):
    identifiers.add_command(_command)


@identifiers.command("key")
@json_option
@click.pass_obj
def key(options: Options, as_json: bool) -> None:
    """Print the public key that signs this node's entries of the log, as `[identity] trusted_keys` takes it.

    \b
    Example:
      millwright identifiers key
    """
    from millwright.app.registers import own_key

    found = own_key(load_settings(options))
    if as_json:
        print_json({"key": found})
        return
    click.echo(found)


@identifiers.command("status")
@json_option
@click.pass_obj
def status(options: Options, as_json: bool) -> None:
    """Say how far this node's index is and what its digest is; the node need not run.

    \b
    Example:
      millwright identifiers status --json
    """
    from millwright.app.registers import standing

    settings = load_settings(options)
    found = standing(settings)
    role = "mirror" if settings.identity.follows else "primary"
    if as_json:
        print_json({"role": role} | msgspec.to_builtins(found))
        return
    click.echo(f"{role}: {found.handles:,} identifiers, {found.prefixes:,} prefixes, up to batch {found.position:,}")
    click.echo(f"digest {found.digest}")


@identifiers.command("snapshot")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@json_option
@click.pass_obj
def snapshot(options: Options, file: Path, as_json: bool) -> None:
    """Write the index into FILE, signed, for a mirror to begin with or as a backup. The node goes on meanwhile.

    \b
    Example:
      millwright identifiers snapshot identifiers.snapshot
    """
    from millwright.app.registers import snapshot as write

    made = write(load_settings(options), file)
    if as_json:
        print_json(msgspec.to_builtins(made))
        return
    click.echo(f"{made.handles:,} identifiers up to batch {made.position:,} in {file} ({made.bytes / 1e6:,.1f} MB).")
    click.echo(f"digest {made.digest}")


@identifiers.command("archive")
@json_option
@click.pass_obj
def archive(options: Options, as_json: bool) -> None:
    """Make a snapshot now as the node does by itself, read it back, and trim the log behind it.

    \b
    The log is trimmed only when [identity] keep_log_days says so: never what is younger, never what one of the
    snapshots that are kept needs.
    \b
    Example:
      millwright identifiers archive
    """
    from millwright.app.archiving import archive as run

    done = run(load_settings(options))
    if as_json:
        print_json(msgspec.to_builtins(done))
        return
    click.echo(
        f"{done.handles:,} identifiers up to batch {done.position:,} in {done.file} ({done.bytes / 1e6:,.1f} MB)."
    )
    click.echo(f"It was read back; {done.kept} snapshots are kept, {done.pruned} older ones were removed.")
    kept = f"{done.trimmed:,} batches were removed from the log" if done.trims else "The log is not trimmed"
    click.echo(f"{kept}; it begins at batch {done.first:,}.")


@identifiers.command("restore")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--replace", is_flag=True, help="Put an index that is there aside.")
@json_option
@click.pass_obj
def restore(options: Options, file: Path, replace: bool, as_json: bool) -> None:
    """Begin with the snapshot in FILE; the rest comes from the log when the node starts. The node must not run.

    The snapshot is read whole and checked: its signature, by this node's key or a trusted one, and its digest.

    \b
    Example:
      millwright identifiers restore identifiers.snapshot
    """
    from millwright.app.registers import restore as read

    made = read(load_settings(options), file, replace=replace)
    if as_json:
        print_json(msgspec.to_builtins(made))
        return
    click.echo(
        f"{made.handles:,} identifiers up to batch {made.position:,}, as {made.node} had them at "
        f"{format_time(made.made_ms)}."
    )


@identifiers.command("compare")
@json_option
@click.pass_obj
def compare(options: Options, as_json: bool) -> None:
    """Compare this mirror with its primary, by the digests of all that both say; exit code 1 when they differ.

    Both are compared at the last batch that this node has: what it lacks is no difference, but told.

    \b
    Example:
      millwright identifiers compare
    """
    from millwright.app.registers import compare as run

    found = run(load_settings(options))
    if as_json:
        print_json(msgspec.to_builtins(found))
    else:
        click.echo(f"here     {found.here.node}: batch {found.here.position:,}, {found.here.handles:,} identifiers")
        click.echo(f"primary  {found.primary.node}: batch {found.primary.position:,}, {found.behind:,} more than here")
        words = {True: "equal", False: "DIFFERENT", None: "the primary does not know its digest there"}
        click.echo(f"at batch {found.at:,}: {words[found.equal]}")
    if not found.equal:
        raise Conflict(
            "The digests cannot be compared." if found.equal is None else "The two registers differ.",
            code="records.differs",
            hint="Restore a snapshot of the primary on this node.",
            detail={"at": found.at, "here": found.here.digest, "primary": found.primary.digest},
        )


@identifiers.command("take-over")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--force", is_flag=True, help="Also when the primary answers.")
@json_option
@click.pass_obj
def take_over(options: Options, yes: bool, force: bool, as_json: bool) -> None:
    """Make this mirror the primary: it writes from now on, and the former primary is refused.

    For when the primary is gone for good. This node runs. Afterwards unset `[identity] mirror` and `mirror_of` and
    start the node again. What the former primary wrote and this node has not got is lost; the report says up to when
    it knows everything.

    \b
    Example:
      millwright identifiers take-over
    """
    from millwright.app.registers import take_over as run

    settings = load_settings(options)
    confirm("The former primary will be refused from then on. Take over?", yes=yes, as_json=as_json)
    done = run(settings, force=force)
    if as_json:
        print_json(msgspec.to_builtins(done))
        return
    click.echo(f"This node writes from batch {done.position:,} on, after {done.milliseconds:,.0f} ms.")
    click.echo(f"It knows everything up to {format_time(done.last_made_ms)}; digest {done.digest}")
    if settings.identity.follows:
        click.echo("Now unset [identity] mirror and mirror_of, and start the node again.")


@identifiers.command("discard-log")
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
@click.pass_obj
def discard_log(options: Options, yes: bool, as_json: bool) -> None:
    """Remove the log of a former primary that is to be a mirror of another node now. What only it had is lost.

    This node runs, with `[identity] mirror_of` set. Then stop it and restore a snapshot of its primary.

    \b
    Example:
      millwright identifiers discard-log
    """
    from millwright.app.registers import discard_log as run

    confirm("The log of this node is removed for good. Go on?", yes=yes, as_json=as_json)
    last = run(load_settings(options))
    if as_json:
        print_json({"position": last})
        return
    click.echo(f"The log, which ended at batch {last:,}, is removed. Now restore a snapshot of the primary.")


def confirm(question: str, *, yes: bool, as_json: bool) -> None:
    """Ask a person. Raises ``Invalid`` (``records.not_confirmed``) where there is none."""
    if yes:
        return
    if as_json or not interactive():
        raise Invalid("This needs a yes.", code="records.not_confirmed", hint="Add --yes when you mean it.")
    click.confirm(question, abort=True)


@identifiers.command("forget")
@click.argument("text", required=False)
@click.option("--all", "everything", is_flag=True, help="Forget all that was fetched from other nodes.")
@click.pass_obj
def forget(options: Options, text: str | None, everything: bool) -> None:
    """Have a recursive node forget what it knows of TEXT, a code of any system; it is asked for anew.

    \b
    Example:
      millwright identifiers forget 88.118.8/pump-7
      millwright identifiers forget --all
    """
    from millwright.app.registers import forget as run
    from millwright.identity.records.naming import code_of_text, name_of

    if (text is None) != everything:
        raise click.UsageError("Give one identifier, or --all.")
    run(load_settings(options), name_of(code_of_text(text)).encode() if text is not None else b"")


@identifiers.command("operation")
@json_option
@click.pass_obj
def operation(options: Options, as_json: bool) -> None:
    """Show how identifiers are resolved: rates, latencies, failures, mirrors, prefixes without a filing, abnormal
    look-ups.

    \b
    Example:
      millwright identifiers operation
    """
    from millwright.cli.operation import show

    with connect(options) as client:
        found = client.get("/identifiers/operation")
        try:
            node = client.get("/identifiers/operation/node")
        except Denied:  # who may look at some organisations is not told of the node as a whole
            node = None
        hot = client.get("/identifiers/operation/hot", limit=10)["items"]
        findings = client.get("/identifiers/operation/findings", state="open")["items"]
    if as_json:
        print_json(found | {"node": node, "hot": hot, "findings": findings})
        return
    show(found, node, hot, findings)
