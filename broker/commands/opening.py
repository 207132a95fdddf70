"""What every command begins with: settings, an open broker, the name of who is at the terminal, and its help."""

from __future__ import annotations

import argparse
import os
import pwd
from collections.abc import Callable
from textwrap import fill

from broker.actions.broker import Broker
from broker.app import open_broker, open_to_serve
from broker.settings import Settings, read_settings
from broker.store.migrating import require_schema

FAILED = 1
#: What the narrowest terminal shows.
_WIDTH = 78
Run = Callable[[argparse.Namespace], int]


def opened() -> tuple[Settings, Broker]:
    """The broker of this environment, as it may serve."""
    settings = read_settings().as_keeper()
    return settings, open_to_serve(settings)


def looked_at() -> tuple[Settings, Broker]:
    """The broker of this environment, its schema checked, for who only looks."""
    settings = read_settings().as_keeper()
    broker = open_broker(settings)
    require_schema(broker.database)
    return settings, broker


def operator() -> str:
    """Who is at the terminal, as the machine knows them and not as the environment says; written down with the act."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"uid {os.getuid()}"


def reason(text: str) -> str:
    """A reason as it is written down: something in one line, or a mistake in how the command was called."""
    if not text.strip() or not text.isprintable():
        raise argparse.ArgumentTypeError("give the reason in words, in one line")
    return text.strip()


def group(
    commands: argparse._SubParsersAction[argparse.ArgumentParser], name: str, summary: str
) -> argparse._SubParsersAction[argparse.ArgumentParser]:
    """Add a command that has commands of its own."""
    return commands.add_parser(name, help=summary, description=_sentence(summary)).add_subparsers(
        required=True, metavar="COMMAND", title="commands"
    )


def command(
    commands: argparse._SubParsersAction[argparse.ArgumentParser], name: str, run: Run, summary: str, notes: str = ""
) -> argparse.ArgumentParser:
    """Add one command. Its help begins with *summary* and ends with *notes*, laid out as they are written."""
    parser = commands.add_parser(
        name,
        help=summary,
        description=_sentence(summary),
        epilog=notes,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(run=run)
    return parser


def _sentence(summary: str) -> str:
    return fill(f"{summary[:1].upper()}{summary[1:]}.", _WIDTH)
