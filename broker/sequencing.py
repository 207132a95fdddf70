"""The sequencer: the duty that keeps the log, so that no request ever waits for the tree head."""

from __future__ import annotations

import fcntl
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from broker.actions.broker import Broker
from broker.actions.keep_log import HeadMoved, keep_log
from broker.actions.publish_log import Cosign
from broker.actions.replay_erasures import follow_journal
from broker.errors import LogForked
from broker.proof.journal import JournalMark

LOCK = "log.lock"


@dataclass
class Sequencer:
    """Keeps the log, a turn at a time; a leaf is in a checkpoint within five seconds."""

    broker: Broker
    cosign: Cosign
    _lock: IO[str] | None = field(default=None, init=False)
    _journal: JournalMark | None = field(default=None, init=False)

    def turn(self) -> None:
        """Carry out what the journal asks, and keep the log, unless another sequencer on this host does."""
        self._lock = self._lock or _locked(self.broker.log.marks / LOCK)
        if self._lock is None:
            return
        # First: a person can be erased when the log cannot be signed; the certificate's leaf waits then.
        self._journal = follow_journal(self.broker, self._journal)
        try:
            with suppress(HeadMoved):
                keep_log(self.broker, self.cosign)
        except LogForked:
            # Another database may have been put in this one's place, with people in it who were erased.
            self._journal = None
            raise

    def close(self) -> None:
        """Let another one on this host go on."""
        if self._lock is not None:
            self._lock.close()
        self.broker.database.close()


def _locked(path: Path) -> IO[str] | None:
    """Hold a lock, which ends with the process; None while another sequencer on this host holds it."""
    file = path.open("w")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        return None
    return file
