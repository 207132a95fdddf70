"""The page that checks evidence says of every file what the command line says of it."""

import json
import os
import random
from collections.abc import Iterator
from typing import Any

import pytest
from harness.verifier import Edit, VerifierPage, edited, outcome, outcome_of_page, verifier_page
from playwright.sync_api import Browser, Error
from vectors.bundles import VKEYS
from vectors.make import (
    CERTIFICATE_TYP,
    FOLDER,
    JANE,
    JANES,
    JWKS,
    KID,
    STATEMENT_TYP,
    TYP,
    account_of,
    certified,
    changed,
    evidence_of,
    part,
    sd_jwt,
    stated,
)

from broker.proof.checkpoint import read_vkeys
from broker.proof.note import NoteFailed
from broker.proof.sdjwt import Disclosure
from broker.proof.verify import Verdict, verify_evidence

KEY_SET, LOG_KEYS = (FOLDER / JWKS).read_text(), (FOLDER / VKEYS).read_text()
TEXTS = {path.name: path.read_bytes().decode() for path in sorted(FOLDER.glob("*.*"))
         if path.suffix in {".sd-jwt", ".bundle"}}  # fmt: skip
KEY_SETS = {path.name: path.read_text() for path in sorted(FOLDER.glob("jwks-*.json"))}
KEY_FILES = {path.name: path.read_text() for path in sorted(FOLDER.glob("*.vkeys"))}
#: What somebody may bring: both kinds of key, either, none, or those of another issuer's log.
BROUGHT = {
    "all": (KEY_SET, LOG_KEYS),
    "jwks": (KEY_SET, None),
    "vkeys": (None, LOG_KEYS),
    "nothing": (None, None),
    "another log": (KEY_SET, KEY_FILES["vkeys-of-another-log.vkeys"]),
}
GIVEN = TEXTS["bundle-given.bundle"]
MUTANTS = int(os.environ.get("VERIFIER_MUTANTS", "200"))
LETTERS = "ABCxyz019-_=.~+/ \n\"'\\{}[]:,é\u2014\x00"


@pytest.fixture(scope="module")
def verifier(chromium: Browser) -> Iterator[VerifierPage]:
    """Give the page, which everybody here may ask."""
    with verifier_page(chromium) as page:
        yield page


def by_hand(text: str, jwks: str | None = KEY_SET, vkeys: str | None = LOG_KEYS) -> Verdict:
    """Check as the command line does."""
    return verify_evidence(text, jwks=json.loads(jwks) if jwks else None, vkeys=read_vkeys(vkeys or ""))


def on_the_page(verifier: VerifierPage, text: str, jwks: str | None = KEY_SET) -> dict[str, Any]:
    """Check one text on the page."""
    (found,) = verifier.ask([text], jwks=jwks, vkeys=LOG_KEYS)
    return found


@pytest.mark.parametrize("brought", BROUGHT)
def test_the_page_says_of_every_vector_what_the_command_says(verifier: VerifierPage, brought: str) -> None:
    jwks, vkeys = BROUGHT[brought]
    found = dict(zip(TEXTS, verifier.ask(list(TEXTS.values()), jwks=jwks, vkeys=vkeys), strict=True))
    expected = {name: outcome(by_hand(text, jwks, vkeys)) for name, text in TEXTS.items()}
    said = {name: outcome_of_page(answer) for name, answer in found.items()}
    assert {} == {name: (said[name], right) for name, right in expected.items() if said[name] != right}


def test_the_vectors_hold_truths_and_lies_of_every_step(verifier: VerifierPage) -> None:
    found = [outcome_of_page(answer) for answer in verifier.ask(list(TEXTS.values()), jwks=KEY_SET, vkeys=LOG_KEYS)]
    failed = {steps[-1][0] for steps, holds, _, _ in found if not holds}
    assert {"form", "header", "key", "signature", "payload", "disclosures", "inclusion", "checkpoint"} == failed
    assert 20 < sum(anchored for _, _, anchored, _ in found)
    assert 10 < sum(logged for _, _, _, logged in found)


@pytest.mark.parametrize("name", KEY_SETS)
def test_a_key_set_that_is_not_to_be_believed_fails_at_the_key(verifier: VerifierPage, name: str) -> None:
    steps, holds, anchored, _ = outcome_of_page(on_the_page(verifier, GIVEN, KEY_SETS[name]))
    assert (("key", False), False, False) == (steps[-1], holds, anchored)


