"""``identifiers drill``: a failover and a restore, done and measured."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from millwright.cli.exits import exit_code
from millwright.cli.local import load_settings
from millwright.cli.main import Options
from millwright.cli.output import json_option, print_json, print_table

if TYPE_CHECKING:
    from millwright.identity.drills import Drill, DrillStep

_SAID = {
    "snapshot": "take a snapshot",
    "read": "read and check the snapshot",
    "join": "join the node as a mirror",
    "isolate": "cut from the node, take over in isolation",
    "mirror": "a mirror follows",
    "probe": "register and resolve",
    "cut": "kill the primary",
    "notice": "a client finds the primary silent",
    "take_over": "the mirror takes over",
    "restart": "it starts as primary",
    "first_write": "the first registration",
    "check": "compare",
    "log": "apply the log behind it",
    "verify": "verify every record and the digest",
    "resolver": "start a resolver",
    "compare": "compare answers",
    "watch": "watch both nodes",
    "clean": "remove the records of the drill",
}


def aims(command: Callable[..., Any]) -> Callable[..., Any]:
    """Options that all drills have."""
    for option in (
        click.option("--who", default="", hidden=True),
        click.option("--id", "drill_id", default="", hidden=True),
        click.option("--into", type=click.Path(path_type=Path, exists=True, file_okay=False),
                     help="Work in a folder below this one, on another disk for instance."),
        click.option("--rpo-records", type=click.IntRange(0), default=1000, show_default=True,
                     help="How many acknowledged records may be missing."),
        click.option("--rto-s", type=click.FloatRange(0, min_open=True), default=60.0, show_default=True,
                     help="Within how many seconds it is to be done."),
    ):  # fmt: skip
        command = option(command)
    return command


@click.group()
def drill() -> None:
    """Prove, by doing it, that the register survives a failover and can be restored; reports are kept."""


@drill.command("failover")
@aims
@click.option("--rate", type=click.IntRange(10, 20_000), default=200, show_default=True,
              help="Identifiers of the drill registered a second.")  # fmt: skip
@click.option("--seconds", type=click.FloatRange(0.5, 600), default=5.0, show_default=True,
              help="For how long, before the primary is lost.")  # fmt: skip
@click.option("--live", is_flag=True, help="The real thing: this mirror takes over from its primary.")
@click.option("--stop-command", default="", help="With --live: a command that stops the primary.")
@click.option("--yes", is_flag=True, help="With --live: do not ask.")
@json_option
@click.pass_obj
def failover(options: Options, /, rate: int, seconds: float, live: bool, stop_command: str, yes: bool, as_json: bool,
             **more: Any) -> None:  # fmt: skip
    """Lose a primary and have its mirror take over; exit code 6 when the aims are missed.

    A rehearsal, unless --live: a stand-in joins the running node as a mirror, is cut from it, and is the primary
    that is killed. The node is read and not changed; the drill needs disk space for four copies of its index.

    \b
    Example:
      millwright identifiers drill failover --rto-s 30
    """
    from millwright.app.drills.failover import rehearse

    settings = load_settings(options)
    if live:
        from millwright.app.drills.live import take_over_live
        from millwright.cli.identifiers import confirm

        confirm("The primary is stopped and this node writes from then on. Do it?", yes=yes, as_json=as_json)
        _run(settings, "failover", lambda recording, _: take_over_live(settings, recording, stop_command, click.echo),
             as_json=as_json, live=True, **more)  # fmt: skip
        return
    _run(settings, "failover", lambda recording, scratch: rehearse(settings, recording, scratch, rate=rate,
         seconds=seconds), as_json=as_json, **more)  # fmt: skip


@drill.command("restore")
@aims
@click.option("--snapshot", type=click.Path(path_type=Path, exists=True, dir_okay=False),
              help="Begin with this one. Default: the newest that the node keeps, else the log alone.")  # fmt: skip
@click.option("--log-only", is_flag=True, help="Begin with the log, whatever snapshots there are.")
@click.option("--sample", type=click.IntRange(1, 100_000), default=1000, show_default=True,
              help="How many identifiers are resolved and compared.")  # fmt: skip
@click.option("--keep", is_flag=True, help="Leave the restored folder, and say where it is.")
@json_option
@click.pass_obj
def restore(options: Options, /, snapshot: Path | None, log_only: bool, sample: int, keep: bool, as_json: bool,
            **more: Any) -> None:  # fmt: skip
    """Restore the register into an empty folder and compare its answers; exit code 6 when the aims are missed.

    Signatures, the chain of hashes and the digest are verified on the way; what is corrupt is named. The node need not
    run when there is a snapshot.

    \b
    Example:
      millwright identifiers drill restore --rto-s 300
    """
    from millwright.app.drills.restore import restore as run

    settings = load_settings(options)
    _run(settings, "restore", lambda recording, scratch: run(settings, recording, scratch, snapshot=snapshot,
         log_only=log_only, sample=sample), as_json=as_json, keep=keep, **more)  # fmt: skip


@drill.command("list")
@json_option
@click.pass_obj
def listed(options: Options, as_json: bool) -> None:
    """List the drills of this node, newest first.

    \b
    Example:
      millwright identifiers drill list
    """
    from millwright.app.sections import folder_of
    from millwright.cli.output import format_time
    from millwright.identity.drills import DrillBook

    found = DrillBook(folder_of(load_settings(options)).identifier_drills).list()
    if as_json:
        print_json(msgspec.to_builtins(found))
        return
    print_table(
        ("begun", "kind", "live", "result", "rto s", "rpo records", "id"),
        [
            (format_time(each.begun_ms), each.kind, each.live, each.state, each.measured.rto_s,
             each.measured.rpo_records, each.id)
            for each in found
        ],
        empty="No drill was run yet.",
    )  # fmt: skip


def _run(settings: Any, kind: Any, work: Any, *, as_json: bool, rto_s: float, rpo_records: int, drill_id: str,
         who: str, into: Path | None, keep: bool = False, live: bool = False) -> None:  # fmt: skip
    from millwright.app.drills.runs import run_drill
    from millwright.identity.drills import Aims
    from millwright.identity.drills.errors import aims_missed
    from millwright.kernel.errors import from_dict

    done = run_drill(
        settings, kind, Aims(rto_s=rto_s, rpo_records=rpo_records), work, tell=_tell(as_json=as_json),
        drill_id=drill_id, who=who, into=into, keep=keep, live=live,
    )  # fmt: skip
    error = None
    if done.problem is not None:
        error = from_dict(msgspec.to_builtins(done.problem) | {"detail": {}})
    elif done.missed:
        error = aims_missed(done.missed)
    if not as_json:
        _print(done)
        if error is not None:
            raise error
        return
    print_json(msgspec.to_builtins(done))
    if error is not None:
        # The report says why; a program reads one document.
        click.get_current_context().exit(exit_code(error))


def _tell(*, as_json: bool) -> Callable[[DrillStep], None]:
    def tell(step: DrillStep) -> None:
        if not as_json:
            detail = ", ".join(f"{key} {value}" for key, value in step.detail.items() if key != "digest")
            click.echo(
                f"{step.at_ms / 1000:9.3f} s  {_SAID.get(step.name, step.name):42} {step.took_ms:9,.0f} ms  {detail}"
            )

    return tell


def _print(done: Drill) -> None:
    found, aims = done.measured, done.aims
    rows: list[tuple[str, Any, str]] = []
    if found.rto_s is not None:
        rows.append(("recovery time (RTO)", f"{found.rto_s:.3f} s", f"{aims.rto_s:g} s"))
    if found.first_answer_s is not None:
        rows.append(("first answer after the loss", f"{found.first_answer_s:.3f} s", ""))
    if found.longest_gap_s is not None:
        rows.append(("longest time without an answer", f"{found.longest_gap_s:.3f} s", ""))
    if found.rpo_records is not None:
        lost = f"{found.rpo_records:,} records, {found.rpo_batches:,} batches, {found.rpo_s or 0:.3f} s"
        rows.append(("missing (RPO)", lost, f"{aims.rpo_records:,} records"))
    if found.records_per_s is not None:
        rows.append(("rate", f"{found.records_per_s:,.0f} records/s", ""))
    if found.compared is not None:
        rows.append(("answers compared", f"{found.compared:,}, {found.wrong or 0:,} differ", "0"))
    if found.equal is not None:
        rows.append(("digests", "equal" if found.equal else "DIFFERENT", "equal"))
    click.echo()
    print_table(("measured", "", "aim"), rows, empty="Nothing was measured.")
    click.echo(f"{done.kind} {done.id}: {done.state}")
