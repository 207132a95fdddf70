"""The proof file (C2SP tlog-proof@v1): where a leaf lies, the way to the root, and the checkpoint that signs it."""

from __future__ import annotations

import re
from base64 import b64encode
from dataclasses import dataclass

from broker.proof.checkpoint import Checkpoint, parse_checkpoint
from broker.proof.merkle import HASH_SIZE, ProofFailed, check_inclusion, leaf_hash
from broker.proof.note import Note, parse_note, read_base64

_HEAD = re.compile(
    r"c2sp\.org/tlog-proof@v1\n(?:extra (?P<extra>[^\n]+)\n)?"
    r"index (?P<index>0|[1-9][0-9]{0,18})(?P<hashes>(?:\n[^\n]+){0,63})"
)


@dataclass(frozen=True, kw_only=True)
class LogProof:
    """An inclusion proof with its checkpoint. ``extra`` is signed by nobody; we write none and believe none."""

    index: int
    hashes: tuple[bytes, ...]
    note: Note
    extra: bytes = b""

    @property
    def checkpoint(self) -> Checkpoint:
        """The tree that the proof is about."""
        return parse_checkpoint(self.note.text)

    def __str__(self) -> str:
        extra = f"extra {b64encode(self.extra).decode()}\n" if self.extra else ""
        hashes = "".join(f"{b64encode(step).decode()}\n" for step in self.hashes)
        return f"c2sp.org/tlog-proof@v1\n{extra}index {self.index}\n{hashes}\n{self.note}"

    def check(self, data: bytes) -> None:
        """Raise :class:`ProofFailed` unless leaf *data* lies where the proof says; signatures are not looked at."""
        checkpoint = self.checkpoint
        check_inclusion(leaf_hash(data), self.index, checkpoint.size, self.hashes, checkpoint.root)


def parse_logproof(text: str) -> LogProof:
    """Take a proof file apart, or raise :class:`ProofFailed` or :class:`NoteFailed`."""
    head, separator, under = text.partition("\n\n")
    match = _HEAD.fullmatch(head)
    if not separator or match is None:
        raise ProofFailed("a proof file begins with c2sp.org/tlog-proof@v1, an index and at most 63 hashes")
    hashes = tuple(read_base64(line) for line in match["hashes"].split("\n")[1:])
    if any(len(step) != HASH_SIZE for step in hashes):
        raise ProofFailed(f"a hash of the proof is not {HASH_SIZE} bytes")
    note = parse_note(under)
    parse_checkpoint(note.text)
    return LogProof(index=int(match["index"]), hashes=hashes, note=note, extra=read_base64(match["extra"] or ""))
