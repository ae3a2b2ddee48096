"""The other processes of a benchmark: started with pipes, spoken with a line at a time; they end with their input."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from typing import Any

import psutil


def child(script: str, *arguments: str) -> subprocess.Popen[str]:
    """Run a Python program."""
    return subprocess.Popen(
        [sys.executable, script, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


async def say(process: subprocess.Popen[str], line: str = "") -> Any:
    """Send a line if any, read a line of JSON."""
    if line:
        process.stdin.write(line + "\n")
        process.stdin.flush()
    return json.loads(await asyncio.to_thread(process.stdout.readline))


async def finish(process: subprocess.Popen[str], line: str = "") -> Any:
    """Send the last line, wait for the end; returns the last line that came, as JSON, ``None`` without one."""
    out, _ = await asyncio.to_thread(process.communicate, line + "\n", 60)
    return json.loads(out.splitlines()[-1]) if out.strip() else None


def memory(process: psutil.Process) -> str:
    """What a process holds by itself, and what it has mapped of files: pages of an index, which the system drops when
    memory runs short."""
    found = process.memory_info()
    return f"{(found.rss - found.shared) / 1e6:.0f} MB of its own, {found.shared / 1e6:.0f} MB of files mapped"
