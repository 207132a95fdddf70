"""Signed notes, by C2SP signed-note: what is one, who signed it, and which keys are none."""

import hashlib
from base64 import b64encode

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from broker.proof.note import (
    ED25519,
    Ed25519Signer,
    Ed25519Verifier,
    Note,
    NoteFailed,
    SignatureLine,
    check_note,
    key_hash,
    parse_note,
    sign_note,
    split_vkey,
    vkey,
)

#: The example of the standard: a verifier key, and a note that it verifies.
EXAMPLE_KEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
EXAMPLE = (
    "This is an example message.\n\n"
    "— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n"
)
KEY, OTHER = (Ed25519PrivateKey.from_private_bytes(letter * 32) for letter in (b"k", b"o"))
SIGNER, STRANGER = Ed25519Signer("log.example/1", KEY), Ed25519Signer("log.example/1", OTHER)
TEXT = "a text\n"
NOTE = sign_note(TEXT, [SIGNER])
BASE64 = b64encode(b"hash" + b"signature").decode()


def verifier(signer: Ed25519Signer) -> Ed25519Verifier:
    """Return the key that checks what a signer signs."""
    name, _, public = split_vkey(signer.vkey)
    return Ed25519Verifier(name, public)


OURS = verifier(SIGNER)


def test_the_standards_own_example_holds() -> None:
    name, kind, public = split_vkey(EXAMPLE_KEY)
    note = parse_note(EXAMPLE)
    assert ["example.com/foo"] == [it.name for it in check_note(note, [Ed25519Verifier(name, public)])]
    assert (ED25519, "This is an example message.\n", EXAMPLE) == (kind, note.text, str(note))
    assert EXAMPLE_KEY == vkey(name, kind, public)


def test_the_key_hash_is_the_beginning_of_a_sha_256() -> None:
    public = KEY.public_key().public_bytes_raw()
    assert hashlib.sha256(b"log.example/1\n\x01" + public).digest()[:4] == OURS.key_hash == NOTE.lines[0].key_hash


def test_a_note_that_was_signed_is_read_and_holds() -> None:
    assert NOTE == parse_note(str(NOTE))
    assert [OURS] == check_note(parse_note(str(NOTE)), [OURS])
    assert repr(KEY) not in repr(SIGNER)


@given(at=st.integers(0, len(TEXT) - 1), letter=st.characters(codec="utf-8"))
def test_another_text_does_not_hold(at: int, letter: str) -> None:
    forged = Note(TEXT[:at] + letter + TEXT[at + 1 :], NOTE.lines)
    if forged != NOTE:
        with pytest.raises(NoteFailed):
            check_note(forged, [OURS])


@given(bit=st.integers(0, 64 * 8 - 1))
def test_another_signature_does_not_hold(bit: int) -> None:
    line = NOTE.lines[0]
    forged = int.from_bytes(line.signature, "big") ^ (1 << bit)
    with pytest.raises(NoteFailed, match=r"not log\.example/1's"):
        check_note(Note(TEXT, (SignatureLine(line.name, line.key_hash, forged.to_bytes(64, "big")),)), [OURS])


@pytest.mark.parametrize("size", [1, 63, 65, 0])
def test_a_signature_of_another_length_does_not_hold(size: int) -> None:
    with pytest.raises(NoteFailed):
        check_note(Note(TEXT, (SignatureLine(OURS.name, OURS.key_hash, bytes(size)),)), [OURS])


def test_signatures_of_unknown_keys_are_left_aside() -> None:
    """Also one that shares a name, or four bytes, with a known key; "but not both"."""
    same_hash = SignatureLine("witness.example", OURS.key_hash, b"whatever")
    same_name = SignatureLine(OURS.name, b"none", b"whatever")
    note = sign_note(TEXT, [STRANGER, SIGNER])
    assert [OURS] == check_note(Note(TEXT, (same_hash, same_name, *note.lines)), [OURS])
    assert [] == check_note(Note(TEXT, (same_hash, same_name)), [OURS])
    assert [] == check_note(note, [])


