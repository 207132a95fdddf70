"""The proof file, by C2SP tlog-proof: what is one, and that it holds for one leaf at one place only."""

from base64 import b64encode
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from harness import rfc6962
from hypothesis import given
from hypothesis import strategies as st

from broker.proof.checkpoint import Checkpoint
from broker.proof.logproof import LogProof, parse_logproof
from broker.proof.merkle import ProofFailed
from broker.proof.note import Ed25519Signer, NoteFailed, sign_note

LEAVES = [str(number).encode() for number in range(21)]
SIGNER = Ed25519Signer("log.example/1", Ed25519PrivateKey.from_private_bytes(b"k" * 32))


def proof_of(index: int, size: int = 21) -> LogProof:
    """Return the proof of a leaf."""
    tree = Checkpoint(origin="log.example/1", size=size, root=rfc6962.tree_hash(LEAVES[:size]))
    path = rfc6962.audit_path(index, LEAVES[:size])
    return LogProof(index=index, hashes=tuple(path), note=sign_note(str(tree), [SIGNER]))


PROOF = proof_of(7)
TEXT = str(PROOF)
LINES = TEXT.split("\n")


def test_a_proof_file_is_laid_out_as_the_standard_says() -> None:
    hashes = [b64encode(step).decode() for step in rfc6962.audit_path(7, LEAVES)]
    assert ["c2sp.org/tlog-proof@v1", "index 7", *hashes, "", *str(PROOF.note).split("\n")] == LINES


@pytest.mark.parametrize(("index", "size"), [(0, 1), (0, 2), (1, 2), (7, 21), (20, 21)])
def test_what_is_written_is_read_and_holds(index: int, size: int) -> None:
    proof = parse_logproof(str(proof_of(index, size)))
    assert proof_of(index, size) == proof
    assert (index, size) == (proof.index, proof.checkpoint.size)
    proof.check(LEAVES[index])


def test_the_only_leaf_of_a_log_needs_no_hashes() -> None:
    assert "c2sp.org/tlog-proof@v1\nindex 0\n\nlog.example/1\n1\n" in str(proof_of(0, 1))


def test_it_holds_for_no_other_leaf() -> None:
    for leaf in [*LEAVES[:7], *LEAVES[8:], b"", b"7\n"]:
        with pytest.raises(ProofFailed):
            PROOF.check(leaf)


@pytest.mark.parametrize("index", [0, 6, 8, 20, 21, 2**63])
def test_it_holds_at_no_other_place(index: int) -> None:
    with pytest.raises(ProofFailed):
        replace(PROOF, index=index).check(LEAVES[7])


def test_it_holds_in_no_other_tree() -> None:
    for size in (8, 20):
        with pytest.raises(ProofFailed):
            replace(PROOF, note=proof_of(7, size).note).check(LEAVES[7])


def with_lines(*lines: str) -> str:
    """Return the proof file with other lines before its hashes."""
    return "\n".join([*lines, *LINES[2:]])


def test_extra_data_is_read_and_believed_by_nobody() -> None:
    """The second line may be ``extra`` and base64: data of others, which nobody signed."""
    extra = with_lines(LINES[0], "extra aGFsbG8=", LINES[1])
    proof = parse_logproof(extra)
    assert (b"hallo", extra) == (proof.extra, str(proof))
    assert PROOF == replace(proof, extra=b"")
    proof.check(LEAVES[7])


HEAD, INDEX, FIRST = LINES[:3]


@pytest.mark.parametrize(
    "text",
    [
        "", "\n", "\n\n", HEAD, f"{HEAD}\n{INDEX}", f"{HEAD}\n{INDEX}\n\n", TEXT.replace("v1", "v2", 1), "\n" + TEXT,
        " " + TEXT, TEXT.upper(), TEXT.replace("\n", "\r\n"), with_lines(HEAD), with_lines(INDEX, HEAD),
        with_lines(HEAD, "", INDEX), with_lines(HEAD, INDEX, INDEX), with_lines(HEAD, "index"),
        with_lines(HEAD, "index "), with_lines(HEAD, "index  7"), with_lines(HEAD, "index 07"),
        with_lines(HEAD, "index +7"), with_lines(HEAD, "index -7"), with_lines(HEAD, "index 7 "),
        with_lines(HEAD, "index 0x7"), with_lines(HEAD, "index \u0667"), with_lines(HEAD, f"index {10**19}"),
        with_lines(HEAD, f"index {'9' * 5000}"), with_lines(HEAD, "Index 7"), with_lines(HEAD, "extra", INDEX),
        with_lines(HEAD, "extra ", INDEX), with_lines(HEAD, "extra !", INDEX),
        with_lines(HEAD, "extra aGFsbG8", INDEX), with_lines(HEAD, "extra aGFsbG9=", INDEX),
        with_lines(HEAD, INDEX, "extra aGFsbG8="), with_lines(HEAD, "extra aGFsbG8=", "extra aGFsbG8=", INDEX),
        with_lines(HEAD, INDEX, "", FIRST), with_lines(HEAD, INDEX, FIRST[:-1]), with_lines(HEAD, INDEX, FIRST + "="),
        with_lines(HEAD, INDEX, " " + FIRST), with_lines(HEAD, INDEX, "AAAA"), with_lines(HEAD, INDEX, "!"),
        with_lines(HEAD, INDEX, b64encode(bytes(33)).decode()), with_lines(HEAD, INDEX, *[FIRST] * 59),
        with_lines(HEAD, INDEX, *[FIRST] * 100_000), TEXT[: TEXT.index("\n\n") + 1], TEXT.replace("\n\n", "\n", 1),
        TEXT.rstrip("\n"), TEXT.replace("\n21\n", "\n021\n"), TEXT.replace("\n21\n", "\n21\n\n"),
        TEXT[: TEXT.index("log.example")], TEXT[: TEXT.index("—")],
    ],
)  # fmt: skip
def test_what_is_no_proof_file_is_refused(text: str) -> None:
    with pytest.raises((ProofFailed, NoteFailed)):
        parse_logproof(text)


def test_a_path_of_the_deepest_tree_is_read() -> None:
    deepest = with_lines(HEAD, f"index {2**63 - 2}", *[FIRST] * 58)
    assert (2**63 - 2, 63) == (parse_logproof(deepest).index, len(parse_logproof(deepest).hashes))


@given(text=st.text(max_size=30) | st.integers(0, len(TEXT)).map(lambda at: TEXT[:at]), more=st.text(max_size=3))
def test_every_text_is_a_proof_or_refused(text: str, more: str) -> None:
    try:
        proof = parse_logproof(text + more)
    except (ProofFailed, NoteFailed):
        return
    assert text + more == str(proof)


@given(at=st.integers(0, len(TEXT) - 1), letter=st.sampled_from("ABCxyz0189+/= \n—\0ü"))
def test_one_letter_changed_is_refused_or_read_as_written(at: int, letter: str) -> None:
    changed = TEXT[:at] + letter + TEXT[at + 1 :]
    try:
        proof = parse_logproof(changed)
    except (ProofFailed, NoteFailed):
        return
    assert (changed, changed == TEXT) == (str(proof), proof == PROOF)
