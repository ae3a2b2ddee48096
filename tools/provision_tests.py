"""Install the programs that some tests run against, where apt-get and the right to use it are there.

Nothing here is needed by the product. Without them the tests that need them skip and say so.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

PROGRAMS = {
    "mosquitto": "mosquitto",
    "mosquitto_pub": "mosquitto-clients",
    "chromium": "chromium",
    "postgres": "postgresql",
    "libfaketimeMT.so.1": "libfaketime",
    "libzbar.so.0": "libzbar0",
    "libdmtx.so.0": "libdmtx0b",
    "ip": "iproute2",
}
"""Program (or library to be loaded before one) → Debian package."""

_ELSEWHERE = {"chromium": ("chromium-browser", "google-chrome"), "postgres": ("pg_ctl",)}


ROOT = Path(__file__).parent.parent
SUPPORT = ROOT / "tests" / "support"
NPM_PEERS = {
    "oidc-provider": (SUPPORT / "oidc_provider", "signing in through a provider"),
    "opcua-peer": (SUPPORT / "opcua_peer", "OPC UA with an independent server"),
}
"""Peers that are packages from npm, each pinned by its lock file: folder in ``.tools`` → source, and what needs it."""


def present(program: str) -> bool:
    """Whether the program is on this machine; Debian keeps PostgreSQL's beside PATH."""
    if any(shutil.which(name) for name in (program, *_ELSEWHERE.get(program, ()))):
        return True
    libraries = Path("/usr/lib")
    folders = [
        Path("/usr/sbin"),
        *libraries.glob("postgresql/*/bin"),
        *libraries.glob("*/faketime"),
        *libraries.glob("*-linux-gnu"),
    ]
    return any((folder / program).exists() for folder in folders)


def install_npm_peer(name: str, source: Path, tested: str) -> None:
    """Put the peer into ``.tools``, with the Node.js that builds the console."""
    target = ROOT / ".tools" / name
    wanted = {file.name: file.read_bytes() for file in source.iterdir()}
    if all((target / name).is_file() and (target / name).read_bytes() == data for name, data in wanted.items()):
        return
    path = subprocess.run(
        [sys.executable, ROOT / "tools" / "node_path.py"], capture_output=True, text=True, check=False
    )
    folder = path.stdout.strip()
    npm = shutil.which("npm", path=folder) if path.returncode == 0 else None
    if npm is None:
        print(f"Tests of {tested} will be skipped: there is no Node.js with npm.")
        return
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    packages = ("package.json", "package-lock.json", ".npmrc")
    for file in packages:
        (target / file).write_bytes(wanted[file])
    environ = os.environ | {"PATH": f"{folder}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(
        [npm, "ci", "--silent"], cwd=target, env=environ, capture_output=True, text=True, check=False, timeout=600
    )
    if done.returncode:
        print(f"Tests of {tested} will be skipped: npm ci failed.\n{done.stderr[-400:]}")
        return
    for file in wanted.keys() - set(packages):
        (target / file).write_bytes(wanted[file])  # last: with it the installation is whole


def main() -> int:
    """Install what is missing; never fails the tests for it."""
    for name, (source, tested) in NPM_PEERS.items():
        install_npm_peer(name, source, tested)
    missing = {program: package for program, package in PROGRAMS.items() if not present(program)}
    if not missing:
        return 0
    names = " ".join(sorted(missing))
    if not shutil.which("apt-get") or os.geteuid() != 0:
        print(f"Tests that need {names} will be skipped: they are not here, and this user cannot install them.")
        return 0
    print(f"installing for the tests: {' '.join(sorted(set(missing.values())))}")
    environ = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    for command in (["apt-get", "-qq", "update"], ["apt-get", "-qq", "install", "--no-install-recommends", "-y"]):
        arguments = [*command, *sorted(set(missing.values()))] if "install" in command else command
        done = subprocess.run(arguments, env=environ, capture_output=True, text=True, check=False, timeout=900)
        if done.returncode:
            print(f"Tests that need {names} will be skipped: {' '.join(command)} failed.\n{done.stderr[-400:]}")
            return 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
