"""The log's signer: it signs the head when that continues what it signed before, and no other tree ever.

The mark outside the database is raised first. From then on no other tree of that size or less is signed, whatever the
database says: one that was restored from an old backup has another history, and a log must not have two.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from broker.actions.broker import Broker
from broker.actions.copy_log import copied_tree, copy_pieces, finish_copy
from broker.errors import LogForked
from broker.proof.checkpoint import Checkpoint, parse_checkpoint, read_vkey
from broker.proof.highwater import HighWater, read_high_water, write_high_water
from broker.proof.merkle import EMPTY_ROOT, ProofFailed, check_consistency, prove_consistency, tree_root
from broker.proof.note import Note, NoteFailed, SignatureLine, check_note, parse_note, sign_note
from broker.proof.tiles import reading_tiles
from broker.store.log import Published, find_head, latest_checkpoint, read_tile, save_checkpoint
from broker.store.transaction import Transaction

#: The consistency proof from a smaller tree of that size.
Prove = Callable[[int], Sequence[bytes]]
#: Asks others to sign as well, once the log has; it must answer soon, and may answer nothing.
Cosign = Callable[[Note, Prove], Sequence[SignatureLine]]


def nobody(_note: Note, _prove: Prove) -> Sequence[SignatureLine]:
    """No witness."""
    return ()


def require_continuation(broker: Broker) -> None:
    """Raise :class:`LogForked` when the stored tree is no continuation of what was signed. It changes nothing."""
    with broker.database.reading() as tx:
        _continuing(tx, broker)


def publish_checkpoint(broker: Broker, cosign: Cosign = nobody) -> bool:
    """Sign the head and publish it; False when the latest checkpoint says the same already."""
    with broker.database.reading() as tx:
        head, behind = _continuing(tx, broker)
        published = _says(latest_checkpoint(tx), head, broker)
        copied = HighWater() if published else _copy_ahead(tx, broker, head)
    tree = HighWater(size=head.size, root=head.root)
    if published:
        if behind:  # by another host's sequencer
            write_high_water(broker.log.marks, tree)
        return False
    note = sign_note(str(head), broker.log.signers)
    write_high_water(broker.log.marks, tree)
    lines = cosign(note, lambda old: consistency_proof(broker, old, head.size))
    whole = Published(size=head.size, note=str(Note(note.text, (*note.lines, *lines))), published_at=broker.now())
    with broker.database.transaction() as tx:
        save_checkpoint(tx, whole)
    if broker.log.copy:
        finish_copy(broker, broker.log.copy, copied.size, head.size, whole.note)
    return True


def consistency_proof(broker: Broker, old: int, new: int) -> Sequence[bytes]:
    """The proof that the tree of *new* leaves continues that of *old*."""
    with broker.database.reading() as tx:
        return prove_consistency(old, new, reading_tiles(lambda tile: read_tile(tx, tile.level, tile.number)))


def check_continues(tx: Transaction, old: HighWater, new: Checkpoint) -> None:
    """Raise :class:`LogForked` unless the tiles show the tree of *new* to continue that of *old*."""
    if new.size < old.size:
        raise LogForked(
            f"the database's log has {new.size} leaves and {old.size} were signed: it was restored from an old backup."
            " Nothing is signed; docs/log.md says what to do"
        )
    subtree = reading_tiles(lambda tile: read_tile(tx, tile.level, tile.number))
    try:
        check_consistency(old.size, old.root, new.size, new.root, prove_consistency(old.size, new.size, subtree))
        if new.size != old.size and tree_root(new.size, subtree) != new.root:
            raise ProofFailed("the head is not the root over the tiles")
    except ValueError as error:
        raise LogForked(
            f"the first {old.size} leaves of the database's log are not those that were signed ({error}). Nothing is"
            " signed; docs/log.md says what to do"
        ) from error


def read_signed(broker: Broker, text: str) -> Checkpoint:
    """The checkpoint that *text* is, signed by this log; :class:`LogForked` when it is anything else."""
    try:
        note = parse_note(text)
        signed = check_note(note, [read_vkey(text) for text in broker.log.vkeys])
        checkpoint = parse_checkpoint(note.text)
    except NoteFailed as error:
        raise LogForked(f"a checkpoint is not as this log signs them: {error}") from error
    if not signed or checkpoint.origin != broker.log.origin:
        raise LogForked("a checkpoint was not signed by this log's keys")
    return checkpoint


def _continuing(tx: Transaction, broker: Broker) -> tuple[Checkpoint, bool]:
    """The stored tree, and whether the mark is behind what another host's sequencer published of it.

    Looked at in the order of their age: whoever works at the same time makes the later ones larger only.
    """
    mark, latest, found = read_high_water(broker.log.marks), latest_checkpoint(tx), find_head(tx)
    size, root = (found.size, found.root) if found else (0, EMPTY_ROOT)
    head = Checkpoint(origin=broker.log.origin, size=size, root=root)
    if latest is not None and latest.size > mark.size:
        # A second mark, and one that nobody can have made up.
        signed = read_signed(broker, latest.note)
        check_continues(tx, HighWater(size=signed.size, root=signed.root), head)
    check_continues(tx, mark, head)
    return head, mark.size < head.size


def _copy_ahead(tx: Transaction, broker: Broker, head: Checkpoint) -> HighWater:
    """Let the copy have what is about to be signed: whatever the mark says was signed can then be put back."""
    if broker.log.copy is None:
        return HighWater()
    copied = copied_tree(broker, broker.log.copy)
    check_continues(tx, copied, head)
    copy_pieces(tx, broker.log.copy, copied.size, head.size)
    return copied


def _says(latest: Published | None, head: Checkpoint, broker: Broker) -> bool:
    """Whether what is published is this tree, under every key that signs now."""
    if latest is None:
        return False
    text, _, under = latest.note.partition("\n\n")
    signed = {(line.name, line.key_hash.hex()) for line in parse_note(latest.note).lines} if under else set()
    keys = {tuple(signer.vkey.split("+", 2)[:2]) for signer in broker.log.signers}
    return f"{text}\n" == str(head) and keys <= signed
