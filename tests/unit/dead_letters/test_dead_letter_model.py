"""Dead letters: their subjects, and how they become intake again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from millwright.devices.dead_letters.model import DeadLetter, decode, device_of, encode, reason_of, subject_of
from millwright.devices.dead_letters.service import _frame_of
from millwright.devices.intake import FLAG_ACKNOWLEDGED, FLAG_DUPLICATE, FLAG_REPLAYED, decode_frame
from millwright.devices.telemetry import REASONS


def letter(reason="telemetry.not_json", device="dev_1", flags=0):
    return DeadLetter(reason, "text", device, "v1/devices/me/telemetry", b"{", 5, flags)


@pytest.mark.parametrize("reason", sorted(REASONS))
def test_a_subject_carries_reason_and_device(reason):
    subject = subject_of(letter(reason))
    assert subject.count(".") == 2
    assert reason_of(subject) == reason
    assert device_of(subject) == "dev_1"
    assert device_of(subject_of(letter(reason, device=""))) is None


@given(st.text(max_size=40))
def test_any_sender_makes_a_valid_subject(device):
    assert set(subject_of(letter(device=device)).split(".", 2)[2]).isdisjoint(" .*>\t\r\n\0")


def test_a_letter_survives_its_encoding():
    assert decode(encode(letter(flags=3))) == letter(flags=3)


def test_a_replay_is_marked_and_every_attempt_differs():
    first = decode_frame(_frame_of(letter(flags=FLAG_ACKNOWLEDGED | FLAG_DUPLICATE))).runs[0]
    assert first.flags & FLAG_REPLAYED
    assert not first.flags & FLAG_DUPLICATE
    assert (first.device_id, first.received_ms, first.payloads) == ("dev_1", 5, [b"{"])
    second = decode_frame(_frame_of(letter(flags=first.flags))).runs[0]
    assert second.flags != first.flags
    assert second.flags & FLAG_REPLAYED


def test_a_damaged_frame_is_replayed_as_it_was():
    assert _frame_of(letter("telemetry.frame_unreadable")) == b"{"
