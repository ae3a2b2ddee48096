"""``rules``: what is watched."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from millwright.cli.client import Client, connect, part
from millwright.cli.lookup import get_device, get_model, read_json
from millwright.cli.main import Options
from millwright.cli.output import json_option, print_json, print_table


@click.group()
def rules() -> None:
    """Rules: conditions on readings that raise alarms."""


@rules.command("list")
@json_option
@click.pass_obj
def list_rules(options: Options, as_json: bool) -> None:
    """List rules."""
    with connect(options) as client:
        found = list(client.pages("/rules"))
    if as_json:
        print_json(found)
        return
    rows = [
        (rule["name"], rule["enabled"], rule["priority"], rule["property"], _condition(rule["condition"]), rule["id"])
        for rule in found
    ]
    print_table(["name", "enabled", "priority", "property", "condition", "id"], rows, empty="No rules.")


@rules.command("import")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@json_option
@click.pass_obj
def import_rules(options: Options, file: Path, as_json: bool) -> None:
    """Make the rules in FILE, a JSON array as `rules list --json` prints it.

    In `scope`, a `device` or `model` may be given by name instead of `device_id` or `model_id`. A rule of the same name
    is changed.
    """
    wanted = read_json(file)
    with connect(options) as client:
        done = put_rules(client, wanted if isinstance(wanted, list) else [wanted])
    if as_json:
        print_json(done)
    else:
        click.echo(f"{len(done)} rules are in force.")


@rules.command("remove")
@click.argument("rule_id")
@json_option
@click.pass_obj
def remove(options: Options, rule_id: str, as_json: bool) -> None:
    """Remove a rule; its active alarms end."""
    with connect(options) as client:
        client.delete(f"/rules/{part(rule_id)}")
    if as_json:
        print_json({"removed": rule_id})


def put_rules(client: Client, wanted: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Make or change each rule, matched by name; names in scopes are looked up."""
    known = {rule["name"]: rule["id"] for rule in client.pages("/rules")}
    done = []
    for rule in wanted:
        draft = {key: value for key, value in rule.items() if key not in ("id", "revision", "created_ms", "updated_ms")}
        scope = dict(draft.get("scope") or {})
        if device := scope.pop("device", None):
            scope["device_id"] = get_device(client, device)["id"]
        if model := scope.pop("model", None):
            scope["model_id"] = get_model(client, model)["id"]
        draft["scope"] = scope
        before = known.get(draft.get("name"))
        done.append(client.put(f"/rules/{before}", draft) if before else client.post("/rules", draft))
    return done


def _condition(condition: dict[str, Any]) -> str:
    kind = condition["kind"]
    if kind == "stale":
        return f"silent for {condition['after_s']:g} s"
    if kind == "rate_of_change":
        return f"faster than {condition['per_s']:g}/s over {condition['window_s']:g} s"
    limits = ((">", condition.get("high")), ("<", condition.get("low")))
    return " or ".join(f"{sign} {limit:g}" for sign, limit in limits if limit is not None)
