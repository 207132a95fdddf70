"""What a receipt proves: the words that were read, and, offline, that nobody has touched it since."""

import base64
import hashlib
import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import requests
from harness.business import Business
from harness.evidence import disclosures_of, payload_of
from harness.person import Linked, Person
from harness.running import RunningBroker


@pytest.fixture
def jwks(broker: RunningBroker, tmp_path: Path) -> Path:
    """Keep the published keys in a file, as a verifier does."""
    file = tmp_path / "jwks.json"
    file.write_bytes(broker.get("/.well-known/jwks.json").content)
    return file


@pytest.fixture
def receipt(linked: Linked, tmp_path: Path) -> Path:
    """Keep the receipt in a file."""
    file = tmp_path / "receipt.sd-jwt"
    file.write_text(linked.receipt)
    return file


@pytest.mark.parametrize("locale", ["en", "de"])
def test_the_words_that_were_shown_are_the_words_that_were_signed(
    business: Business, person: Person, locale: str
) -> None:
    asked = business.par(details=business.details(locale=locale))
    notice = person.to_notice(business, asked)
    code = person.allow(notice, ["customer-care"]).query["code"]
    receipt = business.exchange(code, asked.verifier).json()["authorization_details"][0]["receipt"]
    words = disclosures_of(receipt)["notice_words"]
    assert [] == [line for line in words.split("\n") if " ".join(line.split()) not in notice.words]
    assert f"@{person.account.handle}" in words
    assert locale == payload_of(receipt)["record"]["notice"]["language"]


def test_the_receipts_digest_is_that_of_the_words(linked: Linked) -> None:
    parts = linked.receipt.split("~")[1:]
    digests = {
        base64.urlsafe_b64encode(hashlib.sha256(part.encode()).digest()).rstrip(b"=").decode(): part for part in parts
    }
    part = digests[payload_of(linked.receipt)["record"]["notice"]["sha256"]]
    assert "notice_words" == json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))[1]


def test_a_receipt_verifies_offline(broker: RunningBroker, receipt: Path, jwks: Path) -> None:
    done = broker.run("verify", str(receipt), "--jwks", str(jwks))
    assert (0, "") == (done.returncode, done.stderr), done.stdout


@pytest.mark.parametrize("way", ["refused", "withdrawn"])
def test_the_receipt_of_a_no_and_of_an_end_verify_offline_too(
    broker: RunningBroker, business: Business, person: Person, jwks: Path, tmp_path: Path, way: str
) -> None:
    if way == "refused":
        person.refuse(person.to_notice(business, business.par()))
        page = person.signs_in()
    else:
        page = person.withdraws(person.consents(business).grant_id)
    links = dict.fromkeys(link for link in page.reading.links if "/consents/receipts/" in link)
    states = []
    for number, link in enumerate(links):
        file = tmp_path / f"{number}.sd-jwt"
        file.write_bytes(person.browser.open(f"{link}/download").answer.content)
        states.append(payload_of(file.read_text())["record"]["event"]["state"])
        done = broker.run("verify", str(file), "--jwks", str(jwks))
        assert (0, "") == (done.returncode, done.stderr), done.stdout
    assert f"dpv:Consent{way.capitalize()}" in states


def test_a_receipt_without_keys_proves_nothing_to_anybody(broker: RunningBroker, receipt: Path) -> None:
    assert 3 == broker.run("verify", str(receipt)).returncode


def test_a_receipt_that_was_changed_fails_and_the_step_is_named(
    broker: RunningBroker, receipt: Path, jwks: Path
) -> None:
    head, _, rest = receipt.read_text().partition(".")
    receipt.write_text(f"{head}.{'B' if rest[0] != 'B' else 'C'}{rest[1:]}")
    done = broker.run("verify", str(receipt), "--jwks", str(jwks))
    assert (1, True) == (done.returncode, bool(done.stdout + done.stderr))
    assert "Traceback" not in done.stderr


def test_a_receipt_of_another_broker_fails(broker: RunningBroker, receipt: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.json"
    other.write_text('{"keys": []}')
    assert 1 == broker.run("verify", str(receipt), "--jwks", str(other)).returncode


def in_five_seconds(fetch: Callable[[], requests.Response]) -> requests.Response:
    """Ask until the bundle has its proof, which is promised within five seconds."""
    since = time.monotonic()
    while (answer := fetch()).json()["proof"] is None:
        assert time.monotonic() - since < 5
        time.sleep(0.2)
    return answer


def newer_list(broker: RunningBroker, receipt: str) -> str:
    """Fetch the status list; one that was made before the receipt, up to two seconds ago, says nothing of it."""
    while payload_of(token := broker.get("/status/1").text)["iat"] < payload_of(receipt)["iat"]:
        time.sleep(0.2)
    return str(token)


def test_within_five_seconds_client_and_person_hold_a_receipt_that_stands_alone(
    broker: RunningBroker, business: Business, person: Person, linked: Linked, jwks: Path, tmp_path: Path
) -> None:
    receipt_id = payload_of(linked.receipt)["jti"]
    of_client = in_five_seconds(lambda: business.api("GET", f"receipts/{receipt_id}", scope="consent"))
    person.signs_in()
    of_person = person.browser.open(f"{broker.issuer}/consents/receipts/{receipt_id}/download").answer
    assert "application/vnd.consent-broker.bundle+json" == of_client.headers["Content-Type"]
    vkeys, status = tmp_path / "vkeys", tmp_path / "status.jwt"
    vkeys.write_bytes(broker.get("/log/vkeys").content)
    status.write_text(newer_list(broker, linked.receipt))
    for name, answer in {"client": of_client, "person": of_person}.items():
        file = tmp_path / f"{name}.bundle"
        file.write_bytes(answer.content)
        keys = ["--jwks", str(jwks), "--vkeys", str(vkeys), "--status", str(status)]
        done = broker.run("verify", str(file), *keys)
        assert (0, "") == (done.returncode, done.stderr), done.stdout
        assert [] == [line for line in done.stdout.splitlines() if line.startswith(("--", "FAIL"))]
        assert 0 == broker.run("dpv", str(file), "--jwks", str(jwks)).returncode
