"""The page that checks evidence says by every status list what the command line says by it."""

import json
import random
import zlib
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

import pytest
from harness.verifier import Outcome, VerifierPage, edited, outcome, outcome_of_page, verifier_page
from playwright.sync_api import Browser
from vectors.bundles import VKEYS
from vectors.make import (
    FOLDER,
    JANE,
    JANES,
    JWKS,
    KID,
    STATEMENT_TYP,
    changed,
    evidence_of,
    jws,
    lie,
    part,
    sd_jwt,
    stated,
)
from vectors.statuses import AS_OF, FAR, claims, listed, token

from broker.core.reading import read_json_object
from broker.proof.checkpoint import read_vkeys
from broker.proof.sdjwt import encode
from broker.proof.status import TYP, with_status
from broker.proof.verify import Verdict, verify_evidence

Keys = str | None
NOW = datetime(2026, 11, 23, 18, tzinfo=UTC)
KEY_SET, LOG_KEYS = (FOLDER / JWKS).read_text(), (FOLDER / VKEYS).read_text()


def key_set_with(**members: object) -> str:
    """Return the receipts' key alone, with more in its entry."""
    return json.dumps({"keys": [{**key, **members} for key in json.loads(KEY_SET)["keys"] if key["kid"] == KID]})


TOKENS = {path.name: path.read_bytes().decode() for path in sorted(FOLDER.glob("status-*.jwt"))}
KEY_SETS: dict[str, Keys] = {
    "none": None,
    **{path.name: path.read_text() for path in sorted(FOLDER.glob("jwks*.json"))},
    "compromised": key_set_with(revoked={"log_size": 9}),
    "of another use": key_set_with(signs="tokens"),
}
EVIDENCE = {
    name: (FOLDER / name).read_bytes().decode()
    for name in (
        *("receipt-given.sd-jwt", "receipt-withdrawn.sd-jwt", "receipt-refused.sd-jwt", "receipt-expired.sd-jwt"),
        *("statement-given.sd-jwt", "certificate-given.sd-jwt", "bundle-given.bundle"),
        *("bundle-not-in-the-log-yet.bundle", "bundle-root-of-another-tree.bundle", "receipt-claims-changed.sd-jwt"),
    )
}  # fmt: skip
#: With these keys all evidence is checked, with the others one receipt that was given and one that was withdrawn.
WHOLE, FEW = {"none", JWKS, "compromised"}, ("receipt-given.sd-jwt", "receipt-withdrawn.sd-jwt")
GIVEN, STANDS = EVIDENCE["receipt-given.sd-jwt"], TOKENS["status-stands.jwt"]


@pytest.fixture(scope="module")
def verifier(chromium: Browser) -> Iterator[VerifierPage]:
    """Give the page, which everybody here may ask."""
    with verifier_page(chromium) as page:
        yield page


@lru_cache(maxsize=512)
def before(text: str, jwks: Keys) -> Verdict:
    """Check evidence as the command line does, without a list."""
    return verify_evidence(text, jwks=read_json_object(jwks.encode()) if jwks else None, vkeys=read_vkeys(LOG_KEYS))


def by_hand(text: str, status: str, jwks: Keys = KEY_SET, now: datetime = NOW) -> Verdict:
    """Check evidence by a list as the command line does."""
    keys = read_json_object(jwks.encode()) if jwks else None
    return with_status(before(text, jwks), status, jwks=keys, now=now)


def on_the_page(
    verifier: VerifierPage, pairs: list[tuple[str, str]], jwks: Keys = KEY_SET, now: datetime = NOW
) -> list[dict[str, Any]]:
    """Check evidence by lists on the page."""
    return verifier.ask_status(pairs, jwks=jwks, vkeys=LOG_KEYS, now=now.timestamp())


def disputed(
    verifier: VerifierPage, pairs: Mapping[object, tuple[str, str]], jwks: Keys = KEY_SET, now: datetime = NOW
) -> dict[object, tuple[Outcome, Outcome]]:
    """Return on what the page and the command do not agree, and what each says."""
    said = dict(zip(pairs, map(outcome_of_page, on_the_page(verifier, list(pairs.values()), jwks, now)), strict=True))
    expected = {name: outcome(by_hand(*pair, jwks, now)) for name, pair in pairs.items()}
    return {name: (said[name], right) for name, right in expected.items() if said[name] != right}


