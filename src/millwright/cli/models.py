"""``models``: thing models."""

from __future__ import annotations

from pathlib import Path

import click

from millwright.cli.client import connect
from millwright.cli.lookup import get_model, read_json
from millwright.cli.main import Options
from millwright.cli.output import json_option, print_json, print_table


@click.group()
def models() -> None:
    """Thing models: what a kind of device has and can do."""


@models.command("list")
@json_option
@click.pass_obj
def list_models(options: Options, as_json: bool) -> None:
    """List models in their latest version."""
    with connect(options) as client:
        found = list(client.pages("/models"))
    if as_json:
        print_json(found)
        return
    rows = [(m["name"], m["version"], len(m["properties"]), m["device_count"], m["id"]) for m in found]
    print_table(["name", "version", "properties", "devices", "id"], rows, empty="No models.")


@models.command("export")
@click.argument("name")
@json_option
@click.pass_obj
def export(options: Options, name: str, as_json: bool) -> None:
    """Print a model as the file that `models import` reads, which is JSON in any case."""
    del as_json
    with connect(options) as client:
        model = get_model(client, name)
    kept = ("name", "title", "title_zh", "description", "properties", "events", "services")
    print_json({key: model[key] for key in kept if model.get(key)})


@models.command("import")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True, dir_okay=False))
@json_option
@click.pass_obj
def import_models(options: Options, files: tuple[Path, ...], as_json: bool) -> None:
    """Make a model of each of FILES; a model of the same name gets a new version, unless nothing changed.

    \b
    Example:
      millwright models import models/*.json
    """
    done = []
    with connect(options) as client:
        known = {model["name"]: model for model in client.pages("/models")}
        for file in files:
            document = read_json(file)
            before = known.get(document.get("name") if isinstance(document, dict) else None)
            path = f"/models/{before['id']}/versions" if before else "/models"
            model = client.post(path, document)
            unchanged = before is not None and model["version"] == before["version"]
            known[model["name"]] = model
            done.append({**model, "unchanged": unchanged})
            if not as_json:
                word = ", unchanged" if unchanged else ""
                click.echo(f"{file.name}: {model['name']} version {model['version']}{word} ({model['id']})")
    if as_json:
        print_json(done)
