"""What ``identifiers operation`` prints for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import click

from millwright.cli.output import format_time, print_table

_KINDS = {
    "scraping": "many names of one network",
    "enumeration": "names one after another",
    "misses": "many names that do not exist",
    "counterfeit": "one thing asked for everywhere",
    "guessing": "serial numbers tried out",
}
_COUNTED = {
    "scraping": "{names:,} names, {asked:,} questions",
    "enumeration": "{run:,} in a row, {asked:,} questions",
    "misses": "{missed:,} of {asked:,} questions",
    "counterfeit": "{networks:,} networks, {asked:,} questions, others {mean_of_others:g}",
    "guessing": "{missing:,} missing, {found:,} found",
}


def show(
    found: Mapping[str, Any],
    node: Mapping[str, Any] | None,
    hot: Sequence[Mapping[str, Any]],
    findings: Sequence[Mapping[str, Any]],
) -> None:
    """The node as a whole where that may be seen, hot identifiers, prefixes without a filing, open findings."""
    if node is not None:
        _node(node)
        click.echo()
    rows: list[tuple[Any, ...]] = [(each["name"], f"{each['count']:,}", each["registered"]) for each in hot]
    print_table(["hot in the last hour", "asked", "registered"], rows, empty="No identifier was asked for.")
    click.echo()
    rows = [(each["prefix"], each["organisation_name"], format_time(each["granted_ms"])) for each in found["unfiled"]]
    print_table(
        ["no accepted filing", "holder", "in force since"],
        rows,
        empty=f"No prefix is without an accepted filing for more than {found['unfiled_days']} days.",
    )
    click.echo()
    rows = [
        (
            _KINDS.get(each["kind"], each["kind"]),
            each["subject"],
            _COUNTED[each["kind"]].format(**each["evidence"]) if each["kind"] in _COUNTED else "",
            each["times"],
            format_time(each["last_ms"]),
        )
        for each in findings
    ]
    print_table(["abnormal", "who or what", "counted", "times", "last"], rows, empty="Nothing abnormal is open.")


def _node(node: Mapping[str, Any]) -> None:
    click.echo(
        f"{node['rate_per_s']:,.1f} questions a second; in the last hour {node['asked']:,}, "
        f"{_percent(node['hit_ratio'])} found, {node['failed']:,} failed; "
        f"half within {_time(node['p50_us'])}, 99 of 100 within {_time(node['p99_us'])}"
    )
    if node["cache_hit_ratio"] is not None:
        click.echo(f"names of elsewhere: {_percent(node['cache_hit_ratio'])} answered from the cache")
    click.echo()
    rows: list[tuple[Any, ...]] = [
        (each["interface"], f"{each['asked']:,}", f"{each['found']:,}", f"{each['failed']:,}",
         _time(each["p50_us"]), _time(each["p99_us"]))
        for each in node["interfaces"]
    ]  # fmt: skip
    print_table(["interface", "asked", "found", "failed", "p50", "p99"], rows, empty="Nothing was asked.")
    if node["causes"]:
        click.echo()
        rows = [(each["outcome"], f"{each['count']:,}", each["failure"]) for each in node["causes"]]
        print_table(["not found, because", "times", "failure"], rows)
    if not node["is_mirror"]:
        click.echo()
        rows = [
            (each["node"], each["state"], f"{each['behind']:,}", f"{each['lag_ms'] / 1000:,.1f} s",
             format_time(each["seen_ms"]))
            for each in node["mirrors"]
        ]  # fmt: skip
        print_table(["mirror", "state", "batches behind", "lag", "last heard"], rows, empty="No mirror was heard.")


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.1f} %"


def _time(us: float | None) -> str:
    if us is None:
        return "–"
    return f"{us:.0f} µs" if us < 1000 else f"{us / 1000:.1f} ms" if us < 1_000_000 else f"{us / 1e6:.2f} s"
