"""``export``: history as files, on a schedule or once."""

from __future__ import annotations

import hashlib
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import click

from millwright.cli.client import Client, connect, part
from millwright.cli.lookup import get_device, get_model, read_json
from millwright.cli.main import Options
from millwright.cli.output import format_time, json_option, print_json, print_table
from millwright.cli.readings import Moment, write_whole
from millwright.devices.history_export.model import ExportFormat
from millwright.kernel import Corrupt, Invalid, NotFound

_PATH = "/readings/exports"
_FOLLOW_S = 0.5
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


@click.group()
def export() -> None:
    """History as files, on a schedule or once."""


@export.command("list")
@json_option
@click.pass_obj
def list_exports(options: Options, as_json: bool) -> None:
    """Exports, newest first, with their newest runs."""
    with connect(options) as client:
        found = list(client.pages(_PATH))
    if as_json:
        print_json(found)
        return
    rows = []
    for each in found:
        last = each["last_run"] or {"state": None, "ended_ms": None}
        rows.append((each["id"], each["name"], each["settings"]["format"], each["enabled"],
                     format_time(each["next_ms"]), last["state"], format_time(last["ended_ms"])))  # fmt: skip
    print_table(["id", "name", "format", "on", "next (UTC)", "last run", "ended (UTC)"], rows, empty="No exports.")


@export.command("add")
@click.argument("name")
@click.option("--device", "devices", multiple=True, help="Device (name or id); repeat it. Default: every device.")
@click.option("--place", help="Devices at this place (id) and below.")
@click.option("--model", help="Devices of this model (name or id).")
@click.option("--tag", help="Devices with this tag.")
@click.option("--property", "properties", multiple=True, help="Property, or a pattern like temp*; repeat it.")
@click.option("--buckets", "bucket_s", type=int, metavar="SECONDS", help="Buckets so wide, instead of readings.")
@click.option("--aggregates", default="min,max,mean", show_default=True, help="Of the buckets, comma separated.")
@click.option("--format", "form", type=click.Choice(get_args(ExportFormat)), default="csv", show_default=True)
@click.option(
    "--time-zone", default="UTC", show_default=True, help="Of schedule, window and times, like Asia/Shanghai."
)
@click.option(
    "--window",
    default="previous:day",
    show_default=True,
    help="previous:hour|day|week|month, last:HOURS, or new (what came since the run before).",
)
@click.option("--from", "from_ms", type=Moment(), help="A fixed window instead: ISO time, 2h, 30d or now.")
@click.option("--to", "to_ms", type=Moment(), default="now", help="Its end. Default: now.")
@click.option("--every", type=click.Choice(["hour", "day", "week", "month"]), help="Default: only by hand.")
@click.option("--at", default="01:00", show_default=True, help="Time of the day; of an hour the minute.")
@click.option("--on", "day", help="Weekday (monday …) of a week, or day (1 to 31) of a month.")
@click.option("--keep-runs", type=int, default=30, show_default=True, help="Files that are kept.")
@click.option("--keep-days", type=int, default=90, show_default=True, help="For so long.")
@json_option
@click.pass_obj
def add(
    options: Options,
    name: str,
    devices: tuple[str, ...],
    place: str | None,
    model: str | None,
    tag: str | None,
    properties: tuple[str, ...],
    bucket_s: int | None,
    aggregates: str,
    form: str,
    time_zone: str,
    window: str,
    from_ms: int | None,
    to_ms: int,
    every: str | None,
    at: str,
    day: str | None,
    keep_runs: int,
    keep_days: int,
    as_json: bool,
) -> None:
    """Make an export called NAME. It runs with your rights.

    \b
    Examples:
      millwright export add night --tag boiler --every day --at 01:30 --time-zone Asia/Shanghai --format parquet
      millwright export add lake --window new --every hour --format parquet
      millwright export add 2025 --device pump-7 --from 2025-01-01 --to 2026-01-01 --buckets 3600 --format xlsx
    """
    with connect(options) as client:
        settings: dict[str, Any] = {
            "selection": {
                "device_ids": [get_device(client, each)["id"] for each in devices],
                "place_id": place,
                "model_id": None if model is None else get_model(client, model)["id"],
                "tag": tag,
                "properties": list(properties),
            },
            "format": form,
            "time_zone": time_zone,
            "window": _window(window, from_ms, to_ms),
            "schedule": None if every is None else _schedule(every, at, day),
            "keep_runs": keep_runs,
            "keep_days": keep_days,
        }
        if bucket_s is not None:
            settings |= {"rows": "buckets", "bucket_s": bucket_s, "aggregates": aggregates.split(",")}
        made = client.post(_PATH, {"name": name, "settings": settings})
    if as_json:
        print_json(made)
        return
    when = "runs by hand" if made["next_ms"] is None else f"runs next at {format_time(made['next_ms'])} UTC"
    click.echo(f"{made['id']}: {when}.")


@export.command("save")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.argument("name", metavar="EXPORT")
@json_option
@click.pass_obj
def save(options: Options, file: Path, name: str, as_json: bool) -> None:
    """Replace what EXPORT (name or id) makes by a JSON FILE as `show --json` prints it. It is yours then."""
    document = read_json(file)
    kept = {key: document[key] for key in ("name", "settings", "enabled") if key in document}
    with connect(options) as client:
        found = client.put(f"{_PATH}/{part(_find(client, name)['id'])}", kept)
    if as_json:
        print_json(found)
        return
    click.echo(f"{found['id']}: saved.")


