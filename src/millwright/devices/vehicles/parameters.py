"""Parameters and control commands of terminals as data (GB/T 32960.3-2016, annex B): names, numbers, sizes, ranges.

A parameter is a property ``terminal.…`` of the vehicle: what is settable is written by the setting command (0x81), all
are asked for by the query command (0x80). A control command (0x82) is a service.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from millwright.devices.vehicles.frames import Command

QUERY, SET, CONTROL = Command.QUERY, Command.SET, Command.CONTROL
QUERY_SERVICE: Final = "query_parameters"
NAMES_INPUT: Final = "names"
LEVEL_INPUT: Final = "level"


class Parameter(NamedTuple):
    """A parameter: ``size`` bytes, a number unless ``text``; ``length_id`` is that of its length, for texts that vary.

    ``digits``: the value is the number divided by ten to it.
    """

    id: int
    name: str
    size: int
    title: str
    title_zh: str
    unit: str | None = None
    least: int = 0
    most: int = 0
    digits: int = 0
    text: bool = False
    length_id: int | None = None
    settable: bool = True
    flag: bool = False
    """1 is yes, 2 is no."""


PARAMETERS: Final = (
    Parameter(0x01, "terminal.storage_period", 2, "Period of local storage", "本地存储时间周期", "s", 0, 60_000, 3),
    Parameter(0x02, "terminal.report_period", 2, "Period of reports", "正常时信息上报周期", "s", 1, 600),
    Parameter(0x03, "terminal.alarm_report_period", 2, "Period of reports in alarm", "报警时信息上报周期", "s",
              0, 60_000, 3),
    Parameter(0x05, "terminal.platform_host", 0, "Platform's host", "远程服务与管理平台域名", text=True,
              length_id=0x04),
    Parameter(0x06, "terminal.platform_port", 2, "Platform's port", "远程服务与管理平台端口", None, 0, 65_531),
    Parameter(0x07, "terminal.hardware", 5, "Hardware version", "硬件版本", text=True, settable=False),
    Parameter(0x08, "terminal.firmware", 5, "Firmware version", "固件版本", text=True, settable=False),
    Parameter(0x09, "terminal.heartbeat_period", 1, "Period of heartbeats", "心跳发送周期", "s", 1, 240),
    Parameter(0x0A, "terminal.answer_timeout", 2, "Time to answer of the terminal", "终端应答超时时间", "s", 1, 600),
    Parameter(0x0B, "terminal.platform_timeout", 2, "Time to answer of the platform", "平台应答超时时间", "s", 1, 600),
    Parameter(0x0C, "terminal.login_pause", 1, "Pause after three refused logins", "三次登入失败后的间隔时间", "min",
              1, 240),
    Parameter(0x0E, "terminal.public_host", 0, "Public platform's host", "公共平台域名", text=True, length_id=0x0D),
    Parameter(0x0F, "terminal.public_port", 2, "Public platform's port", "公共平台端口", None, 0, 65_531),
    Parameter(0x10, "terminal.sampled", 1, "Is being sampled", "是否处于抽样监测中", flag=True, settable=False),
)  # fmt: skip
"""Table of parameters; domains are two items each, their length and their text."""

BY_NAME: Final[Mapping[str, Parameter]] = {each.name: each for each in PARAMETERS}
BY_ID: Final[Mapping[int, Parameter]] = {each.id: each for each in PARAMETERS}
LENGTHS: Final[Mapping[int, Parameter]] = {each.length_id: each for each in PARAMETERS if each.length_id is not None}


class Control(NamedTuple):
    """A control command; ``levelled``: it has an alarm level as its parameter."""

    id: int
    name: str
    title: str
    title_zh: str
    levelled: bool = False


CONTROLS: Final = (
    Control(0x02, "terminal_shut_down", "Shut the terminal down", "车载终端关机"),
    Control(0x03, "terminal_reset", "Reset the terminal", "车载终端复位"),
    Control(0x04, "terminal_factory_reset", "Restore the terminal's factory settings", "车载终端恢复出厂设置"),
    Control(0x05, "terminal_disconnect", "Cut the data link", "断开数据通信链路"),
    Control(0x06, "terminal_warn", "Alarm or warning at the terminal", "车载终端报警/预警", levelled=True),
    Control(0x07, "terminal_sample", "Open the link for sampling", "开启抽样监测链路"),
)
BY_SERVICE: Final[Mapping[str, Control]] = {each.name: each for each in CONTROLS}

UNVERIFIED: Final = {
    "2016 annex B, parameters 0x01 to 0x10": "Numbers, sizes and ranges agree among four readers of others and were "
    "not checked against the text.",
    "2016 annex B, parameters 0x01 and 0x03": "Taken as milliseconds from 0; one reader of others has them from 1.",
    "2016 annex B, answer to a query": "Time, number of parameters, parameters; one terminal of others leaves the "
    "number out and is not understood here.",
    "2016 annex B, answer to a setting or control": "The flag and the time of the question. A terminal that states "
    "another time is understood while one command of its kind is under way.",
    "2016 annex B, control 0x06": "Levels 0 (none) to 3 from two readers of others.",
    "2016 annex B, control 0x01, remote upgrade": "Left out: sources differ in order and coding of its parameters.",
    "2025, commands 0x80 to 0x82": "Sent as in 2016; not checked against the text.",
}
"""What could not be checked against the text of the standard."""


def is_for_vehicles(kind: str, name: str) -> bool:
    """Whether a command is one that terminals of GB/T 32960 take."""
    if kind == "write":
        return name in BY_NAME
    return name == QUERY_SERVICE or name in BY_SERVICE