@pytest.mark.parametrize("name", KEY_FILES)
def test_a_file_of_verifier_keys_is_taken_as_the_command_takes_it(verifier: VerifierPage, name: str) -> None:
    keys = KEY_FILES[name]
    try:
        expected = outcome(by_hand(GIVEN, vkeys=keys))
    except NoteFailed:
        with pytest.raises(Error, match="verifier key"):
            verifier.ask([GIVEN], jwks=KEY_SET, vkeys=keys)
    else:
        (found,) = verifier.ask([GIVEN], jwks=KEY_SET, vkeys=keys)
        assert expected == outcome_of_page(found)


@pytest.mark.parametrize("keys", ["", "{", "[]", '{"keys": [], "keys": []}', "\ufeff{}"])
def test_a_key_set_that_cannot_be_read_is_refused(verifier: VerifierPage, keys: str) -> None:
    with pytest.raises(Error):
        verifier.ask([GIVEN], jwks=keys)


def mutants(text: str, seed: int) -> list[Edit]:
    """Change, take away or put in a letter or a few, anywhere."""
    chance = random.Random(seed)  # noqa: S311 - the same mutants every time
    return [
        (chance.randrange(len(text) + 1), chance.choice([0, 1, 1, 1, 40]), chance.choice([*LETTERS, ""]))
        for _ in range(MUTANTS)
    ]


@pytest.mark.parametrize(
    "name", ["receipt-given.sd-jwt", "statement-given.sd-jwt", "certificate-given.sd-jwt", "bundle-given.bundle"]
)
@pytest.mark.parametrize("brought", ["all", "nothing"])
def test_the_page_and_the_command_agree_on_every_mutant(verifier: VerifierPage, name: str, brought: str) -> None:
    text, (jwks, vkeys) = TEXTS[name], BROUGHT[brought]
    edits = mutants(text, seed=len(text))
    found = verifier.ask_edited(text, edits, jwks=jwks, vkeys=vkeys)
    disputed = {
        edit: answer
        for edit, answer in zip(edits, found, strict=True)
        if outcome(by_hand(edited(text, edit), jwks, vkeys)) != outcome_of_page(answer)
    }
    assert {} == disputed
    kept = sum(answer["logged" if brought == "all" else "holds"] for answer in found)
    assert kept < MUTANTS / 3, "most edits change something that was signed"


#: What may stand anywhere in a payload, and what a purpose may say of itself.
ODD: list[Any] = [
    None, True, 0, 1.0, -1, 2**53 + 1, 1795435200, 1795435200.0, 1e5, "", "x", "None", "toString", "__proto__",
    [], {}, [[]], ["x", "x"], {"tag": "public"}, "dpv:ConsentGiven", "dpv:WithdrawConsent", "public", "user_provided",
    "customer-care", "dpv:CustomerCare", "2026-02-30T12:00:00Z", "2026-11-23T13:00:00+01:00", "2026-11-23T24:00:00Z",
    "0000-11-23T12:00:00Z", "https://consent.example/", "https://consent.example/status/9", "\U0001f600", "\x85",
]  # fmt: skip
PURPOSES = [
    {"purpose_id": own, "broader": broader, "purpose": concept}
    for own in ("repairs", "newsletter", "Repairs", "repairs\n", "a-b-c-d-e-f-g-h-i", "re--pairs", "constructor", None)
    for broader in ("customer-care", "repairs", "constructor", None, False)
    for concept in ("dpv:CustomerCare", "dpv:CommunicationManagement")
]


def places(value: object, *above: str | int) -> Iterator[tuple[str | int, ...]]:
    """Yield the way to everything in a payload, but for the digests."""
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, entry in entries:
        if name != "_sd":
            yield *above, name
            yield from places(entry, *above, name)


def put(claims: Any, place: tuple[str | int, ...], value: object) -> None:  # noqa: ANN401 - whatever JSON holds
    """Put a value at a place of a payload."""
    for step in place[:-1]:
        claims = claims[step]
    claims[place[-1]] = value


def unsigned(claims: object, *shown: Disclosure, typ: str = TYP) -> str:
    """Return what nobody signed; without keys its payload is looked at all the same."""
    return sd_jwt(f"{part({'alg': 'ES256', 'typ': typ, 'kid': KID})}.{part(claims)}.c2ln", *shown)


