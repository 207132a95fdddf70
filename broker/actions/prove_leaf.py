"""The proof that a leaf lies in the latest checkpoint."""

from __future__ import annotations

from broker.proof.logproof import LogProof
from broker.proof.merkle import prove_inclusion
from broker.proof.note import parse_note
from broker.proof.tiles import reading_tiles
from broker.store.log import index_of, latest_checkpoint, read_tile
from broker.store.transaction import Transaction


def prove_leaf(tx: Transaction, leaf: bytes) -> LogProof | None:
    """The proof that a leaf lies in the latest checkpoint; None while it waits for one."""
    latest, index = latest_checkpoint(tx), index_of(tx, leaf)
    if latest is None or index is None or index >= latest.size:
        return None
    subtree = reading_tiles(lambda tile: read_tile(tx, tile.level, tile.number))
    return LogProof(
        index=index, hashes=tuple(prove_inclusion(index, latest.size, subtree)), note=parse_note(latest.note)
    )
