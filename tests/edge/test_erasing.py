"""Erasing everything: what the page says, what the choice does, and that nothing gives the person away afterwards."""

import re
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import psycopg
import pytest
from builders import a_broker
from harness import tags, wire
from harness.browser import Page
from harness.business import Business, person_email
from harness.evidence import disclosures_of, payload_of
from harness.person import Linked, Person
from harness.postgres import PostgresCluster
from harness.running import RunningBroker
from raw_rows import writings

from broker.app import create_app
from broker.store.database import Database

COOKIE = "__Host-consent-broker-person"


def erasing(person: Person) -> Page:
    """Sign in, and open the page that says what erasing does."""
    page = person.signs_in()
    (link,) = [link for link in page.reading.links if link.endswith("/consents/erase")]
    return person.browser.open(link)


def erases(person: Person, *ticked: str) -> Page:
    """Press Erase everything."""
    return person.browser.submit(erasing(person).form, ticked=set(ticked), button=("choice", "erase"))


def certificate_of(page: Page) -> str:
    """Return the certificate in the page that the person got."""
    (file,) = [link for link in page.reading.links if link.startswith("data:application/sd-jwt,")]
    return unquote(file.partition(",")[2])


def address_of(page: Page) -> str:
    """Return where the certificate is for everybody."""
    (address,) = [link for link in page.reading.links if "/erasures/" in link]
    return address


def proved_at(address: str) -> dict[str, Any]:
    """Return the bundle that lies there, as soon as it holds a proof."""
    for _ in range(100):
        bundle: dict[str, Any] = wire.get(address).json()
        if bundle["proof"]:
            return bundle
        time.sleep(0.1)
    raise AssertionError("the certificate is in no checkpoint")


@pytest.mark.parametrize("language", ["en", "de"])
def test_the_page_says_what_happens_what_stays_and_what_it_cannot_reach(
    new_person: Any, business: Business, other_business: Business, language: str  # noqa: ANN401
) -> None:  # fmt: skip
    person = new_person(language=language)
    person.consents(business)
    ended = person.consents(other_business)
    other_business.grant(ended.grant_id, "DELETE")
    page = erasing(person)
    heads = {"en": ("What happens", "What stays", "What this cannot reach"),
             "de": ("Was geschieht", "Was bleibt", "Was sich damit nicht erreichen lässt")}  # fmt: skip
    assert [] == [head for head in heads[language] if head not in page.words]
    standing, told = (line for line in re.findall(r"<li>(.*?)</li>", page.answer.text)[:2])
    assert ("Northwind Shop" in standing, "Contoso Market" in standing) == (True, False)
    assert ("Northwind Shop" in told, "Contoso Market" in told) == (True, True)
    assert f"@{person.account.handle}" in page.words


def test_yes_and_no_are_alike_and_nothing_is_ticked(person: Person, linked: Linked) -> None:
    page = erasing(person)
    buttons = re.findall(r"<button([^>]*)>", page.answer.text)
    assert 2 == len(buttons)
    assert 1 == len({re.sub(r'value="\w+"', "", button) for button in buttons})
    assert [False] == [control.ticked for control in page.form.controls if control.kind == "checkbox"]
    assert linked.grant_id


def test_looking_at_the_page_or_keeping_everything_changes_nothing(
    business: Business, person: Person, linked: Linked
) -> None:
    page = erasing(person)
    kept = person.browser.submit(page.form, button=("choice", "keep"))
    assert (200, f"{business.issuer}/consents") == (kept.status, kept.url)
    assert business.match(linked.account.id, linked.email)["decision"]


def test_a_form_that_is_not_the_pages_own_erases_nobody(business: Business, person: Person, linked: Linked) -> None:
    token = ("csrf", erasing(person).form.value_of("csrf"))
    other = person.browser.open(f"{business.issuer}/consents").reading.forms[0].value_of("csrf")
    elsewhere, yes = {"Sec-Fetch-Site": "cross-site"}, ("choice", "erase")
    wrong = {
        "no token": ([yes], {}), "another form's": ([yes, ("csrf", other)], {}),
        "another site": ([yes, token], elsewhere), "no choice": ([token], {}),
        "two choices": ([yes, ("choice", "keep"), token], {}),
    }  # fmt: skip
    answers = {
        name: person.browser.post(f"{business.issuer}/consents/erase", pairs, headers=headers).status
        for name, (pairs, headers) in wrong.items()
    }
    assert [400, 403, 403, 400, 400] == list(answers.values())
    assert business.match(linked.account.id, linked.email)["decision"]


def test_who_is_not_signed_in_is_asked_to_and_erases_nobody(broker: RunningBroker, person: Person) -> None:
    page = person.browser.open(f"{broker.issuer}/consents/erase")
    assert f"{broker.issuer}/consents" == page.url
    assert 403 == wire.post(f"{broker.issuer}/consents/erase", data={"choice": "erase", "csrf": "0" * 32}).status_code


