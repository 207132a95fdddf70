"""Every tree up to 64 leaves: our roots and proofs are those of RFC 6962, and nothing else passes for one."""

from collections.abc import Callable, Iterator, Sequence
from functools import cache

import pytest
from harness import rfc6962

from broker.proof.merkle import (
    EMPTY_ROOT,
    ProofFailed,
    check_consistency,
    check_inclusion,
    leaf_hash,
    node_hash,
    prove_consistency,
    prove_inclusion,
    root_of,
    tree_root,
)

MOST = 64
LEAVES = [f"leaf {number}".encode() for number in range(MOST + 1)]
SIZES = range(1, MOST + 1)
PLACES = [(index, size) for size in SIZES for index in range(size)]
GROWTHS = [(old, new) for new in SIZES for old in range(1, new + 1)]
OTHER = b"\x5a" * 32


@cache
def root(size: int) -> bytes:
    """Return the root that the standard gives the first leaves."""
    return rfc6962.tree_hash(LEAVES[:size])


@cache
def subtree(level: int, index: int) -> bytes:
    """Return the root of a complete subtree, as storage would."""
    return rfc6962.tree_hash(LEAVES[index << level : (index + 1) << level])


@cache
def inclusion(index: int, size: int) -> tuple[bytes, ...]:
    """Return our inclusion proof."""
    return tuple(prove_inclusion(index, size, subtree))


@cache
def consistency(old: int, new: int) -> tuple[bytes, ...]:
    """Return our consistency proof."""
    return tuple(prove_consistency(old, new, subtree))


def holds(check: Callable[..., None], *arguments: object) -> bool:
    """Tell whether a check lets its arguments pass."""
    try:
        check(*arguments)
    except ProofFailed:
        return False
    return True


def damaged(proof: Sequence[bytes]) -> Iterator[list[bytes]]:
    """Give the proofs that are nearly this one."""
    yield [OTHER, *proof]
    yield [*proof, OTHER]
    for place in range(len(proof)):
        yield [*proof[:place], OTHER, *proof[place + 1 :]]
        yield [*proof[:place], *proof[place + 1 :]]
        yield [*proof[:place], proof[place], *proof[place:]]
        if place:
            yield [*proof[: place - 1], proof[place], proof[place - 1], *proof[place + 1 :]]


def test_roots_are_those_of_the_standard() -> None:
    expected = [root(size) for size in (0, *SIZES)]
    assert expected == [tree_root(size, subtree) for size in (0, *SIZES)]
    assert expected == [root_of([leaf_hash(leaf) for leaf in LEAVES[:size]]) for size in (0, *SIZES)]
    assert EMPTY_ROOT == expected[0]


def test_inclusion_proofs_are_those_of_the_standard_and_hold() -> None:
    for index, size in PLACES:
        assert rfc6962.audit_path(index, LEAVES[:size]) == list(inclusion(index, size))
        check_inclusion(leaf_hash(LEAVES[index]), index, size, inclusion(index, size), root(size))


def test_no_other_proof_index_leaf_or_root_holds() -> None:
    for index, size in PLACES:
        leaf, proof = leaf_hash(LEAVES[index]), inclusion(index, size)
        lies = [(leaf, index, size, other, root(size)) for other in damaged(proof)]
        places = {-1, 0, index - 1, index ^ 1, size - 1, size} - {index}
        lies += [(leaf, other, size, proof, root(size)) for other in places]
        lies += [(other, index, size, proof, root(size)) for other in (leaf_hash(LEAVES[index + 1]), OTHER)]
        lies += [(leaf, index, size, proof, other) for other in (root(size - 1), root(size + 1), OTHER, b"")]
        assert [] == [lie for lie in lies if holds(check_inclusion, *lie)]


def test_a_proof_holds_in_a_tree_of_another_size_only_where_its_path_is_the_same() -> None:
    """A path binds no size; the checkpoint does, whose signature is over size and root together."""
    for index, size in PLACES[::7]:
        leaf, proof = leaf_hash(LEAVES[index]), inclusion(index, size)
        taken = {other for other in SIZES if holds(check_inclusion, leaf, index, other, proof, root(size))}
        assert {other for other in SIZES if index < other and turns(index, other) == turns(index, size)} == taken


