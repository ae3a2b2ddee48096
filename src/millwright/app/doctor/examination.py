"""The whole examination, in the order in which things depend on each other."""

from __future__ import annotations

import json
import socket
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from millwright.app.doctor import certificates, clocks, edge, installation, machine
from millwright.app.doctor.finding import Finding, ok, wrong
from millwright.app.folder import DataFolder
from millwright.app.sections import folder_of, settings_file
from millwright.app.settings import NodeSettings, load
from millwright.app.tls import listening
from millwright.app.trust import known_by
from millwright.kernel import Invalid


@dataclass(slots=True)
class Examination:
    """Everything that was looked at."""

    findings: list[Finding] = field(default_factory=list)

    @property
    def healthy(self) -> bool:
        """Whether nothing is wrong; warnings do not count."""
        return not any(finding.state == "wrong" for finding in self.findings)


def examine(config: Path | None, environ: Mapping[str, str]) -> Examination:
    """Look at settings, machine, installation and data; raises nothing."""
    done = Examination()
    try:
        settings = load(config, environ)
    except Invalid as error:
        done.findings.append(wrong("settings", error.message, error.hint))
        return done
    file = settings_file(config, environ)
    done.findings.append(ok("settings", str(file) if file else "defaults and environment"))
    folder = folder_of(settings)
    lock, own = installation.check_lock(folder)
    done.findings += [
        *installation.check_engines(settings),
        *installation.check_files_exist(settings),
        *certificates.check_certificates(settings, folder),
        installation.check_folder(folder),
        machine.check_disk(folder.root, settings.node.disk_low_mb, settings.node.disk_stop_mb),
        machine.check_clock(),
        machine.check_files(),
        machine.check_memory(),
        lock,
        *_ports(settings, folder, own),
        installation.check_records(settings, folder),
        *certificates.check_kept(settings, folder),
        *_running(folder, settings),
        *edge.check_edge(settings, folder),
        *(clocks.check_nats(settings.nats.url) if settings.nats.url else []),
    ]
    return done


def _ports(settings: NodeSettings, folder: DataFolder, own: set[int]) -> list[Finding]:
    _, mqtt = listening(settings, folder)
    wanted = [("mqtt", mqtt.host, mqtt.port), ("mqtt", mqtt.host, mqtt.tls_port)]
    wanted.append(("web", settings.web.host, settings.web.port))
    wanted.append(("handle", settings.handle.host, settings.handle.port))
    if not settings.nats.url:
        wanted.append(("nats", settings.nats.host, settings.nats.port))
    found = [machine.check_port(*each, own) for each in wanted if each[2]]
    if settings.handle.port:
        found.append(machine.check_port("handle", settings.handle.host, settings.handle.port, own, udp=True))
    return found + (_reach(settings.nats.url) if settings.nats.url else [])


def _reach(servers: str) -> list[Finding]:
    found = []
    for server in servers.split(","):
        host, _, port = server.strip().rsplit("@", 1)[-1].removeprefix("nats://").removeprefix("tls://").partition(":")
        try:
            socket.create_connection((host, int(port or 4222)), timeout=3).close()
        except (OSError, ValueError) as error:
            found.append(
                wrong("nats", f"{host}:{port or 4222} does not answer: {error}", "Start it, or correct the URL.")
            )
        else:
            found.append(ok("nats", f"{host}:{port or 4222} answers"))
    return found


def _running(folder: DataFolder, settings: NodeSettings) -> list[Finding]:
    """What the running node says of itself, when there is one."""
    addresses = folder.read_addresses()
    if addresses is None or not addresses.get("http"):
        return []
    url = addresses["http"]
    try:
        tls = known_by(settings.web, settings.tls, folder) if url.startswith("https:") else None
        with urllib.request.urlopen(f"{url}/readyz", timeout=5, context=tls) as reply:  # noqa: S310 - our own http URL
            body: dict[str, Any] = json.loads(reply.read())
    except urllib.error.HTTPError as error:
        text = error.read().decode(errors="replace")[:200]
        return [wrong("node", f"It is not ready: {text}", "Read the logs in the data folder.")]
    except Invalid as error:
        return [wrong("node", error.message, error.hint)]
    except (OSError, ValueError) as error:
        return [wrong("node", f"{url} does not answer: {error}", "Read logs/web.log in the data folder.")]
    found = [ok("node", f"ready at {url}")] if body.get("ready", True) else []
    return [*found, *clocks.check_node(url, tls)]
