"""Checkpoints, by C2SP tlog-checkpoint, and the three kinds of signature under them, by C2SP tlog-cosignature."""

import hashlib
import struct
from base64 import b64encode
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from broker.proof.checkpoint import (
    Checkpoint,
    MlDsaSigner,
    MlDsaVerifier,
    WitnessVerifier,
    parse_checkpoint,
    read_vkey,
    read_vkeys,
    vkeys_text,
)
from broker.proof.merkle import EMPTY_ROOT
from broker.proof.note import (
    Ed25519Signer,
    Ed25519Verifier,
    Note,
    NoteFailed,
    SignatureLine,
    Verifier,
    check_note,
    parse_note,
    sign_note,
    vkey,
)

ORIGIN, WITNESS = "log.example/1", "witness.example/w"
ROOT = bytes(range(32))
TREE = Checkpoint(origin=ORIGIN, size=21, root=ROOT)
NOW = datetime(2026, 11, 23, 12, 0, 0, 999_999, tzinfo=UTC)
SECONDS = int(datetime(2026, 11, 23, 12, tzinfo=UTC).timestamp())
ED25519_KEY = Ed25519PrivateKey.from_private_bytes(b"e" * 32)
ML_DSA_KEY = MLDSA44PrivateKey.from_seed_bytes(b"m" * 32)
ED25519 = Ed25519Signer(ORIGIN, ED25519_KEY)
ML_DSA = MlDsaSigner(ORIGIN, ML_DSA_KEY, lambda: NOW)
KEYS: list[Verifier] = read_vkeys(vkeys_text([ED25519.vkey, ML_DSA.vkey]))
NOTE = sign_note(str(TREE), [ED25519, ML_DSA])
ROOT64 = b64encode(ROOT).decode()


def test_a_checkpoint_is_three_lines() -> None:
    assert f"log.example/1\n21\n{ROOT64}\n" == str(TREE)
    assert TREE == parse_checkpoint(str(TREE))


@given(size=st.integers(1, 2**63 - 1), root=st.binary(min_size=32, max_size=32), origin=st.sampled_from(["a", "ü + b"]))
def test_what_is_written_is_read(size: int, root: bytes, origin: str) -> None:
    """Nothing is assumed of an origin, "MUST NOT": neither its form nor that it lacks spaces."""
    tree = Checkpoint(origin=origin, size=size, root=root)
    assert tree == parse_checkpoint(str(tree))


def test_lines_of_extensions_are_let_be() -> None:
    """Opaque and optional, says the standard: they are read by nobody, and the signed text is theirs too."""
    text = f"{TREE}an extension\nand another\n"
    assert TREE == parse_checkpoint(text)
    note = parse_note(str(sign_note(text, [ED25519])))
    assert (text, [KEYS[0]]) == (note.text, check_note(note, KEYS))


@pytest.mark.parametrize(
    "text",
    [
        "", "\n", "a\n", "a\n1\n", f"a\n1\n{ROOT64}", f"a\n1\n{ROOT64}\n\n", f"\n1\n{ROOT64}\n", f"a\n\n{ROOT64}\n",
        f"a\n{ROOT64}\n1\n", f"1\n{ROOT64}\n", f"a\n01\n{ROOT64}\n", f"a\n+1\n{ROOT64}\n", f"a\n-1\n{ROOT64}\n",
        f"a\n1.0\n{ROOT64}\n", f"a\n1 \n{ROOT64}\n", f"a\n1e3\n{ROOT64}\n", f"a\n0x1\n{ROOT64}\n", f"a\n٢\n{ROOT64}\n",
        f"a\n{2**63}\n{ROOT64}\n", f"a\n{10**19 - 1}\n{ROOT64}\n", f"a\n{'9' * 5000}\n{ROOT64}\n",
        f"a\n1\n{ROOT64}=\n", f"a\n1\n{ROOT64[:-1]}\n", f"a\n1\n {ROOT64}\n", "a\n1\n\n", "a\n1\nAAAA\n",
        f"a\n1\n{b64encode(bytes(33)).decode()}\n", f"a\n1\n{ROOT64[:-2]}9=\n", f"a\n1\n{ROOT64}\n\nextension\n",
        f"a\n0\n{ROOT64}\n", f"a\n1\n{b64encode(bytes([255] * 32)).decode().replace('/', '_')}\n",
    ],
)  # fmt: skip
def test_what_is_no_checkpoint_is_refused(text: str) -> None:
    with pytest.raises(NoteFailed):
        parse_checkpoint(text)