def turns(index: int, size: int) -> str:
    """Return how a path goes down from the root to a leaf: left and right."""
    if size == 1:
        return ""
    k = rfc6962.split(size)
    return "l" + turns(index, k) if index < k else "r" + turns(index - k, size - k)


def test_consistency_proofs_are_those_of_the_standard_and_hold() -> None:
    for old, new in GROWTHS:
        assert rfc6962.consistency(old, LEAVES[:new]) == list(consistency(old, new))
        check_consistency(old, root(old), new, root(new), consistency(old, new))
    for new in SIZES:
        check_consistency(0, EMPTY_ROOT, new, root(new), [])


def test_no_other_proof_size_or_root_is_consistent() -> None:
    for old, new in GROWTHS:
        proof = consistency(old, new)
        lies = [(old, root(old), new, root(new), other) for other in damaged(proof)]
        lies += [(old, OTHER, new, root(new), proof), (old, root(old), new, OTHER, proof)]
        lies += [(old, root(old - 1), new, root(new), proof), (old, root(old), new, root(new + 1), proof)]
        lies += [(other, root(old), new, root(new), proof) for other in (-1, 0, new + 1)]
        assert [] == [lie for lie in lies if holds(check_consistency, *lie)]


def test_a_rewritten_tree_is_not_the_continuation_of_the_old_one() -> None:
    """One leaf of the past is another: whatever honest proof the new tree gives, it does not hold for the old root."""
    for old in range(1, MOST):
        rewritten = [*LEAVES[: old - 1], b"rewritten", *LEAVES[old:MOST]]
        proof = rfc6962.consistency(old, rewritten)
        assert not holds(check_consistency, old, root(old), MOST, rfc6962.tree_hash(rewritten), proof)


@pytest.mark.parametrize(("size", "given"), [(0, OTHER), (0, root(1))])
def test_the_tree_of_nothing_has_one_root(size: int, given: bytes) -> None:
    check_consistency(0, EMPTY_ROOT, size, EMPTY_ROOT, [])
    for lie in [(0, given, size, given, []), (0, EMPTY_ROOT, size, given, []), (0, given, 5, root(5), [])]:
        assert not holds(check_consistency, *lie)
    assert not holds(check_consistency, 0, EMPTY_ROOT, 5, root(5), [OTHER])
    assert not holds(check_inclusion, leaf_hash(b""), 0, 0, [], EMPTY_ROOT)


def test_a_node_does_not_pass_for_a_leaf() -> None:
    left, right = leaf_hash(LEAVES[0]), leaf_hash(LEAVES[1])
    assert node_hash(left, right) != leaf_hash(left + right)
    assert not holds(check_inclusion, leaf_hash(left + right), 0, 1, [], root(2))


@pytest.mark.parametrize(("index", "size"), [(-1, 3), (3, 3), (0, 0)])
def test_there_is_no_proof_of_a_leaf_that_is_not_there(index: int, size: int) -> None:
    with pytest.raises(ValueError, match="no leaf"):
        prove_inclusion(index, size, subtree)


@pytest.mark.parametrize(("old", "new"), [(-1, 3), (4, 3)])
def test_there_is_no_proof_that_a_larger_tree_came_first(old: int, new: int) -> None:
    with pytest.raises(ValueError, match="no beginning"):
        prove_consistency(old, new, subtree)


def test_a_proof_of_the_largest_tree_is_answered() -> None:
    """As deep as any recursion goes: 63 hashes."""
    size = 2**63 - 1
    assert not holds(check_inclusion, OTHER, size - 1, size, [OTHER] * 63, OTHER)
    assert not holds(check_inclusion, OTHER, 0, size, [], OTHER)
    assert not holds(check_consistency, size - 1, OTHER, size, OTHER, [OTHER] * 63)
