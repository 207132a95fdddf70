"""The log, kept by one sequencer: what was written is chained, leaves get their indices, and the head is published.

Who leaves a leaf never waits for the head. What a step will write is worked out from a look that locks nothing; then
the head is moved by compare-and-swap, with everything that belongs to the move, in one short transaction. Of two
sequencers one finds the head moved, and its step is undone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from broker.actions.broker import Broker
from broker.actions.publish_log import Cosign, nobody, publish_checkpoint, require_continuation
from broker.errors import BrokerError, LogForked
from broker.proof.batch import BatchClaims, sign_batch
from broker.proof.merkle import leaf_hash, tree_root
from broker.proof.receipt import leaf_data
from broker.proof.tiles import Tile, grow, reading_tiles
from broker.store.batches import Batch, Waiting, latest_batch, placed, save_batch, waiting_entries
from broker.store.log import (
    Head,
    Leaf,
    find_head,
    index_leaves,
    indexed,
    move_head,
    pending_leaves,
    read_tile,
    save_tiles,
)
from broker.store.transaction import Transaction
from broker.store.writing import Values

#: What one transaction takes at most: enough to keep up with any broker, few enough that no writer waits long for it.
BATCH = 256
#: Steps before what there is is published: however fast leaves come, none waits for all of them.
_STEPS = 32


class HeadMoved(BrokerError):
    """Another sequencer was first. Nothing is wrong: the next look begins where it ended."""

    type = "head-moved"
    title = "Another sequencer moved the head"
    status = 503


@dataclass(frozen=True, kw_only=True)
class Chain:
    """A batch, and its entries as they waited and as they are from then on."""

    batch: Batch
    entries: Sequence[Waiting]
    rows: Sequence[Values]


@dataclass(frozen=True, kw_only=True)
class Step:
    """What an append writes in one transaction, or not at all: indices, tiles and the head."""

    leaves: Sequence[Values]
    tiles: Mapping[Tile, bytes]
    old: Head | None
    new: Head


def keep_log(broker: Broker, cosign: Cosign = nobody) -> None:
    """Append what waits, and publish the head; :class:`LogForked` before anything else where that must not be."""
    require_continuation(broker)
    _until_done(lambda: chain_trail(broker))
    _until_done(lambda: append_leaves(broker))
    publish_checkpoint(broker, cosign)


def chain_trail(broker: Broker) -> int:
    """Chain entries that wait; return how many they were."""
    chain = plan_chain(broker)
    if chain is None:
        return 0
    with broker.database.transaction() as tx:
        if not save_batch(tx, chain.batch, chain.entries, chain.rows):
            raise HeadMoved("these entries were chained or erased meanwhile; this batch was undone")
    return len(chain.rows)


def plan_chain(broker: Broker) -> Chain | None:
    """Sign a batch over the entries that wait, the last batch among what it says; None when nothing waits."""
    with broker.database.reading() as tx:
        entries = waiting_entries(tx, limit=BATCH, key=broker.database.row_key)
        last = latest_batch(tx)
    if not entries:
        return None
    batch = _signed(broker, entries, last)
    return Chain(batch=batch, entries=entries, rows=placed(batch, entries, key=broker.database.row_key))


def append_leaves(broker: Broker) -> int:
    """Give leaves that wait their indices, and move the head; return how many they were."""
    step = plan_step(broker)
    if step is None:
        return 0
    with broker.database.transaction() as tx:
        # The head first: who comes second waits here for the first to end, and then writes nothing.
        if not move_head(tx, step.old, step.new):
            raise HeadMoved("another sequencer moved the head; this step was undone")
        index_leaves(tx, step.leaves)
        save_tiles(tx, {(tile.level, tile.number): hashes for tile, hashes in step.tiles.items()})
    return len(step.leaves)


def plan_step(broker: Broker) -> Step | None:
    """Work out what to append, locking nothing; None when nothing waits."""
    with broker.database.reading() as tx:
        head = find_head(tx)
        leaves = pending_leaves(tx, limit=BATCH, key=broker.database.row_key)
        if not leaves:
            return None
        size = head.size if head else 0
        try:
            tiles, root = _grown(tx, size, leaves)
        except ValueError as error:
            if find_head(tx) != head:
                raise HeadMoved("the tree grew while it was looked at") from error
            raise LogForked(f"the database's log is not whole: {error}") from error
    new = Head(size=size + len(leaves), root=root, moved_at=broker.now())
    return Step(leaves=indexed(leaves, first=size, key=broker.database.row_key), tiles=tiles, old=head, new=new)


def _until_done(take: Callable[[], int]) -> None:
    for _ in range(_STEPS):
        if take() < BATCH:
            break


def _signed(broker: Broker, entries: Sequence[Waiting], last: Batch | None) -> Batch:
    claims = BatchClaims(
        issuer=broker.issuer,
        batch_id=broker.new_id(),
        issued_at=broker.now(),
        number=last.number + 1 if last else 0,
        digests=[entry.digest for entry in entries],
        previous=last.leaf if last else None,
    )
    jwt = sign_batch(claims, broker.keys.receipts)
    return Batch(number=claims.number, jwt=jwt, leaf=leaf_data(jwt), made_at=claims.issued_at)


def _grown(tx: Transaction, size: int, leaves: Sequence[Leaf]) -> tuple[Mapping[Tile, bytes], bytes]:
    """The tiles that change when *leaves* follow the first *size*, and the root then."""

    def stored(tile: Tile) -> bytes:
        return read_tile(tx, tile.level, tile.number)

    tiles = grow(size, [leaf_hash(leaf.data) for leaf in leaves], stored)
    return tiles, tree_root(size + len(leaves), reading_tiles(lambda tile: tiles.get(tile) or stored(tile)))
