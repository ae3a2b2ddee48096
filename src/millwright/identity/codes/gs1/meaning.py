"""What values stand for: dates as ISO 8601, quantities with their unit, countries."""

from __future__ import annotations

from millwright.identity.codes.gs1.checks import day_of
from millwright.identity.codes.gs1.lists import COUNTRIES
from millwright.identity.codes.gs1.table import ApplicationIdentifier

_DATES = frozenset({"11", "12", "13", "15", "16", "17", "4326", "7006", "7250"})
_TIMES = frozenset({"4324", "4325", "7003", "7011", "8008"})
_COUNTRIES = frozenset({"421", "422", "423", "424", "425", "426"}) | {f"703{number}" for number in range(10)}
_AMOUNTS = frozenset({"390", "391", "392", "393", "394", "395"})


def meaning_of(entry: ApplicationIdentifier, value: str) -> str:
    """What a valid value stands for; nothing where the value speaks for itself."""
    ai = entry.ai
    if ai in _DATES:
        return day_of(value).iso()
    if len(ai) == 4:
        if "31" <= ai[:2] <= "36":
            unit = entry.title.partition("(")[2].rpartition(")")[0]
            return f"{_decimal(value, int(ai[3]))} {unit}".rstrip()
        if ai[:3] in _AMOUNTS:
            return _amount(ai, value)
        if ai in _TIMES:
            return _time(value)
    if ai in _COUNTRIES:
        return _countries(ai, value)
    if ai == "7007":
        return "/".join(day_of(value[at : at + 6]).iso() for at in range(0, len(value), 6))
    if ai == "7251":
        return f"{day_of(value[:8]).iso()}T{value[8:10]}:{value[10:]}"
    if ai == "4309":
        return f"{_degrees(value[:10], 90)}, {_degrees(value[10:], 180)}"
    return ""


def _decimal(digits: str, places: int) -> str:
    whole = digits[: len(digits) - places].lstrip("0") or "0"
    return f"{whole}.{digits[len(digits) - places :]}" if places else whole


def _amount(ai: str, value: str) -> str:
    places = int(ai[3])
    if ai[:3] in ("391", "393"):
        return f"{_decimal(value[3:].zfill(places + 1), places)} (ISO 4217 {value[:3]})"
    amount = _decimal(value.zfill(places + 1), places)
    return f"{amount} %" if ai.startswith("394") else amount


def _time(value: str) -> str:
    day = day_of(value[:6]).iso()
    clock = value[6:]
    if not clock or clock == "9999":
        return day
    return f"{day}T" + ":".join(clock[at : at + 2] for at in range(0, len(clock), 2))


def _countries(ai: str, value: str) -> str:
    if ai in ("423", "425"):
        return " ".join(COUNTRIES[value[at : at + 3]] for at in range(0, len(value), 3))
    return COUNTRIES.get(value[:3], "")


def _degrees(digits: str, zero: int) -> str:
    # Clause 3.5.10: ten-millionths of a degree, latitude counted from the south pole.
    number = int(digits) - 900_000_000
    if zero == 180:
        # Longitude runs east from Greenwich and passes 180 degrees.
        number = int(digits) if int(digits) <= 1_800_000_000 else int(digits) - 3_600_000_000
    sign = "-" if number < 0 else ""
    return f"{sign}{abs(number) // 10_000_000}.{abs(number) % 10_000_000:07}"
