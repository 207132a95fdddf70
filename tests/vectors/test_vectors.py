"""Every receipt that holds, and every lie, which fails at the step that it should."""

import json
from collections.abc import Iterable
from pathlib import Path

import pytest
from vectors.make import FOLDER, JWKS, files

from broker.cli import main
from broker.proof.verify import STEPS, Verdict, verify_evidence, verify_receipt

HOLD = [
    "receipt-given", "receipt-refused", "receipt-withdrawn", "receipt-revoked", "receipt-expired", "receipt-of-a-brand",
    "receipt-with-nothing-disclosed", "receipt-with-the-account-only", "receipt-disclosed-in-another-order",
    "receipt-with-line-breaks-around",
]  # fmt: skip

#: What each lie must be found out by.
LIES = {
    "receipt-empty": "form",
    "receipt-truncated": "form",
    "receipt-truncated-in-the-jwt": "form",
    "receipt-as-json": "form",
    "receipt-with-key-binding": "form",
    "receipt-padded-disclosure": "form",
    "receipt-disclosure-empty": "form",
    "receipt-disclosure-of-two": "form",
    "receipt-disclosure-as-object": "form",
    "receipt-disclosure-without-salt": "form",
    "receipt-disclosure-of-no-name": "form",
    "receipt-disclosure-of-digests": "form",
    "receipt-disclosure-of-an-element": "form",
    "receipt-letters-outside-ascii": "form",
    "receipt-of-two-parts": "header",
    "receipt-of-four-parts": "header",
    "receipt-padded-header": "header",
    "receipt-header-member-twice": "header",
    "receipt-alg-none": "header",
    "receipt-alg-none-with-signature": "header",
    "receipt-alg-is-a-list": "header",
    "receipt-hs256-with-public-key": "header",
    "receipt-es384": "header",
    "receipt-other-typ": "header",
    "receipt-typ-missing": "header",
    "receipt-kid-missing": "header",
    "receipt-kid-is-a-number": "header",
    "receipt-jwk-in-header": "header",
    "receipt-wrong-key-with-jwk": "header",
    "receipt-jku-in-header": "header",
    "receipt-x5u-in-header": "header",
    "receipt-crit-in-header": "header",
    "receipt-b64-in-header": "header",
    "receipt-kid-unknown": "key",
    "receipt-wrong-key": "signature",
    "receipt-kid-of-the-tokens-key": "signature",
    "receipt-padded-base64": "signature",
    "receipt-line-break-inside": "signature",
    "receipt-without-signature": "signature",
    "receipt-signature-of-zeros": "signature",
    "receipt-signature-in-der": "signature",
    "receipt-signature-cut": "signature",
    "receipt-signature-of-another-receipt": "signature",
    "receipt-claims-changed": "signature",
    "receipt-life-prolonged": "signature",
    "receipt-claims-written-otherwise": "signature",
    "receipt-member-twice": "payload",
    "receipt-is-a-list": "payload",
    "receipt-without-issuer": "payload",
    "receipt-for-two-clients": "payload",
    "receipt-without-time": "payload",
    "receipt-without-record": "payload",
    "receipt-without-event": "payload",
    "receipt-of-a-mere-request": "payload",
    "receipt-of-two-states": "payload",
    "receipt-given-by-an-act-of-withdrawal": "payload",
    "receipt-by-nobody": "payload",
    "receipt-of-another-time": "payload",
    "receipt-time-is-true": "payload",
    "receipt-time-in-no-zone": "payload",
    "receipt-time-in-another-writing": "payload",
    "receipt-end-that-is-no-time": "payload",
    "receipt-status-of-a-stranger": "payload",
    "receipt-status-missing": "payload",
    "receipt-of-one-party": "payload",
    "receipt-parties-as-text": "payload",
    "receipt-without-notice": "payload",
    "receipt-without-policy": "payload",
    "receipt-without-withdrawal": "payload",
    "receipt-without-grant": "payload",
    "receipt-without-platform": "payload",
    "receipt-of-no-purpose": "payload",
    "receipt-purposes-missing": "payload",
    "receipt-purpose-unknown": "payload",
    "receipt-purpose-in-other-words": "payload",
    "receipt-purpose-as-text": "payload",
    "receipt-disclosure-changed": "disclosures",
    "receipt-disclosure-of-another-receipt": "disclosures",
    "receipt-disclosure-twice": "disclosures",
    "receipt-two-accounts": "disclosures",
    "receipt-disclosure-of-another-name": "disclosures",
    "receipt-disclosure-of-a-claim": "disclosures",
    "receipt-words-of-another-notice": "disclosures",
    "receipt-words-never-signed": "disclosures",
    "receipt-digest-missing": "disclosures",
    "receipt-digest-twice": "disclosures",
    "receipt-digest-that-is-nothing": "disclosures",
    "receipt-digests-missing": "disclosures",
    "receipt-digests-as-text": "disclosures",
    "receipt-digests-of-another-kind": "disclosures",
    "receipt-digests-of-no-kind": "disclosures",
}

