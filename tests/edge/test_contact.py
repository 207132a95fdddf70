"""May an automated message go out? Each clause over HTTP, and what of it a business learns."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from typing import Any

import pytest
from harness import tags, wire
from harness.business import Business, person_email
from harness.person import Linked, Person
from harness.running import RunningBroker, RunningSandbox
from harness.terms import with_limits, write_documents

PER_MINUTE = 60
TEXT, NEARLY, OTHERWISE = "f0f0f0f0f0f0f0f0", "f0f0f0f0f0f0f0f7", "0f0f0f0f0f0f0f0f"


def of(decision: dict[str, Any]) -> tuple[bool, str, list[str]]:
    """Return what a decision says: yes or no, on what basis or for what reason, by which clauses."""
    context = decision["context"]
    return decision["decision"], context.get("basis") or context["reason"], context["clauses"]


ON_SQLITE = pytest.mark.parametrize("broker", ["sqlite"], indirect=True, scope="session")
PERMITTED = (True, "consent", ["CONTACT-1"])


@pytest.fixture(scope="module")
def writer(broker: RunningBroker) -> Business:
    """Register a business that writes to people."""
    return broker.business(purposes=["contact", "customer-care"])


@pytest.fixture
def other_writer(broker: RunningBroker) -> Business:
    """Register another, whose ceilings are this test's own."""
    return broker.business(purposes=["contact"])


@pytest.fixture
def content() -> str:
    """Give the fingerprint of a message of this test's own."""
    return sha256(wire.fresh("message ").encode()).hexdigest()


@pytest.fixture
def reachable(writer: Business, new_person: Callable[..., Person]) -> Callable[[], Linked]:
    """Give people who consented to its messages."""

    def meet() -> Linked:
        return new_person().consents(writer, ["contact", "customer-care"], purposes=["contact", "customer-care"])

    return meet


@ON_SQLITE
def test_consent_that_names_contact_permits(writer: Business, reachable: Callable[[], Linked]) -> None:
    linked = reachable()
    answer = writer.contact(linked.account.id, linked.email)
    assert PERMITTED == of(answer)
    assert {"id", "basis", "clauses", "policy", "grant_id", "receipt_id", "valid_until", "decided_at"} == set(
        answer["context"]
    )


@ON_SQLITE
def test_no_link_and_no_tag_implies_contact(writer: Business, new_person: Callable[..., Person]) -> None:
    person = new_person()
    linked = person.consents(writer, ["customer-care"], purposes=["contact", "customer-care"])
    assert "permitted" == writer.reason(linked.account.id, linked.email)
    assert (False, ["CONTACT-1"]) == of(writer.contact(linked.account.id, linked.email))[::2]
    email = wire.fresh_email()
    tag = tags.user_provided(expected_purposes=["contact", "customer-care"])
    assert 201 == writer.associate(person.account.id, email, tag).status_code
    assert (False, "no_basis", ["CONTACT-1"]) == of(writer.contact(person.account.id, email))
    assert (False, "no_basis", ["CONTACT-1"]) == of(writer.contact("7999999999", wire.fresh_email()))


@ON_SQLITE
@pytest.mark.parametrize("tag", [tags.user_provided, tags.in_directory, tags.on_platform])
def test_a_match_for_contact_needs_the_same_consent(
    writer: Business, person: Person, tag: Callable[..., tags.Tag]
) -> None:
    email, told = wire.fresh_email(), tag(expected_purposes=["contact", "customer-care"])
    answer = writer.match(person.account.id, email, "contact", told)
    assert (False, "purpose_not_granted", ["CONTACT-1"]) == of(answer)
    assert "permitted" == writer.reason(person.account.id, email)
    linked = person.consents(writer, ["contact"], purposes=["contact"])
    assert (True, "consent", ["MATCH-2"]) == of(writer.match(person.account.id, linked.email, "contact"))


@ON_SQLITE
def test_the_wish_of_another_client_is_not_this_ones(other_business: Business, reachable: Callable[[], Linked]) -> None:
    linked = reachable()
    assert (False, "purpose_not_declared", ["APPLICATION-1"]) == of(
        other_business.contact(linked.account.id, linked.email)
    )


@ON_SQLITE
def test_a_withdrawal_ends_it_at_once(writer: Business, new_person: Callable[..., Person]) -> None:
    person = new_person()
    linked = person.consents(writer, ["contact"], purposes=["contact"])
    assert PERMITTED == of(writer.contact(linked.account.id, linked.email))
    person.withdraws(linked.grant_id)
    assert (False, ["CONTACT-1"]) == of(writer.contact(linked.account.id, linked.email))[::2]


