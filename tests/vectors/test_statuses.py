"""Every status list token that holds, and every lie, told of Jane's receipts."""

import json
from pathlib import Path
from typing import Any

import pytest
from builders import NOON
from vectors.make import FOLDER, JWKS, KID
from vectors.statuses import lies, status_files

from broker.cli import main
from broker.proof.status import NUMBER, with_status
from broker.proof.verify import Verdict, verify_evidence

KEYS: dict[str, Any] = json.loads((FOLDER / JWKS).read_text())
GIVEN, WITHDRAWN, REFUSED = "receipt-given", "receipt-withdrawn", "receipt-refused"

#: What is said of a receipt by a token that the broker signed.
SAID = {
    (GIVEN, "status-stands"): (True, "the consent stands as of 2026-11-23T12:01:00Z"),
    (GIVEN, "status-with-more-claims"): (True, "the consent stands as of 2026-11-23T12:01:00Z"),
    (GIVEN, "status-without-an-end"): (True, "the consent stands as of 2026-11-23T12:01:00Z"),
    (GIVEN, "status-ended"): (
        False, "the consent does not stand any more: withdrawn, given up or expired, as of 2026-11-23T12:01:00Z",
    ),
    (GIVEN, "status-suspended"): (
        False, "the consent is suspended as of 2026-11-23T12:01:00Z: the business may not use it for now",
    ),
    (GIVEN, "status-expired"): (
        None, "the list is of 2026-11-23T12:01:00Z and has expired since: fetch a newer one",
    ),
    (GIVEN, "status-suspended-and-expired"): (
        None, "the list is of 2026-11-23T12:01:00Z and has expired since: fetch a newer one",
    ),
    (GIVEN, "status-ended-and-expired"): (
        False, "the consent does not stand any more: withdrawn, given up or expired, as of 2026-11-23T12:01:00Z",
    ),
    (GIVEN, "status-from-before-the-receipt"): (
        None, "the list is of 2026-11-23T11:59:59Z, older than the receipt: fetch a newer one",
    ),
    (WITHDRAWN, "status-ended"): (True, "the list of 2026-11-23T12:01:00Z agrees: there is no consent"),
    (REFUSED, "status-ended"): (True, "the list of 2026-11-23T12:01:00Z agrees: there is no consent"),
    (WITHDRAWN, "status-stands"): (
        False, "the list of 2026-11-23T12:01:00Z does not say what the receipt says: that there is no consent",
    ),
    (REFUSED, "status-stands"): (
        False, "the list of 2026-11-23T12:01:00Z does not say what the receipt says: that there is no consent",
    ),
    ("statement-given", "status-stands"): (None, "this evidence has no entry in a status list"),
}  # fmt: skip


def text_of(name: str) -> str:
    """Read a vector."""
    return (FOLDER / name).read_bytes().decode()


def told(evidence: str, status: str, *, jwks: dict[str, Any] | None = KEYS) -> Verdict:
    """Check a receipt, and then by a status list token."""
    verdict = verify_evidence(text_of(f"{evidence}.sd-jwt"), jwks=jwks)
    return with_status(verdict, text_of(f"{status}.jwt"), jwks=jwks, now=NOON.replace(hour=18))


def test_the_files_are_what_the_script_writes() -> None:
    """When this is red: run PYTHONPATH=tests python tests/vectors/statuses.py, and look at what changed."""
    found = {file.name: file.read_bytes() for file in FOLDER.glob("status-*.jwt")}
    assert status_files() == found


@pytest.mark.parametrize(("pair", "answer"), SAID.items(), ids=[" of ".join(reversed(pair)) for pair in SAID])
def test_a_list_says_whether_the_consent_stands(pair: tuple[str, str], answer: tuple[bool | None, str]) -> None:
    last = told(*pair).steps[-1]
    assert (NUMBER, "status", *answer) == (last.number, last.name, last.ok, last.detail)


@pytest.mark.parametrize("name", lies())
def test_a_lie_is_found_out_and_nothing_is_shown_of_the_receipt(name: str) -> None:
    verdict = told(GIVEN, name)
    assert (False, {}, {}) == (verdict.steps[-1].ok, verdict.payload, verdict.disclosed)


@pytest.mark.parametrize("name", lies())
def test_a_lie_about_a_withdrawal_is_found_out_too(name: str) -> None:
    assert told(WITHDRAWN, name).steps[-1].ok is False


def test_without_keys_a_list_tells_nothing() -> None:
    assert (None, "no keys were given") == (
        (last := told(GIVEN, "status-ended", jwks=None).steps[-1]).ok,
        last.detail,
    )


