"""Every bundle that holds, and every lie around the log, which fails at the step that it should."""

import json
from pathlib import Path

import pytest
from vectors.bundles import NOTE_FILE, SIZE, VKEYS, log_files
from vectors.make import FOLDER, JWKS

from broker.cli import main
from broker.proof.checkpoint import read_vkeys
from broker.proof.note import NoteFailed, parse_note
from broker.proof.verify import LOG_STEPS, STEPS, Verdict, verify_evidence

ALL = (*STEPS, *LOG_STEPS)
HOLD = [
    "bundle-given", "bundle-signed-with-ed25519-alone", "bundle-signed-with-ml-dsa-alone",
    "bundle-with-nothing-disclosed", "bundle-of-a-statement", "bundle-of-the-last-leaf", "bundle-of-the-only-leaf",
    "bundle-of-an-older-checkpoint", "bundle-without-keys", "bundle-with-a-witness", "bundle-with-extra-data",
    "bundle-with-an-extension-line", "bundle-on-one-line",
]  # fmt: skip
EARLY = "bundle-not-in-the-log-yet"

#: What each lie must be found out by.
LIES = {
    "bundle-cut": "form",
    "bundle-of-another-version": "form",
    "bundle-of-no-type": "form",
    "bundle-without-evidence": "form",
    "bundle-without-evidence-in-it": "form",
    "bundle-without-proof": "form",
    "bundle-with-a-member-more": "form",
    "bundle-evidence-twice": "form",
    "bundle-evidence-as-a-list": "form",
    "bundle-evidence-in-letters-outside-ascii": "form",
    "bundle-in-a-bundle": "form",
    "bundle-proof-as-an-object": "form",
    "bundle-keys-as-a-list": "form",
    "bundle-followed-by-another": "form",
    "bundle-with-a-byte-order-mark": "form",
    "bundle-proof-of-another-version": "form",
    "bundle-proof-with-line-breaks-of-another-system": "form",
    "bundle-index-missing": "form",
    "bundle-index-with-a-zero-before-it": "form",
    "bundle-index-below-zero": "form",
    "bundle-hash-too-short": "form",
    "bundle-hash-in-base64url": "form",
    "bundle-hash-in-another-writing": "form",
    "bundle-checkpoint-missing": "form",
    "bundle-note-without-signature": "form",
    "bundle-note-with-too-many-signatures": "form",
    "bundle-checkpoint-without-root": "form",
    "bundle-checkpoint-of-no-number": "form",
    "bundle-checkpoint-of-nothing-with-a-root": "form",
    "bundle-evidence-with-its-key": "header",
    "bundle-evidence-signed-by-a-key-that-rides-along": "key",
    "bundle-evidence-changed": "signature",
    "bundle-disclosure-of-another-receipt": "disclosures",
    "bundle-backdated-into-the-log": "inclusion",
    "bundle-proof-of-another-leaf": "inclusion",
    "bundle-proof-of-the-withdrawal": "inclusion",
    "bundle-evidence-of-another-bundle": "inclusion",
    "bundle-index-of-another-leaf": "inclusion",
    "bundle-index-past-the-end": "inclusion",
    "bundle-index-beyond-all-trees": "inclusion",
    "bundle-longer-proof": "inclusion",
    "bundle-shorter-proof": "inclusion",
    "bundle-proof-without-hashes": "inclusion",
    "bundle-hash-changed": "inclusion",
    "bundle-hashes-in-another-order": "inclusion",
    "bundle-hashes-of-another-proof": "inclusion",
    "bundle-checkpoint-from-before-the-leaf": "inclusion",
    "bundle-checkpoint-of-another-size-than-its-proof": "inclusion",
    "bundle-root-of-another-tree": "inclusion",
    "bundle-tree-that-was-forked": "checkpoint",
    "bundle-tree-of-another-size": "checkpoint",
    "bundle-tree-of-another-size-under-ml-dsa": "checkpoint",
    "bundle-under-a-key-of-small-order": "checkpoint",
    "bundle-checkpoint-of-another-log": "checkpoint",
    "bundle-checkpoint-of-another-log-under-this-key": "checkpoint",
    "bundle-checkpoint-renamed": "checkpoint",
    "bundle-checkpoint-signed-by-a-key-that-rides-along": "checkpoint",
    "bundle-checkpoint-signed-by-a-stranger-as-the-log": "checkpoint",
    "bundle-checkpoint-signed-by-a-witness-alone": "checkpoint",
    "bundle-checkpoint-signed-under-another-name": "checkpoint",
    "bundle-checkpoint-signature-of-another-size": "checkpoint",
    "bundle-checkpoint-signature-of-zeros": "checkpoint",
    "bundle-checkpoint-signature-cut": "checkpoint",
    "bundle-checkpoint-false-signature-beside-a-true-one": "checkpoint",
    "bundle-checkpoint-extended-afterwards": "checkpoint",
    "bundle-checkpoint-cosigned-at-another-time": "checkpoint",
    "bundle-checkpoint-cosignature-changed": "checkpoint",
    "bundle-checkpoint-cosignature-as-the-signature": "checkpoint",
}

