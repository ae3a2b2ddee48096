"""``millwright code`` as people use it: without a node."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from millwright.cli.main import main


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main(["code", *arguments])
    said = capsys.readouterr()
    return int(ended.value.code or 0), said.out, said.err


def test_a_code_is_explained(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = run(capsys, "explain", "88.118.8/泵-7")
    assert status == 0
    assert "Enterprise" in out
    assert "https://hdl.handle.net/88.118.8/%E6%B3%B5-7" in out
    status, out, _ = run(capsys, "explain", "3074257BF7194E4000001A85")
    assert next(line for line in out.splitlines() if "sgtin-96" in line).startswith("  ")  # it stands nowhere
    status, out, _ = run(capsys, "explain", "did:web:example.com", "--json")
    assert json.loads(out)["code"]["canonical"] == "did:web:example.com"


def test_an_error_points_at_its_character(capsys: pytest.CaptureFixture[str]) -> None:
    status, _, err = run(capsys, "explain", "hdl:88.泵/%zz")
    assert status == 2
    lines = err.splitlines()
    assert lines[0] == "hdl:88.泵/%zz"
    assert lines[1] == " " * 10 + "^"  # the Chinese character before it takes two columns
    status, out, _ = run(capsys, "explain", "?", "--json")
    assert (status, json.loads(out)["error"]["code"]) == (2, "identity.code_unknown")


def test_a_code_is_converted(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "convert", "1.2.156", "--to", "urn")[:2] == (0, "urn:oid:1.2.156\n")
    status, _, err = run(capsys, "convert", "1.2.156", "--to", "https")
    assert status == 1
    assert "dotted" in err


@pytest.mark.parametrize("kind", ["svg", "png", "zpl"])
def test_a_label_is_drawn_and_read(capsys: pytest.CaptureFixture[str], tmp_path: Path, kind: str) -> None:
    file = tmp_path / f"label.{kind}"
    assert run(capsys, "label", "1.2.156.1", "--symbology", "data_matrix", "--out", str(file))[0] == 0
    assert file.stat().st_size > 50
    status, out, _ = run(capsys, "read", str(file), "--json")
    if kind == "png":
        assert json.loads(out)[0]["parsed"]["code"]["system"] == "oid"
    else:
        assert (status, json.loads(out)["error"]["code"]) == (2, "identity.picture_unreadable")


def test_a_sheet_is_drawn_with_progress(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    labels, sheet = tmp_path / "labels.csv", tmp_path / "labels.pdf"
    labels.write_text("text,copies\n88.118.8/a,30\n", encoding="utf-8")
    status, out, err = run(capsys, "sheet", str(labels), "--out", str(sheet), "--json")
    assert status == 0
    assert json.loads(out)["pages"] == 2
    assert "Labels" in err
    assert sheet.read_bytes().startswith(b"%PDF")
    assert run(capsys, "sheet", str(labels), "--out", str(tmp_path / "labels.doc"))[0] == 2