STATEMENT = "statement-given"
#: What each lie of a provenance statement must be found out by.
STATED_LIES = {
    "statement-typ-of-a-receipt": "payload",
    "statement-claims-changed": "signature",
    "statement-signature-of-another-statement": "signature",
    "statement-data-source-of-another-tag": "payload",
    "statement-of-no-purpose": "payload",
    "statement-evidence-of-another-tag": "disclosures",
}

CERTIFICATES = ["certificate-given", "certificate-that-names-nobody", "certificate-by-an-operator"]
#: What each lie of an erasure's certificate must be found out by.
CERTIFIED_LIES = {
    "certificate-claims-changed": "signature",
    "certificate-typ-of-a-receipt": "payload",
    "certificate-of-another-time": "payload",
    "certificate-of-no-time": "payload",
    "certificate-by-a-business": "payload",
    "certificate-by-two": "payload",
    "certificate-of-another-operation": "payload",
    "certificate-of-less-than-nothing": "payload",
    "certificate-of-some-people": "payload",
    "certificate-of-a-true-number": "payload",
    "certificate-of-half-an-entry": "payload",
    "certificate-without-commitment": "payload",
    "certificate-without-erasure": "payload",
    "certificate-of-no-broker": "payload",
    "certificate-account-of-another": "disclosures",
    "certificate-account-twice": "disclosures",
    "certificate-that-discloses-a-record": "disclosures",
}

#: Key sets against which even a true receipt does not hold.
KEY_SETS = [
    "jwks-key-is-private", "jwks-key-twice", "jwks-key-of-a-stranger-under-this-kid", "jwks-key-is-symmetric",
    "jwks-key-on-another-curve", "jwks-key-off-the-curve", "jwks-key-without-y", "jwks-without-this-key",
    "jwks-of-nothing", "jwks-as-an-object", "jwks-without-keys", "jwks-key-that-signs-tokens",
    "jwks-key-revoked-by-nothing", "jwks-key-revoked-at-no-place",
]  # fmt: skip

#: Steps that no key is needed for, and so are made without any.
UNKEYED = {"form", "header", "payload", "disclosures"}


def path(name: str) -> Path:
    """Return a vector's file."""
    return FOLDER / (name if name.endswith(".json") else f"{name}.sd-jwt")


def checked(name: str, jwks: str | None = JWKS) -> Verdict:
    """Check a vector against a key set."""
    keys = json.loads(path(jwks).read_text()) if jwks else None
    return verify_receipt(path(name).read_text(), jwks=keys)


def test_the_vectors_are_those_of_their_script() -> None:
    written = {it.name: it.read_bytes() for it in FOLDER.iterdir() if it.suffix in {".sd-jwt", ".json"}}
    assert {name: content for name, content in files().items() if written.get(name) != content} == {}
    assert files().keys() == written.keys()


def named(names: Iterable[str], suffix: str) -> set[str]:
    """Return the files of these names."""
    return {name + suffix for name in names}


def test_every_vector_stands_in_a_table() -> None:
    expected = (
        named([*HOLD, *LIES, STATEMENT, *STATED_LIES, *CERTIFICATES, *CERTIFIED_LIES], ".sd-jwt")
        | named(KEY_SETS, ".json")
        | {JWKS}
    )
    assert expected == set(files())


def test_every_step_finds_a_lie_out() -> None:
    assert set(STEPS) == set(LIES.values())


@pytest.mark.parametrize("name", HOLD)
def test_a_true_receipt_holds(name: str) -> None:
    verdict = checked(name)
    assert [(step, True) for step in STEPS] == [(step.name, step.ok) for step in verdict.steps]
    assert (True, True) == (verdict.holds, verdict.anchored)
    assert "northwind" == verdict.payload["aud"]


@pytest.mark.parametrize("name", HOLD)
def test_a_true_receipt_without_keys_is_consistent_and_no_more(name: str) -> None:
    verdict = checked(name, None)
    assert [True, True, None, None, True, True] == [step.ok for step in verdict.steps]
    assert (True, False) == (verdict.holds, verdict.anchored)


@pytest.mark.parametrize(("name", "step"), LIES.items(), ids=LIES.keys())
def test_a_lie_is_found_out_at_its_step(name: str, step: str) -> None:
    verdict = checked(name)
    assert (step, False) == (verdict.steps[-1].name, verdict.steps[-1].ok)
    assert [True] * STEPS.index(step) == [made.ok for made in verdict.steps[:-1]]
    assert (False, False, {}, {}) == (verdict.holds, verdict.anchored, verdict.payload, verdict.disclosed)


@pytest.mark.parametrize("name", [name for name, step in LIES.items() if step in UNKEYED])
def test_a_lie_that_needs_no_key_is_found_out_without_one(name: str) -> None:
    verdict = checked(name, None)
    assert (LIES[name], False) == (verdict.steps[-1].name, verdict.holds)