def test_a_false_signature_beside_a_true_one_is_a_lie() -> None:
    """Of another known key, or of the same once more: each signature of a known key must be its own."""
    false = SignatureLine(OURS.name, OURS.key_hash, bytes(64))
    others = SignatureLine(STRANGER.name, verifier(STRANGER).key_hash, bytes(64))
    for lines in [(false, *NOTE.lines), (*NOTE.lines, false), (*NOTE.lines, others)]:
        with pytest.raises(NoteFailed):
            check_note(Note(TEXT, lines), [OURS, verifier(STRANGER)])


def test_a_key_that_signed_twice_signed_once() -> None:
    assert [OURS] == check_note(Note(TEXT, NOTE.lines * 2), [OURS, OURS])


def test_a_key_that_collides_in_name_and_hash_does_not_hold() -> None:
    """The four bytes are an address. Whoever makes another key of the same address has no signature for it."""
    forged = SignatureLine(OURS.name, OURS.key_hash, OTHER.sign(TEXT.encode()))
    with pytest.raises(NoteFailed):
        check_note(Note(TEXT, (forged,)), [OURS])


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (f"\n\n— a {BASE64}\n", "\n"),
        (f"a\n\nb\n\n— a {BASE64}\n", "a\n\nb\n"),
        (f"a\n\n\n— a {BASE64}\n", "a\n\n"),
        (f"a\n\n\n\n\n— a {BASE64}\n", "a\n\n\n\n"),
        (f"— a {BASE64}\n\n— a {BASE64}\n", f"— a {BASE64}\n"),
        (f"ünïcode — \x7f\u0085\n\n— a {BASE64}\n", "ünïcode — \x7f\u0085\n"),
    ],
)
def test_the_text_ends_at_the_last_empty_line(raw: str, text: str) -> None:
    assert text == parse_note(raw).text
    assert raw == str(parse_note(raw))


@pytest.mark.parametrize("name", ["a", "log.example/1", "ü", "—", "a—b", "x" * 5000, "\u200b", "名前"])
def test_a_name_is_anything_but_spaces_and_pluses(name: str) -> None:
    """Of unknown keys as well: a line of somebody else's must not make a note unreadable."""
    assert name == parse_note(f"a\n\n— {name} {BASE64}\n").lines[0].name


@pytest.mark.parametrize("name", ["", "a+b", "+", "a\u00a0b", "\u2003", "a\u0085", "a\u3000b", "a\u2028b"])
def test_a_name_with_a_space_or_a_plus_is_none(name: str) -> None:
    with pytest.raises(NoteFailed):
        parse_note(f"a\n\n— {name} {BASE64}\n")
    with pytest.raises(NoteFailed):
        split_vkey(vkey(name, ED25519, bytes(32)))


CONTROLS = [chr(code) for code in range(32) if chr(code) != "\n"]


@pytest.mark.parametrize(
    "raw",
    [
        "", "\n", "\n\n", "a", "a\n", "a\n\n", "a\n\n\n", f"— a {BASE64}\n", f"a\n— a {BASE64}\n",
        f"a\n\n— a {BASE64}", f"a\n\n- a {BASE64}\n", f"a\n\n—a {BASE64}\n", f"a\n\n—  a {BASE64}\n",
        f"a\n\n— a  {BASE64}\n", "a\n\n— a\n", "a\n\n— a \n", "a\n\n— \n", "a\n\n—\n", f"a\n\n {BASE64}\n",
        f"a\n\n— a {BASE64} \n", f"a\n\n— a {BASE64}\nb\n", f"a\n\nb\n— a {BASE64}\n", f"a\n\n— a {BASE64[:-1]}\n",
        f"a\n\n— a {BASE64}=\n", "a\n\n— a !!!!\n", "a\n\n— a aGFzaA==\n", "a\n\n— a aGE=\n", "a\n\n— a aGFzaGI\n",
        "a\n\n— a aGFzaGJ=\n", "a\n\n— a aGFz-_8=\n", f"a\r\n\r\n— a {BASE64}\r\n", f"\ud800\n\n— a {BASE64}\n",
        f"a\n\n— \udfff {BASE64}\n", *(f"a{control}\n\n— a {BASE64}\n" for control in CONTROLS),
        *(f"a\n\n— a{control} {BASE64}\n" for control in CONTROLS),
    ],
)  # fmt: skip
def test_what_is_no_note_is_refused(raw: str) -> None:
    with pytest.raises(NoteFailed):
        parse_note(raw)


