"""What a mirror answers stands in the usage of its primary, though the primary was away meanwhile."""

from __future__ import annotations

import json
from pathlib import Path

from millwright.cli import exits
from millwright.identity.handle.wire.codes import Rc
from support.node import RunningNode
from support.operation import PREFIX, ask_udp, fill

NAMES = [f"{PREFIX}/pump-0007"]


def used(primary: RunningNode) -> int:
    shown = primary.cli("usage", "--json")
    if shown.returncode == exits.UNAVAILABLE:  # its web role was killed and is not back yet
        return 0
    assert shown.returncode == 0, shown.stdout + shown.stderr
    (row,) = [each for each in json.loads(shown.stdout)["meters"] if each["meter"] == "resolutions"]
    return int(row["used"])


def test_a_mirrors_answers_are_usage_at_its_primary(tmp_path: Path) -> None:
    for name in ("primary", "mirror"):
        (tmp_path / name).mkdir()
    with RunningNode(tmp_path / "primary") as primary:
        fill(primary)
        primary.administrator()
        key = primary.cli("identifiers", "key").stdout.strip()
        mirroring = {"identity": {"mirror_of": primary.nats_url, "trusted_keys": [key]}}
        with RunningNode(tmp_path / "mirror", mirroring) as mirror:
            mirror.wait_for("the mirror to have the name", lambda: ask_udp(mirror, NAMES) == {Rc.SUCCESS: 1})
            asked = used_after(primary, 1)
            assert ask_udp(mirror, NAMES * 20) == {Rc.SUCCESS: 20}
            asked = used_after(primary, asked + 20)

            primary.kill("web")
            assert ask_udp(mirror, NAMES * 5) == {Rc.SUCCESS: 5}
            mirror.kill("nats-server")
            assert ask_udp(mirror, NAMES * 2) == {Rc.SUCCESS: 2}
            asked = used_after(primary, asked + 7)
            assert ask_udp(primary, NAMES * 3) == {Rc.SUCCESS: 3}
            assert used_after(primary, asked + 3) == asked + 3


def used_after(primary: RunningNode, least: int) -> int:
    found = primary.wait_for("what was answered to be counted", lambda: (n := used(primary)) >= least and n, 60)
    assert isinstance(found, int)
    return found