@pytest.mark.parametrize(
    "name", ["jwks-key-is-private", "jwks-key-twice", "jwks-without-this-key", "jwks-of-nothing", "jwks-as-an-object",
             "jwks-without-keys", "jwks-key-of-a-stranger-under-this-kid", "jwks-key-is-symmetric",
             "jwks-key-off-the-curve", "jwks-key-without-y"],
)  # fmt: skip
def test_a_key_set_that_is_not_to_be_believed_is_not_believed_about_a_list_either(name: str) -> None:
    verdict = verify_evidence(text_of(f"{GIVEN}.sd-jwt"), jwks=KEYS)
    other = json.loads((FOLDER / f"{name}.json").read_text())
    assert with_status(verdict, text_of("status-stands.jwt"), jwks=other, now=NOON).steps[-1].ok is False


def test_a_list_signed_by_a_key_that_was_compromised_tells_nothing() -> None:
    """A receipt of that key counts by its place in the log; a list lies in no log."""
    verdict = verify_evidence(text_of(f"{GIVEN}.sd-jwt"), jwks=KEYS)
    lost = {
        "keys": [
            {**key, "revoked": {"reason": "compromised", "log_size": 9}} for key in KEYS["keys"] if key["kid"] == KID
        ]
    }
    last = with_status(verdict, text_of("status-stands.jwt"), jwks=lost, now=NOON).steps[-1]
    assert (False, "the key was compromised before this was in the log") == (last.ok, last.detail)


def test_a_list_signed_by_a_key_for_something_else_tells_nothing() -> None:
    verdict = verify_evidence(text_of(f"{GIVEN}.sd-jwt"), jwks=KEYS)
    other = {"keys": [{**key, "signs": "tokens"} for key in KEYS["keys"] if key["kid"] == KID]}
    last = with_status(verdict, text_of("status-stands.jwt"), jwks=other, now=NOON).steps[-1]
    assert (False, "the key signs no evidence") == (last.ok, last.detail)


def test_a_receipt_that_failed_before_is_not_looked_up() -> None:
    verdict = verify_evidence(text_of("receipt-claims-changed.sd-jwt"), jwks=KEYS)
    assert verdict == with_status(verdict, text_of("status-stands.jwt"), jwks=KEYS, now=NOON)


def test_the_step_follows_those_of_the_log() -> None:
    verdict = verify_evidence(text_of("bundle-given.bundle"), jwks=KEYS)
    told = with_status(verdict, text_of("status-stands.jwt"), jwks=KEYS, now=NOON)
    assert list(range(1, NUMBER + 1)) == [step.number for step in told.steps]
    assert (True, verdict.payload) == (told.anchored, told.payload)


@pytest.mark.parametrize(
    ("status", "code", "says"),
    [
        ("status-stands", 0, "ok    9. status: the consent stands as of 2026-11-23T12:01:00Z\n"),
        ("status-ended", 1, "not valid: step 9 (status) failed\n"),
        ("status-suspended", 1, "not valid: step 9 (status) failed\n"),
        ("status-expired", 3, "--    9. status: the list is of 2026-11-23T12:01:00Z and has expired since"),
        ("status-wrong-key", 1, "FAIL  9. status: the signature is not that key's over these bytes\n"),
    ],
)
def test_the_command_tells_whether_the_consent_stands(
    status: str, code: int, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ["verify", str(FOLDER / "receipt-given.sd-jwt"), "--jwks", str(FOLDER / JWKS)]
    assert code == main([*asked, "--status", str(FOLDER / f"{status}.jwt")])
    assert says in capsys.readouterr().out


def test_a_bundle_that_is_in_the_log_is_said_to_be_with_its_status_behind_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    keys = ["--jwks", str(FOLDER / JWKS), "--vkeys", str(FOLDER / "log.vkeys")]
    status = ["--status", str(FOLDER / "status-stands.jwt"), "--json"]
    assert 0 == main(["verify", str(FOLDER / "bundle-given.bundle"), *keys, *status])
    assert (True, True) == ((found := json.loads(capsys.readouterr().out))["valid"], found["logged"])


def test_a_status_file_that_is_not_there_is_said_to_be_missing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ["verify", str(FOLDER / "receipt-given.sd-jwt"), "--jwks", str(FOLDER / JWKS)]
    assert 1 == main([*asked, "--status", str(tmp_path / "none.jwt")])
    assert "none.jwt" in capsys.readouterr().err
