"""What a witness co-signs and what it refuses (C2SP tlog-witness)."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from millwright.kernel import Invalid, ManualClock
from millwright.ledger import COSIGNATURE, Checkpoint, KeyFile, Log, LogInfo, Note, Signer, Witness, WitnessLink
from millwright.ledger.merkle import Algorithm
from millwright.ledger.notes import find_cosigned_s, sign
from millwright.ledger.witness import Refused, parse_request

ORIGIN = "example.com/log"


class Setting:
    """A log and a witness that knows it."""

    def __init__(self, folder: Path, algorithm: Algorithm = "sha256") -> None:
        self.folder = folder
        self.log = Log(folder / "log", LogInfo(ORIGIN, algorithm, 0), KeyFile(folder / "key"))
        self.signer = KeyFile(folder / "key").load(ORIGIN)[0]
        self.key = Signer.generate("witness", COSIGNATURE)
        self.clock = ManualClock(1_700_000_000_000)
        self.algorithms: dict[str, Algorithm] = {ORIGIN: algorithm}
        self.witness = self.again()

    def again(self) -> Witness:
        """The witness after a restart."""
        return Witness(self.folder / "w", self.key, [self.signer.verifier], self.clock, self.algorithms)

    def grow(self, count: int) -> Note:
        first = self.log.size
        self.log.append([b"entry %d" % (first + number) for number in range(count)])
        note = self.log.publish()
        assert note is not None
        return note

    def submit(self, old: int, note: Note) -> str:
        size = Checkpoint.parse(note.text).size
        return self.witness.add(old, self.log.reader.consistency(old, size), note)


@pytest.mark.parametrize("algorithm", ["sha256", "sm3"])
def test_a_log_that_only_grows_is_cosigned(tmp_path: Path, algorithm: Algorithm) -> None:
    setting = Setting(tmp_path, algorithm)
    size = 0
    for count in (3, 300, 1, 700):
        note = setting.grow(count)
        lines = setting.submit(size, note)
        assert find_cosigned_s(Note(note.text).with_signatures(lines), setting.key.verifier) == 1_700_000_000
        size += count
        setting.witness = setting.again()
    assert setting.submit(size, note) == setting.submit(size, note)  # the same again is no change
    assert len(list((tmp_path / "w").glob("*/seen/*"))) == 4
    setting.log.close()


def test_refusals_are_those_of_the_protocol(tmp_path: Path) -> None:
    setting = Setting(tmp_path)
    first = setting.grow(10)
    setting.submit(0, first)
    second = setting.grow(10)

    def refused(old: int, proof: list[bytes], note: Note) -> tuple[int, int | None]:
        with pytest.raises(Refused) as caught:
            setting.witness.add(old, proof, note)
        return caught.value.status, caught.value.size

    proof = list(setting.log.reader.consistency(10, 20))
    stranger = Signer.generate(ORIGIN)
    assert refused(10, proof, sign(second.text, [stranger])) == (403, None)
    assert refused(0, [], sign("example.com/other\n1\n" + base64.b64encode(bytes(32)).decode() + "\n", [])) == (
        404,
        None,
    )
    assert refused(21, proof, second) == (400, None)
    assert refused(0, [], second) == (409, 10)
    assert refused(5, list(setting.log.reader.consistency(5, 20)), second) == (409, 10)
    assert refused(10, proof[:-1], second) == (422, None)
    assert refused(10, [bytes(32)] * len(proof), second) == (422, None)
    fork = sign(Checkpoint(ORIGIN, 20, bytes(32)).text(), [setting.signer])
    assert refused(10, proof, fork) == (422, None)
    same_size = sign(Checkpoint(ORIGIN, 10, bytes(32)).text(), [setting.signer])
    assert refused(10, [], same_size) == (409, 10)
    setting.submit(10, second)
    assert refused(20, [], first) == (400, None)
    assert refused(10, proof, second) == (409, 20)
    setting.log.close()


def test_requests_are_read_strictly(tmp_path: Path) -> None:
    setting = Setting(tmp_path)
    note = setting.grow(1)
    setting.log.close()
    assert parse_request(f"old 0\n\n{note}".encode()) == (0, [], note)
    line = base64.b64encode(bytes(32)).decode()
    assert parse_request(f"old 5\n{line}\n\n{note}".encode())[:2] == (5, [bytes(32)])
    for text in (
        "",
        "old 0\n",
        "old 01\n\nx",
        "old -1\n\nx",
        "new 0\n\nx",
        f"old 1\n{'A' * 8}\n\nx",
        "old 0\n\nnothing",
    ):
        with pytest.raises((ValueError, Invalid)):
            parse_request(text.encode())
    with pytest.raises(ValueError):
        parse_request(("old 1\n" + f"{line}\n" * 64 + f"\n{note}").encode())


def test_a_witness_is_named_by_address_and_key() -> None:
    key = Signer.generate("witness", COSIGNATURE).verifier
    link = WitnessLink.parse(f"https://witness.example/ {key}")
    assert (link.url, link.key) == ("https://witness.example", key)
    for text in ("", "https://witness.example", f"ftp://x {key}", f"https://x {Signer.generate('log').verifier}"):
        with pytest.raises(Invalid):
            WitnessLink.parse(text)
