"""What counts as abnormal: from the figures of all processes to what is worth a finding. No I/O."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from millwright.identity.operation.model import Candidate, ItemFigures, KindFigures, SourceFigures, Told
from millwright.identity.operation.settings import MonitoringSettings
from millwright.identity.operation.sketches import Distinct

_MISS_SHARE = 1 / 3
_RUN_SHARE = 0.6
_GUESS_SHARE = 0.2
_KIND_OF = 5
"""Of a kind with fewer things nothing is unusual."""


def abnormal(told: Iterable[Told], settings: MonitoringSettings, at_ms: int) -> Iterator[Candidate]:
    """What is abnormal in the newest figures of each process."""
    newest = list(told)
    window, day = max((each.window for each in newest), default=0), max((each.day for each in newest), default=0)
    sources: dict[str, list[SourceFigures]] = {}
    items: dict[str, list[ItemFigures]] = {}
    kinds: dict[str, list[KindFigures]] = {}
    for each in newest:
        if each.window == window:
            for source in each.sources:
                sources.setdefault(source.network, []).append(source)
        if each.day == day:
            for item in each.items:
                items.setdefault(item.name, []).append(item)
            for kind in each.kinds:
                kinds.setdefault(kind.stem, []).append(kind)
    for network, figures in sources.items():
        yield from _of_source(network, figures, settings, window, at_ms)
    for stem, of_kind in kinds.items():
        yield from _of_kind(stem, of_kind, settings, day, at_ms)
    for name, of_item in items.items():
        # The longest beginning: one of those that stand in the settings may begin another.
        longest = max((each for each in kinds if name.startswith(each)), key=len, default=None)
        if longest is not None:
            yield from _of_item(name, of_item, kinds[longest], settings, day, at_ms)


def _of_source(
    network: str, figures: Sequence[SourceFigures], settings: MonitoringSettings, period: int, at_ms: int
) -> Iterator[Candidate]:
    asked, missed = sum(each.asked for each in figures), sum(each.missed for each in figures)
    # A sketch is wrong by some parts of a hundred; there are no more names than questions.
    names = min(distinct(each.names for each in figures), asked)
    longest = max(figures, key=lambda each: each.run)
    base: dict[str, Any] = {
        "asked": asked,
        "missed": missed,
        "names": names,
        "window_min": settings.window_min,
        "interfaces": sorted({one for each in figures for one in each.interfaces}),
    }
    samples = tuple(dict.fromkeys(one for each in figures for one in each.samples))
    if longest.run >= settings.scraping_run and longest.run >= _RUN_SHARE * longest.run_asked:
        more = {"run": longest.run, "from": longest.run_from, "to": longest.run_to, "threshold": settings.scraping_run}
        ends = (longest.run_from, longest.run_to)
        yield Candidate(
            kind="enumeration", subject=network, period=period, at_ms=at_ms, evidence=base | more,
            names=tuple(dict.fromkeys(ends + samples)),
        )  # fmt: skip
        # It says more than that there are many names or misses.
        return
    if missed >= settings.scraping_misses and missed > _MISS_SHARE * asked:
        more = {"threshold": settings.scraping_misses}
        yield Candidate(
            kind="misses", subject=network, period=period, at_ms=at_ms, evidence=base | more, names=samples
        )  # fmt: skip
    elif names >= settings.scraping_names:
        more = {"threshold": settings.scraping_names}
        yield Candidate(
            kind="scraping", subject=network, period=period, at_ms=at_ms, evidence=base | more, names=samples
        )  # fmt: skip


def _of_kind(
    stem: str, figures: Sequence[KindFigures], settings: MonitoringSettings, period: int, at_ms: int
) -> Iterator[Candidate]:
    found, missing = distinct(each.found for each in figures), distinct(each.missing for each in figures)
    if found and missing >= settings.guessed_serials and missing >= _GUESS_SHARE * (missing + found):
        yield Candidate(
            kind="guessing",
            subject=stem,
            period=period,
            at_ms=at_ms,
            evidence={
                "missing": missing,
                "found": found,
                "networks": distinct(each.guessers for each in figures),
                "threshold": settings.guessed_serials,
            },
            names=tuple(dict.fromkeys(one for each in figures for one in each.samples)),
        )


def _of_item(
    name: str,
    figures: Sequence[ItemFigures],
    kinds: Sequence[KindFigures],
    settings: MonitoringSettings,
    period: int,
    at_ms: int,
) -> Iterator[Candidate]:
    asked, networks = sum(each.asked for each in figures), distinct(each.networks for each in figures)
    networks = min(networks, asked)
    others = distinct(each.found for each in kinds) - 1
    of_others = max(sum(each.asked for each in kinds) - asked, 0)
    if networks < settings.counterfeit_sources or others < _KIND_OF - 1:
        return
    mean = max(of_others / others, 1.0)
    if asked >= settings.counterfeit_factor * mean:
        yield Candidate(
            kind="counterfeit",
            subject=name,
            period=period,
            at_ms=at_ms,
            evidence={
                "asked": asked,
                "networks": networks,
                "others": others,
                "mean_of_others": round(mean, 2),
                "threshold": settings.counterfeit_sources,
                "factor": settings.counterfeit_factor,
            },
            names=(name,),
        )


def distinct(registers: Iterable[bytes]) -> int:
    """How many distinct things several sketches have seen together."""
    total: Distinct | None = None
    for each in registers:
        if total is None:
            total = Distinct(each)
        else:
            total.merge(each)
    return 0 if total is None else total.count()
