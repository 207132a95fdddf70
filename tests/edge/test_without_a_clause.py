"""Every clause decides something: take any one out of the document, and an answer over HTTP is another."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from harness import tags, wire
from harness.business import PURPOSES, Business
from harness.evidence import payload_of
from harness.person import Linked, Person
from harness.running import RunningSandbox
from harness.terms import TermsServer, clause_ids, without_clause

CLAUSES = clause_ids()
PER_MINUTE, COHORT, POST_IDS = 60, 20, 1_500_000


@dataclass(frozen=True)
class Told:
    """What an answer says, without its ids and moments."""

    status: int
    said: tuple[Any, ...]
    clauses: tuple[str, ...]


def told(answer: Any) -> Told:  # noqa: ANN401 (a requests answer)
    """Read an answer of any endpoint: a decision, a problem, or something made."""
    body = answer.json()
    context = body.get("context", body)
    if "statement" in body:
        context = payload_of(body["statement"])["statement"]
    said = (body.get("decision"), context.get("reason"), context.get("basis"), body.get("error"))
    return Told(answer.status_code, said, tuple(context.get("clauses", ())))


class World:
    """A broker whose terms can be changed, a business that may do everything, and people."""

    def __init__(self, server: TermsServer, sandbox: RunningSandbox) -> None:
        self.server = server
        self.business = server.business(purposes=[*PURPOSES, "contact"])
        self._sandbox = sandbox
        self._met: list[Person] = []

    def person(self) -> Person:
        """Return somebody new."""
        self._met.append(Person(self.server, self._sandbox))  # type: ignore[arg-type] # a broker with an address
        return self._met[-1]

    def writer(self) -> Business:
        """Return a business that writes to people, with ceilings of its own."""
        return self.server.business(purposes=["contact"])

    def contactable(self, business: Business) -> Linked:
        """Return somebody who consented to its automated messages."""
        return self.person().consents(business, ["contact"], purposes=["contact"])

    def close(self) -> None:
        """Close everybody's browser."""
        for person in self._met:
            person.close()


@pytest.fixture(scope="module")
def world(
    tmp_path_factory: pytest.TempPathFactory, ports: dict[str, int], platform_of_all: RunningSandbox
) -> Iterator[World]:
    """Run the broker in this process."""
    platforms = platform_of_all.section()
    server = TermsServer(tmp_path_factory.mktemp("terms"), port=ports["third"], platforms=platforms)
    made = World(server, platform_of_all)
    yield made
    made.close()
    server.stop()


def nobody() -> str:
    """Return an id that no other test has used."""
    return wire.fresh_account()


Scenario = Callable[[World], Told]


def matched_for(purpose: str) -> Scenario:
    """A match for a purpose, about somebody whom nobody knows."""

    def ask(world: World) -> Told:
        body = world.business.match_request(nobody(), wire.fresh_email(), purpose)
        return told(world.business.ask_match(body))

    return ask


def offered(tag: Callable[[], tags.Tag]) -> Scenario:
    """An association that is offered with a tag."""

    def ask(world: World) -> Told:
        return told(world.business.associate(nobody(), wire.fresh_email(), tag()))

    return ask


def matched_with(tag: Callable[[], tags.Tag], purpose: str = "customer-care") -> Scenario:
    """A match with a tag beside it."""

    def ask(world: World) -> Told:
        body = world.business.match_request(nobody(), wire.fresh_email(), purpose, tag())
        return told(world.business.ask_match(body))

    return ask


def evidence_from(url: str) -> Scenario:
    """An association whose public source stands at an address."""
    return offered(lambda: tags.in_directory(url))


def suspended(world: World) -> Told:
    shop = world.server.business()
    body = shop.match_request(nobody(), wire.fresh_email())
    shop.client_token()
    world.server.suspend(shop)
    return told(shop.ask_match(body))


def of_another_environment(world: World) -> Told:
    owner = wire.fresh("owner-")
    shop = world.server.business(owner=owner)
    trial = world.server.business(owner=owner, environment="dev", client_name="Northwind Shop (dev)")
    return told(trial.hand_over(shop.recipient(), 1))


def of_no_known_kind(world: World) -> Told:
    body = world.business.match_request(nobody(), {"kind": "soul", "type": "email", "value": "j@example.com"})
    return told(world.business.ask_match(body))


def consented(world: World) -> Told:
    linked = world.person().consents(world.business)
    return told(world.business.ask_match(world.business.match_request(linked.account.id, linked.email)))


def handed(count: int, kind: str = "post_ids", **papers: object) -> Scenario:
    """Objects that are handed over to a recipient of its own."""

    def ask(world: World) -> Told:
        return told(world.business.hand_over(world.business.recipient(**papers), count, kind))

    return ask


def recorded(**papers: object) -> Scenario:
    """A recipient that is recorded."""

    def ask(world: World) -> Told:
        return told(world.business.add_recipient(**papers))

    return ask