def odd_payloads() -> Iterator[str]:
    """Yield evidence in each place of which something odd stands."""
    chance = random.Random(3)  # noqa: S311 - the same every time
    told, account = evidence_of("jane"), (account_of("jane"),)
    kinds = ((TYP, JANES, JANE), (STATEMENT_TYP, stated(*told), told), (CERTIFICATE_TYP, certified(*account), account))
    for typ, claims, shown in kinds:
        for place in places(claims):
            for value in chance.sample(ODD, 2):
                yield unsigned(
                    changed(lambda it, where=place, odd=value: put(it, where, odd), of=claims), *shown, typ=typ
                )
    for purpose in PURPOSES:
        yield unsigned(changed(lambda it, entry=purpose: it["record"]["processing"][0].update(entry)), *JANE)


def test_the_page_and_the_command_agree_on_whatever_is_claimed(verifier: VerifierPage) -> None:
    texts = list(odd_payloads())
    found = verifier.ask(texts, jwks=None)
    disputed = [
        (text, answer["steps"][-1])
        for text, answer in zip(texts, found, strict=True)
        if outcome(by_hand(text, None, None)) != outcome_of_page(answer)
    ]
    assert [] == disputed
    assert 100 < sum(answer["holds"] for answer in found) < len(texts) - 100


def compromised(log_size: object) -> str:
    """Return the key set after the receipts' key was compromised."""
    keys = json.loads(KEY_SET)
    keys["keys"][0]["revoked"] = {"revoked_at": 1_795_478_400, "reason": "compromised", "log_size": log_size}
    return json.dumps(keys)


def test_what_a_compromised_key_signed_counts_by_its_place_in_the_log(verifier: VerifierPage) -> None:
    """Jane's leaf is the eighth: index 7."""
    before, after = (on_the_page(verifier, GIVEN, compromised(size)) for size in (8, 7))
    assert (True, True) == (before["anchored"], before["logged"])
    assert ("inclusion", False) == (after["steps"][-1]["name"], after["holds"])


def test_what_a_compromised_key_signed_is_nothing_without_the_log(verifier: VerifierPage) -> None:
    for name in ("receipt-given.sd-jwt", "bundle-not-in-the-log-yet.bundle"):
        found = on_the_page(verifier, TEXTS[name], compromised(8))
        assert ("key", False) == (found["steps"][-1]["name"], found["holds"])
    (unanchored,) = verifier.ask([GIVEN], jwks=compromised(8))
    assert (True, False, False) == (unanchored["holds"], unanchored["anchored"], unanchored["logged"])


@pytest.mark.parametrize("size", [None, -1, "8", 8.5, [8]])
def test_a_revocation_that_cannot_be_read_is_no_leave(verifier: VerifierPage, size: object) -> None:
    found = on_the_page(verifier, GIVEN, compromised(size))
    assert ("key", False) == (found["steps"][-1]["name"], found["holds"])


#: A browser of the day before: it refuses algorithms by name, as browsers do.
LACKS = """names => {
  const whole = crypto.subtle.importKey.bind(crypto.subtle);
  crypto.subtle.importKey = (format, key, algorithm, ...rest) => names.includes(algorithm.name)
    ? Promise.reject(new DOMException("no such algorithm", "NotSupportedError"))
    : whole(format, key, algorithm, ...rest);
}"""


@pytest.fixture(scope="module")
def old(chromium: Browser) -> Iterator[VerifierPage]:
    """Give a page of its own: what it learns of its browser it keeps until it is loaded again."""
    with verifier_page(chromium) as page:
        yield page


@pytest.mark.parametrize(
    ("lacking", "name", "mark"),
    [
        (["ML-DSA-44"], "bundle-given.bundle", "held"),
        (["ML-DSA-44"], "bundle-signed-with-ml-dsa-alone.bundle", "not made"),
        (["Ed25519"], "bundle-signed-with-ed25519-alone.bundle", "not made"),
        (["Ed25519"], "bundle-given.bundle", "held"),
        (["Ed25519", "ML-DSA-44"], "bundle-given.bundle", "not made"),
    ],
)
def test_a_signature_that_the_browser_cannot_check_is_not_held(
    old: VerifierPage, lacking: list[str], name: str, mark: str
) -> None:
    old.page.reload()
    old.page.evaluate(LACKS, lacking)
    found = on_the_page(old, TEXTS[name])
    assert {"held": True, "not made": None}[mark] is found["steps"][-1]["ok"]
    assert (mark == "held") is found["logged"]
    assert "left unchecked" in found["steps"][-1]["detail"]
