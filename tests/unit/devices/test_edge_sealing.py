"""What is sealed for an edge opens there, and nowhere else; what an edge lets its parent reach."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from millwright.devices.connectors import Catalogue
from millwright.devices.edge.down.policy import EdgePolicy
from millwright.devices.edge.sealing import is_seal_key, new_seal_key, purpose_at, seal, unseal
from millwright.devices.edge.settings import EdgeSettings
from millwright.kernel import Corrupt, Denied, NotFound


def test_only_the_holder_of_the_key_opens_it_and_only_in_its_place() -> None:
    secret, public = new_seal_key()
    purpose = purpose_at("edge_1", "con_1", "password")
    boxes = {seal(public, b"swordfish", purpose) for _ in range(2)}
    assert len(boxes) == 2, "nobody can tell that two secrets are the same"
    box = boxes.pop()
    assert unseal(secret, box, purpose) == b"swordfish"
    other, _ = new_seal_key()
    raw = bytearray(base64.b64decode(box))
    raw[-1] ^= 1
    for key, sealed, place in (
        (other, box, purpose),
        (secret, box, purpose_at("edge_1", "con_2", "password")),
        (secret, box, purpose_at("edge_2", "con_1", "password")),
        (secret, base64.b64encode(raw).decode(), purpose),
        (secret, base64.b64encode(bytes(32)).decode(), purpose),
        (secret, "AAAA", purpose),
        (secret, "no base64!", purpose),
        ("", box, purpose),
    ):
        with pytest.raises(Corrupt) as refused:
            unseal(key, sealed, place)
        assert refused.value.code == "devices.edge_seal"
        assert "again" in refused.value.hint


def test_what_is_no_public_key_is_not_sealed_for() -> None:
    _, public = new_seal_key()
    assert is_seal_key(public)
    for wrong in ("", "x", base64.b64encode(bytes(31)).decode(), base64.b64encode(bytes(32)).decode()):
        assert not is_seal_key(wrong)


@pytest.mark.parametrize(
    ("reaches", "enterprises", "owner", "kind", "settings", "code"),
    [
        ("machine", False, "org_1", "http_poll", {}, None),
        ("machine", False, "org_1", "file_drop", {"folder": "/srv/files"}, None),
        ("machine", False, "org_1", "modbus", {"serial_port": "/dev/ttyS0"}, None),
        ("machine", False, "org_1", "file_drop", {"folder": "DATA/records"}, "connectors.node_data"),
        ("network", False, "org_1", "file_drop", {"folder": "/srv/files"}, "connectors.edge_policy"),
        ("network", False, "org_1", "modbus", {"serial_port": "/dev/ttyS0"}, "connectors.edge_policy"),
        ("network", False, "org_1", "modbus", {"host": "10.0.0.1"}, None),
        ("nothing", False, "org_1", "http_poll", {}, "connectors.edge_policy"),
        ("nothing", False, "org_1", "simulator", {}, None),
        ("machine", False, "org_2", "http_poll", {}, "connectors.edge_policy"),
        ("machine", True, "org_2", "http_poll", {}, None),
        ("machine", True, "org_2", "file_drop", {"folder": "/srv/files"}, "connectors.edge_policy"),
    ],
)
def test_what_an_edge_lets_its_parent_reach(
    tmp_path: Path, reaches: str, enterprises: bool, owner: str, kind: str, settings: dict[str, str], code: str | None
) -> None:
    chosen = EdgeSettings(parent_reaches=reaches)  # type: ignore[arg-type]  # one of them
    policy = EdgePolicy(Catalogue(), chosen, "org_1", tmp_path, enterprises=enterprises)
    settings = {key: value.replace("DATA", str(tmp_path)) for key, value in settings.items()}
    if code is None:
        policy.judge(kind, settings, owner)
        return
    with pytest.raises(Denied) as refused:
        policy.judge(kind, settings, owner)
    assert refused.value.code == code


def test_a_kind_that_is_not_installed_at_the_edge_is_said(tmp_path: Path) -> None:
    with pytest.raises(NotFound) as refused:
        EdgePolicy(Catalogue(), EdgeSettings(), "org_1", tmp_path, enterprises=False).judge("nothing", {}, "org_1")
    assert refused.value.code == "connectors.kind_unknown"