@pytest.mark.parametrize(("count", "read"), [(1, True), (16, True), (100, True), (101, False), (10_000, False)])
def test_a_note_has_at_most_a_hundred_signatures(count: int, read: bool) -> None:  # noqa: FBT001 - a column
    raw = "a\n\n" + f"— a {BASE64}\n" * count
    if read:
        assert count == len(parse_note(raw).lines)
    else:
        with pytest.raises(NoteFailed, match="too many"):
            parse_note(raw)


@given(raw=st.text(max_size=30) | st.text("a\n— =+\0", max_size=30))
def test_every_text_is_a_note_or_refused(raw: str) -> None:
    try:
        note = parse_note(raw)
    except NoteFailed:
        return
    assert (raw, True) == (str(note), note.text.endswith("\n"))


def test_a_text_that_does_not_end_is_not_signed() -> None:
    with pytest.raises(ValueError, match="line break"):
        sign_note("no end", [SIGNER])


@pytest.mark.parametrize(
    "text",
    [
        "", "a", "a+", "a++", "a+530d903a", "a+530d903a+", EXAMPLE_KEY.replace("530d903a", "530d903b"),
        EXAMPLE_KEY.replace("530d903a", "530D903A"), EXAMPLE_KEY.replace("+530d903a+", "+30d903a+"), EXAMPLE_KEY[:-4],
        EXAMPLE_KEY + "=", EXAMPLE_KEY.replace("foo", "fop"), EXAMPLE_KEY.replace("+Aeky", "+Beky"),
        f"{EXAMPLE_KEY} x", EXAMPLE_KEY.replace("+", " "), f"a b{EXAMPLE_KEY}", vkey("a", 1, b""),
        EXAMPLE_KEY + "\n" + EXAMPLE_KEY,
    ],
)  # fmt: skip
def test_what_is_no_verifier_key_is_refused(text: str) -> None:
    with pytest.raises(NoteFailed):
        split_vkey(text)


def points_of_small_order() -> list[bytes]:
    """Return every writing of the eight points, worked out here from the curve's equation."""
    p = 2**255 - 19
    d = -121665 * pow(121666, -1, p) % p
    # 8P = 0: y is 0, 1 or -1, or the square root of what doubling to y = 0 asks for: d y^4 + 2 y^2 - 1 = 0.
    root_of_one = pow(2, (p - 1) // 4, p)
    ys = {0, 1, p - 1}
    disc = pow(1 + d, (p + 3) // 8, p)
    for sqrt in {disc, disc * root_of_one % p}:
        if sqrt * sqrt % p == (1 + d) % p:
            for square in ((-1 + sqrt) * pow(d, -1, p) % p, (-1 - sqrt) * pow(d, -1, p) % p):
                y = pow(square, (p + 3) // 8, p)
                ys |= {z for y2 in (y, y * root_of_one % p) if y2 * y2 % p == square for z in (y2, p - y2)}
    written = [y + more for y in ys for more in (0, p) if y + more < 2**255]
    return [(y | sign << 255).to_bytes(32, "little") for y in written for sign in (0, 1)]


def test_there_are_fourteen_writings_of_the_points_of_small_order() -> None:
    assert 14 == len(set(points_of_small_order()))


@pytest.mark.parametrize("public", points_of_small_order(), ids=bytes.hex)
def test_a_key_under_which_anything_verifies_is_none(public: bytes) -> None:
    with pytest.raises(NoteFailed, match="anything verifies"):
        Ed25519Verifier("a", public)


def test_under_such_a_key_anything_verifies_indeed() -> None:
    """Were it taken: the neutral point as the key, and a signature that holds for every text."""
    neutral = (1).to_bytes(32, "little")
    for text in (b"one text", b"another"):
        Ed25519PublicKey.from_public_bytes(neutral).verify(neutral + bytes(32), text)


@pytest.mark.parametrize("size", [0, 1, 31, 33, 64])
def test_a_key_of_another_length_is_none(size: int) -> None:
    with pytest.raises(NoteFailed):
        Ed25519Verifier("a", b"k" * size)


def test_a_name_is_part_of_what_finds_a_key() -> None:
    public = KEY.public_key().public_bytes_raw()
    assert 3 == len({key_hash("a", 1, public), key_hash("b", 1, public), key_hash("a", 4, public)})
