"""Go's x/mod/sumdb checks the log, as it checks Go's own: what is true it accepts, and each seeded fault it refuses."""

import base64
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache
from typing import Any

import pytest
from harness.strangers import ask_all
from vectors.bundles import LEAVES, LOG, LOG_PQ, ORIGIN, OTHER_LOG, STRANGERS_LOG, WITNESS, cosigned

from broker.proof.checkpoint import Checkpoint
from broker.proof.logproof import LogProof
from broker.proof.merkle import Subtree, leaf_hash, prove_consistency, prove_inclusion, tree_root
from broker.proof.note import Ed25519Signer, Note, SignatureLine, parse_note, sign_note
from broker.proof.tiles import WIDTH, Tile, grow, reading_tiles, width_of

MOST = 70_000
#: Around powers of two and of 256, and some between.
SIZES = [*range(1, 18), 63, 64, 65, 127, 128, 129, 255, 256, 257, 511, 512, 513, 1000, 65_535, 65_536, 65_537, MOST]
KEYS = [LOG.vkey, LOG_PQ.vkey]
Question = Mapping[str, object]


def data(index: int) -> bytes:
    """Return the content of a leaf."""
    return index.to_bytes(32, "big")


@cache
def log() -> tuple[Mapping[Tile, bytes], Subtree]:
    """Return a log of seventy thousand leaves, in tiles."""
    tiles = grow(0, (leaf_hash(data(index)) for index in range(MOST)), {}.__getitem__)
    return tiles, reading_tiles(tiles.__getitem__)


@cache
def note(size: int) -> Note:
    """Return the log's checkpoint of a size."""
    return sign_note(str(Checkpoint(origin=ORIGIN, size=size, root=tree_root(size, log()[1]))), [LOG])


def proof(index: int, size: int) -> LogProof:
    """Return the proof of a leaf."""
    return LogProof(index=index, hashes=tuple(prove_inclusion(index, size, log()[1])), note=note(size))


def asks_proof(given: LogProof | str, leaf: bytes, keys: list[str] = KEYS, origin: str = ORIGIN) -> Question:
    """Ask whether a proof file holds for a leaf."""
    leaf64 = base64.b64encode(leaf).decode()
    return {"ask": "proof", "origin": origin, "vkeys": keys, "leaf": leaf64, "proof": str(given)}


def asks_consistency(old: Note, new: Note, hashes: list[bytes]) -> Question:
    """Ask whether one checkpoint continues another."""
    lines = [base64.b64encode(step).decode() for step in hashes]
    return {"ask": "consistency", "origin": ORIGIN, "vkeys": KEYS, "old": str(old), "new": str(new), "hashes": lines}


def asks_tiles(size: int, records: list[int], held: Mapping[Tile, bytes]) -> Question:
    """Ask for proofs out of tiles, cut as they are served at a size."""
    served = {}
    for tile, hashes in held.items():
        width = width_of(tile, size)
        name = tile.path if width == WIDTH else f"{tile.path}.p/{width}"
        served[name] = base64.b64encode(hashes[: width * 32]).decode()
    return {
        "ask": "tiles",
        "origin": ORIGIN,
        "vkeys": KEYS,
        "new": str(note(size)),
        "tiles": served,
        "records": records,
    }


def refusals(questions: Mapping[str, Question]) -> dict[str, str]:
    """Ask everything in one run; return why each was refused, empty where it was not."""
    answers = ask_all("log.go", questions.values())
    assert len(questions) == len(answers)
    return {name: "" if told["ok"] else told["why"] for name, told in zip(questions, answers, strict=True)}


