"""What a checker can be handed: any text, any key set, any one letter changed. It answers, and never wrongly yes."""

import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import example, given
from hypothesis import strategies as st
from vectors.make import FOLDER, GIVEN, JANE, JANES, JWKS, RECEIPTS, jwk_of, jws, part, sd_jwt

from broker.proof.keys import SigningKey
from broker.proof.receipt import leaf_data
from broker.proof.sdjwt import decode, encode
from broker.proof.verify import STEPS, verify_receipt

KEYS: dict[str, Any] = json.loads((FOLDER / JWKS).read_text())
WHOLE = sd_jwt(GIVEN, *JANE)
BASE64URL = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
LETTERS = st.sampled_from(BASE64URL + '=.~ \n+/"é')
#: The order of the group of P-256 (FIPS 186-5).
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


@given(at=st.integers(0, len(WHOLE) - 1), letter=LETTERS)
def test_a_receipt_with_one_letter_changed_is_never_valid(at: int, letter: str) -> None:
    """In every part: header, payload, signature, disclosures, and the signs between them."""
    forged = WHOLE[:at] + letter + WHOLE[at + 1 :]
    assert (forged == WHOLE) is verify_receipt(forged, jwks=KEYS).anchored


@pytest.mark.parametrize("letter", BASE64URL)
def test_a_signature_has_one_last_letter(letter: str) -> None:
    """86 letters hold two bits more than 64 bytes; a reader that ignores them takes four writings for one."""
    forged = sd_jwt(GIVEN[:-1] + letter, *JANE)
    assert (forged == WHOLE) is verify_receipt(forged, jwks=KEYS).anchored


@given(at=st.integers(0, len(WHOLE) - 1))
def test_a_receipt_with_one_letter_less_is_never_valid(at: int) -> None:
    forged = WHOLE[:at] + WHOLE[at + 1 :]
    assert verify_receipt(forged, jwks=KEYS).anchored is False


@given(at=st.integers(0, len(WHOLE)), letter=LETTERS.filter(lambda letter: not letter.isspace()))
def test_a_receipt_with_one_letter_more_is_never_valid(at: int, letter: str) -> None:
    forged = WHOLE[:at] + letter + WHOLE[at:]
    assert verify_receipt(forged, jwks=KEYS).anchored is False


def test_the_other_writing_of_a_signature_names_the_same_receipt() -> None:
    """With (r, s) goes (r, n - s), for ES256 anywhere: a second writing, no forgery. The payload stays what it is."""
    raw = decode(GIVEN.rpartition(".")[2])
    turned = raw[:32] + (ORDER - int.from_bytes(raw[32:], "big")).to_bytes(32, "big")
    other = GIVEN.rpartition(".")[0] + "." + encode(turned)
    verdict = verify_receipt(sd_jwt(other, *JANE), jwks=KEYS)
    assert (JANES["jti"], JANES) == (verdict.payload["jti"], verdict.payload)


ODD_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)
PLACES = [
    ("iss",), ("jti",), ("sub",), ("aud",), ("iat",), ("record",), ("_sd",), ("_sd_alg",), ("record", "event"),
    ("record", "event", "state"), ("record", "processing"), ("record", "processing", 0),
    ("record", "processing", 0, "purpose_id"), ("record", "processing", 0, "purpose"), ("record", "notice"),
    ("record", "notice", "sha256"), ("record", "event", "type"), ("record", "event", "time"),
    ("record", "event", "valid_until"), ("record", "parties"), ("record", "parties", 0), ("record", "policy"),
    ("record", "withdrawal"), ("record", "record_id"), ("status",), ("status", "status_list"),
    ("status", "status_list", "uri"), ("vct",),
]  # fmt: skip


