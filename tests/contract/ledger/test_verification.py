"""Copies of a log with something wrong in them: each is found, and told by its place."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
import pytest

from millwright.kernel import ManualClock
from millwright.ledger import COSIGNATURE, Checkpoint, Disclosure, KeyFile, Log, LogInfo, Note, Signer, Verifier, verify
from millwright.ledger import Witness as WitnessState
from millwright.ledger.merkle import entries_path, hash_path, parse_bundle
from millwright.ledger.merkle.tiles import TileId
from millwright.ledger.record import commitment
from millwright.ledger.verification.disclosures import FILE

ORIGIN = "example.com/log"
SIZE = 1000


def write(folder: Path, entries: Sequence[bytes], key: Path) -> Path:
    log = Log(folder, LogInfo(ORIGIN, "sha256", 0), KeyFile(key))
    log.append(list(entries))
    log.close()
    return folder / "public"


def entry(number: int, text: str = "") -> bytes:
    return msgspec.json.encode({"id": f"led_{number}", "index": number, "text": text or f"entry {number}"})


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    write(tmp_path / "log", [entry(number) for number in range(SIZE)], tmp_path / "key")
    return Path(shutil.copytree(tmp_path / "log" / "public", tmp_path / "copy"))


@pytest.fixture
def key(tmp_path: Path, copy: Path) -> Verifier:
    return KeyFile(tmp_path / "key").load(ORIGIN)[0].verifier


def bundle(entries: Sequence[bytes]) -> bytes:
    return b"".join(len(each).to_bytes(2, "big") + each for each in entries)


def rewrite(copy: Path, change: Callable[[list[bytes]], None], first: int = 0) -> None:
    """Change the entries of one bundle."""
    width = min(256, SIZE - first * 256)
    path = copy / entries_path(first, width)
    found = parse_bundle(path.read_bytes())
    change(found)
    path.write_bytes(bundle(found))


def test_a_whole_copy_is_right(copy: Path, key: Verifier) -> None:
    report = verify(copy, keys=[key])
    assert report.right
    assert (report.size, report.entries, report.trusted_key) == (SIZE, SIZE, True)
    assert not verify(copy).trusted_key
    stranger = Signer.generate(ORIGIN).verifier
    assert [finding.kind for finding in verify(copy, keys=[stranger]).findings] == ["checkpoint"]


@pytest.mark.parametrize("place", [0, 17, 255, 300, 767, 768, 999])
def test_an_altered_entry_is_named(copy: Path, key: Verifier, place: int) -> None:
    def alter(entries: list[bytes]) -> None:
        entries[place % 256] = entry(place, "nothing happened")

    rewrite(copy, alter, place // 256)
    findings = verify(copy, keys=[key]).findings
    assert [(finding.kind, finding.first) for finding in findings] == [("altered", place)]


@pytest.mark.parametrize("place", [3, 300])
def test_a_removed_entry_is_named(copy: Path, key: Verifier, place: int) -> None:
    rewrite(copy, lambda entries: entries.__delitem__(place % 256), place // 256)
    findings = verify(copy, keys=[key]).findings
    assert [(finding.kind, finding.first) for finding in findings] == [("removed", place)]


def test_a_removed_entry_is_named_though_all_behind_it_moved_up(copy: Path, key: Verifier) -> None:
    entries = [entry(number) for number in range(SIZE) if number != 300]
    for index in range(4):
        width = min(256, SIZE - index * 256)
        (copy / entries_path(index, width)).write_bytes(bundle(entries[index * 256 : (index + 1) * 256]))
    findings = verify(copy, keys=[key]).findings
    assert [(finding.kind, finding.first) for finding in findings] == [("removed", 300)]


def test_an_inserted_entry_is_named(copy: Path, key: Verifier) -> None:
    rewrite(copy, lambda entries: entries.insert(40, entry(40, "a good deed")), 1)
    findings = verify(copy, keys=[key]).findings
    assert [(finding.kind, finding.first) for finding in findings] == [("inserted", 296)]


def test_an_entry_added_at_the_end_is_named(copy: Path, key: Verifier) -> None:
    rewrite(copy, lambda entries: entries.append(entry(SIZE, "a good deed")), 3)
    findings = verify(copy, keys=[key]).findings
    assert [(finding.kind, finding.first) for finding in findings] == [("inserted", SIZE)]


def test_reordered_entries_are_named(copy: Path, key: Verifier) -> None:
    def swap(entries: list[bytes]) -> None:
        entries[5], entries[9] = entries[9], entries[5]

    rewrite(copy, swap)
    findings = verify(copy, keys=[key]).findings
    assert [(finding.kind, finding.first) for finding in findings] == [("reordered", 5), ("reordered", 9)]


def test_an_altered_entry_is_found_though_its_hash_was_altered_too(copy: Path, tmp_path: Path, key: Verifier) -> None:
    changed = [entry(number, "forged" if number == 17 else "") for number in range(SIZE)]
    forged = write(tmp_path / "forged", changed, tmp_path / "other")
    for path in (entries_path(0), hash_path(TileId(0, 0))):
        shutil.copy(forged / path, copy / path)
    (finding,) = verify(copy, keys=[key]).findings
    assert (finding.kind, finding.first, finding.last) == ("altered", 0, 255)
    for path in (hash_path(TileId(1, 0, 3)), hash_path(TileId(0, 3, 232))):
        shutil.copy(forged / path, copy / path)
    kinds = {finding.kind for finding in verify(copy, keys=[key]).findings}
    assert "rewritten" in kinds


def test_a_broken_tile_is_told_from_broken_entries(copy: Path, key: Verifier) -> None:
    for tile in (TileId(0, 1), TileId(0, 3, 232)):
        path = copy / hash_path(tile)
        path.write_bytes(bytes(32) + path.read_bytes()[32:])
    assert {finding.kind for finding in verify(copy, keys=[key]).findings} == {"tile"}


def test_missing_files_are_found(copy: Path, key: Verifier) -> None:
    (copy / entries_path(2)).unlink()
    findings = verify(copy, keys=[key]).findings
    assert [finding.kind for finding in findings] == ["removed"] * 256
    assert findings[0].first == 512


def test_a_history_rewritten_by_the_keeper_of_the_key_is_found(copy: Path, tmp_path: Path, key: Verifier) -> None:
    witness = WitnessState(
        tmp_path / "witness", Signer.generate("witness", COSIGNATURE), [key], ManualClock(1_700_000_000_000)
    )
    log = Log(tmp_path / "log", LogInfo(ORIGIN, "sha256", 0), KeyFile(tmp_path / "key"))
    note = log.reader.note()
    log.attach(witness.add(0, [], note), SIZE)
    log.append([entry(SIZE)])
    log.close()
    shutil.rmtree(copy)
    shutil.copytree(tmp_path / "log" / "public", copy)
    assert verify(copy, keys=[key], witness_keys=[witness.verifier]).right

    # Whoever has the key writes another history of the same length and signs it.
    changed = [entry(number, "forged" if number == 400 else "") for number in range(SIZE + 1)]
    forged = write(tmp_path / "forged", changed, tmp_path / "key")
    assert verify(forged, keys=[key]).right  # alone it looks right
    (unseen,) = verify(forged, keys=[key], witness_keys=[witness.verifier]).findings
    assert unseen.kind == "unwitnessed"
    seen = witness.last(ORIGIN)
    assert seen is not None
    (finding,) = verify(forged, keys=[key], witness_keys=[witness.verifier], earlier=[seen]).findings
    assert (finding.kind, finding.first, finding.last) == ("rewritten", 0, SIZE - 1)
    shutil.copy(copy / "witnessed", forged / "witnessed")
    (finding,) = verify(forged, keys=[key], witness_keys=[witness.verifier]).findings
    assert finding.kind == "rewritten"


def test_a_shortened_log_is_found_by_an_earlier_tree_head(copy: Path, tmp_path: Path, key: Verifier) -> None:
    note = Note.parse((copy / "checkpoint").read_text(encoding="utf-8"))
    short = write(tmp_path / "short", [entry(number) for number in range(900)], tmp_path / "key")
    (finding,) = verify(short, keys=[key], earlier=[note]).findings
    assert (finding.kind, finding.first, finding.last) == ("removed", 900, 999)
    foreign = Note.parse(str(note).replace(ORIGIN, "example.com/other"))
    assert "checkpoint" in {finding.kind for finding in verify(copy, keys=[key], earlier=[foreign]).findings}


def test_a_forged_tree_head_is_found(copy: Path, key: Verifier) -> None:
    path = copy / "checkpoint"
    note = Note.parse(path.read_text(encoding="utf-8"))
    head = Checkpoint.parse(note.text)
    path.write_text(str(Note(Checkpoint(ORIGIN, head.size, bytes(32)).text(), note.signatures)), encoding="utf-8")
    kinds = [finding.kind for finding in verify(copy, keys=[key]).findings]
    assert kinds[0] == "checkpoint"


def test_personal_values_are_checked_and_may_be_missing(tmp_path: Path) -> None:
    salt = "00" * 16
    fields = {"actor.name": commitment(salt, "actor.name", "Anna")}
    text = msgspec.json.encode({"id": "led_0", "personal": [{"subject": "per_1", "fields": fields}]})
    public = write(tmp_path / "log", [text], tmp_path / "key")
    report = verify(public)
    assert (report.right, report.disclosed, report.erased) == (True, 0, 1)
    right = Disclosure("led_0", "per_1", salt, {"actor.name": "Anna"})
    (public / FILE).write_bytes(msgspec.json.encode(right) + b"\n")
    report = verify(public)
    assert (report.right, report.disclosed, report.erased) == (True, 1, 0)
    wrong = Disclosure("led_0", "per_1", salt, {"actor.name": "Boris"})
    (public / FILE).write_bytes(msgspec.json.encode(wrong) + b"\n")
    (finding,) = verify(public).findings
    assert (finding.kind, finding.first) == ("personal", 0)
