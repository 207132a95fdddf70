"""``broker tend`` and its parts: what goes on beside the workers, all of it or a part, until stopped."""

from __future__ import annotations

import argparse
import logging
from collections.abc import Callable

from broker.commands.opening import command, opened
from broker.delivering import Deliverer
from broker.expiring import Expirer
from broker.filing import Filer
from broker.retaining import Retainer
from broker.sequencing import Sequencer
from broker.settings import read_settings
from broker.settling import Settler
from broker.spans import start_spans
from broker.tending import Duty, says_something_new, tend
from broker.web.logs import start_logging
from broker.witnessing import Witnesses, load_witnesses

_TEND = """\
`broker serve` runs this beside its workers, and starts it again when it dies.
A second one, on this machine or another, on the same database, does no harm:
they share the streams and the consents, and take turns with the log."""
_SEQUENCE = """\
Part of `broker tend`. A second one on this machine waits until the first ends;
one on another machine, on the same database, takes turns with it."""
_DELIVER = """\
Part of `broker tend`. Any number of them share the work: each stream is worked
on by one at a time."""
_FILE = """\
Part of `broker tend`, on every machine that serves: what its workers answered
lies in its own folder of tapes until it is in the database. Any number of them
do no harm. Nothing is lost while none runs; people see it later."""
_EXPIRE = """\
Part of `broker tend`. Any number of them do no harm. A match counts a consent's
date whether this runs or not; this writes the end down, and tells the client."""


def add_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """``broker tend``, ``sequence``, ``deliver``, ``file``, ``expire``."""
    duties = (_keeping, _delivering, _expiring, _filing, _settling, _retaining)
    every = command(
        commands, "tend", _tending(*duties), "keep the log, deliver events, end and drop what is over", _TEND
    )
    every.add_argument("--beside", type=int, metavar="PID", help=argparse.SUPPRESS)
    command(commands, "sequence", _tending(_keeping), "keep the log until stopped", _SEQUENCE)
    command(commands, "deliver", _tending(_delivering), "push events to their receivers until stopped", _DELIVER)
    command(commands, "file", _tending(_filing), "file what workers of this machine answered until stopped", _FILE)
    command(commands, "expire", _tending(_expiring), "end consents at their date until stopped", _EXPIRE)


def _tending(*duties: Callable[[], Duty]) -> Callable[[argparse.Namespace], int]:
    def run(asked: argparse.Namespace) -> int:
        settings = read_settings()
        start_logging(settings.log_level)
        start_spans(settings.otlp_endpoint)
        logging.getLogger("broker.store.database").addFilter(says_something_new)
        beside: int | None = getattr(asked, "beside", None)
        tended = [duty() for duty in duties]
        if beside is None:  # by hand, what is wrong is said at once, and ends it
            for duty in tended:
                duty.begin().close()
        tend(tended, beside=beside)
        return 0

    return run


def _keeping() -> Duty:
    def begin() -> Sequencer:
        settings, broker = opened()
        witnesses = Witnesses(load_witnesses(settings.witnesses_file, loopback=settings.loopback))
        return Sequencer(broker, witnesses)

    return Duty("log", "the log is not kept", "the log is kept again", begin)


def _delivering() -> Duty:
    return Duty(
        "deliveries",
        "events are not delivered",
        "events are delivered again",
        lambda: Deliverer(opened()[1]),
    )


def _expiring() -> Duty:
    return Duty(
        "expiry",
        "consents are not ended",
        "consents are ended again",
        lambda: Expirer(opened()[1]),
    )


def _filing() -> Duty:
    return Duty(
        "filing",
        "what was answered is not filed",
        "what was answered is filed again",
        lambda: Filer(opened()[1]),
    )


def _settling() -> Duty:
    return Duty(
        "settling",
        "the journal is not copied into the database",
        "the journal is copied again",
        lambda: Settler(opened()[1].database),
    )


def _retaining() -> Duty:
    return Duty(
        "retention",
        "what is too old is not dropped",
        "what is too old is dropped again",
        lambda: Retainer(opened),
    )