@pytest.mark.parametrize("name", [*HOLD, *LIES])
def test_nothing_is_anchored_without_keys(name: str) -> None:
    assert checked(name, None).anchored is False


def evident(name: str, jwks: str | None = JWKS) -> Verdict:
    """Check a vector as whichever evidence it says it is."""
    keys = json.loads(path(jwks).read_text()) if jwks else None
    return verify_evidence(path(name).read_text(), jwks=keys)


def test_a_true_statement_holds() -> None:
    verdict = evident(STATEMENT)
    assert [(step, True) for step in STEPS] == [(step.name, step.ok) for step in verdict.steps]
    assert (True, True) == (verdict.holds, verdict.anchored)
    assert {"account", "identifier", "evidence"} == verdict.disclosed.keys()
    assert (True, False) == (evident(STATEMENT, None).holds, evident(STATEMENT, None).anchored)


@pytest.mark.parametrize("name", CERTIFICATES)
def test_a_true_certificate_holds(name: str) -> None:
    verdict = evident(name)
    assert [(step, True) for step in STEPS] == [(step.name, step.ok) for step in verdict.steps]
    assert (True, True) == (verdict.holds, verdict.anchored)
    assert (name == CERTIFICATES[1]) is not ("account" in verdict.disclosed)
    assert (True, False) == (evident(name, None).holds, evident(name, None).anchored)


SAID = {**STATED_LIES, **CERTIFIED_LIES}


@pytest.mark.parametrize(("name", "step"), SAID.items(), ids=SAID.keys())
def test_a_lie_of_a_statement_or_a_certificate_is_found_out_at_its_step(name: str, step: str) -> None:
    verdict = evident(name)
    assert (step, False) == (verdict.steps[-1].name, verdict.steps[-1].ok)
    assert [True] * STEPS.index(step) == [made.ok for made in verdict.steps[:-1]]
    assert (False, False, {}, {}) == (verdict.holds, verdict.anchored, verdict.payload, verdict.disclosed)


@pytest.mark.parametrize("name", [STATEMENT, *STATED_LIES])
def test_no_statement_is_a_receipt(name: str) -> None:
    step = "payload" if name == "statement-typ-of-a-receipt" else "header"
    for verdict in (checked(name), checked(name, None)):
        assert (step, False, {}) == (verdict.steps[-1].name, verdict.holds, verdict.payload)


@pytest.mark.parametrize("name", [*HOLD, *LIES])
def test_a_receipt_is_the_same_to_who_takes_either(name: str) -> None:
    assert checked(name).holds is evident(name).holds


@pytest.mark.parametrize("keys", KEY_SETS)
def test_a_key_set_that_is_not_to_be_believed_fails_at_the_key(keys: str) -> None:
    verdict = checked("receipt-given", f"{keys}.json")
    assert ("key", False) == (verdict.steps[-1].name, verdict.holds)


def test_a_receipt_shows_what_it_discloses() -> None:
    shown = {name: checked(name).disclosed for name in HOLD}
    assert {"account", "identifier", "notice_words"} == shown["receipt-given"].keys()
    assert {"account"} == shown["receipt-with-the-account-only"].keys()
    assert {} == shown["receipt-with-nothing-disclosed"]


def verify(name: str, *options: str) -> int:
    """Run ``broker verify`` on a vector."""
    return main(["verify", str(path(name)), *options])


ANCHOR = ("--jwks", str(FOLDER / JWKS))


@pytest.mark.parametrize("name", HOLD)
def test_the_command_exits_with_0_for_what_holds(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert 0 == verify(name, *ANCHOR)
    assert "valid: signed by a key you brought" in capsys.readouterr().out


@pytest.mark.parametrize(("name", "step"), LIES.items(), ids=LIES.keys())
def test_the_command_exits_with_1_and_names_the_step(name: str, step: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert 1 == verify(name, *ANCHOR)
    assert f"not valid: step {STEPS.index(step) + 1} ({step}) failed" in capsys.readouterr().out


def test_the_command_takes_statements_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert 0 == verify(STATEMENT, *ANCHOR)
    assert [1] * len(STATED_LIES) == [verify(name, *ANCHOR) for name in STATED_LIES]
    assert "valid: signed by a key you brought" in capsys.readouterr().out


def test_the_command_exits_with_3_when_nothing_anchors_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert 3 == verify("receipt-given")
    said = capsys.readouterr().out
    assert "consistent, not anchored" in said
    assert "--    4. signature: no keys were given" in said


def test_the_command_prints_the_verdict_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert 1 == verify("receipt-wrong-key", *ANCHOR, "--json")
    told = json.loads(capsys.readouterr().out)
    assert (False, "signature", {}) == (told["valid"], told["steps"][-1]["name"], told["disclosed"])
    assert 0 == verify("receipt-given", *ANCHOR, "--json")
    told = json.loads(capsys.readouterr().out)
    assert (True, "jane") == (told["valid"], told["disclosed"]["account"]["handle"])
