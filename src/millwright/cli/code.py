"""``code``: parse, convert, draw and read codes; works without a node."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from millwright.cli import exits
from millwright.cli.output import json_option, print_json, print_table, text_width
from millwright.kernel import Invalid

if TYPE_CHECKING:
    from millwright.identity.carriers import Level, Symbology

# What draws and reads imports numpy, Pillow and zxing-cpp: only the commands that need them wait for these.
_SYMBOLOGIES = ["qr", "data_matrix", "code_128", "gs1_qr", "gs1_data_matrix", "gs1_128"]
symbology_option = click.option(
    "--symbology", type=click.Choice(_SYMBOLOGIES), default="qr", show_default=True,
    help="Kind of carrier; the gs1_ ones take element strings such as '(01)09506000134352(10)A'.",
)  # fmt: skip
system_option = click.option("--system", help="Read it as a code of this system. Default: whichever takes it.")


@click.group()
def code() -> None:
    """Identifiers and their carriers: explain, convert, print, read. Works without a node.

    \b
    Example:
      millwright code explain 88.118.8/pump-7
      millwright code label 88.118.8/pump-7 --out pump-7.svg
    """


@code.command("explain")
@click.argument("text")
@system_option
@json_option
def explain(text: str, system: str | None, as_json: bool) -> None:
    """Say what a code is, part by part, or at which character it breaks a rule.

    \b
    Example:
      millwright code explain "MA.156.M0.100001.1ABCDEF8.L2408.E270831"
      millwright code explain urn:oid:1.2.156.10197.1.401 --json
    """
    from millwright.identity.codes import forms_of, parse_as

    try:
        found = parse_as(text, system)
    except Invalid as error:
        if not as_json:
            _point(text.strip(), error)
        raise
    if as_json:
        print_json({"code": found.code, "forms": forms_of(found.code), "also": found.also, "refused": found.refused})
        return
    made = found.code
    also = f"; also a code of {', '.join(found.also)}" if found.also else ""
    click.echo(f"{made.system} {made.kind}, {made.certainty}{also}")
    click.echo(made.canonical)
    rows = [(each.at + 1 if each.at >= 0 else "", each.label, each.value, each.meaning) for each in made.parts]
    print_table(["at", "part", "value", "meaning"], rows)
    print_table(["form", "text"], forms_of(made).items())
    for note in made.notes:
        click.echo(f"Note: {note}")


@code.command("convert")
@click.argument("text")
@click.option("--to", "form", required=True, help="A form's name, such as https, urn, url; `code systems` lists them.")
@system_option
@json_option
def convert_code(text: str, form: str, system: str | None, as_json: bool) -> None:
    """Write a code in another form.

    \b
    Example:
      millwright code convert 1.2.156.10197 --to iri
    """
    from millwright.identity.codes import convert, parse_as

    result = convert(parse_as(text, system).code, form)
    if as_json:
        print_json({"text": text, "form": form, "result": result})
    else:
        click.echo(result)


@code.command("systems")
@json_option
def systems(as_json: bool) -> None:
    """List the code systems, with an example of each and the forms its codes can be written in."""
    from millwright.identity.codes import SYSTEMS

    if as_json:
        print_json(
            [
                {"name": each.name, "label": each.label, "label_zh": each.label_zh, "standard": each.standard,
                 "example": each.example, "forms": list(each.conversions)}
                for each in SYSTEMS
            ]
        )  # fmt: skip
        return
    rows = [(each.name, each.label, each.example, list(each.conversions)) for each in SYSTEMS]
    print_table(["system", "what", "example", "forms"], rows)


@code.command("label")
@click.argument("text")
@symbology_option
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), required=True, help="File: .svg, .png or .zpl.")
@click.option("--level", type=click.Choice(["L", "M", "Q", "H"]), default="M", show_default=True,
              help="Error correction of QR Code.")  # fmt: skip
@click.option("--scale", type=click.IntRange(1, 40), default=6, show_default=True, help="Pixels or dots a module.")
@click.option("--hri/--no-hri", default=True, show_default=True, help="With the text for people, in SVG and ZPL.")
@json_option
def label(text: str, symbology: Symbology, out: Path, level: Level, scale: int, hri: bool, as_json: bool) -> None:
    """Draw a carrier into a file.

    \b
    Example:
      millwright code label "88.118.8/泵-7" --out pump.svg
      millwright code label "(01)09506000134352(21)7" --symbology gs1_data_matrix --out pump.zpl
    """
    from millwright.identity.carriers import encode, png_of, svg_of, zpl_of

    symbol = encode(text, symbology, level=level)
    kind = out.suffix.lower()
    if kind == ".svg":
        content = svg_of(symbol, hri=hri)
    elif kind == ".png":
        content = png_of(symbol, scale=scale)
    elif kind == ".zpl":
        content = zpl_of(symbol, dots=scale, level=level, hri=hri)
    else:
        raise click.BadParameter("The file's name ends in .svg, .png or .zpl.", param_hint="--out")
    out.write_bytes(content)
    if as_json:
        print_json({"file": out, "symbology": symbology, "width": symbol.width, "height": symbol.height})
    else:
        click.echo(f"{out}: {symbology}, {symbol.width} × {symbol.height} modules")


@code.command("sheet")
@click.argument("list_file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@symbology_option
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), required=True, help="File: .pdf or .svg.")
@click.option("--columns", type=click.IntRange(1, 12), default=3, show_default=True)
@click.option("--rows", type=click.IntRange(1, 30), default=8, show_default=True)
@click.option("--frames", is_flag=True, help="Draw thin frames to cut along.")
@json_option
def sheet(
    list_file: Path, symbology: Symbology, out: Path, columns: int, rows: int, frames: bool, as_json: bool
) -> None:
    """Draw labels of a CSV file (columns text, caption, symbology, copies) on sheets of A4.

    \b
    Example:
      millwright code sheet labels.csv --columns 4 --rows 10 --out labels.pdf
    """
    from millwright.identity.carriers import SheetLayout, pdf_sheet, read_labels, svg_sheet

    if out.suffix.lower() not in (".pdf", ".svg"):
        raise click.BadParameter("The file's name ends in .pdf or .svg.", param_hint="--out")
    labels = read_labels(list_file.read_bytes())
    layout = SheetLayout(columns=columns, rows=rows, frames=frames)
    with click.progressbar(length=len(labels), label="Labels", file=sys.stderr) as bar:

        def drawn(_done: int, _of: int) -> None:
            bar.update(1)

        if out.suffix.lower() == ".pdf":
            content = pdf_sheet(labels, layout, symbology=symbology, progress=drawn)
        else:
            content = svg_sheet(labels, layout, symbology=symbology, progress=drawn)
    out.write_bytes(content)
    pages = -(-len(labels) // (columns * rows))
    if as_json:
        print_json({"file": out, "labels": len(labels), "pages": pages})
    else:
        click.echo(f"{out}: {len(labels)} labels on {pages} page{'s' if pages > 1 else ''}")


@code.command("read")
@click.argument("picture", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@json_option
def read(picture: Path, as_json: bool) -> None:
    """Read every carrier in a picture; exit code 1 when there is none.

    \b
    Example:
      millwright code read photo.jpg
    """
    from millwright.identity.api import parsed_text
    from millwright.identity.carriers import read_picture

    found = [(each, parsed_text(each.text)) for each in read_picture(picture.read_bytes())]
    if as_json:
        print_json([{"carrier": carrier, "parsed": parsed} for carrier, parsed in found])
    else:
        rows = [
            (
                carrier.format,
                carrier.symbology_identifier,
                carrier.text,
                f"{parsed.code.system} {parsed.code.kind}" if parsed.code else "no code known here",
            )
            for carrier, parsed in found
        ]
        print_table(["carrier", "id", "text", "code"], rows, empty="No carrier was found in the picture.")
    if not found:
        raise click.exceptions.Exit(exits.FAILED)


def _point(text: str, error: Invalid) -> None:
    """Show at which character it is wrong."""
    at = error.detail.get("at")
    if isinstance(at, int) and text.isprintable() and len(text) <= 200:
        click.echo(text, err=True)
        click.echo(f"{' ' * text_width(text[:at])}^", err=True)
    for each in error.detail.get("tried", []):
        mark = "*" if each["likely"] else " "
        click.echo(f"  {mark} {each['system']:<8} character {each['at'] + 1}: {each['why']}", err=True)
