"""``approvals``: what waits for a second person, and deciding it."""

from __future__ import annotations

from typing import Any

import click

from millwright.cli.client import connect, part
from millwright.cli.main import Options
from millwright.cli.output import format_time, json_option, print_json, print_table

VIEWS = ("all", "waiting", "mine", "decided")


@click.group()
def approvals() -> None:
    """Operations that take a second person: list, show, decide.

    A person decides, so give a token of your own with --token or MILLWRIGHT_TOKEN; the one in the data folder may look.
    """


@approvals.command("list")
@click.option("--view", type=click.Choice(VIEWS), default="all", show_default=True, help="Which of those you may see.")
@click.option("--limit", type=click.IntRange(1), default=100, show_default=True)
@json_option
@click.pass_obj
def list_approvals(options: Options, view: str, limit: int, as_json: bool) -> None:
    """List requests for approval, newest first.

    \b
    Example:
      millwright approvals list --view waiting
    """
    with connect(options) as client:
        found = list(client.pages("/approvals", limit, view=view))
    if as_json:
        print_json(found)
        return
    rows = [
        (a["state"], format_time(a["asked_ms"]), a["requester_name"], a["action"], _object(a), a["id"]) for a in found
    ]
    print_table(["state", "asked (UTC)", "by", "operation", "object", "id"], rows, empty="No requests.")


@approvals.command("show")
@click.argument("approval_id")
@json_option
@click.pass_obj
def show(options: Options, approval_id: str, as_json: bool) -> None:
    """Show what a request would do, without secrets, and what happened so far."""
    with connect(options) as client:
        found = client.get(f"/approvals/{part(approval_id)}")
    if as_json:
        print_json(found)
        return
    click.echo(f"{found['action']} {_object(found)}  [{found['state']}]")
    click.echo(f"  {found['method']} {found['path']}{'?' + found['query'] if found['query'] else ''}")
    if found["reason"]:
        click.echo(f"  reason: {found['reason']}")
    if found["body"] is not None:
        print_json(found["body"])
    for step in found["history"]:
        said = f": {step['comment']}" if step["comment"] else ""
        click.echo(f"  {format_time(step['at_ms'])}  {step['transition']} by {step['actor_name']}{said}")


@approvals.command("approve")
@click.argument("approval_id")
@click.option("--comment", default="", help="What to say with it.")
@json_option
@click.pass_obj
def approve(options: Options, approval_id: str, comment: str, as_json: bool) -> int:
    """Agree to what somebody else asks; it is done at once. Exit code 1 when that failed.

    \b
    Example:
      millwright approvals approve apr_01k… --comment "seen on site"
    """
    return _decide(options, approval_id, "approve", comment, as_json)


@approvals.command("reject")
@click.argument("approval_id")
@click.option("--comment", required=True, help="Why; who asked reads it.")
@json_option
@click.pass_obj
def reject(options: Options, approval_id: str, comment: str, as_json: bool) -> int:
    """Refuse what somebody else asks."""
    return _decide(options, approval_id, "reject", comment, as_json)


@approvals.command("withdraw")
@click.argument("approval_id")
@click.option("--comment", default="", help="What to say with it.")
@json_option
@click.pass_obj
def withdraw(options: Options, approval_id: str, comment: str, as_json: bool) -> int:
    """Take back your own request."""
    return _decide(options, approval_id, "withdraw", comment, as_json)


def _decide(options: Options, approval_id: str, verdict: str, comment: str, as_json: bool) -> int:
    with connect(options, timeout_s=120) as client:
        ended = client.post(f"/approvals/{part(approval_id)}/{verdict}", {"comment": comment})
    failed = ended["state"] == "failed"
    if as_json:
        print_json(ended)
    else:
        result = ended["result"] or {}
        said = f": {result['message'] or result['code'] or result['status']}" if failed else ""
        click.echo(f"{ended['state']}{said}")
    return 1 if failed else 0


def _object(approval: dict[str, Any]) -> str:
    return " ".join(filter(None, (approval["object_kind"], approval["object_name"] or approval["object_id"])))
