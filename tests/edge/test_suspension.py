"""A suspended client: all it holds stops at once, with the clause, until it is resumed."""

import json
from collections.abc import Callable

import pytest
from harness import tags, wire
from harness.business import Business, registration
from harness.person import Linked, Person
from harness.running import RunningBroker


@pytest.fixture
def shop(broker: RunningBroker) -> Business:
    """Register a business that this test may suspend."""
    return broker.business()


@pytest.fixture
def linked(shop: Business, new_person: Callable[..., Person]) -> Linked:
    """Give it a consent."""
    return new_person().consents(shop)


def suspend(broker: RunningBroker, shop: Business) -> None:
    """Suspend it, as an operator does."""
    broker.command("clients", "suspend", shop.client_id, "--why", "tracked people after a rally")


def resume(broker: RunningBroker, shop: Business) -> None:
    """Let it act again."""
    broker.command("clients", "resume", shop.client_id, "--why", "explained itself")
    shop.forget_tokens()


def test_a_suspended_client_is_turned_away_with_the_clause_and_comes_back_with_new_tokens(
    broker: RunningBroker, shop: Business, linked: Linked
) -> None:
    body, grant = shop.match_request(linked.account.id, linked.email), f"{shop.issuer}/v1/grants/{linked.grant_id}"
    of_the_client, of_the_consent = wire.bearer(shop.client_token()), wire.bearer(linked.token["access_token"])
    assert shop.ask_match(body).json()["decision"] is True
    suspend(broker, shop)
    assert (401, True, ["SURVEILLANCE-8"]) == wire.refusal_of(shop.ask_match(body))
    resume(broker, shop)
    assert shop.ask_match(body).json()["decision"] is True
    for answer in (shop.ask_match(body, **of_the_client), wire.get(grant, headers=of_the_consent)):
        assert (401, True) == (answer.status_code, 'error="invalid_token"' in answer.headers["WWW-Authenticate"])


def test_every_door_is_shut(
    broker: RunningBroker, shop: Business, linked: Linked, new_person: Callable[..., Person]
) -> None:
    pending, waiting = shop.par(), shop.par()
    person = new_person()
    notice = person.to_notice(shop, waiting)
    shop.client_token("consent")
    suspend(broker, shop)
    assert 401 == shop.par().answer.status_code
    assert 401 == shop.token_request(grant_type="client_credentials").status_code
    assert 401 == shop.grant(linked.grant_id).status_code
    answer = wire.get(f"{shop.issuer}/v1/grants/{linked.grant_id}", headers=wire.bearer(linked.token["access_token"]))
    assert 401 == answer.status_code
    assert person.to_platform(shop, pending).status in {400, 401, 403}
    assert "code" not in person.allow(notice, ["customer-care"]).query


def test_tokens_permits_contact_and_reports_end_at_once_and_name_the_clause(
    broker: RunningBroker, shop: Business, linked: Linked
) -> None:
    pair = shop.pair(linked.account.id, linked.email)
    kept = shop.associate(linked.account.id, wire.fresh_email(), tags.user_provided()).json()["id"]
    recipient = shop.recipient()
    for scope in ("match", "contact", "report", "redistribute", "consent"):
        shop.client_token(scope)
    suspend(broker, shop)
    answers = {
        "a match": shop.ask_match({**pair, "purpose": "customer-care"}),
        "an offer": shop.associate(linked.account.id, wire.fresh_email(), tags.user_provided()),
        "an association": shop.association(kept),
        "giving it up": shop.association(kept, "DELETE"),
        "contact": shop.ask_contact(pair),
        "a recipient": shop.add_recipient(),
        "a handover": shop.hand_over(recipient, 1),
        "a report": shop.report("decisions"),
        "a grant": shop.grant(linked.grant_id),
        "a body that no one could read": shop.api("POST", "match", scope="match", data=b"{"),
    }
    told = {what: (answer.status_code, answer.json().get("clauses")) for what, answer in answers.items()}
    assert dict.fromkeys(answers, (401, ["SURVEILLANCE-8"])) == told
    for answer in (shop.par().answer, shop.token_request(grant_type="client_credentials", scope="match")):
        assert (401, "invalid_client") == wire.error_of(answer)
        assert ["SURVEILLANCE-8"] == answer.json()["clauses"]


def test_who_suspended_a_client_and_why_is_written_down(broker: RunningBroker, shop: Business) -> None:
    suspend(broker, shop)
    resume(broker, shop)
    shown = json.loads(broker.command("clients", "show", shop.client_id))["standings"]
    assert ["active", "suspended", "active"] == [change["standing"] for change in shown]
    assert ("tracked people after a rally", True) == (shown[1]["why"], bool(shown[1]["who"]))


def test_a_code_given_before_is_worth_nothing_after(
    broker: RunningBroker, shop: Business, new_person: Callable[..., Person]
) -> None:
    asked = shop.par()
    code = new_person().code(shop, asked)
    suspend(broker, shop)
    assert 401 == shop.exchange(code, asked.verifier).status_code


def test_a_person_can_still_withdraw_from_a_suspended_client(
    broker: RunningBroker, shop: Business, person: Person
) -> None:
    linked = person.consents(shop)
    suspend(broker, shop)
    page = person.withdraws(linked.grant_id)
    assert 200 == page.status
    resume(broker, shop)
    assert "withdrawn" == shop.match(linked.account.id, linked.email)["context"]["reason"]


def test_others_do_not_notice(broker: RunningBroker, shop: Business, business: Business, person: Person) -> None:
    suspend(broker, shop)
    linked = person.consents(business)
    assert business.match(linked.account.id, linked.email)["decision"] is True


def test_the_list_says_who_is_suspended(broker: RunningBroker, shop: Business) -> None:
    suspend(broker, shop)
    (line,) = [line for line in broker.command("clients", "list").splitlines() if shop.client_id in line]
    assert "suspended" in line.lower()


def test_who_is_not_there_cannot_be_suspended(broker: RunningBroker) -> None:
    done = broker.run("clients", "suspend", "a" * 26, "--why", "nobody")
    assert 0 != done.returncode
    assert "Traceback" not in done.stderr


def test_a_registration_that_the_terms_refuse_names_the_clause(broker: RunningBroker, shop: Business) -> None:
    file = broker.home / "refused.json"
    file.write_text(json.dumps(registration(shop.key, shop.redirect_uri, purposes=["background-check"])))
    done = broker.run("clients", "register", str(file))
    assert (1, True) == (done.returncode, "SURVEILLANCE-4" in done.stdout + done.stderr)
