"""A changed certificate is taken over, also when that takes more than one try."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

from millwright.app.settings import NodeSettings
from millwright.app.tls import NodeTls
from millwright.kernel import ManualClock
from support.mqtt import until


class Recorded:
    async def record(self, _entries: object) -> None: ...


async def test_what_could_not_be_taken_over_is_told_again(tmp_path: Path) -> None:
    chain, key = tmp_path / "chain.pem", tmp_path / "key.pem"
    chain.write_text("old")
    key.write_text("old")
    tries: list[int] = []

    async def take_over() -> None:
        tries.append(len(tries))
        if len(tries) < 3:
            raise RuntimeError("the server is not ready")

    node = SimpleNamespace(clock=ManualClock(), settings=NodeSettings(), folder=None, records=None)
    tls = NodeTls(node, None, Recorded(), str(chain), str(key), take_over, look_s=0.01)  # type: ignore[arg-type]  # what is used of them
    await tls.start()
    chain.write_text("renewed")
    await until(lambda: len(tries) == 3)
    await tls.stop()
    assert len(tries) == 3