@pytest.mark.parametrize("keys", KEY_SETS)
def test_the_page_says_by_every_list_what_the_command_says(verifier: VerifierPage, keys: str) -> None:
    texts = EVIDENCE if keys in WHOLE else {name: EVIDENCE[name] for name in FEW}
    pairs = {(name, list_): (text, status) for name, text in texts.items() for list_, status in TOKENS.items()}
    assert {} == disputed(verifier, pairs, KEY_SETS[keys])


def test_the_lists_say_yes_no_and_nothing(verifier: VerifierPage) -> None:
    found = on_the_page(verifier, [(GIVEN, status) for status in TOKENS.values()])
    said = [answer["steps"][-1] for answer in found]
    assert {(9, "status")} == {(step["number"], step["name"]) for step in said}
    assert {True, False, None} == {step["ok"] for step in said}


@pytest.mark.parametrize("name", ["receipt-given.sd-jwt", "receipt-refused.sd-jwt"])
def test_what_a_signed_list_says_is_said_in_the_commands_words(verifier: VerifierPage, name: str) -> None:
    tokens = [token(value, **more) for value in range(4) for more in ({}, {"exp": AS_OF}, {"iat": 1})]
    found = on_the_page(verifier, [(EVIDENCE[name], status) for status in tokens])
    expected = [by_hand(EVIDENCE[name], status).steps[-1].detail for status in tokens]
    assert expected == [answer["steps"][-1]["detail"] for answer in found]


