"""Documentation that fails when it lags: reference pages, metrics, every command shown, every example."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
SOURCE = ROOT / "src" / "millwright"
sys.path.insert(0, str(ROOT))  # for tools, which is no package of the distribution

from tools.make_docs import PAGES  # noqa: E402
from tools.reference import cli_page  # noqa: E402

from millwright.app.settings import NodeSettings  # noqa: E402
from millwright.cli.main import root  # noqa: E402
from millwright.devices.telemetry.errors import REASONS  # noqa: E402
from millwright.kernel import settings as kernel_settings  # noqa: E402
from support.node import RunningNode  # noqa: E402

MARKDOWN = sorted([*DOCS.rglob("*.md"), ROOT / "README.md", ROOT / "CONTRIBUTING.md"])
EXAMPLES = DOCS / "examples"


def read(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


def test_each_decision_has_a_number_of_its_own() -> None:
    files = sorted((DOCS / "decisions").glob("[0-9]*.md"))
    numbers = [int(path.name[:4]) for path in files]
    assert len(set(numbers)) == len(numbers)
    for number, path in zip(numbers, files, strict=True):
        assert path.read_text(encoding="utf-8").startswith(f"# {number}. "), path.name


# --- reference -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", PAGES)
def test_generated_page_is_current(name: str) -> None:
    assert read(name) == PAGES[name](), f"run `make docs`: docs/{name} lags behind the source"


def test_every_setting_is_explained() -> None:
    page = read("reference/settings.md")
    for key, _, variable in kernel_settings.keys(NodeSettings):
        entry = re.search(rf"`{key.partition('.')[2]}`\n: (.*) Environment: `{variable}`", page)
        assert entry, key
        assert len(entry[1]) > 20, f"{key} is not described"


def test_every_error_code_is_listed() -> None:
    page = read("reference/errors.md")
    written = {
        code
        for path in SOURCE.rglob("*.py")
        for code in re.findall(r"code=\"([a-z_]+\.[a-z0-9_]+)\"", path.read_text(encoding="utf-8"))
    }
    assert len(written) > 100
    assert {code for code in written if f"`{code}`" not in page} == set()
    for noun in ("device", "model", "place", "credential", "arrival"):
        assert f"`devices.{noun}_unknown`" in page


def test_every_reason_of_a_dead_letter_is_explained() -> None:
    page = read("reference/errors.md")
    assert {reason for reason in REASONS if f"| `{reason}` |" not in page} == set()


def test_every_command_is_listed() -> None:
    page = read("reference/cli.md")
    for words, context in cli_page.commands():
        assert f"`{' '.join(['millwright', *words])}`" in page, words
        for parameter in context.command.params:
            if isinstance(parameter, click.Option) and not parameter.hidden:
                assert parameter.opts[0] in page, (words, parameter.opts)


def test_every_way_a_connection_ends_is_explained() -> None:
    page = read("reference/mqtt.md")
    text = "".join(path.read_text(encoding="utf-8") for path in (SOURCE / "devices" / "mqtt").glob("*.py"))
    reasons = set(re.findall(r"(?:ProtocolError|\.close|_end)\(\s*\"([a-z_]+)\"", text))
    reasons |= set(re.findall(r"\.refuse\(ConnectCode\.[A-Z_]+, \"([a-z_]+)\"", text))
    assert len(reasons) > 12
    assert {reason for reason in reasons if f"`{reason}`" not in page} == set()


# --- commands as shown -----------------------------------------------------------------------------------------------


def _shown_commands() -> Iterator[tuple[str, list[str]]]:
    """Every ``millwright …`` line in a shell block of the documentation and in an example script."""
    for path in MARKDOWN:
        for block in re.findall(r"```(?:sh|bash)\n(.*?)```", path.read_text(encoding="utf-8"), re.DOTALL):
            yield from ((f"{path.name}: {line}", words) for line, words in _commands(block))
    for path in EXAMPLES.glob("*.sh"):
        yield from ((f"{path.name}: {line}", words) for line, words in _commands(path.read_text(encoding="utf-8")))


def _commands(block: str) -> Iterator[tuple[str, list[str]]]:
    for line in block.replace("\\\n", " ").splitlines():
        found = re.search(r"(?:^|[\s(|]|/bin/)millwright (?!millwright)(?=[a-z-])(.*)", line.strip())
        if found and not line.strip().startswith(("#", "podman run", "podman logs", "sudo useradd")):
            text = re.split(r" [|>&]|\|\||\)$| # |&&|;", found[1])[0]
            yield line.strip(), shlex.split(text)


def test_every_command_shown_exists_with_its_options() -> None:
    shown = list(_shown_commands())
    assert len(shown) > 30
    for where, words in shown:
        command: click.Command = root
        context = click.Context(root, info_name="millwright")
        rest = list(words)
        while rest:
            word = rest.pop(0)
            if word.startswith("-"):
                name = word.split("=")[0]
                option = next((p for p in command.params if isinstance(p, click.Option) and name in p.opts), None)
                assert option is not None or name in ("--help", "-h"), f"{where}: {name}"
                if option is not None and not option.is_flag and "=" not in word and rest:
                    rest.pop(0)
            elif isinstance(command, click.Group):
                inner = command.get_command(context, word)
                assert inner is not None, f"{where}: no command {word}"
                command, context = inner, click.Context(inner, parent=context, info_name=word)


# --- a running node --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningNode]:
    with RunningNode(tmp_path_factory.mktemp("docs")) as running:
        running.administrator().close()
        for file in EXAMPLES.iterdir():
            if file.is_file():
                shutil.copy(file, running.folder / file.name)
        yield running


def run(node: RunningNode, *command: str) -> str:
    """Run a command of an example in the node's folder; returns what it printed."""
    environ = node.environ() | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "MILLWRIGHT_CONFIG": str(node.config),
        "MILLWRIGHT_URL": node.url,
        "MILLWRIGHT_TOKEN": (node.data / "cli.token").read_text().strip(),
        "MQTT_PORT": str(node.mqtt_port),
    }
    done = subprocess.run(command, env=environ, cwd=node.folder, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def script(node: RunningNode, name: str) -> str:
    return run(node, "bash", "-euo", "pipefail", name)


def test_connecting_a_device(node: RunningNode) -> None:
    if shutil.which("mosquitto_pub") is None:
        pytest.skip("mosquitto_pub is not installed: apt install mosquitto-clients")
    said = script(node, "connect.sh")
    assert re.search(r"boiler-1 +temperature +61\.5 +192", said)
    assert re.search(r"boiler-1 +motor\.speed +1480 +192", said)
    assert re.search(r"boiler-1 +phase\.2 +1\.3 +192", said)
    assert re.search(r"boiler-1 +level +2\.4 +64 +2026-03-01 06:30:00", said)


@pytest.mark.timeout(180)
def test_from_a_plant_to_its_alarms_and_its_history(node: RunningNode) -> None:
    said = script(node, "plant.sh")
    assert "2 would be registered, 1 refused." in said
    assert "There is no place 'Works/Nowhere'." in said
    assert re.search(r"pump-8 .*Works/Cooling", said)

    said = script(node, "alarms.sh")
    assert re.search(r"high +unacknowledged .*the bearing is at 86\.2", said)
    assert "1 acknowledged." in said
    assert re.search(r"high +normal ", said)
    assert '"limit_high":80.0' in said

    said = script(node, "rehearsal.sh")
    assert '"raised":1,' in said

    said = script(node, "history.sh")
    assert said.count("86.2") >= 2
    assert '"twm":' in said
    assert "time,time_ms,value,quality,received_ms\n" in said

    devices = node.cli("devices", "list", "--json", "-q", "pump-8").stdout
    device = re.search(r"dev_[a-z0-9]+", devices)
    assert device
    said = run(node, sys.executable, "history.py", device[0], "temperature")
    assert said.startswith("2 readings with the columns time, number, text, kind, quality, received\n")
    assert "86.2" in said


def test_enrolling_a_device(node: RunningNode) -> None:
    if shutil.which("openssl") is None or shutil.which("curl") is None:
        pytest.skip("openssl or curl is not installed")
    said = script(node, "enrol.sh")
    assert "kiln-3.pem: OK" in said
    assert re.search(r"valid +2\d{3}-.* code ", said)


def test_a_dead_letter(node: RunningNode) -> None:
    said = script(node, "dead_letters.sh")
    assert "telemetry.not_json" in said
    assert '"payload_text": "weight=12.5"' in said
    assert "1 discarded." in said


def test_watching_live(node: RunningNode) -> None:
    api = node.administrator()
    device = api.post("/devices", json={"name": "lathe-1"}).json()
    token = api.post(f"/devices/{device['id']}/credentials", json={}).json()["token"]
    api.close()
    environ = os.environ | {
        "MILLWRIGHT_URL": node.url,
        "MILLWRIGHT_TOKEN": (node.data / "cli.token").read_text().strip(),
        "DEVICE_TOKEN": token,
        "MQTT_PORT": str(node.mqtt_port),
    }
    watcher = subprocess.Popen(
        [sys.executable, "live.py", device["id"], "1"], env=environ, cwd=node.folder, stdout=subprocess.PIPE, text=True
    )
    try:

        def seen() -> bool:
            done = subprocess.run(
                [sys.executable, "publish.py", '{"speed": 1480}'],
                env=environ, cwd=node.folder, capture_output=True, text=True, timeout=30,
            )  # fmt: skip
            assert done.stdout == 'kept {"speed": 1480}\n', done.stderr
            return watcher.poll() is not None

        node.wait_for("a reading was seen live", seen)
        said, _ = watcher.communicate(timeout=10)
    finally:
        watcher.kill()
        watcher.wait()
    assert re.match(r"\d{13} speed 1480(\.0)? 192\n", said)


def test_every_metric_is_explained(node: RunningNode) -> None:
    page = read("reference/metrics.md")
    explained = set(re.findall(r"^\| `(millwright_[a-z_]+)`", page, re.MULTILINE))
    api = node.administrator()

    def scrape() -> set[str]:
        found = set(re.findall(r"^(millwright_[a-z_]+)\{", api.get(f"{node.url}/metrics").text, re.MULTILINE))
        return found if len(found) > 40 else set()

    served = node.wait_for("every role's figures", scrape)
    api.close()
    missing = {name for name in served - explained if not name.startswith("millwright_closed_")}
    assert missing == set()
    source = "".join(path.read_text(encoding="utf-8") for path in SOURCE.rglob("*.py"))
    for name in explained:
        base = name.removeprefix("millwright_").removesuffix("_total")
        assert re.search(rf"\b(?:{base}|{name})\b", source), f"{name} is explained but nothing counts it"


# --- the site --------------------------------------------------------------------------------------------------------


def test_site_builds_without_a_warning(tmp_path: Path) -> None:
    pytest.importorskip("sphinx", reason="the documentation's tools are not installed: `make docs` installs them")
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-b", "html", str(DOCS), str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "index.html").is_file()
