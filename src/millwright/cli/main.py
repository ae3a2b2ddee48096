"""The root command, its options, and what turns an error into a message and an exit code."""

from __future__ import annotations

import difflib
import importlib
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from millwright import __version__
from millwright.cli import exits
from millwright.cli.output import print_error
from millwright.kernel import MillwrightError

# Command → module below millwright.cli that defines it; imported when the command is used, so that start-up is quick.
_COMMANDS = {
    "up": "node",
    "run": "node",
    "migrate": "node",
    "broker": "broker",
    "edge": "edge",
    "releases": "releases",
    "demo": "demo",
    "doctor": "doctor",
    "capacity": "capacity",
    "status": "status",
    "settings": "settings",
    "token": "token",
    "organisations": "organisations",
    "grants": "organisations",
    "devices": "devices",
    "connectors": "connectors",
    "network": "network",
    "certificates": "certificates",
    "secrets": "secrets",
    "models": "models",
    "rules": "rules",
    "alarms": "alarms",
    "command": "commands",
    "approvals": "approvals",
    "readings": "readings",
    "export": "exports",
    "dead-letters": "dead_letters",
    "ledger": "ledger",
    "usage": "usage",
    "statement": "statement",
    "code": "code",
    "resolve": "resolve",
    "identifiers": "identifiers",
}


@dataclass(slots=True)
class Options:
    """What was given before the command."""

    config: Path | None
    data: Path | None
    url: str | None
    token: str | None
    ca: Path | None = None


class ReaderLeftError(Exception):
    """Nobody reads standard output any more. No ``OSError``: Click would end with exit code 1."""


class LazyGroup(click.Group):
    """Imports a command's module when the command is asked for."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command. Raises ``ReaderLeftError``."""
        try:
            code = super().invoke(ctx)
            sys.stdout.flush()
        except BrokenPipeError as error:
            raise ReaderLeftError from error
        return code

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Every command, in the order of the table."""
        del ctx
        return list(_COMMANDS)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that these words begin with. Raises ``click.UsageError``, with the nearest there is."""
        near = [] if args[0] in _COMMANDS else difflib.get_close_matches(args[0], _COMMANDS, n=1)
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            if not near:
                raise
            raise click.UsageError(f"{error.message} Did you mean '{near[0]}'?", ctx) from error

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name."""
        del ctx
        module = _COMMANDS.get(cmd_name)
        if module is None:
            return None
        found = getattr(importlib.import_module(f"millwright.cli.{module}"), cmd_name.replace("-", "_"))
        assert isinstance(found, click.Command)
        return found


@click.group(
    cls=LazyGroup,
    epilog=exits.HELP,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="millwright")
@click.option("--config", type=click.Path(path_type=Path), help="Settings file. Default: ./millwright.toml.")
@click.option("--data", type=click.Path(path_type=Path, file_okay=False), help="Data folder, overrides [node] data.")
@click.option("--url", envvar="MILLWRIGHT_URL", help="The node's HTTP API. Default: the node on this folder.")
@click.option("--token", envvar="MILLWRIGHT_TOKEN", help="Access token. Default: the one kept in the data folder.")
@click.option(
    "--ca",
    envvar="MILLWRIGHT_CA",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="PEM file of certificates to trust. Default: the system's, and for the node on this folder its own.",
)
@click.option("--traceback", is_flag=True, help="Show where an unexpected error comes from.")
@click.pass_context
def root(
    ctx: click.Context,
    config: Path | None,
    data: Path | None,
    url: str | None,
    token: str | None,
    ca: Path | None,
    traceback: bool,
) -> None:
    """Millwright (百工): devices connect, history is kept, alarms are true.

    \b
    Try it:          millwright demo
    Run a node:      millwright up
    Something off?   millwright doctor
    """
    del traceback  # main looks for it, because it must know before anything is parsed
    ctx.obj = Options(config, data, url, token, ca)


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit. Who reads our output may leave at any time (``| head``): that is no failure."""
    arguments = sys.argv[1:] if arguments is None else arguments
    try:
        code: Any = root.main(args=arguments, prog_name="millwright", standalone_mode=False)
    except MillwrightError as error:
        print_error(error, as_json="--json" in arguments)
        sys.exit(exits.exit_code(error))
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        click.echo("Interrupted.", err=True)
        sys.exit(130)
    except ReaderLeftError:
        # What is still buffered has no reader; flushing it at the end of the process would complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(exits.OK)
    except Exception as error:
        if "--traceback" in arguments:
            raise
        click.echo(f"Error: {type(error).__name__}: {error}", err=True)
        click.echo("Hint:  This should not happen. `millwright --traceback …` shows where; please report it.", err=True)
        sys.exit(exits.FAILED)
    sys.exit(code if isinstance(code, int) else exits.OK)
