"""What no consent lifts is refused wherever it is said: in a registration, in a request for consent, in a match."""

import json
import subprocess
from typing import Any

import pytest
from harness import tags, wire
from harness.business import Business, new_key, registration
from harness.person import Person
from harness.running import RunningBroker

pytestmark = pytest.mark.parametrize("broker", ["sqlite"], indirect=True, scope="session")

PURPOSES = {
    "sensitive-inference": "SENSITIVE-1", "platform-benchmarking": "MEASURE-1", "surveillance": "SURVEILLANCE-1",
    "event-monitoring": "SURVEILLANCE-2", "group-tracking": "SURVEILLANCE-3", "background-check": "SURVEILLANCE-4",
    "credit-risk": "SURVEILLANCE-5", "insurance-risk": "SURVEILLANCE-5", "profiling": "SURVEILLANCE-6",
    "facial-recognition": "SURVEILLANCE-7",
}  # fmt: skip
#: Names that nobody registered, with what they speak of.
OWN_WORDS = {
    "pregnancy-prediction": "SENSITIVE-1.health", "kirchensteuer": "SENSITIVE-1.religion",
    "trade-union-members": "SENSITIVE-1.union", "verschuldung": "SENSITIVE-1.financial",
    "gesichtserkennung": "SURVEILLANCE-7", "tenant-screening": "SURVEILLANCE-4",
}  # fmt: skip
STATEMENTS = {
    "We infer which customers are pregnant from what they post.": "SENSITIVE-1.health",
    "Wir leiten die politische Haltung unserer Kunden aus ihren Beiträgen ab.": "SENSITIVE-1.politics",
    "We surveil the customers of our shops.": "SURVEILLANCE-1",
    "We check the creditworthiness of people who ask for a loan.": "SURVEILLANCE-5",
    "We count the daily active users of the platform.": "MEASURE-1",
}


def try_to_register(broker: RunningBroker, **changes: object) -> "subprocess.CompletedProcess[str]":
    """Hand in a client file that need not be accepted."""
    file = broker.home / f"{wire.fresh('offer-')}.json"
    file.write_text(json.dumps(registration(new_key(), "http://127.0.0.1:19999/linked", **changes)))
    return broker.run("clients", "register", str(file))


def refused_by(done: "subprocess.CompletedProcess[str]", clause: str) -> bool:
    """Tell whether a command was refused in the name of a clause, in plain words."""
    assert "Traceback" not in done.stderr
    return done.returncode == 1 and clause in done.stdout + done.stderr


@pytest.mark.parametrize(("statement", "clause"), STATEMENTS.items())
def test_a_use_that_is_prohibited_is_not_registered(broker: RunningBroker, statement: str, clause: str) -> None:
    assert refused_by(try_to_register(broker, use_case=statement), clause)


def test_a_purpose_that_is_prohibited_is_not_registered_under_any_name(broker: RunningBroker) -> None:
    assert refused_by(try_to_register(broker, purposes=["customer-care", "facial-recognition"]), "SURVEILLANCE-7")
    own = {"id": "pregnancy-prediction", "broader": "newsletter"}
    assert refused_by(try_to_register(broker, purposes=[own]), "SENSITIVE-1.health")


def test_the_use_case_of_an_owner_is_one_applications(broker: RunningBroker) -> None:
    owner, shop = wire.fresh("Owner "), "Northwind One"
    first = broker.business(owner=owner, client_name=shop, purposes=["customer-care", "newsletter"])
    done = try_to_register(broker, owner=owner.upper(), purposes=["newsletter"])
    assert refused_by(done, "APPLICATION-1")
    assert first.client_id in done.stdout + done.stderr
    assert refused_by(try_to_register(broker, environment="dev"), "APPLICATION-2")


@pytest.mark.parametrize(("purpose", "clause"), [*PURPOSES.items(), *OWN_WORDS.items()])
def test_consent_to_what_is_prohibited_is_not_asked_for(business: Business, purpose: str, clause: str) -> None:
    for purposes in ([purpose], ["customer-care", purpose]):
        answer = business.par(details=business.details(purposes=purposes)).answer
        assert (400, "invalid_authorization_details") == wire.error_of(answer)
        assert [clause] == answer.json()["clauses"]


def test_consent_to_what_was_not_registered_names_its_clause(business: Business) -> None:
    answer = business.par(details=business.details(purposes=["fraud-prevention"])).answer
    assert (400, "invalid_authorization_details") == wire.error_of(answer)
    assert ["APPLICATION-1"] == answer.json()["clauses"]


@pytest.mark.parametrize(("purpose", "clause"), [*PURPOSES.items(), *OWN_WORDS.items()])
def test_a_match_for_what_is_prohibited_is_denied_by_its_category(
    business: Business, purpose: str, clause: str
) -> None:
    for tag in (None, tags.user_provided(), tags.user_provided(origin="bought")):
        answer: dict[str, Any] = business.match("7999999999", wire.fresh_email(), purpose, tag)
        assert (False, "purpose_prohibited") == (answer["decision"], answer["context"]["reason"])
        assert clause in answer["context"]["clauses"]


NAMES = {
    "pregnancy-status": "SENSITIVE-1.health",
    "union_member": "SENSITIVE-1.union",
    "faceprint": "SURVEILLANCE-7",
}


@pytest.mark.parametrize(("name", "clause"), NAMES.items())
def test_no_record_goes_by_a_name_that_speaks_of_what_is_prohibited(business: Business, name: str, clause: str) -> None:
    account, record = wire.fresh_account(), {"kind": "other", "type": "other", "name": name, "value": "L-7"}
    asked = business.par(details=business.details(identifier=record)).answer
    assert (400, "invalid_authorization_details") == wire.error_of(asked)
    assert [clause] == asked.json()["clauses"]
    for answer in (
        business.ask_match(business.match_request(account, record)),
        business.associate(account, record, tags.user_provided()),
        business.ask_contact(business.pair(account, record)),
    ):
        assert (422, True, [clause]) == wire.refusal_of(answer)


def test_nobody_is_contacted_by_an_application_that_did_not_say_so(business: Business, person: Person) -> None:
    linked = person.consents(business)
    answer = business.contact(linked.account.id, linked.email)
    assert (False, "purpose_not_declared", ["APPLICATION-1"]) == (
        answer["decision"], answer["context"]["reason"], answer["context"]["clauses"],
    )  # fmt: skip


def test_a_doubtful_statement_waits_for_an_operator_and_goes_when_approved(
    broker: RunningBroker, person: Person
) -> None:
    key, doubtful = new_key(), f"Answer diabetes patients of {wire.fresh('Northwind ')} about their medication"
    back = "http://127.0.0.1:19999/linked"
    printed = broker.register(registration(key, back, use_case=doubtful))
    held = Business(issuer=broker.issuer, client_id=printed["client_id"], key=key, redirect_uri=back)
    shown = json.loads(broker.command("clients", "show", held.client_id))["standings"]
    assert ("held", True) == (printed["standing"], "health" in shown[0]["why"])
    assert 401 == held.par().answer.status_code
    answer = held.token_request(grant_type="client_credentials", scope="match")
    assert (401, "invalid_client") == wire.error_of(answer)
    broker.command("clients", "approve", held.client_id, "--why", "a surgery that answers its own patients")
    linked = person.consents(held)
    assert "permitted" == held.reason(linked.account.id, linked.email)