#: Files of verifier keys that are refused unread, and those that no signature of the log is one of.
NO_KEYS = ["vkeys-of-small-order", "vkeys-under-the-hash-of-another-key", "vkeys-of-a-kind-unknown", "vkeys-cut"]
OTHERS_KEYS = ["vkeys-of-a-stranger", "vkeys-of-another-log"]


def text_of(name: str) -> str:
    """Return a vector's content; bytes are taken as they are."""
    return (FOLDER / name).read_bytes().decode()


def checked(name: str, jwks: str | None = JWKS, vkeys: str | None = VKEYS) -> Verdict:
    """Check a bundle against keys."""
    keys = json.loads(text_of(jwks)) if jwks else None
    return verify_evidence(text_of(f"{name}.bundle"), jwks=keys, vkeys=read_vkeys(text_of(vkeys)) if vkeys else ())


def test_the_vectors_are_those_of_their_script() -> None:
    written = {it.name: it.read_bytes() for it in FOLDER.iterdir() if it.suffix in {".bundle", ".vkeys", ".note"}}
    assert {name: content for name, content in log_files().items() if written.get(name) != content} == {}
    assert log_files().keys() == written.keys()


def test_every_vector_stands_in_a_table() -> None:
    bundles = {f"{name}.bundle" for name in [*HOLD, EARLY, *LIES]}
    keys = {f"{name}.vkeys" for name in [*NO_KEYS, *OTHERS_KEYS, "vkeys-of-nobody"]}
    assert {*bundles, *keys, VKEYS, NOTE_FILE} == log_files().keys()


@pytest.mark.parametrize("name", HOLD)
def test_a_true_bundle_holds_and_is_in_the_log(name: str) -> None:
    verdict = checked(name)
    assert [(step, True) for step in ALL] == [(step.name, step.ok) for step in verdict.steps]
    assert list(range(1, len(ALL) + 1)) == [step.number for step in verdict.steps]
    assert (True, True, True) == (verdict.holds, verdict.anchored, verdict.logged)
    assert "northwind" == verdict.payload["aud"]


@pytest.mark.parametrize(("name", "step"), LIES.items(), ids=LIES.keys())
def test_a_lie_is_found_out_at_its_step(name: str, step: str) -> None:
    verdict = checked(name)
    assert (step, False) == (verdict.steps[-1].name, verdict.steps[-1].ok)
    assert [True] * ALL.index(step) == [made.ok for made in verdict.steps[:-1]]
    assert (False, False, False) == (verdict.holds, verdict.anchored, verdict.logged)
    assert ({}, {}) == (verdict.payload, verdict.disclosed)


@pytest.mark.parametrize("name", [*HOLD, *LIES])
def test_nothing_is_anchored_or_logged_without_keys(name: str) -> None:
    """Whatever rides along: keys that come with the message they verify are nobody's."""
    verdict = checked(name, None, None)
    assert (False, False) == (verdict.anchored, verdict.logged)


@pytest.mark.parametrize("name", HOLD)
def test_a_true_bundle_without_keys_is_consistent_and_no_more(name: str) -> None:
    assert [True, True, None, None, True, True, True, None] == [step.ok for step in checked(name, None, None).steps]


def test_a_lie_that_needs_no_key_is_found_out_without_one() -> None:
    keyed = {"key", "signature", "checkpoint"}
    found = {name: checked(name, None, None).steps[-1].name for name, step in LIES.items() if step not in keyed}
    assert {name: step for name, step in LIES.items() if step not in keyed} == found


