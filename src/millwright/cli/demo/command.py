"""The command: a fresh folder, a node, the scenery, two plants, until Ctrl-C."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import shutil
import signal
import socket
import sys
import webbrowser
from pathlib import Path

import click
import msgspec

from millwright.app import logs
from millwright.app.folder import DataFolder, lock_holder
from millwright.app.readiness import die_with_parent
from millwright.app.sections import ProcessSettings
from millwright.app.supervisor import Supervisor
from millwright.app.trust import own_node
from millwright.certificates.files import TRUST
from millwright.cli.client import Client
from millwright.cli.demo.identifiers import PRODUCT, REACTOR
from millwright.cli.demo.scenery import Tokens, build
from millwright.cli.main import Options
from millwright.kernel import Conflict

ADMINISTRATOR = "admin"
STEEL_FASTER = 5
"""The steel works plays this much faster than the process: its recorded step is that much longer."""


@click.command()
@click.option(
    "--speed", type=click.FloatRange(1, 3600), default=90, show_default=True, help="Recorded seconds per second."
)
@click.option("--port", type=click.IntRange(1, 65535), help="Port of the console. Default: 8420, or a free one.")
@click.option(
    "--folder", type=click.Path(path_type=Path, file_okay=False), default=Path("millwright-demo"), show_default=True
)
@click.option("--no-browser", is_flag=True, help="Do not open the console.")
@click.pass_obj
def demo(options: Options, speed: float, port: int | None, folder: Path, no_browser: bool) -> int:
    """Start a node with a demo plant that gets into trouble within a minute.

    A chemical process (six controllers, JSON over MQTT) and the meter of a steel works (Sparkplug B) play real
    recordings. The demo folder is made anew each time. Ctrl-C stops everything.

    \b
    Example:
      millwright demo --speed 300 --no-browser
    """
    del options
    data = DataFolder(folder.absolute())
    _make_anew(data)
    settings = ProcessSettings()
    logs.configure("supervisor", settings.node, data.logs, None)
    overrides = {
        "MILLWRIGHT_NODE_NAME": "demo",
        "MILLWRIGHT_MQTT_PORT": str(_free(1883)),
        "MILLWRIGHT_MQTT_HOST": "127.0.0.1",
        "MILLWRIGHT_HANDLE_PORT": str(_free(2641)),
        "MILLWRIGHT_HANDLE_HOST": "127.0.0.1",
        "MILLWRIGHT_WEB_PORT": str(port or _free(8420)),
        # The settings of a real node in this folder, its database above all, are none of the demo's business.
        "MILLWRIGHT_CONFIG": str(_no_settings(data)),
    }
    settings = msgspec.structs.replace(
        settings, node=msgspec.structs.replace(settings.node, name="demo", data=str(data.root))
    )
    supervisor = Supervisor(
        settings,
        data,
        overrides=overrides,
        announce=lambda line: None if "administrator" in line else click.echo(f"  {line}"),
    )
    click.echo("Millwright demo: starting a node …")
    return asyncio.run(_run(supervisor, data, speed, not no_browser))


async def _run(supervisor: Supervisor, data: DataFolder, speed: float, browse: bool) -> int:
    told = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, told.set)
    plants: list[asyncio.Task[None]] = []
    try:
        await supervisor.start()
        addresses = supervisor.addresses()
        password = secrets.token_urlsafe(9)
        tokens = await asyncio.to_thread(_set_up, addresses["http"], data, supervisor.setup_code or "", password)
        pairs = ",".join(f"{name}={token}" for name, token in tokens.tep.items())
        plants = [
            asyncio.create_task(_keep_plant("tep", addresses["mqtt"], pairs, speed, data)),
            asyncio.create_task(
                _keep_plant("steel", addresses["mqtt"], f"edge={tokens.edge}", speed * STEEL_FASTER, data)
            ),
        ]
        click.echo(_welcome(addresses["http"], password, speed))
        if browse:
            with contextlib.suppress(webbrowser.Error):
                await asyncio.to_thread(webbrowser.open, addresses["http"])
        await told.wait()
        click.echo("stopping")
    finally:
        for plant in plants:
            plant.cancel()
        await asyncio.gather(*plants, return_exceptions=True)
        await supervisor.stop()
    return 0


def _set_up(url: str, data: DataFolder, code: str, password: str) -> Tokens:
    environ = os.environ | {"MILLWRIGHT_NODE_DATA": str(data.root)}
    tls = own_node(_no_settings(data), environ) if url.startswith("https:") else None
    client = Client(url, data.token.read_text(encoding="ascii").strip(), tls=tls)
    try:
        client.post("/setup", {"name": ADMINISTRATOR, "password": password, "code": code})
        return build(client, url)
    finally:
        client.close()


async def _keep_plant(name: str, address: str, tokens: str, speed: float, data: DataFolder) -> None:
    """Run a plant until cancelled; one that dies is said and started again."""
    while True:
        plant = await _start_plant(name, address, tokens, speed, data)
        try:
            code = await plant.wait()
        except asyncio.CancelledError:
            with contextlib.suppress(ProcessLookupError):
                plant.terminate()
            try:
                await asyncio.wait_for(plant.wait(), 8)
            except TimeoutError:
                plant.kill()
            raise
        click.echo(f"  the plant {name} ended with code {code}; starting it again (see {data.logs}/plant-{name}.log)")
        await asyncio.sleep(2)


async def _start_plant(
    name: str, address: str, tokens: str, speed: float, data: DataFolder
) -> asyncio.subprocess.Process:
    trusted = data.tls / TRUST
    environ = {key: value for key, value in os.environ.items() if not key.startswith("MILLWRIGHT_")}
    with (data.logs / f"plant-{name}.log").open("ab") as output:
        return await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "millwright.plant", name, "--url", address, "--speed", str(speed)),
            env=environ | {"PLANT_TOKENS": tokens} | ({"SSL_CERT_FILE": str(trusted)} if trusted.exists() else {}),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            preexec_fn=die_with_parent,
        )


def _welcome(url: str, password: str, speed: float) -> str:
    return f"""
  Console    {url}
  Sign in    {ADMINISTRATOR} / {password}

  What to look at
    Overview      intake rate and alarms; two days of the process and a year of the meter come first
    Devices       tep-reactor: live values; the trend reaches back two days, that of Meter one year
    Alarms        in about 35 s the A feed is lost (fault 6 of the Tennessee Eastman process),
                  in about {35 + round(45 * 180 / speed)} s the reactor pressure is high; acknowledge them
    Identifiers   a product, a batch and a machine are registered; anybody may ask:
                  {url}/id/{REACTOR}
                  millwright --url {url} resolve "{PRODUCT}"
    Try it        kill -9 any process named `millwright run …`: it comes back and nothing is lost

  Ctrl-C stops everything.
"""


def _no_settings(data: DataFolder) -> Path:
    file = data.root / "millwright.toml"
    file.write_text("# The demo has no settings.\n", encoding="ascii")
    return file


def _make_anew(data: DataFolder) -> None:
    """Remove a former demo; never anything else. Raises ``Conflict``."""
    marker = data.root / "demo"
    if data.root.exists() and any(data.root.iterdir()):
        if not marker.exists():
            raise Conflict(
                f"{data.root} is not a demo folder.",
                code="cli.not_a_demo_folder",
                hint="Choose another with --folder; this one is left alone.",
            )
        holder = lock_holder(data)
        if holder:
            raise Conflict(
                f"A demo already runs there (process {holder}).", code="app.already_running", hint="Stop it first."
            )
        shutil.rmtree(data.root)
    data.make()
    marker.write_text("Made by `millwright demo`, and removed by its next start.\n", encoding="utf-8")


def _free(wanted: int) -> int:
    """``wanted`` when it is free on this machine, else any free port."""
    for port in (wanted, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    return wanted