def places(size: int) -> set[int]:
    """Return some leaves of a tree: its edges, and the edges inside it."""
    return {0, 1, 2, size // 2, size - 2, size - 1, 255, 256, 65_535, 65_536} & set(range(size))


def test_every_true_proof_is_accepted() -> None:
    leaves = [(index, size) for size in SIZES for index in places(size)]
    asked = {f"{index} of {size}": asks_proof(proof(index, size), data(index)) for index, size in leaves}
    assert len(asked) > 150
    assert {""} == set(refusals(asked).values())


def test_every_true_continuation_is_accepted() -> None:
    """Go speaks of no tree before the first leaf."""
    pairs = [(old, new) for new in SIZES for old in SIZES if old <= new]
    asked = {
        f"{old} to {new}": asks_consistency(note(old), note(new), prove_consistency(old, new, log()[1]))
        for old, new in pairs
    }
    assert len(asked) > 500
    assert {""} == set(refusals(asked).values())


def test_tiles_are_read_against_the_checkpoint_and_prove_the_same() -> None:
    """It takes no tile on trust: what it reads it holds against the signed root."""
    tiles, steps = log()
    sizes = [1, 2, 255, 256, 257, 65_536, 65_537, MOST]
    answers = ask_all("log.go", [asks_tiles(size, sorted(places(size)), of_size(tiles, size)) for size in sizes])
    for size, told in zip(sizes, answers, strict=True):
        proofs = [prove_inclusion(index, size, steps) for index in sorted(places(size))]
        ours = [[base64.b64encode(step).decode() for step in hashes] for hashes in proofs]
        assert (True, "", ours) == (told["ok"], told["why"], told["hashes"])


def of_size(tiles: Mapping[Tile, bytes], size: int) -> dict[Tile, bytes]:
    """Return the tiles that a tree of a size has."""
    return {tile: hashes for tile, hashes in tiles.items() if width_of(tile, size)}


#: A tile of 65,537 leaves, and a record that is not proved without it.
NEEDED = {Tile(0, 0): 1, Tile(0, 255): 65_281, Tile(0, 256): 65_536, Tile(1, 0): 1, Tile(2, 0): 65_536}


def test_a_tile_with_one_bit_changed_is_refused() -> None:
    tiles = of_size(log()[0], 65_537)
    asked = {
        tile.path: asks_tiles(65_537, [record], {**tiles, tile: flipped(tiles[tile], 0)})
        for tile, record in NEEDED.items()
    }
    assert [] == [name for name, why in refusals(asked).items() if not why]


#: A leaf for the faults: with a path of several hashes to both sides.
INDEX, SIZE = 300, 513


def flipped(raw: bytes, at: int) -> bytes:
    """Return the bytes with one bit turned."""
    return raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :]


def faults() -> Iterator[tuple[str, Question]]:
    """Yield a proof with every kind of fault, by name."""
    true, leaf, signed = proof(INDEX, SIZE), data(INDEX), note(SIZE)
    tree, line = true.checkpoint, note(SIZE).lines[0]
    for at in range(32):
        yield f"leaf, byte {at}", asks_proof(true, flipped(leaf, at))
        for step in range(len(true.hashes)):
            hashes = (*true.hashes[:step], flipped(true.hashes[step], at), *true.hashes[step + 1 :])
            yield f"hash {step}, byte {at}", asks_proof(replace(true, hashes=hashes), leaf)
        changed = sign_note(str(replace(tree, root=flipped(tree.root, at))), [LOG])
        yield f"root, byte {at}, signed anew", asks_proof(replace(true, note=changed), leaf)
        yield f"root, byte {at}", asks_proof(replace(true, note=Note(changed.text, signed.lines)), leaf)
    for at in range(64):
        forged = replace(line, signature=flipped(line.signature, at))
        yield f"signature, byte {at}", asks_proof(replace(true, note=Note(signed.text, (forged,))), leaf)
    for index in (0, 1, 299, 301, 428, SIZE - 1, SIZE, SIZE + 1, 2**62):
        yield f"index {index}", asks_proof(replace(true, index=index), leaf)
    for size in (1, 299, 300, 301, 512, 514, 1000):
        yield f"size {size}, signed anew", asks_proof(replace(true, note=note(size)), leaf)
    for size in range(500, 530):
        if size != SIZE:
            resized = str(replace(tree, size=size))
            yield f"size {size}", asks_proof(replace(true, note=Note(resized, signed.lines)), leaf)
    yield from faults_of_shape(true, leaf)
    yield from faults_of_signers(true, leaf, signed, line)


