"""The published log in a folder: the files that ``/log`` serves, for any file server, and to restore from."""

from __future__ import annotations

import shutil
from pathlib import Path

from broker.actions.broker import Broker
from broker.actions.read_log import pieces_grown
from broker.errors import BadConfiguration
from broker.proof.checkpoint import parse_checkpoint, vkeys_text
from broker.proof.durable import write_durably
from broker.proof.highwater import HighWater
from broker.proof.note import NoteFailed, parse_note
from broker.store.transaction import Transaction

CHECKPOINT, VKEYS = "checkpoint", "vkeys"
#: Anybody may read what is published.
_MODE = 0o644


def copied_tree(broker: Broker, folder: Path) -> HighWater:
    """The tree that a copy is of; the empty one where there is none yet. Its signatures are not looked at."""
    try:
        found = parse_checkpoint(parse_note((folder / CHECKPOINT).read_text("utf-8")).text)
    except FileNotFoundError:
        return HighWater()
    except (NoteFailed, UnicodeDecodeError) as error:
        raise BadConfiguration(f"{folder / CHECKPOINT}: is no checkpoint: {error}") from error
    if found.origin != broker.log.origin:
        raise BadConfiguration(f"{folder / CHECKPOINT}: is of another log, {found.origin!r}")
    return HighWater(size=found.size, root=found.root)


def copy_pieces(tx: Transaction, folder: Path, old: int, new: int) -> None:
    """Write what a tree of *new* leaves has and the copy of one of *old* has not. Nothing speaks of it yet."""
    for piece in pieces_grown(old, new):
        _write(folder / piece.path, piece.read(tx))


def finish_copy(broker: Broker, folder: Path, old: int, new: int, note: str) -> None:
    """Let the copy speak of the tree of *new* leaves, and take away parts of tiles that are whole now."""
    _write(folder / VKEYS, vkeys_text(broker.log.vkeys).encode())
    _write(folder / CHECKPOINT, note.encode())
    for piece in pieces_grown(old, new):
        if piece.full:
            shutil.rmtree(folder / f"{piece.whole_path}.p", ignore_errors=True)


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_durably(path, content, mode=_MODE)