@export.command("show")
@click.argument("name", metavar="EXPORT")
@json_option
@click.pass_obj
def show(options: Options, name: str, as_json: bool) -> None:
    """EXPORT (name or id) and its runs."""
    with connect(options) as client:
        found = _find(client, name)
        runs = list(client.pages(f"{_PATH}/{part(found['id'])}/runs", limit=20))
    if as_json:
        print_json(found | {"runs": runs})
        return
    click.echo(f"{found['id']}  {found['name']}  of {found['who_name']}")
    rows = [
        (each["id"], each["state"], each["cause"], format_time(each["from_ms"]), format_time(each["to_ms"]),
         each["readings"], each["file_bytes"], each["error"]["message"] if each["error"] else each["file_name"])
        for each in runs
    ]  # fmt: skip
    print_table(["run", "state", "by", "from (UTC)", "to (UTC)", "rows", "bytes", "file"], rows, empty="No runs.")


@export.command("run")
@click.argument("name", metavar="EXPORT")
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="Fetch the file to here.")
@click.option("--no-wait", is_flag=True, help="Do not wait for the end.")
@json_option
@click.pass_obj
def run(options: Options, name: str, output: Path | None, no_wait: bool, as_json: bool) -> None:
    """Run EXPORT (name or id) now, and wait for its file."""
    with connect(options, timeout_s=300) as client:
        found = client.post(f"{_PATH}/{part(_find(client, name)['id'])}/run")
        path = f"{_PATH}/runs/{part(found['id'])}"
        while not no_wait and found["state"] in ("waiting", "running"):
            time.sleep(_FOLLOW_S)
            found = client.get(path)
            if sys.stderr.isatty():
                click.echo(f"\r{found['readings']:,} rows", err=True, nl=False)
        if output is not None and found["has_file"]:
            _fetch(client, found, output)
    if as_json:
        print_json(found)
    else:
        click.echo(f"{found['id']}: {found['state']}, {found['readings']:,} rows of {found['series']:,} series, "
                   f"{found['file_bytes']:,} bytes{'' if output is None else f', in {output}'}.")  # fmt: skip
    if found["error"] is not None and not as_json:
        raise Invalid(found["error"]["message"], code=found["error"]["code"], hint=found["error"]["hint"])


@export.command("fetch")
@click.argument("run_id", metavar="RUN")
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="Default: the file's own name.")
@click.pass_obj
def fetch(options: Options, run_id: str, output: Path | None) -> None:
    """Fetch the file of RUN (an id), and compare its SHA-256."""
    with connect(options, timeout_s=300) as client:
        found = client.get(f"{_PATH}/runs/{part(run_id)}")
        target = output or Path(found["file_name"] or run_id)
        _fetch(client, found, target)
    click.echo(f"{target}: {found['readings']:,} rows, {found['file_bytes']:,} bytes.")


@export.command("cancel")
@click.argument("run_id", metavar="RUN")
@click.pass_obj
def cancel(options: Options, run_id: str) -> None:
    """Make no more of RUN (an id)."""
    with connect(options) as client:
        client.post(f"{_PATH}/runs/{part(run_id)}/cancel")
    click.echo("It ends now.")


@export.command("remove")
@click.argument("name", metavar="EXPORT")
@click.pass_obj
def remove(options: Options, name: str) -> None:
    """Remove EXPORT (name or id) with its runs and files."""
    with connect(options) as client:
        client.delete(f"{_PATH}/{part(_find(client, name)['id'])}")
    click.echo("Removed.")


def _fetch(client: Client, found: dict[str, Any], target: Path) -> None:
    digest = hashlib.sha256()

    def digested(pieces: Iterator[bytes]) -> Iterator[bytes]:
        for piece in pieces:
            digest.update(piece)
            yield piece

    with client.stream(f"{_PATH}/runs/{part(found['id'])}/file") as pieces:
        write_whole(target, digested(pieces))
    if digest.hexdigest() != found["sha256"]:
        target.unlink()
        raise Corrupt(
            "The file is not what the node wrote.", code="cli.file_differs", hint="Fetch it again; then run it again."
        )


def _find(client: Client, name: str) -> dict[str, Any]:
    for each in client.pages(_PATH):
        if name in (each["id"], each["name"]):
            return each
    raise NotFound(f"There is no export {name!r}.", code="readings.export_unknown", hint="`millwright export list`.")


def _window(text: str, from_ms: int | None, to_ms: int) -> dict[str, Any]:
    if from_ms is not None:
        return {"kind": "between", "from_ms": from_ms, "to_ms": to_ms}
    kind, _, more = text.partition(":")
    if kind == "new" and not more:
        return {"kind": "new"}
    if kind == "last" and more.isdigit():
        return {"kind": "last", "hours": int(more)}
    if kind == "previous" and more in ("hour", "day", "week", "month"):
        return {"kind": "previous", "unit": more}
    raise Invalid(f"{text!r} is no window.", code="cli.window", hint="Use previous:day, last:24 or new.")


def _schedule(every: str, at: str, day: str | None) -> dict[str, Any]:
    found: dict[str, Any] = {"every": every, "at": at}
    if day is not None and day.casefold() in _DAYS:
        found["weekday"] = _DAYS.index(day.casefold()) + 1
    elif day is not None and day.isdigit():
        found["day"] = int(day)
    elif day is not None:
        raise Invalid(f"{day!r} is no day.", code="cli.day", hint="Use monday … sunday, or 1 to 31.")
    return found