def test_the_checkpoint_of_an_empty_log_is_one() -> None:
    empty = Checkpoint(origin=ORIGIN, size=0, root=EMPTY_ROOT)
    assert empty == parse_checkpoint(str(empty))
    assert KEYS == check_note(sign_note(str(empty), [ED25519, ML_DSA]), KEYS)


def test_both_signatures_of_the_log_hold() -> None:
    assert KEYS == check_note(parse_note(str(NOTE)), KEYS)
    assert [Ed25519Verifier, MlDsaVerifier] == [type(key) for key in KEYS]
    assert repr(ML_DSA_KEY) not in repr(ML_DSA)


def cosigned_message(cosigner: bytes, time: int, origin: bytes, end: int, root: bytes) -> bytes:
    """Write a ``cosigned_message`` as tlog-cosignature lays it out."""
    label = b"subtree/v1\n\0"
    assert 12 == len(label)
    names = [struct.pack(">B", len(name)) + name for name in (cosigner, origin)]
    return label + names[0] + struct.pack(">Q", time) + names[1] + struct.pack(">QQ", 0, end) + root


def test_what_ml_dsa_signs_is_laid_out_as_the_standard_says() -> None:
    line = ML_DSA.sign(str(TREE))
    public = ML_DSA_KEY.public_key()
    assert (8 + 2420, 1312) == (len(line.signature), len(public.public_bytes_raw()))
    assert SECONDS == int.from_bytes(line.signature[:8], "big")
    public.verify(line.signature[8:], cosigned_message(ORIGIN.encode(), SECONDS, ORIGIN.encode(), 21, ROOT))
    key_id = hashlib.sha256(ORIGIN.encode() + b"\n\x06" + public.public_bytes_raw()).digest()[:4]
    assert key_id == line.key_hash == KEYS[1].key_hash


@pytest.mark.parametrize("time", [0, SECONDS, 2**63 - 1])
def test_a_cosignature_of_another_name_than_the_logs_holds(time: int) -> None:
    """A witness's. A time of 0 says nothing of when."""
    message = cosigned_message(WITNESS.encode(), time, ORIGIN.encode(), 21, ROOT)
    MlDsaVerifier(WITNESS, ML_DSA_KEY.public_key().public_bytes_raw()).check(
        str(TREE), time.to_bytes(8, "big") + ML_DSA_KEY.sign(message)
    )


OTHERS = {
    "the size": f"{ORIGIN}\n22\n{ROOT64}\n",
    "the origin": f"log.example/2\n21\n{ROOT64}\n",
    "the root": f"{ORIGIN}\n21\n{b64encode(bytes(32)).decode()}\n",
}


@pytest.mark.parametrize("other", OTHERS)
@pytest.mark.parametrize("place", [0, 1])
def test_no_signature_holds_for_another_tree(other: str, place: int) -> None:
    with pytest.raises(NoteFailed):
        check_note(Note(OTHERS[other], (NOTE.lines[place],)), KEYS)


def line_of(place: int, change: bytes, *, at: int) -> SignatureLine:
    """Return a line of the note with bytes of its signature changed."""
    line = NOTE.lines[place]
    return SignatureLine(line.name, line.key_hash, line.signature[:at] + change + line.signature[at + len(change) :])


@given(at=st.integers(0, 2427))
def test_no_other_time_and_no_other_cosignature_holds(at: int) -> None:
    was = NOTE.lines[1].signature[at]
    with pytest.raises(NoteFailed):
        check_note(Note(NOTE.text, (NOTE.lines[0], line_of(1, bytes([was ^ 1]), at=at))), KEYS)


@pytest.mark.parametrize("length", [0, 1, 7, 8, 9, 64, 2427])
@pytest.mark.parametrize("place", [0, 1])
def test_a_signature_that_was_cut_does_not_hold(length: int, place: int) -> None:
    line = NOTE.lines[place]
    cut = SignatureLine(line.name, line.key_hash, line.signature[: min(length, len(line.signature) - 1)])
    with pytest.raises(NoteFailed):
        check_note(Note(NOTE.text, (cut,)), KEYS)


def test_a_time_beyond_all_times_is_none() -> None:
    message = cosigned_message(ORIGIN.encode(), 2**63, ORIGIN.encode(), 21, ROOT)
    with pytest.raises(NoteFailed, match="a cosignature is"):
        KEYS[1].check(str(TREE), (2**63).to_bytes(8, "big") + ML_DSA_KEY.sign(message))


