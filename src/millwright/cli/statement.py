"""``statement``: what organisations owe for a month."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from millwright.cli import exits
from millwright.cli.client import connect, part
from millwright.cli.main import Options
from millwright.cli.output import format_time, json_option, print_json, print_table

month_option = click.option("--month", help="Such as 2026-11.")


@click.group()
def statement() -> None:
    """Monthly statements: issue, look at, recount."""


@statement.command("list")
@month_option
@json_option
@click.pass_obj
def list_statements(options: Options, month: str | None, as_json: bool) -> None:
    """List the issued statements, newest first."""
    with connect(options) as client:
        found = client.get("/metering/statements", month=month)
    if as_json:
        print_json(found)
        return
    rows = [
        (
            each["number"],
            each["month"],
            each["organisation"],
            f"{each['currency']} {each['total']}",
            format_time(each["issued_ms"]),
            each["id"],
        )
        for each in found
    ]
    print_table(["number", "month", "payer", "total", "issued (UTC)", "id"], rows, empty="No statements.")


@statement.command("issue")
@click.option("--organisation", default="org_root", show_default=True, help="Id of the organisation that pays.")
@click.option("--month", required=True, help="A month that is over, such as 2026-10.")
@json_option
@click.pass_obj
def issue(options: Options, organisation: str, month: str, as_json: bool) -> None:
    """Freeze and number the statement of a month.

    \b
    Example:
      millwright statement issue --month 2026-10
    """
    with connect(options) as client:
        made = client.post("/metering/statements", {"organisation_id": organisation, "month": month})
    if as_json:
        print_json(made)
    else:
        click.echo(f"{made['number']}  {made['document']['currency']} {made['document']['total']}  {made['id']}")


@statement.command("show")
@click.argument("statement_id", required=False)
@click.option("--organisation", help="Without an id: whose draft. Default: the topmost organisation you may see.")
@month_option
@click.option("--csv", "csv_file", type=click.Path(path_type=Path, dir_okay=False), help="Write it as CSV.")
@click.option("--pdf", "pdf_file", type=click.Path(path_type=Path, dir_okay=False), help="Write it as PDF.")
@json_option
@click.pass_obj
def show(
    options: Options,
    statement_id: str | None,
    organisation: str | None,
    month: str | None,
    csv_file: Path | None,
    pdf_file: Path | None,
    as_json: bool,
) -> None:
    """Show a statement, or without an id what the statement of a month would say now.

    \b
    Example:
      millwright statement show --month 2026-11
    """
    if statement_id is None and (csv_file or pdf_file):
        raise click.UsageError("Files are of issued statements: give an id.")
    with connect(options) as client:
        if statement_id is None:
            found = client.get("/metering/draft", month=month, organisation_on=organisation)
        else:
            path = f"/metering/statements/{part(statement_id)}"
            found = client.get(path)
            for file, kind in ((csv_file, "csv"), (pdf_file, "pdf")):
                if file is not None:
                    file.write_bytes(client.content(f"{path}/{kind}"))
    if as_json:
        print_json(found)
    else:
        _print(found)


@statement.command("verify")
@click.argument("statement_id")
@json_option
@click.pass_obj
def verify(options: Options, statement_id: str, as_json: bool) -> None:
    """Recount a statement from what is counted now; exit code 1 when it is not equal."""
    with connect(options) as client:
        found = client.get(f"/metering/statements/{part(statement_id)}/verification")
    if as_json:
        print_json(found)
    else:
        click.echo("equal" if found["equal"] else "not equal")
        for name in ("digest_equal", "lines_equal", "counts_equal"):
            click.echo(f"  {name.removesuffix('_equal')}: {'equal' if found[name] else 'not equal'}")
        for each in found["differences"]:
            click.echo(f"  {each['name']} {each['meter']}: {each['quantity']:,} issued, {each['counted_now']:,} now")
    if not found["equal"]:
        raise click.exceptions.Exit(exits.FAILED)


def _print(found: dict[str, Any]) -> None:
    document = found["document"]
    click.echo(f"{found['number'] or 'draft'}  {document['organisation']}  {document['month']}")
    rows = [
        (
            line["meter"] or "",
            f"{line['kind']} {line['note']}".rstrip(),
            f"{line['plan']} v{line['version']}",
            line["days"],
            f"{line['quantity']:,}",
            line["price"] if line["per"] == 1 else f"{line['price']} / {line['per']:,}",
            line["amount"],
        )
        for line in document["lines"]
    ]
    print_table(["meter", "item", "plan", "days", "quantity", "price", "amount"], rows, empty="No lines.")
    click.echo(f"total, tax-free: {document['currency']} {document['total']}")
    if found["digest"]:
        click.echo(f"sha256 {found['digest']}")
