"""The log grows, turn by turn, by the verbs that the broker itself uses; and is looked at in between."""

import argparse
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from random import Random

from benchmarks.floors import BareTable
from benchmarks.measuring import Timings, peak_mib
from benchmarks.stage import size_of
from broker.actions.broker import Broker
from broker.actions.keep_log import BATCH, append_leaves
from broker.actions.prove_leaf import prove_leaf
from broker.actions.publish_log import publish_checkpoint, require_continuation
from broker.proof.checkpoint import Checkpoint, read_vkeys
from broker.proof.logproof import parse_logproof
from broker.proof.note import check_note, sign_note
from broker.store.log import Leaf, find_head, leave

_SIGNATURES = 20
_MIB = 2**20


def leaf_of(seed: int, number: int) -> bytes:
    """The data of a made-up leaf: found again by its number, so that none has to be kept."""
    return hashlib.sha256(f"{seed}/{number}".encode()).digest()


@dataclass
class Growth:
    """A log that grows, and how long that took since the last look."""

    broker: Broker
    seed: int
    per_commit: int
    bare_leaving: BareTable
    bare_appending: BareTable
    left: int = 0
    leaving: Timings = field(default_factory=Timings)
    appending: Timings = field(default_factory=Timings)
    #: Of each step, by leaf.
    steps: Timings = field(default_factory=Timings)
    publishing: Timings = field(default_factory=Timings)

    def turn(self, count: int) -> None:
        """Leave so many leaves, append them all, and publish: a turn of the sequencer."""
        data = [leaf_of(self.seed, number) for number in range(self.left, self.left + count)]
        for begin in range(0, count, self.per_commit):
            with self.leaving.one():
                self._leave(data[begin : begin + self.per_commit])
        self.left += count
        self.bare_leaving.take(data)
        appended = 0
        while appended < count:
            appended += self._append()
        self.bare_appending.take(data)
        with self.publishing.one():
            require_continuation(self.broker)
            if not publish_checkpoint(self.broker):
                raise AssertionError("there was nothing to publish")

    def _leave(self, data: Sequence[bytes]) -> None:
        with self.broker.database.transaction() as tx:
            for leaf in data:
                leave(tx, Leaf(leaf, "receipt", self.broker.now()))

    def _append(self) -> int:
        with self.appending.one():
            count = append_leaves(self.broker)
        if not count:
            raise AssertionError("leaves wait, and none was appended")
        self.steps.seconds.append(self.appending.seconds[-1] / count)
        return count

    def forget(self) -> None:
        """Begin to count anew."""
        self.leaving, self.appending, self.steps, self.publishing = (Timings() for _ in range(4))
        self.bare_leaving.timings, self.bare_appending.timings = Timings(), Timings()


def slice_to(growth: Growth, size: int, asked: argparse.Namespace, rng: Random) -> Mapping[str, float]:
    """Grow to *size* counted leaves, and say what that took and what the tree is like then."""
    uncounted = min(BATCH, asked.leaves)
    count = size + uncounted - growth.left
    growth.forget()
    for begin in range(0, count, asked.turn):
        growth.turn(min(asked.turn, count - begin))
    return {
        "size": size,
        "tree": growth.left,
        "append_us": _micro(growth.appending, count),
        "append_cpu_us": growth.appending.cpu / count * 1e6,
        "append_median_us": growth.steps.median * 1e6,
        "bare_append_us": _micro(growth.bare_appending.timings, count),
        "leave_us": _micro(growth.leaving, count),
        "bare_leave_us": _micro(growth.bare_leaving.timings, count),
        "publish_ms": growth.publishing.median * 1e3,
        "sign_ms": _signing(growth.broker) * 1e3,
        **_proving(growth, asked.proofs, rng),
        "database_mib": size_of(growth.broker.database) / _MIB,
        "peak_mib": peak_mib(),
    }


def backlog(growth: Growth, count: int) -> Mapping[str, float]:
    """Let so many leaves wait, as after an hour without a sequencer, and append them: each step by leaf."""
    growth.forget()
    growth.turn(count)
    steps = growth.steps.seconds
    return {
        "leaves": count,
        "append_us": _micro(growth.appending, count),
        "first_step_us": steps[0] * 1e6,
        "last_step_us": steps[-1] * 1e6,
        "publish_ms": growth.publishing.total * 1e3,
    }


def _micro(timings: Timings, count: int) -> float:
    return timings.total / count * 1e6


def _signing(broker: Broker) -> float:
    """How many seconds both signatures over the head take, and nothing else."""
    with broker.database.reading() as tx:
        head = find_head(tx)
    if head is None:
        raise AssertionError("there is no head to sign")
    text, timings = str(Checkpoint(origin=broker.log.origin, size=head.size, root=head.root)), Timings()
    for _ in range(_SIGNATURES):
        with timings.one():
            sign_note(text, broker.log.signers)
    return timings.median


def _proving(growth: Growth, count: int, rng: Random) -> Mapping[str, float]:
    """Prove leaves that are drawn at random, and verify each from its text, as whoever holds only the file does."""
    broker, proving, verifying, size = growth.broker, Timings(), Timings(), 0
    verifiers = read_vkeys("\n".join(broker.log.vkeys))
    for _ in range(count):
        leaf = leaf_of(growth.seed, rng.randrange(growth.left))
        with proving.one(), broker.database.reading() as tx:
            proof = prove_leaf(tx, leaf)
        text = str(proof)
        size = max(size, len(text.encode()))
        with verifying.one():
            read = parse_logproof(text)
            read.check(leaf)
            signed = check_note(read.note, verifiers)
        if len(signed) != len(broker.log.signers) or read.checkpoint.size != growth.left:
            raise AssertionError("a proof is not of the tree that was just signed, under both keys")
    return {
        "prove_ms": proving.median * 1e3,
        "prove_p99_ms": proving.percentile(99) * 1e3,
        "proof_bytes": size,
        "verify_ms": verifying.median * 1e3,
        "verify_p99_ms": verifying.percentile(99) * 1e3,
    }