def test_the_two_kinds_of_key_prove_two_things() -> None:
    signed, logged = checked("bundle-given", vkeys=None), checked("bundle-given", jwks=None)
    assert (True, False) == (signed.anchored, signed.logged)
    assert (False, True) == (logged.anchored, logged.logged)
    assert "no verifier keys were given" == signed.steps[-1].detail


def compromised(log_size: object) -> dict[str, object]:
    """Return the key set after the receipts' key was compromised, when the log had so many leaves."""
    key, *others = json.loads(text_of(JWKS))["keys"]
    return {"keys": [{**key, "key_ops": [], "revoked": {"reason": "compromised", "log_size": log_size}}, *others]}


def judged(name: str, log_size: object, vkeys: str | None = VKEYS) -> Verdict:
    """Check a vector against the key set after the compromise."""
    keys = read_vkeys(text_of(vkeys)) if vkeys else ()
    return verify_evidence(text_of(name), jwks=compromised(log_size), vkeys=keys)


def test_what_a_compromised_key_signed_counts_by_its_place_in_the_log() -> None:
    """Its leaf is the eighth, index 7. A thief can write any date into a receipt, and not put it where leaves lie."""
    before, after = (judged("bundle-given.bundle", size) for size in (8, 7))
    assert (True, True, True) == (before.holds, before.anchored, before.logged)
    assert "found in the given key set; compromised, so that only the place in the log counts" == before.steps[2].detail
    assert ("inclusion", False, {}) == (after.steps[-1].name, after.holds, after.payload)
    assert "the key was compromised when the log held 7 leaves; this is leaf 7" == after.steps[-1].detail


def test_what_a_compromised_key_signed_is_nothing_without_the_log() -> None:
    for name in ("receipt-given.sd-jwt", "statement-given.sd-jwt", "bundle-not-in-the-log-yet.bundle"):
        verdict = judged(name, SIZE)
        assert ("key", False, {}) == (verdict.steps[-1].name, verdict.holds, verdict.payload)
    unanchored = judged("bundle-given.bundle", SIZE, None)
    assert (True, False, False) == (unanchored.holds, unanchored.anchored, unanchored.logged)


@pytest.mark.parametrize("vkeys", OTHERS_KEYS)
def test_what_a_compromised_key_signed_is_nothing_in_another_log(vkeys: str) -> None:
    assert "checkpoint" == judged("bundle-given.bundle", SIZE, f"{vkeys}.vkeys").steps[-1].name


@pytest.mark.parametrize("size", [None, -1, "8", 8.5, True, [8]])
def test_a_revocation_that_cannot_be_read_is_no_leave(size: object) -> None:
    verdict = judged("bundle-given.bundle", size)
    assert ("key", False) == (verdict.steps[-1].name, verdict.holds)


def test_the_compromise_of_another_key_is_nobody_elses() -> None:
    key, tokens = json.loads(text_of(JWKS))["keys"]
    keys = {"keys": [key, {**tokens, "revoked": {"log_size": 0}}]}
    assert verify_evidence(text_of("receipt-given.sd-jwt"), jwks=keys).anchored


def test_the_command_exits_with_3_when_only_the_log_could_anchor_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    keys, bundle = tmp_path / "jwks.json", str(FOLDER / "bundle-given.bundle")
    keys.write_text(json.dumps(compromised(SIZE)))
    assert 3 == main(["verify", bundle, "--jwks", str(keys)])
    assert "its key was compromised; bring the log's keys with --vkeys FILE" in capsys.readouterr().out
    assert 0 == main(["verify", bundle, "--jwks", str(keys), "--vkeys", str(FOLDER / VKEYS)])


def test_evidence_that_is_not_in_the_log_yet_is_signed_and_not_logged() -> None:
    verdict = checked(EARLY)
    assert (True, True, False) == (verdict.holds, verdict.anchored, verdict.logged)
    assert [(None, "the bundle has no proof yet")] * 2 == [(step.ok, step.detail) for step in verdict.steps[-2:]]


@pytest.mark.parametrize("vkeys", OTHERS_KEYS)
def test_a_true_bundle_is_in_nobody_elses_log(vkeys: str) -> None:
    verdict = checked("bundle-given", vkeys=f"{vkeys}.vkeys")
    assert ("checkpoint", False) == (verdict.steps[-1].name, verdict.holds)
    assert "none of your verifier keys signed for consent.example/log" == verdict.steps[-1].detail


