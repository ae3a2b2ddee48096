"""``certificates``: the authority, and the certificates of devices."""

from __future__ import annotations

from pathlib import Path

import click

from millwright.cli.client import connect
from millwright.cli.lookup import get_device
from millwright.cli.main import Options
from millwright.cli.output import format_time, json_option, print_json, print_table

_File = click.Path(path_type=Path, exists=True, dir_okay=False)


@click.group()
def certificates() -> None:
    """Certificates of devices, and the authority that issues them."""


@certificates.command("root")
@click.pass_obj
def root(options: Options) -> None:
    """Print the root certificate, which devices trust to know this node.

    \b
    Example:
      millwright certificates root > ca.pem
    """
    with connect(options) as client:
        click.echo(client.text("/certificates/root"), nl=False)


@certificates.command("list")
@click.argument("device")
@json_option
@click.pass_obj
def list_certificates(options: Options, device: str, as_json: bool) -> None:
    """List the certificates of DEVICE (a name or id)."""
    with connect(options) as client:
        found = client.get(f"/devices/{get_device(client, device)['id']}/certificates")
    if as_json:
        print_json(found)
        return
    rows = [(c["state"], format_time(c["not_after_ms"]), c["origin"], c["fingerprint"][:16], c["id"]) for c in found]
    print_table(["state", "ends (UTC)", "by", "fingerprint", "id"], rows, empty="No certificates.")


@certificates.command("issue")
@click.argument("device")
@click.argument("request", type=_File)
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="File. Default: standard output.")
@click.pass_obj
def issue(options: Options, device: str, request: Path, output: Path | None) -> None:
    """Issue a certificate to DEVICE for the REQUEST (PKCS #10 in PEM) it made.

    \b
    Example:
      millwright certificates issue pump-7 pump-7.csr -o pump-7.pem
    """
    with connect(options) as client:
        path = f"/devices/{get_device(client, device)['id']}/certificates"
        made = client.post(path, {"request": request.read_text(encoding="ascii", errors="replace")})
    text = made["certificate"] + made["chain"]
    if output:
        output.write_text(text, encoding="ascii")
    else:
        click.echo(text, nl=False)


@certificates.command("code")
@click.argument("device")
@click.option("--hours", type=float, help="How long it may be used. Default: [certificates] code_hours.")
@json_option
@click.pass_obj
def code(options: Options, device: str, hours: float | None, as_json: bool) -> None:
    """Make a one-time code with which DEVICE gets its first certificate; it is shown this once."""
    with connect(options) as client:
        made = client.post(f"/devices/{get_device(client, device)['id']}/certificates/code", {"hours": hours})
    if as_json:
        print_json(made)
    else:
        click.echo(made["code"])


@certificates.command("revoke")
@click.argument("device")
@click.argument("certificate")
@click.option(
    "--reason",
    type=click.Choice(["unspecified", "key_compromise", "superseded", "cessation_of_operation"]),
    default="unspecified",
    show_default=True,
)
@click.pass_obj
def revoke(options: Options, device: str, certificate: str, reason: str) -> None:
    """Revoke the CERTIFICATE (its id) of DEVICE; connections made with it end within seconds."""
    with connect(options) as client:
        path = f"/devices/{get_device(client, device)['id']}/certificates/{certificate}/revocation"
        client.post(path, {"reason": reason})


@certificates.command("import")
@click.argument("certificate", type=_File)
@click.argument("key", type=_File)
@click.option("--password", is_flag=True, help="Ask for what the key is encrypted with.")
@click.pass_obj
def import_authority(options: Options, certificate: Path, key: Path, password: bool) -> None:
    """Use an authority of your own: its CERTIFICATE with those above it, and its KEY, both in PEM.

    It signs from now on; what was issued before stays valid. The key is kept sealed.
    """
    with connect(options) as client:
        body = {
            "certificate": certificate.read_text(encoding="ascii", errors="replace"),
            "key": key.read_text(encoding="ascii", errors="replace"),
            "password": click.prompt("Password", hide_input=True) if password else None,
        }
        found = client.post("/certificates/authorities/import", body)
    active = next(each for each in found if each["active"] and each["role"] == "issuing")
    click.echo(f"{active['subject']} signs from now on.")