def test_who_erases_everything_is_gone_and_holds_a_certificate_that_anybody_can_check(
    broker: RunningBroker, business: Business, person: Person, linked: Linked, tmp_path: Path
) -> None:
    done = erases(person)
    assert (200, "no-store") == (done.status, done.answer.headers["Cache-Control"])
    certificate, jwks = certificate_of(done), tmp_path / "jwks.json"
    jwks.write_bytes(broker.get("/.well-known/jwks.json").content)
    (tmp_path / "certificate.sd-jwt").write_text(certificate)
    assert "valid: signed" in broker.command("verify", str(tmp_path / "certificate.sd-jwt"), "--jwks", str(jwks))
    named = {"platform": "x", "id": linked.account.id, "handles": [linked.account.handle]}
    assert {"account": named} == disclosures_of(certificate)
    assert "no_basis" == business.reason(linked.account.id, linked.email)
    assert 404 == business.grant(linked.grant_id).status_code
    assert 404 == wire.get(payload_of(linked.receipt)["record"]["withdrawal"]["uri"]).status_code
    assert COOKIE not in person.browser.cookies


def test_the_certificate_for_everybody_is_in_the_log_and_names_nobody(
    broker: RunningBroker, person: Person, linked: Linked, tmp_path: Path
) -> None:
    done = erases(person)
    bundle = proved_at(address_of(done))
    assert payload_of(certificate_of(done)) == payload_of(bundle["evidence"])
    assert "~" == bundle["evidence"][-1]
    assert 1 == bundle["evidence"].count("~")
    for name, path in (("jwks.json", "/.well-known/jwks.json"), ("vkeys", "/log/vkeys")):
        (tmp_path / name).write_bytes(broker.get(path).content)
    (tmp_path / "bundle").write_bytes(wire.get(address_of(done)).content)
    keys = ("--jwks", str(tmp_path / "jwks.json"), "--vkeys", str(tmp_path / "vkeys"))
    assert "in the log" in broker.command("verify", str(tmp_path / "bundle"), *keys)
    assert 404 == wire.get(f"{broker.issuer}/erasures/{'a' * 26}").status_code
    assert linked.account.handle not in str(bundle)


def test_whoever_had_the_cookie_is_signed_out(broker: RunningBroker, person: Person, linked: Linked) -> None:
    erasing(person)
    cookie = person.browser.cookies[COOKIE]
    erases(person)
    for name in (cookie, *person.browser.cookies.values()):
        page = wire.get(f"{broker.issuer}/consents", headers={"Cookie": f"{COOKIE}={name}"})
        assert "/consents/sign-in" in page.text
        assert linked.account.handle not in page.text


def test_the_business_still_finds_its_receipt_without_the_person_in_it(
    business: Business, person: Person, linked: Linked
) -> None:
    name = payload_of(linked.receipt)["jti"]
    before = business.api("GET", f"receipts/{name}", scope="consent").json()
    erases(person)
    after = business.api("GET", f"receipts/{name}", scope="consent").json()
    assert before["evidence"].partition("~")[0] == after["evidence"].partition("~")[0]
    assert {"account", "identifier"} <= disclosures_of(before["evidence"]).keys()
    assert {} == disclosures_of(after["evidence"])


@pytest.mark.parametrize(("ticked", "reason"), [((), "permitted"), (("yes",), "no_basis")])
def test_the_box_decides_whether_matching_is_refused_still(
    business: Business, person: Person, linked: Linked, ticked: tuple[str, ...], reason: str
) -> None:
    done = erases(person, *ticked)
    assert bool(ticked) is ("goes on refusing all" in done.words)
    business.associate(linked.account.id, linked.email, tags.user_provided())
    assert reason == business.reason(linked.account.id, linked.email)


# --- nothing then returns the handle ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Gone:
    """Somebody who was erased: what named them, and every name by which something of theirs could be asked for."""

    canaries: tuple[str, ...]
    names: tuple[str, ...]
    asked: dict[str, Any]


