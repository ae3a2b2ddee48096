"""``readings``: newest values, and history as files."""

from __future__ import annotations

import contextlib
import re
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import click
import msgspec

from millwright.cli.client import connect
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
    """Readings: newest values and export."""


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
            _write(output, iter([msgspec.json.format(found, indent=2) + b"\n"]))
            return
        with client.stream("/readings", **query, format=form) as pieces:
            _write(output, pieces)


def _write(output: Path | None, pieces: Iterator[bytes]) -> None:
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
