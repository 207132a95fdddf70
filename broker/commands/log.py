"""``broker log``: export, check, restore and adopt the transparency log."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

from broker.actions.adopt_log import Elsewhere, adopt_log, require_known
from broker.actions.broker import Broker
from broker.actions.copy_log import CHECKPOINT
from broker.actions.export_log import export_log
from broker.actions.restore_log import restore_log
from broker.actions.watch_log import trouble_with_log
from broker.actions.whole_log import faults_of_log
from broker.commands.opening import FAILED, command, group, looked_at, opened, operator, reason
from broker.errors import LogForked
from broker.settings import Settings
from broker.witnessing import latest_of, load_witnesses

_EXPORT = """\
The folder can be served by any file server in place of /log; run it again and
only what is new is written. Keep such a copy on another machine: it is what
`broker log restore` puts back when the database is lost."""
_CHECK = """\
Every leaf is hashed, and tiles, head, checkpoints and the mark are held against
the result; where a copy is kept or witnesses are set, what they hold as well. A
line per fault, and status 1. It changes nothing."""
_RESTORE = """\
For a database that was restored from an old backup, when nothing is signed any
more. The copy is one that `broker log export` made, or anybody's of this log:
it is believed as far as the log's own signature, or the mark, vouches for it.
The tree then continues where it was. What the leaves stood for stays lost."""
_ADOPT = """\
For a mark that is lost, with the folder it lay in. The tree of the latest
checkpoint in the database becomes the mark, after every leaf was hashed and the
signatures were checked. That trusts the database to be no older than what was
signed last: if it is, the log gets a second history. Where a copy is kept or
witnesses are set, what they hold is held against it. Who, when and why is kept
beside the mark. Where the whole folder is lost: `broker journal adopt` first."""


def add_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """``broker log ...``."""
    log = group(commands, "log", "copy, check and mend the transparency log")
    export = command(log, "export", _export, "write the published log to a folder, as a static site", _EXPORT)
    export.add_argument("folder", type=Path, help="the folder; made when it is not there")
    command(log, "check", _check, "check the whole log against its leaves", _CHECK)
    restore = command(log, "restore", _restore, "put back leaves that an old backup lacks", _RESTORE)
    restore.add_argument("folder", type=Path, help="a copy of the published log")
    adopt = command(log, "adopt", _adopt, "make a mark in place of a lost one", _ADOPT)
    adopt.add_argument(
        "--why", type=reason, required=True, metavar="TEXT", help="what happened to the mark; kept with it"
    )


def _export(asked: argparse.Namespace) -> int:
    _settings, broker = looked_at()
    before, now = export_log(broker, asked.folder)
    print(f"{asked.folder}: {now} leaves, {now - before} of them new")
    return 0


def _check(_asked: argparse.Namespace) -> int:
    settings, broker = looked_at()
    faults = 0
    for fault in _faults(settings, broker):
        faults += 1
        print(fault)
    if not faults:
        print("leaves, tiles, head, checkpoints and mark agree")
    return FAILED if faults else 0


def _faults(settings: Settings, broker: Broker) -> Iterator[str]:
    trouble = trouble_with_log(broker)
    if trouble:
        yield trouble
    with broker.database.reading() as tx:
        yield from faults_of_log(tx, broker)
        for other in _elsewhere(settings, broker):
            try:
                require_known(tx, broker, other)
            except LogForked as error:
                yield error.detail


def _restore(asked: argparse.Namespace) -> int:
    _settings, broker = opened()
    done = restore_log(broker, asked.folder)
    print(f"the log has {done.size} leaves: {done.lost} were put back, {done.freed} lost an index and wait again")
    return 0


def _adopt(asked: argparse.Namespace) -> int:
    settings, broker = opened()
    others = list(_elsewhere(settings, broker))
    mark = adopt_log(broker, others, why=asked.why, operator=operator())
    asked_others = ", ".join(other.who for other in others) or "nobody else was asked"
    print(f"the mark is at {mark.size} leaves; held against: {asked_others}")
    return 0


def _elsewhere(settings: Settings, broker: Broker) -> Iterator[Elsewhere]:
    copied = broker.log.copy / CHECKPOINT if broker.log.copy else None
    if copied and copied.exists():
        yield Elsewhere(who=f"the copy {broker.log.copy}", note=copied.read_text("utf-8", errors="replace"))
    for witness in load_witnesses(settings.witnesses_file, loopback=settings.loopback):
        note = latest_of(witness, broker.log.origin)
        if note is not None:
            yield Elsewhere(who=f"the witness {witness.name}", note=note)