def faults_of_shape(true: LogProof, leaf: bytes) -> Iterator[tuple[str, Question]]:
    """Yield proofs that are longer, shorter, in disorder, or another's."""
    shapes: dict[str, tuple[bytes, ...]] = {
        "none": (), "all but the first": true.hashes[1:], "all but the last": true.hashes[:-1],
        "one more": (*true.hashes, true.hashes[-1]), "one before": (true.hashes[0], *true.hashes),
        "backwards": true.hashes[::-1], "another leaf's": proof(INDEX + 1, SIZE).hashes,
        "of another size": proof(INDEX, SIZE - 1).hashes,
    }  # fmt: skip
    for name, hashes in shapes.items():
        yield f"hashes: {name}", asks_proof(replace(true, hashes=hashes), leaf)
    for other in (0, 299, 301, 512):
        yield f"proof of leaf {other}", asks_proof(proof(other, SIZE), leaf)


def faults_of_signers(true: LogProof, leaf: bytes, signed: Note, line: SignatureLine) -> Iterator[tuple[str, Question]]:
    """Yield checkpoints that others have signed, or nobody."""

    def by(*lines: SignatureLine) -> LogProof:
        return replace(true, note=Note(signed.text, lines))

    text = signed.text
    yield "signed by a stranger", asks_proof(by(STRANGERS_LOG.sign(text)), leaf)
    yield (
        "a stranger's under the log's hash",
        asks_proof(by(replace(STRANGERS_LOG.sign(text), key_hash=line.key_hash)), leaf),
    )
    yield "signed by a witness alone", asks_proof(by(WITNESS.sign(text)), leaf)
    yield "signed by ML-DSA alone", asks_proof(by(cosigned().lines[1]), leaf)
    yield "under another name", asks_proof(by(replace(line, name="other.example")), leaf)
    yield "signature of another size", asks_proof(by(note(SIZE - 1).lines[0]), leaf)
    yield "signature cut", asks_proof(by(replace(line, signature=line.signature[:-1])), leaf)
    yield "signature of zeros", asks_proof(by(replace(line, signature=bytes(64))), leaf)
    yield "for a stranger's key", asks_proof(true, leaf, [STRANGERS_LOG.vkey])
    yield "for no key", asks_proof(true, leaf, [])
    yield "for another log", asks_proof(true, leaf, [OTHER_LOG.vkey], OTHER_LOG.name)
    other = sign_note(text.replace(ORIGIN, OTHER_LOG.name, 1), [Ed25519Signer(ORIGIN, LOG.key)])
    yield "of another log under this key", asks_proof(replace(true, note=other), leaf)
    extended = Note(f"{text}an extension\n", signed.lines)
    yield "extended afterwards", asks_proof(replace(true, note=extended), leaf)
    yield "without a signature", asks_proof(str(true).replace(str(line), ""), leaf)


def test_every_seeded_fault_of_a_proof_is_refused() -> None:
    asked = dict(faults())
    true = {"true": asks_proof(proof(INDEX, SIZE), data(INDEX))}
    told = refusals({**asked, **true})
    assert len(asked) > 500
    assert ["true"] == [name for name, why in told.items() if not why], told