def contacted(business: Business, linked: Linked, **fingerprint: str) -> Told:
    """Ask whether a message may go out."""
    return told(business.ask_contact({**business.pair(linked.account.id, linked.email), **fingerprint}))


def contact_allowed(world: World) -> Told:
    shop = world.writer()
    return contacted(shop, world.contactable(shop))


def contact_after_an_objection(world: World) -> Told:
    shop, person = world.writer(), world.person()
    linked = person.consents(shop, ["contact"], purposes=["contact"])
    person.objects()
    return contacted(shop, linked)


def one_contact_too_many(world: World) -> Told:
    shop = world.writer()
    linked = world.contactable(shop)
    for _ in range(PER_MINUTE):
        contacted(shop, linked)
    return contacted(shop, linked)


def the_same_content_twice(world: World) -> Told:
    shop = world.writer()
    contacted(shop, world.contactable(shop), content_sha256="c" * 64)
    return contacted(shop, world.contactable(shop), content_sha256="c" * 64)


def signalled(world: World) -> Told:
    shop, person, advertising = world.server.business(purposes=["direct-marketing"]), world.person(), "direct-marketing"
    asked = shop.par(details=shop.details(purposes=[advertising]))
    person.browser.open(person.callback_url(person.to_platform(shop, asked)), headers={"Sec-GPC": "1"})
    tag = tags.user_provided(expected_purposes=[advertising])
    return told(shop.ask_match(shop.match_request(person.account.id, wire.fresh_email(), advertising, tag)))


def reported(world: World) -> Told:
    shop = world.server.business()
    for _ in range(COHORT):
        shop.match(nobody(), wire.fresh_email())
    return told(shop.report("decisions"))


SCENARIOS: dict[str, Scenario] = {
    "SENSITIVE-1": matched_for("sensitive-inference"),
    "SENSITIVE-1.health": evidence_from("https://depression-support.example/members/7"),
    "SENSITIVE-1.financial": evidence_from("https://insolvency-notices.example/jane"),
    "SENSITIVE-1.politics": evidence_from("https://politics.example/party-members/7"),
    "SENSITIVE-1.ethnicity": evidence_from("https://migrants-network.example/people/7"),
    "SENSITIVE-1.religion": evidence_from("https://parish.example/congregation"),
    "SENSITIVE-1.sexuality": evidence_from("https://lgbt-centre.example/volunteers"),
    "SENSITIVE-1.union": evidence_from("https://steelworkers-union.example/shop-stewards"),
    "SENSITIVE-1.crime": evidence_from("https://county.example/mugshots/7"),
    "SENSITIVE-2": reported,
    "MEASURE-1": matched_for("platform-benchmarking"),
    "SURVEILLANCE-1": matched_for("surveillance"),
    "SURVEILLANCE-2": matched_for("event-monitoring"),
    "SURVEILLANCE-3": matched_for("group-tracking"),
    "SURVEILLANCE-4": matched_for("background-check"),
    "SURVEILLANCE-5": matched_for("credit-risk"),
    "SURVEILLANCE-6": matched_for("profiling"),
    "SURVEILLANCE-7": matched_for("facial-recognition"),
    "SURVEILLANCE-8": suspended,
    "APPLICATION-1": matched_for("fraud-prevention"),
    "APPLICATION-2": of_another_environment,
    "SIGNAL-1": signalled,
    "MATCH-1": of_no_known_kind,
    "MATCH-2": consented,
    "MATCH-3": matched_with(tags.user_provided, "newsletter"),
    "MATCH-4": matched_for("customer-care"),
    "MATCH-4a": matched_with(tags.user_provided),
    "MATCH-4b1": matched_with(tags.in_directory),
    "MATCH-4b2": matched_with(tags.on_platform),
    "REDISTRIBUTE-1": handed(1),
    "REDISTRIBUTE-2": handed(1, "posts"),
    "REDISTRIBUTE-3": handed(POST_IDS + 1),
    "REDISTRIBUTE-4": recorded(academic={"institution": "Northern University"}),
    "REDISTRIBUTE-5": recorded(agreements={"privacy_policy": "2026-01-10"}),
    "CONTACT-1": contact_allowed,
    "CONTACT-2": contact_after_an_objection,
    "CONTACT-3": one_contact_too_many,
    "CONTACT-4": the_same_content_twice,
}


def test_every_clause_of_the_document_has_a_scenario_and_no_other() -> None:
    assert set(CLAUSES) == set(SCENARIOS)


@pytest.mark.parametrize("clause", CLAUSES)
def test_without_a_clause_something_is_answered_otherwise(world: World, clause: str) -> None:
    scenario = SCENARIOS[clause]
    whole = scenario(world)
    with world.server.under(clause, lambda text: without_clause(text, clause)):
        assert whole != scenario(world)
    assert whole == scenario(world)
    assert clause in whole.clauses or whole.status in {200, 201}