@pytest.mark.parametrize("before_its_end", [-1, 0, 1])
def test_a_list_stands_until_the_second_of_its_end(verifier: VerifierPage, before_its_end: int) -> None:
    now = datetime.fromtimestamp(FAR, UTC) - timedelta(seconds=before_its_end)
    pairs = {name: (GIVEN, TOKENS[f"status-{name}.jwt"]) for name in ("stands", "ended", "suspended", "without-an-end")}
    assert {} == disputed(verifier, pairs, now=now)
    stands, *_ = on_the_page(verifier, [pairs["stands"]], now=now)
    assert (True if before_its_end > 0 else None) is stands["steps"][-1]["ok"]


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_entries_of_every_width_are_read_from_the_lowest_bit(verifier: VerifierPage, bits: int) -> None:
    packed = random.Random(bits).randbytes(8)  # noqa: S311 - the same every time
    status = listed(bits=bits, lst=encode(zlib.compress(packed)))
    pairs: dict[object, tuple[str, str]] = {
        index: (lie(lambda it, at=index: it["status"]["status_list"].update(idx=at)), status)
        for index in (*range(64 // bits + 1), -1, 2**31, 2**32, 2**53)
    }
    assert {} == disputed(verifier, pairs)


@pytest.mark.parametrize("size", [2**21 - 1, 2**21, 2**21 + 1])
def test_what_unpacks_to_more_than_two_mebibytes_is_not_read(verifier: VerifierPage, size: int) -> None:
    status = listed(lst=encode(zlib.compress(bytes(size), 9)))
    assert {} == disputed(verifier, {size: (GIVEN, status)})
    (found,) = on_the_page(verifier, [(GIVEN, status)])
    assert (size <= 2**21) is found["steps"][-1]["ok"]


def test_no_more_of_a_bomb_is_handed_in_than_is_read(verifier: VerifierPage) -> None:
    """64 MiB in a token of 117 kB. A browser unpacks at once what it is handed, so what it is handed is counted."""
    bomb = listed(lst=encode(zlib.compress(bytes(2**26), 9)))
    ok, handed_in = verifier.page.evaluate(
        """async ([text, status, jwks]) => {
          let size = 0;
          const Whole = DecompressionStream;
          globalThis.DecompressionStream = class {
            constructor(form) {
              const whole = new Whole(form);
              const count = new TransformStream({transform(part, to) { size += part.length; to.enqueue(part); }});
              this.writable = count.writable;
              this.readable = count.readable.pipeThrough(whole);
            }
          };
          const { steps } = await verifyEvidence(text, { jwks, status }).finally(() => {
            globalThis.DecompressionStream = Whole;
          });
          return [steps.at(-1).ok, size];
        }""",
        [GIVEN, bomb, KEY_SET],
    )
    assert ok is False
    assert 2 * 1024 < handed_in <= 8 * 1024


def test_a_browser_that_cannot_unpack_says_so(chromium: Browser) -> None:
    with verifier_page(chromium) as old:
        old.page.evaluate("() => { delete globalThis.DecompressionStream; }")
        (found,) = on_the_page(old, [(GIVEN, STANDS)])
    assert (None, "this browser cannot unpack a status list") == (
        found["steps"][-1]["ok"],
        found["steps"][-1]["detail"],
    )


LETTERS = 'ABCxyz019-_=.~+/ \n\t"{é\x00\x85'


@pytest.mark.parametrize("name", ["status-stands.jwt", "status-ended.jwt"])
def test_the_page_and_the_command_agree_on_every_mutant_of_a_list(verifier: VerifierPage, name: str) -> None:
    whole, chance = TOKENS[name], random.Random(9)  # noqa: S311 - the same mutants every time
    edits = [
        (chance.randrange(len(whole) + 1), chance.choice([0, 1, 1, 40]), chance.choice([*LETTERS, ""]))
        for _ in range(200)
    ]
    around = [f"{space}{whole}{space}" for space in (" ", "\n", "\r\n", "\x1c", "\x85", "\ufeff", "\u3000")]
    changed_ones = [*(edited(whole, edit) for edit in edits), *around]
    assert {} == disputed(verifier, {text: (GIVEN, text) for text in changed_ones})


#: What may stand anywhere in a list's claims, and in a receipt's word on its list.
ODD: list[Any] = [
    None, True, False, 0, 1, 7, 15, 16, 7.0, 2.0, 1e0, -1, 3, 2**53, AS_OF, float(AS_OF), "", "x", "2", "7", [], {},
    [2], {"uri": "x"}, "https://consent.example/status/1", "https://consent.example/status/1\n", 2**40, 253402300799,
    253402300800, "eNpjYGBgAAAABAAB", "eNpjYGBgAAAABAAB=", "eNo", "e",
]  # fmt: skip


def odd_lists() -> Iterator[str]:
    """Yield lists that were signed with something odd in each place."""
    for odd in ODD:
        for name in ("sub", "iat", "exp", "ttl", "status_list"):
            yield jws({**claims(), name: odd}, typ=TYP)
        for name in ("bits", "lst"):
            yield listed(**{name: odd})
        yield jws(odd, typ=TYP)
        yield f"{part({'alg': 'ES256', 'typ': TYP, 'kid': odd})}.{part(claims())}.{STANDS.rpartition('.')[2]}"


def odd_receipts() -> Iterator[str]:
    """Yield receipts that name something odd as their entry, under each answer, and statements that name one."""
    for odd in ODD:
        yield lie(lambda it, value=odd: it["status"]["status_list"].update(idx=value))
        yield lie(lambda it, value=odd: it.update(status=value))
        yield sd_jwt(jws(changed(lambda it, value=odd: it["status"].update(status_list=value), of=JANES)), *JANE)


def test_the_page_and_the_command_agree_on_whatever_a_list_claims(verifier: VerifierPage) -> None:
    assert {} == disputed(verifier, {text: (GIVEN, text) for text in odd_lists()})


def test_the_page_and_the_command_agree_on_whatever_entry_a_receipt_names(verifier: VerifierPage) -> None:
    assert {} == disputed(verifier, {text: (text, STANDS) for text in odd_receipts()})


def test_a_statement_that_names_an_entry_is_answered_as_by_the_command(verifier: VerifierPage) -> None:
    """No statement of ours does; what is signed is read all the same, and by both alike."""
    shown = evidence_of("jane")
    named = changed(lambda it: it.update(status=JANES["status"]), of=stated(*shown))
    text = sd_jwt(jws(named, typ=STATEMENT_TYP), *shown)
    assert {} == disputed(verifier, {name: (text, status) for name, status in TOKENS.items()})