def test_another_log_vouches_for_no_evidence_of_this_issuer_even_by_a_key_that_was_brought() -> None:
    verdict = checked("bundle-checkpoint-of-another-log", vkeys="vkeys-of-another-log.vkeys")
    assert ("checkpoint", False) == (verdict.steps[-1].name, verdict.holds)
    assert "the checkpoint is of stranger.example/log" in verdict.steps[-1].detail


@pytest.mark.parametrize("vkeys", NO_KEYS)
def test_a_file_of_keys_that_are_none_is_refused(vkeys: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(NoteFailed):
        read_vkeys(text_of(f"{vkeys}.vkeys"))
    assert 1 == verify("bundle-given", f"{vkeys}.vkeys")
    assert f"{vkeys}.vkeys: " in capsys.readouterr().err


def test_no_keys_are_no_keys() -> None:
    assert [] == read_vkeys(text_of("vkeys-of-nobody.vkeys"))
    assert (True, False) == (
        checked(HOLD[0], vkeys="vkeys-of-nobody.vkeys").anchored,
        checked(HOLD[0], vkeys=None).logged,
    )


def test_a_checkpoint_is_signed_with_as_many_of_your_keys_as_it_says() -> None:
    told = {name: checked(name).steps[-1].detail for name in ("bundle-given", "bundle-signed-with-ed25519-alone")}
    assert [
        "consent.example/log, signed with 2 of your keys",
        "consent.example/log, signed with 1 of your keys",
    ] == list(told.values())
    assert 2 == len(parse_note(text_of(NOTE_FILE)).lines)


def verify(name: str, vkeys: str = VKEYS, *options: str) -> int:
    """Run ``broker verify`` on a bundle."""
    keys = ["--jwks", str(FOLDER / JWKS), "--vkeys", str(FOLDER / vkeys)]
    return main(["verify", str(FOLDER / f"{name}.bundle"), *keys, *options])


def test_the_command_exits_with_0_for_what_holds(capsys: pytest.CaptureFixture[str]) -> None:
    assert {0} == {verify(name) for name in [*HOLD, EARLY]}
    said = capsys.readouterr().out
    logged = "valid: signed by a key you brought, and in the log that your verifier keys sign for\n"
    assert (len(HOLD), 1) == (said.count(logged), said.count("valid: signed by a key you brought\n"))


@pytest.mark.parametrize(("name", "step"), LIES.items(), ids=LIES.keys())
def test_the_command_exits_with_1_and_names_the_step(name: str, step: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert 1 == verify(name)
    assert f"not valid: step {ALL.index(step) + 1} ({step}) failed" in capsys.readouterr().out


def test_the_command_exits_with_3_when_nothing_anchors_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert 3 == main(["verify", str(FOLDER / "bundle-given.bundle")])
    assert "consistent, not anchored" in capsys.readouterr().out


def test_the_command_prints_the_verdict_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert 0 == verify("bundle-given", VKEYS, "--json")
    told = json.loads(capsys.readouterr().out)
    assert (True, True, "jane") == (told["valid"], told["logged"], told["disclosed"]["account"]["handle"])
    assert 1 == verify("bundle-longer-proof", VKEYS, "--json")
    told = json.loads(capsys.readouterr().out)
    assert (False, False, "inclusion", {}) == (
        told["valid"],
        told["logged"],
        told["steps"][-1]["name"],
        told["payload"],
    )


@pytest.mark.parametrize("letters", ["\\u001b[31m", "\\u202e", "\\u2066", "\\u009b31m"])
def test_nothing_in_a_bundle_obeys_a_stranger_on_the_terminal(
    letters: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The log's name is told in the verdict, and can be any text."""
    file = tmp_path / "it.bundle"
    forged = text_of("bundle-given.bundle").replace("consent.example/log", f"consent.example/{letters}log")
    file.write_text(forged, encoding="utf-8")
    assert 1 == main(["verify", str(file), "--jwks", str(FOLDER / JWKS), "--vkeys", str(FOLDER / VKEYS)])
    said = capsys.readouterr().out
    assert [] == [letter for letter in said if not letter.isprintable() and letter != "\n"]
    assert "consent.example/" in said or "\\u001b" in letters
