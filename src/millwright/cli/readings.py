"""``readings``: newest values, and history as files, out and in."""

from __future__ import annotations

import contextlib
import re
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import msgspec

from millwright.cli.client import Client, connect
from millwright.cli.lookup import get_device
from millwright.cli.main import Options
from millwright.cli.output import format_time, json_option, print_json, print_table
from millwright.kernel import Invalid

_UNITS_S = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}


class Moment(click.ParamType[int]):
    """A time: ISO 8601, milliseconds since 1970, `now`, or a time ago such as `2h` or `30d`."""

    name = "time"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """The moment in UTC milliseconds."""
        text = str(value).strip()
        now_ms = time.time_ns() // 1_000_000
        if text == "now":
            return now_ms
        if re.fullmatch(r"\d{10,}", text):
            return int(text)
        if ago := re.fullmatch(r"(\d+)([smhdw])", text):
            return now_ms - int(ago[1]) * _UNITS_S[ago[2]] * 1000
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            self.fail(f"{text!r} is no time: use 2026-01-31T12:00, 2h, 30d or now.", param, ctx)
        return round((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)


@click.group()
def readings() -> None:
    """Readings: newest values, export and import."""


@readings.command("latest")
@click.argument("devices", nargs=-1, required=True)
@json_option
@click.pass_obj
def latest(options: Options, devices: tuple[str, ...], as_json: bool) -> None:
    """Print the newest value of every property of DEVICES (names or ids)."""
    with connect(options) as client:
        names = {device["id"]: device["name"] for device in (get_device(client, name) for name in devices)}
        found = client.get("/readings/latest", device_id=list(names))["items"]
    if as_json:
        print_json(found)
        return
    rows = [(names[r["device_id"]], r["property"], r["value"], r["quality"], format_time(r["time_ms"])) for r in found]
    print_table(["device", "property", "value", "quality", "time (UTC)"], rows, empty="No readings.")


@readings.command("export")
@click.argument("device")
@click.argument("name", metavar="PROPERTY")
@click.option("--from", "from_ms", type=Moment(), default="1d", show_default=True, help="ISO time, 2h, 30d or now.")
@click.option("--to", "to_ms", type=Moment(), default="now", show_default=True, help="Likewise.")
@click.option("--format", "form", type=click.Choice(["csv", "arrow"]), default="csv", show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print the readings as JSON instead.")
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="File. Default: standard output.")
@click.pass_obj
def export(
    options: Options,
    device: str,
    name: str,
    from_ms: int,
    to_ms: int,
    form: str,
    as_json: bool,
    output: Path | None,
) -> None:
    """Write the readings of one property to a file, of any length.

    \b
    Example:
      millwright readings export pump-7 discharge_pressure --from 30d -o pressure.csv
    """
    with connect(options, timeout_s=300) as client:
        device_id = get_device(client, device)["id"]
        query = {"device_id": device_id, "property": name, "from_ms": from_ms, "to_ms": to_ms}
        if as_json:
            found = msgspec.json.encode(list(client.pages("/readings", **query)))
            write_whole(output, iter([msgspec.json.format(found, indent=2) + b"\n"]))
            return
        with client.stream("/readings", **query, format=form) as pieces:
            write_whole(output, pieces)


_PART_BYTES = 4 << 20
_FOLLOW_S = 0.5


@readings.command("import")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--device", "device", help="Device (name or id) of the whole file, where no column names devices.")
@click.option("--device-column", help="Column of devices.")
@click.option("--property", "name", metavar="PROPERTY", help="Property of the whole file, in the long form.")
@click.option("--property-column", help="Column of properties, in the long form.")
@click.option("--value-column", help="Column of values, in the long form.")
@click.option("--time-column", help="Column of times. Default: the first one that looks like it.")
@click.option("--time-format", default="auto", show_default=True, help="auto, s, ms, us, ns, or like %d.%m.%Y %H:%M.")
@click.option("--time-zone", default="UTC", show_default=True, help="Of times that state none, like Asia/Shanghai.")
@click.option("--map", "mapped", multiple=True, metavar="COLUMN=PROPERTY[@UNIT]", help="A column of the wide form.")
@click.option("--decimal-comma", is_flag=True, help="Numbers are written like 1.234,5.")
@click.option("--dry-run", is_flag=True, help="Only say what would be refused.")
@click.option("--preview", "only_preview", is_flag=True, help="Print the first readings as they would be stored.")
@click.option("--no-wait", is_flag=True, help="Do not wait for the end.")
@json_option
@click.pass_obj
def bring_in(
    options: Options,
    file: Path,
    device: str | None,
    device_column: str | None,
    name: str | None,
    property_column: str | None,
    value_column: str | None,
    time_column: str | None,
    time_format: str,
    time_zone: str,
    mapped: tuple[str, ...],
    decimal_comma: bool,
    dry_run: bool,
    only_preview: bool,
    no_wait: bool,
    as_json: bool,
) -> None:
    """Bring a FILE of readings (CSV, Excel, Parquet, Arrow) into history.

    What the columns are is taken from their names; options say what these do not. Readings that were brought in before
    are replaced, not doubled.

    \b
    Examples:
      millwright readings import 2024.csv --device pump-7 --time-zone Asia/Shanghai
      millwright readings import tags.parquet --device-column asset --property-column tag --value-column val
      millwright readings import shift.xlsx --device oven --map "Zone 1=temperature.1@Cel" --preview
    """
    with connect(options, timeout_s=120) as client:
        made = client.post("/readings/imports", {"file_name": file.name})["id"]
        path = f"/readings/imports/{made}"
        _send(client, path, file)
        settings = client.post(f"{path}/preview", {})["settings"]
        said = {
            "device_id": device, "device": device_column, "property_name": name, "property": property_column,
            "value": value_column, "time": time_column,
        }  # fmt: skip
        settings |= {key: value for key, value in said.items() if value is not None}
        settings |= {"time_format": time_format, "time_zone": time_zone, "decimal_comma": decimal_comma}
        settings["dry_run"] = dry_run
        if device is not None:
            settings["device"] = None
        if name is not None:
            settings["property"] = None
        if value_column is not None or mapped:
            settings["form"] = "wide" if mapped else "long"
        if mapped:
            settings["columns"] = dict(map(_mapping, mapped))
        if only_preview:
            _show_preview(client.post(f"{path}/preview", {"settings": settings}), as_json)
            client.delete(path)
            return
        found = client.post(f"{path}/start", settings)
        while not no_wait and found["state"] in ("waiting", "running"):
            time.sleep(_FOLLOW_S)
            found = client.get(path)
            if sys.stderr.isatty():
                click.echo(f"\r{found['rows']:,} of {found['total'] or '?'} rows", err=True, nl=False)
        refused = client.get(f"{path}/refused", limit=10)["items"] if found["refused"] else []
    if as_json:
        print_json(found | {"first_refused": refused})
        return
    click.echo(f"{found['id']}: {found['state']}, {found['rows']:,} rows, {found['readings']:,} readings"
               f"{' would be' if dry_run else ''} stored, {found['refused']:,} refused.")  # fmt: skip
    for each in refused:
        click.echo(f"  row {each['row']}, {each.get('column', '')} {each.get('cell', '')!r}: {each['reason']}")
    if found["error"] is not None:
        raise Invalid(found["error"]["message"], code=found["error"]["code"], hint=found["error"]["hint"])


def _send(client: Client, path: str, file: Path) -> None:
    offset = 0
    with file.open("rb") as source:
        while part := source.read(_PART_BYTES):
            offset = client.put_part(f"{path}/file", part, offset)["file_bytes"]


def _mapping(text: str) -> tuple[str, dict[str, str | None]]:
    column, found, goal = text.partition("=")
    if not found or not goal:
        raise Invalid(
            f"{text!r} is no mapping.", code="cli.mapping", hint="Write COLUMN=PROPERTY or COLUMN=PROPERTY@UNIT."
        )
    name, _, unit = goal.partition("@")
    return column, {"property": name, "unit": unit or None}


def _show_preview(preview: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(preview)
        return
    rows = [
        (each["row"], "" if each["time_ms"] is None else format_time(each["time_ms"]), each["device"],
         each["property"], each["value"], each["reason"])
        for each in preview["readings"]
    ]  # fmt: skip
    print_table(["row", "time (UTC)", "device", "property", "value", "refused because"], rows, empty="No readings.")


def write_whole(output: Path | None, pieces: Iterator[bytes]) -> None:
    """To standard output, or to a file that is there whole or not at all. Raises ``Invalid`` (``cli.not_written``)."""
    if output is None:
        for piece in pieces:
            sys.stdout.buffer.write(piece)
        sys.stdout.buffer.flush()
        return
    partial = output.with_name(f"{output.name}.partial")
    try:
        with partial.open("wb") as target:
            target.writelines(pieces)
        partial.replace(output)
    except OSError as error:
        raise Invalid(
            f"{output} cannot be written: {error.strerror}.", code="cli.not_written", hint="Name another file."
        ) from error
    finally:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)
