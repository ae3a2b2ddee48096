"""``millwright resolve``: against the resolver over HTTP, and against a Handle server by its own protocol."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest

from millwright.cli.main import main
from support.handle import running_handle
from support.ports import free_port
from support.resolution import resolver, served


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main(list(arguments))
    said = capsys.readouterr()
    return int(ended.value.code or 0), said.out, said.err


@contextmanager
def beside(opened: Callable[[], AbstractAsyncContextManager[Any]]) -> Iterator[Any]:
    """What an asynchronous context gives, run by a thread of its own: the command has a loop of its own."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    def wait(work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, loop).result(30)

    async def enter() -> tuple[AbstractAsyncContextManager[Any], Any]:
        context = opened()
        return context, await context.__aenter__()

    context, given = wait(enter())
    try:
        yield given
    finally:
        wait(context.__aexit__(None, None, None))
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


@pytest.fixture
def node(tmp_path: Path) -> Iterator[str]:
    """The address of a resolver over the records of the tests of resolution."""
    from contextlib import asynccontextmanager

    @asynccontextmanager
    async def opened() -> Any:
        async with resolver(tmp_path) as (_, app, _records), served(app) as url:
            yield url

    with beside(opened) as url:
        yield url


def test_every_step_is_told(capsys: pytest.CaptureFixture[str], node: str) -> None:
    status, out, _ = run(capsys, "--url", node, "resolve", "(01)09506000134352")
    assert status == 0
    lines = [" ".join(line.split()) for line in out.splitlines()]
    told = "\n".join(lines)
    for said in (
        "1. What it is: GS1", "2. Its name: GS1/01/09506000134352", "3. Its prefix: GS1:9506000, kept by this node",
        f"4. Asked: {node}/api/handles/GS1/01/09506000134352: 200, response code 1", "5. Came back:", "Crew neck shirt",
        "https://shop.example/en/shirt", f"Page: {node}/id/GS1/01/09506000134352",
    ):  # fmt: skip
        assert said in told, (said, told)
    assert "vermilion" not in out


def test_a_program_reads_the_same(capsys: pytest.CaptureFixture[str], node: str) -> None:
    status, out, _ = run(capsys, "--url", node, "resolve", "urn:oid:1.2.156.3", "--json")
    found = json.loads(out)
    assert (status, found["found"], found["name"], found["by"]) == (0, True, "OID/1.2.156.3", "http")
    assert [each["type"] for each in found["values"]] == ["NAME"]
    assert found["code"]["system"] == "oid"
    assert set(found["timings_ms"]) == {"parse", "name", "page", "answer"}


def test_what_is_not_there(capsys: pytest.CaptureFixture[str], node: str) -> None:
    status, out, err = run(capsys, "--url", node, "resolve", "86.1000.1/nothing")
    assert status == 4
    assert "404, response code 100" in out
    assert "Error:" in err
    status, out, _ = run(capsys, "--url", node, "resolve", "86.1000.1/nothing", "--json")
    assert (status, json.loads(out)["found"]) == (4, False)


def test_what_is_no_identifier(capsys: pytest.CaptureFixture[str]) -> None:
    status, _, err = run(capsys, "--url", "http://127.0.0.1:1", "resolve", "?")
    assert (status, "No code system takes this text" in err) == (2, True)


def test_nobody_answers(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "--url", f"http://127.0.0.1:{free_port()}", "resolve", "88.1/a")[0] == 5
    status, _, err = run(capsys, "resolve", "88.1/a", "--server", "127.0.0.1:nine")
    assert (status, "HOST:PORT" in err) == (2, True)


def test_a_handle_server_is_asked_by_its_protocol(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    with beside(lambda: running_handle(tmp_path)) as server:
        where = f"localhost:{server.port}"
        status, out, _ = run(capsys, "resolve", "86.1000.1/PRODUCT-1", "--server", where)
        assert status == 0
        for said in ("primary site of 1 server(s)", "by the Handle protocol", "https://example.com/", "a@example.com"):
            assert said in out, (said, out)
        status, out, _ = run(capsys, "resolve", "hdl:86.1000.1/product-1", "--server", where, "--json")
        found = json.loads(out)
        assert (found["by"], found["asked"]) == ("handle", f"127.0.0.1:{server.port}")
        assert found["values"][0]["data"] == {"format": "string", "value": "https://example.com/"}
        assert run(capsys, "resolve", "86.1000.1/none", "--server", where)[0] == 4
    assert run(capsys, "resolve", "86.1000.1/none", "--server", f"127.0.0.1:{server.port}")[0] == 5
