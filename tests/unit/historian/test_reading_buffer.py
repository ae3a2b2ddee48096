"""The buffer between the pipeline and the engine."""

from __future__ import annotations

from millwright.historian import Reading, ReadingBatch, SeriesId, SeriesInfo
from millwright.historian.buffer import ReadingBuffer


def _batch(*numbers: float) -> ReadingBatch:
    return ReadingBatch.of([Reading(SeriesId(1), 0, number) for number in numbers])


def test_everything_is_taken_once_in_order() -> None:
    buffer = ReadingBuffer(10)
    assert buffer.take() is None
    first = buffer.add(_batch(1, 2), [SeriesInfo.of("d", "a")])
    second = buffer.add(_batch(3), [SeriesInfo.of("d", "a", unit="Cel")])
    taken = buffer.take()
    assert taken is not None
    assert second == first + 1 == taken.ticket
    assert taken.batch.number.tolist() == [1, 2, 3]
    assert [entry.unit for entry in taken.new_series] == ["Cel"]
    assert buffer.take() is None
    assert len(buffer) == 0


def test_what_was_put_back_comes_before_what_came_meanwhile() -> None:
    buffer = ReadingBuffer(10)
    buffer.add(_batch(1), [SeriesInfo.of("d", "a"), SeriesInfo.of("d", "b")])
    taken = buffer.take()
    assert taken is not None
    buffer.add(_batch(2), [SeriesInfo.of("d", "a", unit="Cel")])
    buffer.put_back(taken)
    again = buffer.take()
    assert again is not None
    assert again.batch.number.tolist() == [1, 2]
    assert [(e.property, e.unit) for e in again.new_series] == [("a", "Cel"), ("b", None)]
    assert again.ticket == 2


def test_put_back_alone_can_be_taken_again() -> None:
    buffer = ReadingBuffer(10)
    ticket = buffer.add(ReadingBatch.empty(), [])
    taken = buffer.take()
    assert taken is not None
    buffer.put_back(taken)
    again = buffer.take()
    assert again is not None
    assert again.ticket == ticket


def test_it_is_full_at_its_limit_but_takes_any_batch_when_empty() -> None:
    buffer = ReadingBuffer(3)
    assert buffer.fits(100)
    buffer.add(_batch(1, 2), [])
    assert buffer.fits(1)
    assert not buffer.fits(2)
