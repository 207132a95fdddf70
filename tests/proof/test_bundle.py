"""The bundle: whatever text is handed in is answered, and what is accepted says what was signed and nothing else."""

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from vectors.bundles import VKEYS, log_files
from vectors.make import FOLDER, JWKS

from broker.errors import MalformedRequest
from broker.proof.bundle import Bundle, is_bundle, parse_bundle
from broker.proof.checkpoint import read_vkeys
from broker.proof.verify import Verdict, verify_evidence

TEXT = (FOLDER / "bundle-signed-with-ed25519-alone.bundle").read_text("utf-8")
MEMBERS = json.loads(TEXT)
KEYS = json.loads((FOLDER / JWKS).read_text())
VERIFIERS = read_vkeys((FOLDER / VKEYS).read_text())
LETTERS = st.sampled_from('ABCabc019+/-_=.~ \n"\\{}[],:é\0\ud800—')


def checked(text: str) -> Verdict:
    """Check a bundle with all keys."""
    return verify_evidence(text, jwks=KEYS, vkeys=VERIFIERS)


def test_what_is_written_is_read_but_for_the_keys() -> None:
    """Keys that ride along are for a reader to look at: they don't even reach who verifies."""
    bundle = parse_bundle(TEXT)
    assert (MEMBERS["evidence"], MEMBERS["proof"]) == (bundle.evidence, str(bundle.proof))
    assert ({}, ()) == (bundle.jwks, bundle.vkeys)
    assert {**MEMBERS, "keys": {"jwks": {}, "vkeys": []}} == json.loads(str(bundle))
    assert Bundle(evidence="e", proof=None) == parse_bundle(str(Bundle(evidence="e", proof=None)))


@pytest.mark.parametrize("keys", [{}, {"jwks": 7}, {"jwks": KEYS, "vkeys": ["x"], "more": None}])
def test_whatever_rides_along_changes_nothing(keys: object) -> None:
    assert checked(json.dumps({**MEMBERS, "keys": keys})) == checked(TEXT)


@given(at=st.integers(0, len(TEXT) - 1), letter=LETTERS)
@example(at=TEXT.index("~") - 1, letter="é")
def test_one_letter_changed_is_refused_or_says_the_same(at: int, letter: str) -> None:
    changed = TEXT[:at] + letter + TEXT[at + 1 :]
    if checked(changed).logged:
        assert parse_bundle(TEXT) == parse_bundle(changed)


@given(at=st.integers(0, len(TEXT)), letter=LETTERS)
def test_one_letter_more_is_refused_or_says_the_same(at: int, letter: str) -> None:
    changed = TEXT[:at] + letter + TEXT[at:]
    if checked(changed).logged:
        assert parse_bundle(TEXT) == parse_bundle(changed)


@given(at=st.integers(0, len(TEXT) - 2))
def test_a_bundle_that_was_cut_is_refused(at: int) -> None:
    assert not checked(TEXT[:at]).logged


@example(text="~")
@given(text=st.text(max_size=40) | st.text('{}[]",:0\ud800', max_size=40).map("{".__add__))
def test_every_text_is_answered(text: str) -> None:
    for keys, vkeys in ((None, ()), (KEYS, VERIFIERS)):
        verdict = verify_evidence(text, jwks=keys, vkeys=vkeys)
        # What ends as a token with its disclosures does may have its form; it has no header.
        found = "header" if text.rstrip().endswith("~") and verdict.steps[-1].name == "header" else "form"
        assert (False, found) == (verdict.holds, verdict.steps[-1].name)


ODD = st.recursive(st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=3), st.lists, max_leaves=3)


@given(member=st.sampled_from(["mediaType", "evidence", "proof"]), value=ODD)
def test_whatever_stands_in_a_member_is_answered(member: str, value: object) -> None:
    for keys, vkeys in ((None, ()), (KEYS, VERIFIERS)):
        assert not verify_evidence(json.dumps({**MEMBERS, member: value}), jwks=keys, vkeys=vkeys).logged


@given(name=st.sampled_from(sorted(name for name in log_files() if name.endswith(".bundle"))), letter=LETTERS)
def test_letters_outside_ascii_anywhere_in_the_evidence_are_answered_without_keys_too(name: str, letter: str) -> None:
    text = (FOLDER / name).read_text("utf-8")
    end = text.find("~")
    verdict = verify_evidence(text[: end - 1] + letter + text[end:], jwks=None, vkeys=VERIFIERS)
    assert verdict.anchored is False


def test_a_bundle_larger_than_any_is_answered() -> None:
    verdict = checked(json.dumps({**MEMBERS, "proof": "x" * 2**20}))
    assert ("form", False) == (verdict.steps[-1].name, verdict.holds)


@pytest.mark.parametrize(("text", "bundle"), [("", False), ("eyJ", False), (" \n{", True), ("[", False), ("{", True)])
def test_a_bundle_is_told_from_a_receipt_by_its_first_letter(text: str, bundle: bool) -> None:  # noqa: FBT001 - a column
    assert bundle is is_bundle(text)


def test_what_is_wrong_is_named() -> None:
    with pytest.raises(MalformedRequest, match="proof: not base64"):
        parse_bundle(json.dumps({**MEMBERS, "proof": MEMBERS["proof"].replace("\n\n", "\n!\n\n", 1)}))
