"""The log in a folder: growing, being killed, finding broken tails, keys."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from millwright.kernel import Conflict, Corrupt, Denied, Invalid
from millwright.ledger import LOG, Checkpoint, KeyFile, Log, LogInfo, LogReader, Note, Signer, Verifier, verify
from millwright.ledger.log.log import MOST_ENTRY_BYTES
from millwright.ledger.merkle import ALGORITHMS, Algorithm, Hasher, consistent
from millwright.ledger.notes import LOG_SM2, signed_by

INFO = LogInfo("example.com/log", "sha256", 0)


def open_log(folder: Path, *, algorithm: Algorithm = "sha256", journal_bytes: int = 200_000) -> Log:
    info = LogInfo(INFO.origin, algorithm, 0)
    return Log(folder / "log", info, KeyFile(folder / "key"), journal_bytes=journal_bytes)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_what_was_appended_is_there_after_any_number_of_openings(tmp_path: Path, algorithm: Algorithm) -> None:
    dice = random.Random(7)
    entries: list[bytes] = []
    heads: list[Checkpoint] = []
    log = open_log(tmp_path, algorithm=algorithm)
    for _ in range(60):
        batch = [b"%d " % (len(entries) + n) * dice.randint(1, 40) for n in range(dice.choice([1, 2, 30, 600]))]
        assert log.append(batch) == len(entries)
        entries += batch
        if dice.random() < 0.5:
            note = log.publish()
            assert note is not None
            heads.append(Checkpoint.parse(note.text))
        if dice.random() < 0.15:
            log.close()
            log = open_log(tmp_path, algorithm=algorithm)
            assert log.size == len(entries)
    log.publish()
    size = len(entries)
    assert [log.reader.entry(index, size) for index in range(0, size, 37)] == entries[::37]
    root = log.reader.checkpoint().root
    hasher = Hasher(algorithm)
    for head in heads:
        proof = log.reader.consistency(head.size, size)
        assert consistent(hasher, head.size, head.root, size, root, proof)
    log.close()
    assert verify(tmp_path / "log" / "public").right


WRITER = """
import sys
from pathlib import Path
from millwright.ledger import KeyFile, Log, LogInfo
folder = Path(sys.argv[1])
log = Log(folder / "log", LogInfo("example.com/log", "sha256", 0), KeyFile(folder / "key"), journal_bytes=60_000)
number = log.size
while True:
    batch = [b"entry %d " % (number + n) * 20 for n in range(1 + number % 97)]
    log.append(batch)
    number += len(batch)
    print(number, flush=True)   # from here on it must never be lost
    if number % 3:
        print("signed", str(log.publish()).encode().hex(), flush=True)
