"""The vectors before programs of others: they accept what holds, and find out what lies against what they check."""

import json
from collections.abc import Iterable
from functools import cache

import pytest
from mutants.cases import Case, Layer
from mutants.judges import Judge, judges
from vectors.bundles import LOG, LOG_PQ
from vectors.make import FOLDER, JWKS, STATEMENT_TYP, TYP
from vectors.test_bundles import HOLD as BUNDLES
from vectors.test_bundles import LIES as BUNDLED_LIES
from vectors.test_vectors import HOLD, LIES, STATED_LIES, STATEMENT

JUDGES = {judge.name: judge for judge in judges()}
SIGNATURE = ["npm jose", "npm @sd-jwt/core", "PyPI sd-jwt"]
DISCLOSED = SIGNATURE[1:]
GO = ["Go x/mod/sumdb"]

#: Not written as it should be, and for some readers the same all the same: no lie, and ours alone refuses it.
WRITINGS = {"receipt-padded-base64", "receipt-line-break-inside", "receipt-with-line-breaks-around"}
#: What the rules of our receipts forbid and those of SD-JWT don't, or what a library lets pass that says nothing new.
OUR_RULES = {
    "receipt-disclosure-of-another-name", "receipt-words-of-another-notice", "receipt-words-never-signed",
    "receipt-digest-that-is-nothing", "receipt-digests-of-no-kind", "receipt-disclosure-twice",
    "receipt-disclosure-of-a-claim", "receipt-digest-twice", "statement-evidence-of-another-tag",
}  # fmt: skip
#: Go does not know ML-DSA-44, and looks at the first signature of a key only.
BEYOND_GO = {
    "bundle-signed-with-ml-dsa-alone", "bundle-checkpoint-cosigned-at-another-time",
    "bundle-checkpoint-cosignature-changed", "bundle-checkpoint-false-signature-beside-a-true-one",
}  # fmt: skip


@cache
def case(name: str) -> Case:
    """Return a vector as a case."""
    suffix = "bundle" if name.startswith("bundle") else "sd-jwt"
    typ = STATEMENT_TYP if "statement" in name else TYP
    file = (FOLDER / f"{name}.{suffix}").read_bytes().decode()
    return Case(name, file, typ, (FOLDER / JWKS).read_text(), (LOG.vkey, LOG_PQ.vkey), Layer(0))


def accepted(judge: Judge, names: Iterable[str]) -> set[str]:
    """Return the vectors that a judge accepts, asked about all at once."""
    asked = list(names)
    answers = judge.accepts([case(name) for name in asked])
    return {name for name, holds in zip(asked, answers, strict=True) if holds}


def lies(*steps: str, but: Iterable[str] = ()) -> set[str]:
    """Return the lies that ours finds out at a step."""
    return {name for name, step in {**LIES, **STATED_LIES, **BUNDLED_LIES}.items() if step in steps} - set(but)


@pytest.mark.parametrize("judge", SIGNATURE)
def test_what_holds_is_accepted_by_whoever_reads_sd_jwt(judge: str) -> None:
    true = {*HOLD, STATEMENT, *BUNDLES} - WRITINGS
    assert true == accepted(JUDGES[judge], true)


@pytest.mark.parametrize("judge", GO)
def test_what_is_in_the_log_is_so_for_go_too(judge: str) -> None:
    true = set(BUNDLES) - BEYOND_GO
    assert len(true) > 10
    assert true == accepted(JUDGES[judge], true)


@pytest.mark.parametrize("judge", SIGNATURE)
def test_a_signature_that_is_none_is_none_for_everybody(judge: str) -> None:
    false = lies("key", "signature", but=WRITINGS)
    assert len(false) > 12
    assert set() == accepted(JUDGES[judge], false)


@pytest.mark.parametrize("judge", DISCLOSED)
def test_what_was_never_signed_is_believed_by_nobody(judge: str) -> None:
    """Accepted is a file whose every disclosure is believed: some libraries leave out in silence what nobody signed."""
    false = lies("disclosures", but=OUR_RULES)
    assert len(false) > 7
    assert set() == accepted(JUDGES[judge], false)


@pytest.mark.parametrize("judge", GO)
def test_what_is_not_in_the_log_is_not_for_go_either(judge: str) -> None:
    false = lies("inclusion", "checkpoint", but=BEYOND_GO)
    assert len(false) > 25
    assert set() == accepted(JUDGES[judge], false)


def test_a_key_set_that_is_none_is_none_for_everybody() -> None:
    """Of the sets that no reader should take, those in which the key is another or none."""
    names = [
        "jwks-key-of-a-stranger-under-this-kid", "jwks-key-off-the-curve", "jwks-without-this-key", "jwks-of-nothing",
        "jwks-key-is-symmetric", "jwks-key-on-another-curve", "jwks-key-without-y", "jwks-without-keys",
    ]  # fmt: skip
    it = case("receipt-given")
    sets = [json.dumps(json.loads((FOLDER / f"{name}.json").read_text())) for name in names]
    asked = [Case(it.kind, it.file, it.typ, jwks, it.vkeys, Layer(0)) for jwks in sets]
    for judge in SIGNATURE:
        assert [False] * len(names) == JUDGES[judge].accepts(asked), judge
