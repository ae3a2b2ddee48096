"""``usage``: what an organisation used in a month."""

from __future__ import annotations

import click

from millwright.cli.client import connect
from millwright.cli.main import Options
from millwright.cli.output import json_option, print_json, print_table


@click.command()
@click.option("--month", help="Such as 2026-11. Default: the running one.")
@click.option("--organisation", help="Id of the organisation. Default: the topmost one you may see.")
@json_option
@click.pass_obj
def usage(options: Options, month: str | None, organisation: str | None, as_json: bool) -> None:
    """Show what an organisation used, with all below it.

    \b
    Example:
      millwright usage --month 2026-11
    """
    with connect(options) as client:
        found = client.get("/metering/usage", month=month, organisation_on=organisation)
    if as_json:
        print_json(found)
        return
    click.echo(f"{found['organisation']}, {found['month']}, plan {found['plan'] or '–'}")
    quotas = {(each["quota"]["meter"]): each for each in found["quotas"]}
    rows = [
        (
            each["text"],
            f"{each['used']:,}",
            each["unit"],
            "–" if each["forecast"] is None else f"{each['forecast']:,}",
            "–" if each["free"] is None else f"{each['free']:,}",
            _quota(quotas.get(each["meter"])),
        )
        for each in found["meters"]
    ]
    print_table(["meter", "used", "unit", "month's end", "free", "quota"], rows, empty="Nothing is counted.")


def _quota(found: dict[str, object] | None) -> str:
    if found is None:
        return "–"
    quota = found["quota"]
    assert isinstance(quota, dict)
    said = "used up" if found["exceeded"] else "nearly used up" if found["warned"] else ""
    return f"{found['used']:,} of {quota['limit']:,} a {quota['period']} {said}".rstrip()