"""


@pytest.mark.timeout(180)
def test_killed_in_mid_append_it_keeps_what_it_said_and_never_forks(tmp_path: Path) -> None:
    dice = random.Random(os.environ.get("PYTHONHASHSEED", "1"))
    signed: list[Checkpoint] = []
    kept = 0
    for _ in range(8):
        process = subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        lines = [process.stdout.readline()]  # it has started and said something
        time.sleep(dice.uniform(0.01, 0.3))
        process.send_signal(signal.SIGKILL)
        lines += process.stdout.readlines()
        process.wait()
        process.stdout.close()
        for line in lines:
            if line.endswith("\n") and line.startswith("signed"):
                text = bytes.fromhex(line.split()[1]).decode()
                signed.append(Checkpoint.parse(text.split("\n\n")[0] + "\n"))
            elif line.endswith("\n"):
                kept = max(kept, int(line))
    assert kept > 100
    assert len(signed) > 5
    log = open_log(tmp_path, journal_bytes=60_000)
    assert log.size >= kept
    log.publish()
    for index in (0, 1, kept // 2, kept - 1):
        assert log.reader.entry(index, log.size).startswith(b"entry %d " % index)
    head = log.reader.checkpoint()
    for old in signed:
        proof = log.reader.consistency(old.size, head.size)
        assert consistent(Hasher("sha256"), old.size, old.root, head.size, head.root, proof)
    log.close()
    assert verify(tmp_path / "log" / "public").right


def test_killed_between_tiles_and_signature_it_signs_when_it_is_next_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = open_log(tmp_path, journal_bytes=1000)
    log.append([b"signed"] * 300)
    log.publish()
    log.append([b"not yet"] * 300)
    with monkeypatch.context() as killed:
        killed.setattr(Log, "_sign", lambda self: os.close(-1))
        with pytest.raises(OSError):
            log.publish()
    os.close(log._lock)
    assert verify(tmp_path / "log" / "public").right
    log = open_log(tmp_path, journal_bytes=1000)
    assert verify(tmp_path / "log" / "public").right
    log.publish()
    assert log.reader.checkpoint().size == 600
    assert verify(tmp_path / "log" / "public").right
    log.close()


@pytest.mark.parametrize("tail", [b"\x00", b"\x00" * 4096, os.urandom(999), b"\x00\x00\x00\x05abc", b"cut"])
def test_a_broken_tail_of_the_journal_is_cut_off(tmp_path: Path, tail: bytes) -> None:
    log = open_log(tmp_path)
    log.append([b"one", b"two"])
    log.close()
    journal = tmp_path / "log" / "journal"
    with journal.open("r+b") as file:
        if tail == b"cut":
            file.truncate(journal.stat().st_size - 2)
        else:
            file.seek(0, 2)
            file.write(tail)
    if tail == b"cut":  # a signed entry is gone: this is no crash, and it says so
        with pytest.raises(Corrupt) as lost:
            open_log(tmp_path)
        assert lost.value.code == "ledger.entries_lost"
        return
    log = open_log(tmp_path)
    assert log.size == 2
    assert log.append([b"three"]) == 2
    log.close()
    assert open_log(tmp_path).reader.entry(2, 3) == b"three"


def test_half_written_tiles_are_made_anew(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    log.append([b"%d" % number for number in range(700)])
    log.close()
    for path in (tmp_path / "log" / "public" / "tile").rglob("*"):
        if path.is_file():
            path.write_bytes(path.read_bytes()[:10])
    log = open_log(tmp_path)
    assert log.reader.entry(699, 700) == b"699"
    log.close()
    assert verify(tmp_path / "log" / "public").right


def test_a_changed_journal_is_not_signed_over(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    log.append([b"first"])
    log.close()
    other = open_log(tmp_path / "other")
    other.append([b"FIRST"])
    other.close()
    (tmp_path / "log" / "journal").write_bytes((tmp_path / "other" / "log" / "journal").read_bytes())
    with pytest.raises(Corrupt) as forked:
        open_log(tmp_path)
    assert forked.value.code == "ledger.forked"


def test_one_writer_only(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    with pytest.raises(Conflict):
        open_log(tmp_path)
    log.close()
    open_log(tmp_path).close()


def test_entries_have_a_size(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    for entry in (b"", b"x" * (MOST_ENTRY_BYTES + 1)):
        with pytest.raises(Invalid):
            log.append([b"fine", entry])
    assert log.size == 0
    log.append([b"x" * MOST_ENTRY_BYTES])
    log.close()


def test_keys_are_private_and_rotate(tmp_path: Path) -> None:
    keys = KeyFile(tmp_path / "key")
    log = open_log(tmp_path)
    log.append([b"one"])
    log.publish()
    (old,) = keys.load(INFO.origin)
    assert (tmp_path / "key").stat().st_mode & 0o777 == 0o600
    (new,) = keys.rotate(INFO.origin)
    os.utime(tmp_path / "key", ns=(1, 1))
    note = log.publish()
    assert note is not None
    assert signed_by(note, old.verifier)
    assert signed_by(note, new.verifier)
    assert keys.retire(INFO.origin) == [old]
    note = log.publish()
    assert note is not None
    assert not signed_by(note, old.verifier)
    assert signed_by(note, new.verifier)
    log.close()
    assert verify(tmp_path / "log" / "public", keys=[new.verifier]).right
    assert not verify(tmp_path / "log" / "public", keys=[old.verifier]).right
    (tmp_path / "key").chmod(0o644)
    with pytest.raises(Denied) as refused:
        keys.load(INFO.origin)
    assert refused.value.code == "ledger.key_open_to_others"


def test_old_partial_files_go_when_their_tile_is_full(tmp_path: Path) -> None:
    log = open_log(tmp_path, journal_bytes=2000)
    for number in range(600):
        log.append([b"entry %d" % number])
        log.publish()
    partial = [path for path in (tmp_path / "log" / "public" / "tile").rglob("*.p") if path.is_dir()]
    assert {path.name for path in partial} <= {"002.p", "000.p", "001.p"}
    assert not (tmp_path / "log" / "public" / "tile" / "entries" / "000.p").exists()
    reader = LogReader.in_folder(Hasher("sha256"), tmp_path / "log" / "public")
    assert reader.entry(10, 100) == b"entry 10"  # from the full bundle, though a log of 100 had a partial one
    log.close()


def test_sm2_signs_beside_ed25519_once_it_is_chosen(tmp_path: Path) -> None:
    file = tmp_path / "key"
    log = open_log(tmp_path)
    log.append([b"before"])
    log.publish()
    log.close()
    national = KeyFile(file, (LOG, LOG_SM2))
    log = Log(tmp_path / "log", INFO, national)
    note = log.publish()
    assert note is not None
    ed25519, sm2 = (each.verifier for each in national.load(INFO.origin))
    assert (len(note.signatures), ed25519.kind, sm2.kind) == (2, LOG, LOG_SM2)
    assert signed_by(note, ed25519)
    assert signed_by(note, sm2)
    assert Verifier.parse(str(sm2)) == sm2
    altered = Note(note.text.replace("\n1\n", "\n2\n"), note.signatures)
    assert not signed_by(altered, sm2)
    log.close()
    for key in (str(ed25519), str(sm2)):
        report = verify(tmp_path / "log" / "public", keys=[Verifier.parse(key)])
        assert report.right
        assert report.trusted_key
    new = national.rotate(INFO.origin)
    assert [each.kind for each in new] == [LOG, LOG_SM2]
    assert [each.verifier for each in national.retire(INFO.origin)] == [ed25519, sm2]
    assert KeyFile(file).load(INFO.origin) == [new[0]]  # chosen no more: kept, and not signing
    assert national.load(INFO.origin) == new


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl, which checks the signature, is not installed")
def test_openssl_accepts_what_sm2_signs(tmp_path: Path) -> None:
    signer = Signer.generate("example.com/log", LOG_SM2)
    message, made = b"a tree head\n", signer.sign(b"a tree head\n")
    (tmp_path / "message").write_bytes(message)
    # SubjectPublicKeyInfo with the curve 1.2.156.10197.1.301, and the two integers as a DER sequence
    named_curve = bytes.fromhex("301306072a8648ce3d020106082a811ccf5501822d")
    (tmp_path / "key.der").write_bytes(b"\x30\x59" + named_curve + b"\x03\x42\x00\x04" + signer.verifier.public)
    parts = [half.lstrip(b"\0") for half in (made[:32], made[32:])]
    integers = [(b"\0" if half[0] & 0x80 else b"") + half for half in parts]
    body = b"".join(b"\x02" + bytes([len(each)]) + each for each in integers)
    (tmp_path / "signature").write_bytes(b"\x30" + bytes([len(body)]) + body)
    asked = ["pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-inkey", "key.der", "-rawin", "-digest", "sm3"]
    asked += ["-in", "message", "-sigfile", "signature", "-pkeyopt", "distid:1234567812345678"]
    said = subprocess.run(["openssl", *asked], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert said.stdout.strip() == "Signature Verified Successfully", said.stderr
