"""Mutants of the proof and the checkpoint: the evidence is genuine, and not where, or under what, the file says.

Left out by construction: what the formats leave open. An ``extra`` line is signed by nobody and says nothing;
signatures of others may be added and taken away; a signature of ours may stand there twice.
"""

from base64 import b64encode
from dataclasses import replace
from random import Random

from mutants.cases import Case, Layer
from mutants.changing import another, bit_changed, kind, text_of, with_proof
from mutants.world import OLDER, SIZE, Specimen, World
from vectors.bundles import LOG, LOG_PQ, ORIGIN, OTHER_LOG, STRANGERS_LOG, WITNESS

from broker.proof.logproof import LogProof
from broker.proof.note import Note, SignatureLine


def _proved(rng: Random, world: World, it: Specimen) -> LogProof:
    """The genuine proof, under one signature or two."""
    return world.proof(it, note=rng.choice(["both", "ed25519"]))


def _case(world: World, it: Specimen, genuine: LogProof, **changes: object) -> Case | None:
    changed = replace(genuine, **changes)  # type: ignore[arg-type]
    return with_proof(world, it, Layer.LOG, changed) if changed != genuine else None


@kind("another index")
def index(rng: Random, world: World, it: Specimen) -> Case | None:
    """A neighbour's, another's, one past the end."""
    other = another(rng, world, it).index
    near = [it.index ^ 1 << rng.randrange(9), it.index + 1, max(it.index - 1, 0), 0, SIZE - 1]
    chosen = rng.choice([*near, other, SIZE, SIZE + it.index, 2**31, 2**62])
    return _case(world, it, _proved(rng, world, it), index=chosen)


@kind("a bit of a hash")
def bit(rng: Random, world: World, it: Specimen) -> Case | None:
    """One bit of the way to the root."""
    genuine = _proved(rng, world, it)
    at = rng.randrange(len(genuine.hashes))
    hashes = (*genuine.hashes[:at], bit_changed(rng, genuine.hashes[at]), *genuine.hashes[at + 1 :])
    return _case(world, it, genuine, hashes=hashes)


@kind("another way to the root")
def way(rng: Random, world: World, it: Specimen) -> Case | None:
    """Hashes left out, doubled, exchanged, added, or another leaf's."""
    genuine = _proved(rng, world, it)
    hashes, at = list(genuine.hashes), rng.randrange(len(genuine.hashes))
    more = rng.choice([rng.randbytes(32), bytes(32), hashes[at]])
    ways = [
        hashes[:at] + hashes[at + 1 :], hashes[:at], hashes[at + 1 :], [*hashes[:at], more, *hashes[at:]],
        [*hashes, more], [more, *hashes], [*hashes[:at], more, *hashes[at + 1 :]], rng.sample(hashes, len(hashes)),
        hashes[::-1], [], world.path(another(rng, world, it).index), world.path(it.index, OLDER),
        world.path(it.index, forked=True), [*hashes, *hashes],
    ]  # fmt: skip
    return _case(world, it, genuine, hashes=tuple(rng.choice(ways)[:63]))


@kind("the proof of another leaf")
def others(rng: Random, world: World, it: Specimen) -> Case | None:
    """Genuine from beginning to end, and of something else."""
    return with_proof(world, it, Layer.LOG, _proved(rng, world, another(rng, world, it)))


@kind("the evidence of another bundle")
def evidence(rng: Random, world: World, it: Specimen) -> Case | None:
    """The same, seen from the other side."""
    other = another(rng, world, it)
    file = world.bundle(text_of(other.jwt, other.shown), _proved(rng, world, it))
    return Case("", file, other.typ, world.jwks, world.vkeys, Layer.LOG)


@kind("another genuine checkpoint")
def checkpoint(rng: Random, world: World, it: Specimen) -> Case | None:
    """Of another size, of another log, of a fork; signed by whom it says, and not by this log over this tree."""
    chosen = rng.choice(["older", "other-log", "strangers", "strangers-fork", "other-name"])
    return with_proof(world, it, Layer.LOG, world.proof(it, note=chosen))


@kind("the checkpoint's text")
def text(rng: Random, world: World, it: Specimen) -> Case | None:
    """Origin, size or root under the old signatures."""
    genuine = _proved(rng, world, it)
    tree = genuine.checkpoint
    sizes = [tree.size + 1, tree.size - 1, tree.size ^ 1 << rng.randrange(12), it.index + 1, OLDER, 2**40, 1]
    origins = [OTHER_LOG.name, f"{ORIGIN}/", ORIGIN.upper(), f"x{ORIGIN}"]
    others = [
        replace(tree, root=bit_changed(rng, tree.root)),
        replace(tree, size=rng.choice(sizes)),
        replace(tree, origin=rng.choice(origins)),
    ]
    changed = rng.choice([*map(str, others), f"{tree}an extension\n"])
    return _case(world, it, genuine, note=Note(changed, genuine.note.lines))


