"""Requests that schemathesis makes up from the OpenAPI document, with values that fit it and values that do not.

Everything stands whole behind the routes (broker, records, historian), so every 5xx is a defect. The time is bounded:
MILLWRIGHT_TEST_FUZZ_S seconds; a longer run looks deeper.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import pytest

from support.web import running_web

SECONDS = int(os.environ.get("MILLWRIGHT_TEST_FUZZ_S", "45"))

# The stream never ends by itself; signing out, and changing the password, would end the session that calls; a drill
# starts a copy of a whole node.
_LEFT_OUT = "^/api/v1/(live|session|session/password|identifiers/drills)$"


@pytest.mark.timeout(SECONDS * 4 + 120)
async def test_no_request_makes_the_node_fail(tmp_path: Path) -> None:
    async with running_web(tmp_path, history=True, written=True) as web:
        await web.set_up()
        opened = await web.services.parties.sign_in("Anna", "copper kettles whistle")
        people = web.services.parties.people
        authority = await web.services.parties.authority(opened.session)
        token = (await people.add_token(opened.session, authority, "fuzz", ["administrator"])).token
        command = [
            str(Path(sys.executable).with_name("schemathesis")),
            *("run", f"{web.url}/openapi.json", "--header", f"Authorization: Bearer {token}"),
            *("--checks", "not_a_server_error", "--continue-on-failure", "--exclude-path-regex", _LEFT_OUT),
            *("--phases", "examples,coverage,fuzzing", "--max-time", str(SECONDS), "--max-examples", "30"),
            *("--no-shrink", "--generation-database", "none", "--seed", "7", "--no-color", "--warnings", "off"),
            *("--request-timeout", "20", "--suppress-health-check", "all", "--max-redirects", "0"),
        ]
        process = await asyncio.create_subprocess_exec(
            *command, cwd=tmp_path, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
        )
        output, _ = await process.communicate()
        requests = web.server.counters()["requests"]
    text = output.decode(errors="replace").replace(token, "mwt_…")
    assert process.returncode == 0, text[-20_000:]
    assert requests > 50, text[-5_000:]
