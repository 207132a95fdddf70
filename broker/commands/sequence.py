"""``broker sequence``: keep the log until stopped."""

from __future__ import annotations

import argparse
import logging

from broker.commands.opening import command, opened
from broker.sequencing import Opened, Sequencer, stop_on_signals
from broker.settings import read_settings
from broker.web.logs import start_logging
from broker.witnessing import Witnesses, load_witnesses

_NOTES = """\
`broker serve` runs one beside its workers, and starts it again when it dies.
A second one on this machine waits until the first ends; one on another machine,
on the same database, takes turns with it."""


def add_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """``broker sequence``."""
    sequence = command(commands, "sequence", _sequence, "keep the log until stopped", _NOTES)
    sequence.add_argument("--beside", type=int, metavar="PID", help=argparse.SUPPRESS)


def _sequence(asked: argparse.Namespace) -> int:
    start_logging(read_settings().log_level)
    sequencer = Sequencer(stop_on_signals(beside=asked.beside), asked.beside)
    logging.getLogger("broker.store.database").addFilter(sequencer.says_nothing_new)
    if asked.beside is None:
        sequencer.run(_open())
    else:
        sequencer.run_when_open(_open)
    return 0


def _open() -> Opened:
    settings, broker = opened()
    return broker, Witnesses(load_witnesses(settings.witnesses_file, loopback=settings.loopback))