def test_every_seeded_fault_of_a_continuation_is_refused() -> None:
    steps = log()[1]
    asked: dict[str, Question] = {}
    for old, new in [(1, 2), (3, 7), (6, 8), (300, 513), (512, 513), (65_536, 65_537)]:
        true = prove_consistency(old, new, steps)
        named = f"{old} to {new}"
        for place, step in enumerate(true):
            for at in (0, 17, 31):
                hashes = [*true[:place], flipped(step, at), *true[place + 1 :]]
                asked[f"{named}: hash {place}, byte {at}"] = asks_consistency(note(old), note(new), hashes)
        asked[f"{named}: longer"] = asks_consistency(note(old), note(new), [*true, true[-1]])
        asked[f"{named}: shorter"] = asks_consistency(note(old), note(new), true[:-1])
        asked[f"{named}: turned around"] = asks_consistency(note(new), note(old), true)
        asked[f"{named}: of another old size"] = asks_consistency(note(old + 1), note(new), true)
        asked[f"{named}: of another new size"] = asks_consistency(note(old), note(new + 1), true)
        rewritten = sign_note(str(Checkpoint(origin=ORIGIN, size=old, root=leaf_hash(b"another past"))), [LOG])
        asked[f"{named}: of another past"] = asks_consistency(rewritten, note(new), true)
    told = refusals(asked)
    assert [] == [name for name, why in told.items() if not why]


def test_the_checkpoint_with_both_signatures_is_opened() -> None:
    """The kind that it does not know it leaves aside, as the format asks."""
    both = cosigned()
    only = Note(both.text, both.lines[:1])
    path = tuple(prove_inclusion(7, len(LEAVES), _of(LEAVES)))
    given = {str(len(it.lines)): LogProof(index=7, hashes=path, note=it) for it in (both, only)}
    asked = {name: asks_proof(it, LEAVES[7]) for name, it in given.items()}
    assert {"2": "", "1": ""} == refusals(asked)


def _of(leaves: list[bytes]) -> Subtree:
    return reading_tiles(grow(0, [leaf_hash(leaf) for leaf in leaves], {}.__getitem__).__getitem__)


#: What is no note for one must be none for the other.
NOTES = {
    "a control letter": "a\t\n\n{line}",
    "no empty line": "a\n{line}",
    "no last line break": "a\n\n{line}|",
    "a name with a plus": "a\n\n{line}— a+b AAAAAAAA\n",
    "a name with a space": "a\n\n{line}— a\u3000b AAAAAAAA\n",
    "an empty name": "a\n\n{line}—  AAAAAAAA\n",
    "a short signature": "a\n\n{line}— a AAAA\n",
    "a hyphen": "a\n\n{line}- a AAAAAAAA\n",
    "a hundred and one signatures": "a\n\n{line}" + "— a AAAAAAAA\n" * 100,
    "a carriage return": "a\r\n\r\n{line}",
}
TRUE_NOTES = {
    "one line": "a\n\n{line}",
    "several": "a\n\nb\n\n{line}",
    "empty lines": "a\n\n\n\n{line}",
    "a name of five thousand letters": "a\n\n{line}— " + "n" * 5000 + " AAAAAAAA\n",
    "a dash for a name": "a\n\n{line}— — AAAAAAAA\n",
    "a zero-width space for a name": "a\n\n{line}— \u200b AAAAAAAA\n",
    "a hundred signatures": "a\n\n{line}" + "— a AAAAAAAA\n" * 99,
}


def test_both_take_the_same_texts_for_notes() -> None:
    """Signed rightly or not: what note has opened fails only by being no checkpoint."""
    asked = {}
    for name, form in {**NOTES, **TRUE_NOTES}.items():
        text = form.partition("{line}")[0].removesuffix("\n")
        raw = form.replace("{line}", str(LOG.sign(text))).replace("\n|", "")
        asked[name] = {"ask": "consistency", "origin": ORIGIN, "vkeys": [LOG.vkey], "old": raw}
    told = {name: "no checkpoint of this log" == why for name, why in refusals(asked).items()}
    assert {**dict.fromkeys(NOTES, False), **dict.fromkeys(TRUE_NOTES, True)} == told
    ours = {name: is_note(str(question["old"])) for name, question in asked.items()}
    assert told == ours


def is_note(raw: str) -> bool:
    """Tell whether we take a text for a note."""
    try:
        parse_note(raw)
    except ValueError:
        return False
    return True


@pytest.mark.parametrize("answer", [{"ask": ""}, {}])
def test_a_question_that_is_none_is_not_answered_with_yes(answer: dict[str, Any]) -> None:
    assert [False] == [told["ok"] for told in ask_all("log.go", [answer])]
