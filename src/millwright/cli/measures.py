"""``identifiers suspend``, ``redirect``, ``announce``, ``lift`` and ``measures``: what is done in an emergency."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import click

from millwright.cli.client import connect, part
from millwright.cli.main import Options
from millwright.cli.output import format_time, interactive, json_option, print_json, print_table
from millwright.kernel import Invalid

_PATH = "/identifiers/measures"
_SPANS_S = {"m": 60, "h": 3600, "d": 86_400}

Command = Callable[..., Any]


def _target(function: Command) -> Command:
    """The options that say for which identifiers, why and how long."""
    for option in (
        json_option,
        click.option("--yes", is_flag=True, help="Do not ask, whatever it touches."),
        click.option("--text-zh", default="", help="What everybody may read, in Chinese."),
        click.option("--text", default="", help="What everybody may read, in English."),
        click.option("--until", default=None, help="When it ends: 2026-12-31T18:00 (UTC), or 90m, 24h, 7d from now."),
        click.option("--from", "since", default=None, help="When it begins, in the same form; left out: now."),
        click.option("--reason", required=True, help="Why; for the ledger and your own people."),
        click.option("--prefix", "whole", is_flag=True, help="ON is a prefix: all that is below it."),
        click.option("--beginning", is_flag=True, help="ON is a beginning: all names that begin so."),
        click.argument("on"),
    ):
        function = option(function)
    return function


@click.command("suspend")
@_target
@click.pass_obj
def suspend(options: Options, /, **given: Any) -> None:
    """Let identifiers resolve nowhere, on every interface and mirror; their records are kept.

    ON is an identifier in any form of its code system (in GS1 with its lots and serial numbers), or what the options
    say. Asks before it touches a whole prefix or very many.

    \b
    Example:
      millwright identifiers suspend 88.118.8/pump-7 --reason "wrong batch"
      millwright identifiers suspend 88.118.8/LOT7- --beginning --reason "recall 42" --until 7d
    """
    _take(options, "suspend", given)


@click.command("redirect")
@_target
@click.option("--to", "href", required=True, help="Where everybody is sent.")
@click.pass_obj
def redirect(options: Options, /, **given: Any) -> None:
    """Send whoever follows identifiers, or looks at their pages, to another address.

    \b
    Example:
      millwright identifiers redirect 88.118.8/pump-7 --to https://example.com/recall --reason "recall 42"
    """
    _take(options, "redirect", given)


@click.command("announce")
@_target
@click.option("--severity", type=click.Choice(("info", "warning", "danger")), default="warning", show_default=True)
@click.option("--href", default="", help="Where more is to be read.")
@click.option("--link-type", default="", help="GS1 link type; left out, it follows from the severity.")
@click.pass_obj
def announce(options: Options, /, **given: Any) -> None:
    """Put a notice on top of what is shown of identifiers, until it ends.

    \b
    Example:
      millwright identifiers announce 88.118.8 --prefix --text "Support ends" --text-zh "停止支持" --reason eol
    """
    _take(options, "announce", given)


def _take(options: Options, kind: str, given: dict[str, Any]) -> None:
    as_json, yes = given.pop("as_json"), given.pop("yes")
    beginning, whole = given.pop("beginning"), given.pop("whole")
    if beginning and whole:
        raise click.UsageError("Give --beginning or --prefix, not both.")
    scope = "beginning" if beginning else "prefix" if whole else "identifier"
    since, until = _time(given.pop("since")), _time(given.pop("until"))
    body = {name: value for name, value in given.items() if value != ""} | {"scope": scope}
    body |= {name: value for name, value in (("since_ms", since), ("until_ms", until)) if value is not None}
    with connect(options) as client:
        reach = client.post(f"{_PATH}/preview", {"scope": scope, "on": body["on"]})
        if reach["confirm"]:
            _confirm(kind, reach, yes=yes, as_json=as_json)
            body["touched"] = reach["touched"]
        made = client.post(f"{_PATH}/{kind}", body)
    if as_json:
        print_json(made)
        return
    end = "until it is lifted" if made["until_ms"] is None else f"until {format_time(made['until_ms'])} UTC"
    click.echo(f"{made['id']}: {kind} {made['on']}, {made['touched']:,} identifiers, {end}.")


def _confirm(kind: str, reach: dict[str, Any], *, yes: bool, as_json: bool) -> None:
    """Ask a person. Raises ``Invalid`` (``measures.not_confirmed``) where there is none."""
    if yes:
        return
    if as_json or not interactive():
        raise Invalid(
            f"This touches {reach['touched']:,} identifiers.",
            code="measures.not_confirmed",
            hint="Add --yes when you mean all of them.",
            detail={"touched": reach["touched"]},
        )
    click.echo(f"{reach['touched']:,} identifiers, such as {', '.join(reach['examples'])}")
    typed = click.prompt(f"Type {reach['touched']} to {kind} all of them", type=int)
    if typed != reach["touched"]:
        raise click.Abort


@click.command("lift")
@click.argument("measure_id")
@click.option("--reason", required=True, help="Why it is over.")
@json_option
@click.pass_obj
def lift(options: Options, measure_id: str, reason: str, as_json: bool) -> None:
    """End a measure; everything is answered as before.

    \b
    Example:
      millwright identifiers lift mea_01k… --reason "settled"
    """
    with connect(options) as client:
        lifted = client.post(f"{_PATH}/{part(measure_id)}/lift", {"reason": reason})
    if as_json:
        print_json(lifted)
        return
    click.echo(f"{lifted['id']}: lifted.")


@click.command("measures")
@click.option("--all", "everything", is_flag=True, help="Also those that are over.")
@click.option("--identifier", default=None, help="Only those that hold for this identifier.")
@click.option("--prefix", default=None, help="Only those for names of this prefix.")
@click.option("--limit", type=click.IntRange(1), default=100, show_default=True)
@json_option
@click.pass_obj
def measures(
    options: Options, everything: bool, identifier: str | None, prefix: str | None, limit: int, as_json: bool
) -> None:
    """List measures, newest first.

    \b
    Example:
      millwright identifiers measures --identifier 88.118.8/pump-7
    """
    states = None if everything else ["in_force", "planned"]
    with connect(options) as client:
        found = list(client.pages(_PATH, limit, state=states, identifier=identifier, prefix=prefix))
    if as_json:
        print_json(found)
        return
    rows = [
        (
            each["kind"], each["state"], each["scope"], each["on"], f"{each['touched']:,}",
            format_time(each["since_ms"]), "" if each["until_ms"] is None else format_time(each["until_ms"]),
            each["reason"], each["id"],
        )
        for each in found
    ]  # fmt: skip
    columns = ["measure", "state", "for", "on", "touches", "from (UTC)", "until (UTC)", "reason", "id"]
    print_table(columns, rows, empty="No measures.")


COMMANDS = (suspend, redirect, announce, lift, measures)


def _time(text: str | None) -> int | None:
    """Milliseconds since 1970 of a time or of a span from now. Raises ``Invalid`` (``measures.time_invalid``)."""
    if text is None:
        return None
    if text[:-1].isdigit() and text[-1] in _SPANS_S:
        return (time.time_ns() // 1_000_000) + int(text[:-1]) * _SPANS_S[text[-1]] * 1000
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise Invalid(
            f"{text} is no time.", code="measures.time_invalid", hint="Such as 2026-12-31T18:00, 90m, 24h or 7d."
        ) from error
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)
