import pytest

from millwright.kernel import Lifecycle


class Recorded:
    def __init__(self, name: str, log: list[str], fails: str = "") -> None:
        self.name, self.log, self.fails = name, log, fails

    async def start(self) -> None:
        self.log.append(f"+{self.name}")
        if self.fails == "start":
            raise OSError(self.name)

    async def stop(self) -> None:
        self.log.append(f"-{self.name}")
        if self.fails == "stop":
            raise OSError(self.name)


async def test_parts_stop_in_reverse() -> None:
    log: list[str] = []
    async with Lifecycle(Recorded("a", log), Recorded("b", log)):
        pass
    assert log == ["+a", "+b", "-b", "-a"]


async def test_a_failed_start_stops_what_was_started() -> None:
    log: list[str] = []
    with pytest.raises(OSError, match="b"):
        await Lifecycle(Recorded("a", log), Recorded("b", log, "start"), Recorded("c", log)).start()
    assert log == ["+a", "+b", "-b", "-a"]


async def test_a_failed_stop_does_not_keep_the_others() -> None:
    log: list[str] = []
    async with Lifecycle(Recorded("a", log), Recorded("b", log, "stop")):
        pass
    assert log[-1] == "-a"
