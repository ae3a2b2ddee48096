"""``doctor``: what is wrong on this machine, and how to mend it."""

from __future__ import annotations

import dataclasses

import click

from millwright.cli.local import environment
from millwright.cli.main import Options
from millwright.cli.output import json_option, print_json

_MARKS = {"ok": click.style("ok     ", fg="green"), "warning": click.style("warning", fg="yellow")}
_MARKS["wrong"] = click.style("WRONG  ", fg="red", bold=True)


@click.command()
@json_option
@click.pass_obj
def doctor(options: Options, as_json: bool) -> int:
    """Look for what keeps a node from starting or working; changes nothing.

    Looks at settings, engines, rights, disk, clock, limits, ports (and who holds them), records, and the running node.
    Exit code 1 when something is wrong.
    """
    from millwright.app.doctor import examine

    done = examine(options.config, environment(options))
    if as_json:
        print_json({"healthy": done.healthy, "findings": [dataclasses.asdict(each) for each in done.findings]})
    else:
        for finding in done.findings:
            click.echo(f"{_MARKS[finding.state]} {finding.check}: {finding.message}")
            if finding.hint:
                click.echo(f"        → {finding.hint}")
        click.echo("\nNothing is wrong." if done.healthy else "\nSomething is wrong; see above.")
    return 0 if done.healthy else 1
