"""GS1's own test suite of resolvers against a running server.

``MILLWRIGHT_TEST_GS1_RESOLVER_SUITE`` names a checkout of gs1/GS1DL-resolver-testsuite, and
``MILLWRIGHT_TEST_GS1_LINKSET_SCHEMAS`` one of gs1/linkset, beside which ``description-file-schema.json`` may lie (from
ref.gs1.org/standards/resolver/description-file-schema). It takes node, and the ajv of the console's packages or of
``MILLWRIGHT_TEST_AJV``.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from millwright.identity.resolution import ResolutionSettings, resolution_app
from millwright.kernel import SystemClock
from support.identifiers import open_records, put
from support.resolution import SHIRT, SHIRT_VALUES, fill_all, link, served

HARNESS = Path(__file__).parent / "gs1_resolver_suite.js"
ROOT = Path(__file__).parents[3]
NOT_AT_HAND = {"linkTypesDefined"}
"""Compares with a list of link types on GS1's web site."""


def place(variable: str, file: str) -> Path:
    folder = Path(os.environ.get(variable, ""))
    if not os.environ.get(variable) or not (folder / file).is_file():
        pytest.skip(f"{variable} does not name a folder that holds {file}")
    return folder


@pytest.mark.parametrize("path", [SHIRT, f"{SHIRT}/21/aB%2F7", f"{SHIRT}/21/none", "/00/106141412345678908"])
async def test_the_suite_of_gs1_passes(tmp_path: Path, path: str) -> None:
    suite = place("MILLWRIGHT_TEST_GS1_RESOLVER_SUITE", "GS1DigitalLinkResolverTestSuite.js")
    schemas = place("MILLWRIGHT_TEST_GS1_LINKSET_SCHEMAS", "gs1-linkset-schema.json")
    ajv = Path(os.environ.get("MILLWRIGHT_TEST_AJV", "") or ROOT / "console" / "node_modules" / "ajv")
    node = shutil.which("node")
    if node is None or not (ajv / "package.json").is_file():
        pytest.skip("there is no node, or no ajv (`make console` installs it)")
    records = open_records(tmp_path / "register")
    fill_all(records)
    # The suite cannot compare an address with a fragment behind a query.
    plain = [each for each in SHIRT_VALUES if b"#" not in each.data]
    put(records, (f"GS1{SHIRT}".encode(), (*plain, link(14, "gs1:instructions", "https://shop.example/wash?v=2"))))
    settings = ResolutionSettings(trusted_proxies=["127.0.0.1"], misses_per_min=0)
    try:
        async with served(resolution_app(records, settings, SystemClock())) as url:
            found = await run(node, str(suite), str(schemas), str(ajv), url, f"https://id.node.example{path}")
    finally:
        records.close()
    by_status: dict[str, list[str]] = {}
    for each in found:
        by_status.setdefault(each["status"], []).append(each["id"])
    failed = [f"{each['id']}: {each['msg']}" for each in found if each["status"] == "fail"]
    sys.stdout.write(f"{path}: { {status: len(ids) for status, ids in by_status.items()} }\n")
    without = set() if (schemas / "description-file-schema.json").is_file() else {"rdFile"}
    assert [each for each in failed if each.partition(":")[0] not in without] == []
    assert set(by_status.get("warn", ())) <= NOT_AT_HAND, [each for each in found if each["status"] == "warn"]
    assert len(by_status["pass"]) >= 20


async def run(*command: str) -> list[dict[str, Any]]:
    whole = [command[0], str(HARNESS), *command[1:]]
    done = await asyncio.to_thread(subprocess.run, whole, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    shown: list[dict[str, Any]] = json.loads(done.stdout)
    return shown