@pytest.mark.parametrize("extension", ["", "an extension\n"])
def test_a_witness_signs_the_whole_text_under_a_time(extension: str) -> None:
    text = f"{TREE}{extension}"
    witness = WitnessVerifier(WITNESS, ED25519_KEY.public_key().public_bytes_raw())
    signed = f"cosignature/v1\ntime {SECONDS}\n{text}".encode()
    signature = SECONDS.to_bytes(8, "big") + ED25519_KEY.sign(signed)
    witness.check(text, signature)
    key_id = hashlib.sha256(WITNESS.encode() + b"\n\x04" + witness.public).digest()[:4]
    assert key_id == witness.key_hash
    assert witness == read_vkey(vkey(WITNESS, 4, witness.public))
    for lie in (signature[:8] + ED25519_KEY.sign(text.encode()), bytes(8) + signature[8:], signature[8:], b""):
        with pytest.raises(NoteFailed):
            witness.check(text, lie)
    with pytest.raises(NoteFailed):
        witness.check(OTHERS["the size"], signature)


def test_a_kind_of_key_is_part_of_the_key() -> None:
    """One pair of keys under two kinds are two keys; what one signed says nothing under the other."""
    public = ED25519_KEY.public_key().public_bytes_raw()
    assert KEYS[0].key_hash != WitnessVerifier(ORIGIN, public).key_hash
    assert Ed25519Verifier(ORIGIN, public) != WitnessVerifier(ORIGIN, public)
    assert [] == check_note(NOTE, [WitnessVerifier(ORIGIN, public)])


@pytest.mark.parametrize("key", KEYS, ids=["Ed25519", "ML-DSA-44"])
@pytest.mark.parametrize("text", ["", "no checkpoint\n", "\n\n\n"])
def test_a_text_that_is_no_checkpoint_is_cosigned_by_nobody(key: Verifier, text: str) -> None:
    with pytest.raises(NoteFailed):
        key.check(text, bytes(2428))
    witness = WitnessVerifier(WITNESS, ED25519_KEY.public_key().public_bytes_raw())
    signature = ED25519_KEY.sign(f"cosignature/v1\ntime 0\n{text}".encode())
    with pytest.raises(NoteFailed, match=r"a checkpoint is|not base64"):
        witness.check(text, bytes(8) + signature)


@pytest.mark.parametrize("origin", ["o" * 256, "ü" * 128, "o" * 100_000])
def test_an_origin_that_no_cosignature_can_name_is_answered(origin: str) -> None:
    tree = Checkpoint(origin=origin, size=21, root=ROOT)
    assert tree == parse_checkpoint(str(tree))
    with pytest.raises(NoteFailed, match="at most 255 bytes"):
        KEYS[1].check(str(tree), bytes(2428))
    longest = "ü" * 127 + "o"
    time = SECONDS.to_bytes(8, "big")
    message = cosigned_message(longest.encode(), SECONDS, longest.encode(), 21, ROOT)
    MlDsaVerifier(longest, ML_DSA_KEY.public_key().public_bytes_raw()).check(
        str(Checkpoint(origin=longest, size=21, root=ROOT)), time + ML_DSA_KEY.sign(message)
    )


@pytest.mark.parametrize(
    "key",
    [
        vkey("a", 1, bytes(31)), vkey("a", 1, b"k" * 33), vkey("a", 1, bytes(32)), vkey("a", 4, bytes(32)),
        vkey("a", 4, b"k" * 31), vkey("a", 6, b"k" * 32), vkey("a", 6, b"k" * 1311), vkey("a", 6, b"k" * 1313),
        vkey("a", 2, b"k" * 91), vkey("a", 0, b"k" * 32), vkey("a", 255, b"k" * 32), "", "a+b+c", "# a comment",
    ],
)  # fmt: skip
def test_what_is_no_key_that_we_know_is_refused(key: str) -> None:
    with pytest.raises(NoteFailed):
        read_vkey(key)


def test_a_file_of_keys_has_one_a_line() -> None:
    text = f"# the log's keys\n\n{ED25519.vkey}  \r\n\t{ML_DSA.vkey}\n# the end"
    assert KEYS == read_vkeys(text)
    assert [] == read_vkeys("") == read_vkeys("\n# nothing\n")
    with pytest.raises(NoteFailed):
        read_vkeys(f"{ED25519.vkey}\nand more\n")