@pytest.fixture(scope="module")
def gone(broker: RunningBroker, request: pytest.FixtureRequest) -> Gone:
    """Let somebody do everything there is to do, and then erase everything."""
    sandbox = request.getfixturevalue("platform_of_all")
    shop, other = (request.getfixturevalue(name) for name in ("shared_business", "other_business"))
    person = Person(broker, sandbox)
    sandbox.rename(person.account, f"canary_{broker.port}")
    account, handle = person.account.id, f"canary_{broker.port}"
    linked, refused = person.consents(shop), wire.fresh_email()
    person.refuse(person.to_notice(other, other.par(details=other.details(identifier=person_email(refused)))))
    stated = wire.fresh_email()
    offer = {**shop.pair(account, stated), "provenance": tags.user_provided()}
    said = [shop.api("POST", "associations", scope="match", json=offer, headers={"Idempotency-Key": handle})]
    said += [shop.associate({"platform": "x", "handle": handle}, stated, tags.user_provided())]
    decided = [shop.match(account, linked.email), shop.match({"platform": "x", "handle": handle}, linked.email)]
    person.to_notice(other, other.par(details=other.details(identifier=person_email(stated), handle=handle)))
    person.objects(other.client_id)
    done = erases(person)
    receipt = payload_of(linked.receipt)
    names = (
        linked.grant_id, receipt["jti"], receipt["record"]["withdrawal"]["uri"].rpartition("/")[2],
        said[0].json()["id"], decided[0]["context"]["id"], address_of(done).rpartition("/")[2],
    )  # fmt: skip
    canaries = (account, handle, linked.email, refused, stated)
    cookies = "; ".join(f"{name}={value}" for name, value in person.browser.cookies.items())
    person.close()
    return Gone(canaries, names, {"code": linked.code, "verifier": linked.asked.verifier, "cookies": cookies})


def leaks(gone: Gone, said: bytes) -> list[str]:
    """Name what of the person stands in *said*, in any writing."""
    return [value for value in gone.canaries if any(needle in said for needle in writings(value))]


def addresses(gone: Gone) -> Iterator[str]:
    """Every address that may be opened, with every name that is known in each place of it."""
    for rule in create_app(a_broker(Database("sqlite:////nowhere"))).url_map.iter_rules():
        if "GET" in (rule.methods or ()) and not rule.rule.startswith("/static"):
            parts = re.split(r"<[^>]+>", rule.rule)
            yield from {name.join(parts) for name in gone.names} if len(parts) > 1 else {rule.rule}


def test_no_address_gives_the_person_away_whoever_asks(broker: RunningBroker, business: Business, gone: Gone) -> None:
    asking = [
        {"Cookie": gone.asked["cookies"]},
        *(wire.bearer(business.client_token(it)) for it in ("match", "consent")),
    ]
    opened = Counter[str]()
    for address in addresses(gone):
        for headers in asking if "/v1/" in address else asking[:1]:
            answer = broker.get(address, headers=headers)
            opened[address] += answer.status_code == 200
            assert answer.status_code < 500, address
            assert [] == leaks(gone, answer.content + str(answer.headers).encode()), address
    assert 14 <= opened.total()
    assert {f"/v1/receipts/{gone.names[1]}", f"/erasures/{gone.names[-1]}", "/consents"} <= {
        it for it in opened if opened[it]
    }


def test_no_call_gives_the_person_away(business: Business, other_business: Business, gone: Gone) -> None:
    account, handle, email, _refused, stated = gone.canaries
    for one in (business, other_business):
        for named in (account, {"platform": "x", "handle": handle}):
            for body in (one.match_request(named, email), one.match_request(named, stated)):
                answer = one.ask_match(body)
                assert "no_basis" == answer.json()["context"]["reason"]
                assert [] == leaks(gone, answer.content)
    again = business.exchange(gone.asked["code"], gone.asked["verifier"])
    assert (400, []) == (again.status_code, leaks(gone, again.content))
    for kind in ("decisions", "consents"):
        assert [] == leaks(gone, business.report(kind).content)


def test_no_command_gives_the_person_away(broker: RunningBroker, business: Business, gone: Gone) -> None:
    for command in (["clients", "list"], ["clients", "show", business.client_id], ["report", "decisions"], ["doctor"]):
        done = broker.run(*command)
        assert [] == leaks(gone, (done.stdout + done.stderr).encode())


def test_neither_log_nor_files_give_the_person_away(
    broker: RunningBroker, gone: Gone, request: pytest.FixtureRequest
) -> None:
    assert [] == leaks(gone, broker.log.read_bytes())
    for path in (path for path in broker.home.rglob("*") if path.is_file() and path.name != "platforms.toml"):
        assert [] == leaks(gone, path.read_bytes()), path
    if not broker.database_url.startswith("sqlite"):
        cluster: PostgresCluster = request.getfixturevalue("postgres")()
        number = _database_number(broker.database_url)
        for path in [*(cluster.data / "base" / number).iterdir(), *(cluster.data / "pg_wal").glob("0*")]:
            lying = path.read_bytes()
            assert [] == [it for it in gone.canaries[1:3] if any(needle in lying for needle in writings(it))], path


def _database_number(url: str) -> str:
    """Flush everything to the files, and return the folder that holds this database."""
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute("VACUUM")
        connection.execute("CHECKPOINT")
        name = urlsplit(url).path[1:]
        row = connection.execute("SELECT oid FROM pg_database WHERE datname = %s", [name]).fetchone()
    assert row is not None
    return str(row[0])