@ON_SQLITE
def test_an_objection_ends_it_at_once_and_consent_after_it_begins_it_anew(
    writer: Business, new_person: Callable[..., Person]
) -> None:
    person = new_person()
    linked = person.consents(writer, ["contact"], purposes=["contact"])
    assert PERMITTED == of(writer.contact(linked.account.id, linked.email))
    person.objects()
    assert (False, "no_basis", ["CONTACT-2"]) == of(writer.contact(linked.account.id, linked.email))
    person.consents(writer, ["contact"], purposes=["contact"], identifier=person_email(linked.email))
    assert PERMITTED == of(writer.contact(linked.account.id, linked.email))


@ON_SQLITE
def test_the_same_content_goes_to_one_account_only(
    writer: Business, reachable: Callable[[], Linked], content: str
) -> None:
    first, second = reachable(), reachable()
    repeat = (False, "no_basis", ["CONTACT-4"])
    assert PERMITTED == of(writer.contact(first.account.id, first.email, content_sha256=content))
    assert PERMITTED == of(writer.contact(first.account.id, first.email, content_sha256=content))
    assert repeat == of(writer.contact(second.account.id, second.email, content_sha256=content))
    assert PERMITTED == of(writer.contact(second.account.id, second.email, content_sha256="d" * 64))
    assert PERMITTED == of(writer.contact(first.account.id, first.email, content_simhash=TEXT))
    assert repeat == of(writer.contact(second.account.id, second.email, content_simhash=NEARLY))
    assert PERMITTED == of(writer.contact(second.account.id, second.email, content_simhash=OTHERWISE))


@ON_SQLITE
def test_what_another_client_sent_is_no_repeat(
    writer: Business, other_writer: Business, new_person: Callable[..., Person], content: str
) -> None:
    for shop in (writer, other_writer):
        linked = new_person().consents(shop, ["contact"], purposes=["contact"])
        assert PERMITTED == of(shop.contact(linked.account.id, linked.email, content_sha256=content))


@ON_SQLITE
@pytest.mark.parametrize("value", ["C" * 64, "c" * 63, "c" * 65, "c" * 64 + "\n", "g" * 64, "", 7, True, ["c" * 64]])
@pytest.mark.parametrize("member", ["content_sha256", "content_simhash"])
def test_a_fingerprint_of_another_form_is_a_problem(business: Business, member: str, value: object) -> None:
    answer = business.ask_contact({**business.pair("12", "jane@example.com"), member: value})
    assert (400, True) == (answer.status_code, wire.is_problem(answer))


def test_of_racing_checks_as_many_pass_as_the_ceiling_lets_through(other_writer: Business, person: Person) -> None:
    linked = person.consents(other_writer, ["contact"], purposes=["contact"])
    body = other_writer.pair(linked.account.id, linked.email)
    other_writer.client_token("contact")
    with ThreadPoolExecutor(16) as racers:
        answers = list(racers.map(lambda _: of(other_writer.ask_contact(body).json()), range(PER_MINUTE + 20)))
    assert PER_MINUTE == answers.count(PERMITTED)
    assert 20 == answers.count((False, "no_basis", ["CONTACT-3"]))


def test_of_racing_repeats_one_account_is_written_to(
    writer: Business, reachable: Callable[[], Linked], content: str
) -> None:
    people = [reachable() for _ in range(4)]
    writer.client_token("contact")
    with ThreadPoolExecutor(4) as racers:
        ask = [racers.submit(writer.contact, p.account.id, p.email, content_sha256=content) for p in people]
        answers = [of(one.result()) for one in ask]
    assert (1, 3) == (answers.count(PERMITTED), answers.count((False, "no_basis", ["CONTACT-4"])))


@pytest.fixture(scope="module")
def narrow(
    tmp_path_factory: pytest.TempPathFactory, ports: dict[str, int], platform_of_all: RunningSandbox
) -> Iterator[RunningBroker]:
    """Run a broker whose document lets an application write to two accounts a day."""
    home = tmp_path_factory.mktemp("narrow")
    documents = write_documents(home / "documents", lambda text: with_limits(text, {"contact-accounts-per-day": 2}))
    running = RunningBroker(
        home, port=ports["second"], database_url=f"sqlite:///{home / 'broker.db'}",
        platforms=platform_of_all.section(), settings={"BROKER_POLICIES_DIR": str(documents)}, workers=1,
    )  # fmt: skip
    yield running
    running.stop()


def test_the_documents_of_the_operator_hold_and_breadth_has_a_ceiling(
    narrow: RunningBroker, platform: RunningSandbox
) -> None:
    shop, people = narrow.business(purposes=["contact"]), [Person(narrow, platform) for _ in range(3)]
    linked = [person.consents(shop, ["contact"], purposes=["contact"]) for person in people]
    answers = [of(shop.contact(one.account.id, one.email)) for one in linked]
    assert [PERMITTED, PERMITTED, (False, "no_basis", ["CONTACT-3"])] == answers
    assert PERMITTED == of(shop.contact(linked[0].account.id, linked[0].email))
    for person in people:
        person.close()