@kind("the text of a proof, cut")
def cut(rng: Random, world: World, it: Specimen) -> Case | None:
    """Before its first signature has ended."""
    genuine = world.proof(it, note="ed25519")
    whole = str(genuine)
    return with_proof(world, it, Layer.LOG, whole[: rng.randrange(len(whole) - 1)])


@kind("no proof")
def none(rng: Random, world: World, it: Specimen) -> Case | None:
    """None at all, or a text that is none."""
    return with_proof(world, it, Layer.LOG, rng.choice([None, "", "\n\n", "index 0", rng.randbytes(40).hex()]))


@kind("a signature of the log")
def signature(rng: Random, world: World, it: Specimen) -> Case | None:
    """One bit of it, or a signature of something else, or by somebody else."""
    genuine = _proved(rng, world, it)
    line = genuine.note.lines[0]
    wrong = [
        replace(line, signature=bit_changed(rng, line.signature)), world.notes["older"].lines[0],
        replace(STRANGERS_LOG.sign(genuine.note.text), key_hash=line.key_hash), replace(line, signature=bytes(64)),
        replace(line, signature=line.signature[: rng.randrange(1, 64)]),
        replace(line, signature=line.signature + b"\0"),
        replace(world.notes["other-log"].lines[0], name=line.name, key_hash=line.key_hash),
        replace(line, signature=line.signature[32:] + line.signature[:32]),
    ]  # fmt: skip
    lines = (rng.choice([wrong[0], rng.choice(wrong)]), *genuine.note.lines[1:])
    return _case(world, it, genuine, note=Note(genuine.note.text, lines))


@kind("signed by others alone")
def signers(rng: Random, world: World, it: Specimen) -> Case | None:
    """The log's own signature is not there, or stands under another name or number."""
    genuine = world.proof(it, note="ed25519")
    written, line = genuine.note.text, genuine.note.lines[0]
    others = [
        replace(line, name=rng.choice([WITNESS.name, f"{ORIGIN}2", ORIGIN.upper()])), WITNESS.sign(written),
        replace(line, key_hash=bit_changed(rng, line.key_hash)), STRANGERS_LOG.sign(written), OTHER_LOG.sign(written),
        SignatureLine(ORIGIN, STRANGERS_LOG.sign(written).key_hash, line.signature),
    ]  # fmt: skip
    lines = tuple(rng.sample(others, rng.randrange(1, 3)))
    return _case(world, it, genuine, note=Note(written, lines))


@kind("a cosignature of the log", ours=True)
def cosignature(rng: Random, world: World, it: Specimen) -> Case | None:
    """The ML-DSA-44 line beside a true Ed25519 one: of another time or tree, a bit; or it alone over another tree."""
    genuine = world.proof(it)
    tree, (line, other) = genuine.checkpoint, genuine.note.lines
    older = world.notes["older"].lines[1]
    wrong = [
        replace(other, signature=bit_changed(rng, other.signature)), replace(other, signature=other.signature[:-1]),
        older, replace(other, signature=older.signature[:8] + bytes(8) + other.signature[16:]),
        replace(other, signature=other.signature[:7] + bytes([other.signature[7] ^ 1]) + other.signature[8:]),
        replace(other, signature=bytes(8) + other.signature[8:]), replace(other, signature=other.signature[8:]),
    ]  # fmt: skip
    note = Note(genuine.note.text, (line, rng.choice([wrong[0], rng.choice(wrong)])))
    if rng.random() < 0.3:
        resized = replace(tree, size=tree.size + rng.choice([1, -1, 4, 1000]))
        rerooted = replace(tree, root=bit_changed(rng, tree.root))
        note = Note(str(rng.choice([resized, rerooted])), (other,))
    return with_proof(world, it, Layer.COSIGNATURE, replace(genuine, note=note))


_KEYS = [LOG.vkey, LOG_PQ.vkey]


@kind("other verifier keys")
def vkeys(rng: Random, world: World, it: Specimen) -> Case | None:
    """Genuine evidence and proof, checked against keys that are not this log's, or are none."""
    genuine = with_proof(world, it, Layer.LOG, world.proof(it, note="ed25519"))
    name, digest, key = LOG.vkey.split("+")
    wrong: list[tuple[str, ...]] = [
        (STRANGERS_LOG.vkey,), (OTHER_LOG.vkey,), (WITNESS.vkey,), (), (LOG_PQ.vkey,), (LOG.vkey[:-4],),
        (f"{name}+{bit_changed(rng, bytes.fromhex(digest)).hex()}+{key}",), (f"{name}2+{digest}+{key}",),
        (f"{name}+{digest}+{b64encode(bit_changed(rng, bytes(33))).decode()}",),
        (f"{name}+{STRANGERS_LOG.vkey.split('+')[1]}+{key}",),
    ]  # fmt: skip
    return replace(genuine, vkeys=rng.choice(wrong))