@given(place=st.sampled_from(PLACES), value=ODD_JSON)
@example(place=("record", "event", "state"), value=[])
@example(place=("record", "processing", 0, "purpose_id"), value={})
@example(place=("_sd",), value=[{}, []])
@example(place=("record", "event", "time"), value="0001-01-01T00:00:00+23:59")
@example(place=("record", "event", "time"), value="9999-12-31T23:59:59-23:59")
def test_whatever_stands_in_a_claim_is_answered(place: tuple[str | int, ...], value: object) -> None:
    claims = json.loads(json.dumps(JANES))
    inner = claims
    for step in place[:-1]:
        inner = inner[step]
    inner[place[-1]] = value
    unsigned = f"{GIVEN.partition('.')[0]}.{part(claims)}.c2ln"
    for keys in (None, KEYS):
        verdict = verify_receipt(sd_jwt(unsigned, *JANE), jwks=keys)
        assert verdict.anchored is False
        assert [] == [step for step in verdict.steps if not step.detail]


@given(header=st.dictionaries(st.sampled_from(["alg", "typ", "kid", "crit"]), ODD_JSON))
def test_whatever_stands_in_a_header_is_answered(header: dict[str, object]) -> None:
    forged = ".".join([part(header), *GIVEN.split(".")[1:]])
    assert verify_receipt(sd_jwt(forged, *JANE), jwks=KEYS).anchored is False


@given(text=st.text(max_size=50) | st.text("ey.~A=", max_size=30) | st.lists(LETTERS).map("".join))
def test_every_text_is_answered(text: str) -> None:
    for keys in (None, KEYS):
        assert verify_receipt(text, jwks=keys).holds is False


KEY_MEMBERS = st.dictionaries(st.sampled_from(["kty", "crv", "x", "y", "d", "alg", "use"]), ODD_JSON, max_size=3)


@given(changes=KEY_MEMBERS, keys=st.one_of(st.just([]), ODD_JSON))
def test_every_key_set_is_answered(changes: dict[str, object], keys: object) -> None:
    """A key that was changed is another key or none; ``alg`` and ``use`` are not what decides."""
    key = {**KEYS["keys"][0], **changes}
    same = all(key[name] == KEYS["keys"][0][name] for name in ("kty", "crv", "x", "y")) and "d" not in key
    assert same is verify_receipt(WHOLE, jwks={"keys": [key]}).anchored
    assert verify_receipt(WHOLE, jwks={"keys": keys}).anchored is False


def test_keys_that_nobody_asks_for_do_no_harm() -> None:
    sets = [{"keys": [None, 7, "key", {}, {"kid": 7}, *KEYS["keys"]]}, {**KEYS, "note": "ours"}]
    assert [True, True] == [verify_receipt(WHOLE, jwks=keys).anchored for keys in sets]


def test_a_receipt_is_checked_by_its_own_key_only() -> None:
    other = SigningKey(jwk_of(ec.generate_private_key(ec.SECP256R1())))
    verdict = verify_receipt(sd_jwt(jws(JANES), *JANE), jwks={"keys": [other.public()]})
    assert ("key", False) == (verdict.steps[-1].name, verdict.holds)
    assert SigningKey(jwk_of(RECEIPTS)).kid in verdict.steps[-1].detail


def test_the_steps_are_numbered_from_one() -> None:
    steps = verify_receipt(WHOLE, jwks=KEYS).steps
    assert list(enumerate(STEPS, 1)) == [(step.number, step.name) for step in steps]


def test_a_verdict_tells_what_is_withheld() -> None:
    details = [verify_receipt(sd_jwt(GIVEN, *shown), jwks=KEYS).steps[-1].detail for shown in ((), JANE[:1], JANE)]
    assert [
        "none disclosed, 3 withheld",
        "account disclosed, 2 withheld",
        "account, identifier, notice_words disclosed, 0 withheld",
    ] == details


def test_a_leaf_is_the_digest_of_the_signed_jwt_alone() -> None:
    assert leaf_data(GIVEN) != leaf_data(jws({**JANES, "jti": "another"}))
    assert 32 == len(leaf_data(GIVEN))
