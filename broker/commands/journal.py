"""``broker journal``: hold the journal of erasures against the database, and begin another in place of a lost one."""

from __future__ import annotations

import argparse

from broker.actions.adopt_journal import adopt_journal
from broker.actions.replay_erasures import lacking
from broker.commands.opening import FAILED, command, group, looked_at, operator, reason

_CHECK = """\
Whatever serves or writes carries out what the database lacks, first: this only
looks. Status 1: they disagree, and a line says how."""
_ADOPT = """\
Without its journal an old backup brings erased people back, and nobody can say
whom. Destroy the backups from before, or the epoch that opens them
(`broker keys destroy --help`), and then adopt: the new journal names the
erasures that the database knows, and erases nobody again. Who, when and why is
kept beside it."""


def add_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """``broker journal ...``."""
    journal = group(commands, "journal", "check the journal of erasures, or begin it anew")
    command(journal, "check", _check, "hold the journal against the database", _CHECK)
    adopt = command(journal, "adopt", _adopt, "begin a journal in place of a lost one", _ADOPT)
    adopt.add_argument(
        "--why", type=reason, required=True, metavar="TEXT", help="what happened to the journal; kept beside it"
    )


def _check(_asked: argparse.Namespace) -> int:
    _settings, broker = looked_at()
    entries = lacking(broker)
    for entry in entries:
        print(f"erasure {entry.erasure_id} of {entry.at:%Y-%m-%d} is not carried out in this database")
    if not entries:
        print("journal and database name the same erasures")
    return FAILED if entries else 0


def _adopt(asked: argparse.Namespace) -> int:
    _settings, broker = looked_at()
    count = adopt_journal(broker, why=asked.why, operator=operator())
    print(f"the journal names {count} more; backups from before are not erased by it")
    return 0
