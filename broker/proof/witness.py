"""What a log sends to a witness, and what it makes of the answer (C2SP tlog-witness v1.0.0, add-checkpoint)."""

from __future__ import annotations

import hashlib
import re
from base64 import b64encode
from collections.abc import Sequence

from broker.proof.note import Note, NoteFailed, SignatureLine, Verifier, check_note, parse_note

#: What a witness answers 409 with: the size of the tree that it cosigned last.
_SIZE = re.compile(rb"(0|[1-9][0-9]{0,18})\n")
_TIME_SIZE = 8


def submission(old: int, proof: Sequence[bytes], note: Note) -> bytes:
    """The body of add-checkpoint: the size that the witness knows, the proof from there, the checkpoint."""
    hashes = "".join(f"{b64encode(step).decode()}\n" for step in proof)
    return f"old {old}\n{hashes}\n{note}".encode()


def read_size(body: bytes) -> int:
    """The size in a 409 answer, or :class:`NoteFailed`."""
    match = _SIZE.fullmatch(body)
    if match is None:
        raise NoteFailed("a witness that knows another tree answers with its size and a line break")
    return int(match[1])


def read_cosignature(body: bytes, note: Note, witness: Verifier) -> SignatureLine:
    """The cosignature of *witness* in a 200 answer, or :class:`NoteFailed`. Lines of other keys are passed over."""
    try:
        answered = parse_note(f"{note.text}\n{body.decode()}")
    except UnicodeDecodeError as error:
        raise NoteFailed("the witness's answer is no text") from error
    if not check_note(answered, [witness]):
        raise NoteFailed("the witness answered without a cosignature of its own")
    line = next(it for it in answered.lines if (it.name, it.key_hash) == (witness.name, witness.key_hash))
    if not any(line.signature[:_TIME_SIZE]):
        raise NoteFailed("the witness does not say when it cosigned")
    return line


def origin_hash(origin: str) -> str:
    """What stands for a log in the paths of a witness's monitoring prefix."""
    return hashlib.sha256(origin.encode()).hexdigest()
