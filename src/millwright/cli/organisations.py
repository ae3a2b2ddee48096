"""``organisations`` and ``grants``: the tree, and who holds which role on it."""

from __future__ import annotations

from datetime import UTC, datetime

import click

from millwright.cli.client import connect
from millwright.cli.main import Options
from millwright.cli.output import format_time, json_option, print_json, print_table

KINDS = ("province", "city", "park", "industry", "enterprise", "site", "department")


@click.group()
def organisations() -> None:
    """The tree of organisations."""


@organisations.command("list")
@json_option
@click.pass_obj
def list_organisations(options: Options, as_json: bool) -> None:
    """List the organisations, parents before those below them."""
    with connect(options) as client:
        found = list(client.pages("/organisations"))
    if as_json:
        print_json(found)
        return
    rows = [
        ("  " * len(each["above"]) + each["name"], each["kind"], each["code"] or "", each["suspended"], each["id"])
        for each in found
    ]
    print_table(["name", "kind", "credit code", "suspended", "id"], rows, empty="No organisations.")


@organisations.command("add")
@click.argument("name")
@click.option("--parent", default="org_root", show_default=True, help="Id of the organisation it belongs to.")
@click.option("--kind", type=click.Choice(KINDS), default="enterprise", show_default=True, help="What it is.")
@click.option("--code", help="Unified social credit code (统一社会信用代码).")
@json_option
@click.pass_obj
def add(options: Options, name: str, parent: str, kind: str, code: str | None, as_json: bool) -> None:
    """Add an organisation, and print the link by which its first administrator joins.

    \b
    Example:
      millwright organisations add 红星机械 --code 91350100M000100Y43
    """
    with connect(options) as client:
        made = client.post("/organisations", {"parent_id": parent, "kind": kind, "name": name, "code": code})
        invited = client.post(f"/organisations/{made['id']}/invitations", {"role": "administrator"})
        link = f"{client.url}/invitation#{invited['token']}"
    if as_json:
        print_json({**made, "invitation": link})
        return
    click.echo(f"{made['id']}\nIts first administrator joins once, within a week, at\n  {link}")


@organisations.command("suspend")
@click.argument("organisation_id")
@click.option("--resume", is_flag=True, help="Let it work again.")
@click.pass_obj
def suspend(options: Options, organisation_id: str, resume: bool) -> None:
    """Shut an organisation and its devices out, or let it in again."""
    with connect(options) as client:
        client.patch(f"/organisations/{organisation_id}", {"suspended": not resume})


@click.group()
def grants() -> None:
    """Who holds which role on which organisation."""


@grants.command("list")
@json_option
@click.pass_obj
def list_grants(options: Options, as_json: bool) -> None:
    """List the grants on organisations whose people you may see."""
    with connect(options) as client:
        found = list(client.pages("/grants"))
        names = {each["id"]: each["name"] for each in client.pages("/organisations")}
    if as_json:
        print_json(found)
        return
    rows = [
        (
            each["subject_name"],
            each["role_name"],
            names.get(each["organisation_id"], each["organisation_id"]),
            format_time(each["until_ms"]),
            each["id"],
        )
        for each in found
    ]
    print_table(["who", "role", "on", "until (UTC)", "id"], rows, empty="No grants.")


@grants.command("add")
@click.argument("person_id")
@click.argument("role")
@click.option("--on", "organisation_id", default="org_root", show_default=True, help="Id of the organisation.")
@click.option("--until", type=click.DateTime(), help="When it ends, UTC.")
@click.pass_obj
def add_grant(options: Options, person_id: str, role: str, organisation_id: str, until: datetime | None) -> None:
    """Give a role to a person on an organisation and what is below it.

    \b
    Example:
      millwright grants add per_01k9q3s7m4e8r2t6v0x1z3b5d7 engineer --until 2027-01-01
    """
    until_ms = None if until is None else round(until.replace(tzinfo=UTC).timestamp() * 1000)
    new = {"organisation_id": organisation_id, "role": role, "person_id": person_id, "until_ms": until_ms}
    with connect(options) as client:
        click.echo(client.post("/grants", new)["id"])


@grants.command("end")
@click.argument("grant_id")
@click.pass_obj
def end(options: Options, grant_id: str) -> None:
    """End a grant, at once."""
    with connect(options) as client:
        client.delete(f"/grants/{grant_id}")
