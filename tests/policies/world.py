"""A small world in which the terms are put to the test: one business, one person, and what each of them does.

Everything goes through the broker's own verbs. An act takes the world and gives an answer where it has one; what the
broker refuses is an answer too, under its clauses.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cache, cached_property
from itertools import count
from typing import Any, NamedTuple

from builders import (
    NOON,
    Clock,
    a_broker,
    a_choice,
    a_question,
    a_registration,
    a_request,
    an_account,
    an_identifier,
    asked,
    consented,
    proved,
    refused,
    registered,
)
from builders import (
    undone as undoing,
)
from core.records import consent, facts, question
from flask import Flask

from broker.actions.broker import Broker
from broker.actions.change_standing import Change, suspend_client
from broker.actions.check_contact import check_contact
from broker.actions.decide_match import answer_offer
from broker.actions.follow_account import follow_sighting
from broker.actions.lift_signal import heed_signal, lift_signal
from broker.actions.object_to_matching import object_to_matching, take_objection_back
from broker.actions.record_consent import record_consent
from broker.actions.redistribute import Handover, add_recipient, hand_over
from broker.actions.report import Asked, make_report
from broker.actions.terms import call_clauses, check_notice
from broker.actions.withdraw_consent import relinquish_grant, withdraw_consent
from broker.core.client import Client, Standing
from broker.core.consent import ConsentRecord
from broker.core.decide import decide
from broker.core.evidence import Provenance
from broker.core.fingerprint import Fingerprint
from broker.core.identifiers import Association, ProvenAccount
from broker.core.match import Decision
from broker.core.names import fold_name
from broker.core.notice import Meanings
from broker.core.policy import Policy
from broker.errors import BrokerError
from broker.oauth.details import IdentifierWire, InvalidAuthorizationDetailsError, known_identifier, read_details
from broker.platforms import Sighting
from broker.policies import Policies
from broker.proof.sdjwt import parse, payload_of
from broker.store.clients import save_client
from broker.store.consents import consents_of_pair
from broker.store.database import Database
from broker.store.grounds import find_statement, grounds_of_pair
from broker.store.objections import EVERYONE
from broker.store.people import Person, find_person, sealer_of
from broker.store.receipts import list_receipts
from broker.store.recipients import Recipient
from broker.store.transaction import Transaction

PURPOSES = ("customer-care", "newsletter", "contact")
AGREED = dict.fromkeys(("terms_of_service", "privacy_policy", "developer_agreement", "developer_policy"), "2026-01-02")
_WORLDS = count(1)
_APP = Flask(__name__)


class Answer(NamedTuple):
    """What came of an act: the clauses that made it, and it in a word or two."""

    clauses: str
    answer: str


@dataclass
class World:
    """A broker under *policy*, Northwind and Jane; every world has a Northwind and a Jane of its own."""

    broker: Broker
    clock: Clock
    number: int
    jane: ProvenAccount
    consent: ConsentRecord | None = None
    recipient: str = ""

    @cached_property
    def client(self) -> Client:
        """Northwind, as it stands in the store: that its registration passes the terms is what a few rows show."""
        client = Client(
            client_id=self.broker.new_id(),
            registration=a_registration(owner=f"Northwind {self.number}", purposes=PURPOSES),
            standing=Standing.ACTIVE,
            registered_at=self.clock.now,
        )
        with self.broker.database.transaction() as tx:
            save_client(tx, client)
        return client

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """One transaction of the broker's, in which Northwind is there already: SQLite lets one writer in at a time."""
        assert self.client
        with self.broker.database.transaction() as tx:
            yield tx

    @property
    def person(self) -> bytes:
        """Jane, as the broker keeps her."""
        return self.broker.blinder.account(self.jane.account, environment=self.client.registration.environment)


Act = Callable[[World], Answer | None]


@dataclass(frozen=True)
class Row:
    """One sentence of the terms: what happens, and what must come of it; the last act gives the answer."""

    id: str
    says: str
    acts: tuple[Act, ...]
    clauses: str
    answer: str

    @property
    def expected(self) -> Answer:
        """The answer that the terms ask for."""
        return Answer(self.clauses, self.answer)


def row(id_: str, says: str, *acts: Act, answers: str) -> Row:
    """State a row; *answers* reads "CLAUSE CLAUSE: answer"."""
    clauses, _, answer = answers.rpartition(": ")
    return Row(id_, says, acts, clauses, answer)


def a_world(database: Database, policy: Policy) -> World:
    """Open a world under *policy*; nothing in it is known to another one."""
    number, clock = next(_WORLDS), Clock()
    known = the_broker(database)
    policies = Policies({**known.policies.by_platform, policy.platform: policy})
    broker = replace(known, now=clock, policies=policies)
    return World(broker=broker, clock=clock, number=number, jane=person_number(number * 10_000))


@cache
def the_broker(database: Database) -> Broker:
    """Return the broker that every world's is made of; reading its documents takes longer than most acts."""
    return a_broker(database)


def person_number(number: int) -> ProvenAccount:
    """Return an account that nobody else in these tests has."""
    return an_account(id=str(10**12 + number), handle=f"jane_{number}")


def play(acts: Iterable[Act], database: Database, policy: Policy) -> Answer:
    """Let everything happen in a new world; return the last answer, or the refusal."""
    try:
        world = a_world(database, policy)
        answers = [act(world) for act in acts]
    except BrokerError as error:
        return Answer(" ".join(error.clauses), error.type)
    except InvalidAuthorizationDetailsError as error:
        return Answer(" ".join(error.clauses), error.error)
    assert answers[-1] is not None, "the last act gives no answer"
    return answers[-1]


def answer_of(decision: Decision) -> Answer:
    """A decision in a word or two."""
    said = f"yes, {decision.basis}" if decision.permitted else str(decision.reason)
    return Answer(" ".join(decision.clauses), said)


# --- what the person does ------------------------------------------------------------------------------------


def consents(*purposes: str, **changes: Any) -> Act:  # noqa: ANN401 - any field of a request
    """Jane allows what Northwind asks, for customer care unless *purposes* says otherwise."""

    def act(world: World) -> None:
        asked_for = purposes or ("customer-care",)
        request = named_if_asked(world, changes)
        world.consent = consented(world.broker, world.client, world.jane, purposes=asked_for, **request)

    return act


def allows(*ticked: str, undone: bool = False, **changes: Any) -> Act:  # noqa: ANN401 - any field of a request
    """Jane presses Allow with these boxes ticked; where *undone*, the step that comes after it fails."""

    def act(world: World) -> None:
        choice = a_choice(proved(world.broker, world.jane, a_request(world.client, **changes)), *ticked)
        with undoing(world.broker.database) if undone else world.transaction() as tx:
            world.consent = record_consent(tx, world.broker, world.client, choice)

    return act


def what_is_kept(world: World) -> Answer:
    """Which rows a consent left: the pair's record, and receipts of hers."""
    assert world.consent is not None
    pair = Association(
        client_id=world.client.client_id, account=world.person, identifier=world.consent.identifier.digest
    )
    with world.transaction() as tx:
        jane = find_person(tx, world.broker.sealer, world.person)
        assert jane is not None
        receipts = list_receipts(tx, world.person, store=world.broker.sealer, person=jane.sealer)
        return Answer("", f"{len(consents_of_pair(tx, pair))} consent, {len(receipts)} receipt")


def the_receipt_names_its_notice(world: World) -> Answer:
    """What the receipt says of the notice that was shown."""
    assert world.consent is not None
    with world.transaction() as tx:
        jane = find_person(tx, world.broker.sealer, world.person)
        assert jane is not None
        [receipt] = list_receipts(tx, world.person, store=world.broker.sealer, person=jane.sealer)
    record = payload_of(receipt.jwt)["record"]
    assert isinstance(record, dict)
    return Answer("", ", ".join(sorted(name for name, value in record["notice"].items() if value)))


def refuses(**changes: Any) -> Act:  # noqa: ANN401 - any field of a request
    """Jane answers no."""

    def act(world: World) -> None:
        refused(world.broker, world.client, world.jane, **changes)

    return act


def signs_in(**changes: Any) -> Act:  # noqa: ANN401 - any field of a request
    """Jane proves her account, sees the notice, and does nothing more."""

    def act(world: World) -> None:
        proved(world.broker, world.jane, a_request(world.client, **named_if_asked(world, changes)))

    return act


def named_if_asked(world: World, changes: Mapping[str, Any]) -> dict[str, Any]:
    """Put Jane's handle where a request says that the signup form asked for it."""
    return {**changes, "handle": world.jane.handle} if changes.get("handle") else dict(changes)


def withdraws(world: World) -> None:
    """Jane takes her consent back."""
    assert world.consent is not None
    with world.transaction() as tx:
        withdraw_consent(tx, world.broker, account=world.person, grant_id=world.consent.grant_id)


def objects(*, to_everyone: bool = True) -> Act:
    """Jane objects to being matched."""

    def act(world: World) -> None:
        proved(world.broker, world.jane, a_request(world.client))
        with world.transaction() as tx:
            jane = find_person(tx, world.broker.sealer, world.person)
            assert jane is not None
            client_id = EVERYONE if to_everyone else world.client.client_id
            object_to_matching(tx, world.broker, jane, client_id=client_id)

    return act


def takes_the_objection_back(world: World) -> None:
    """Jane objects no longer."""
    with world.transaction() as tx:
        jane = find_person(tx, world.broker.sealer, world.person)
        assert jane is not None
        take_objection_back(tx, jane)


def the_platform_says(*, gone: bool = False, protected: bool | None = None) -> Act:
    """The platform is asked about Jane's account, by its id."""

    def act(world: World) -> None:
        environment = world.client.registration.environment
        seen = Sighting(id=world.jane.account.id, gone=gone, protected=protected)
        with world.transaction() as tx:
            jane = find_person(tx, world.broker.sealer, world.person)
            assert jane is not None
            follow_sighting(tx, world.broker, jane, seen, environment=environment)

    return act


def the_notice_changes(**meanings: int) -> Act:
    """From here on the notice means something else, or a purpose in it does; written with _ for -."""

    def act(world: World) -> None:
        numbers = {name.replace("_", "-"): number for name, number in meanings.items()}
        declared = Meanings(notice=numbers.pop("notice", 1), purposes=numbers)
        world.broker = replace(world.broker, policies=replace(world.broker.policies, meanings=declared))

    return act


def signals(world: World) -> None:
    """Jane proves her account in a browser that signals Global Privacy Control."""
    proved(world.broker, world.jane, None, gpc=True)


def says_of_the_signal(change: Callable[[Transaction, Broker, Person], None]) -> Act:
    """Jane lifts the signal on her page, or lets it count again."""

    def act(world: World) -> None:
        with world.transaction() as tx:
            jane = find_person(tx, world.broker.sealer, world.person)
            assert jane is not None
            change(tx, world.broker, jane)

    return act


lifts_the_signal = says_of_the_signal(lift_signal)
heeds_the_signal = says_of_the_signal(lambda tx, _broker, person: heed_signal(tx, person))


def time_passes(**length: float) -> Act:
    """Nothing happens for a while."""
    return lambda world: world.clock.passes(**length)


def is_registered_for(*purposes: str, **changes: Any) -> Act:  # noqa: ANN401 - any field of a registration
    """From here on Northwind is an application for these purposes."""

    def act(world: World) -> None:
        owner = f"Northwind for itself {world.number}"
        world.__dict__["client"] = registered(world.broker, owner=owner, purposes=purposes, **changes)

    return act


# --- what the business does ----------------------------------------------------------------------------------


def asks(purpose: str = "customer-care", **changes: Any) -> Act:  # noqa: ANN401 - any field of a question
    """Northwind asks for a match with Jane's account."""

    def act(world: World) -> Answer:
        asked_for = a_question(world.jane, purpose=purpose, **changes)
        return answer_of(asked(world.broker, world.client, asked_for).decision)

    return act


def consent_would_not_help(purpose: str) -> Act:
    """Put a match to the terms with a consent that no notice can ask for: declared, given, covering, associated."""

    def act(world: World) -> Answer:
        known = facts(consent(purposes=(purpose,)), declared=frozenset({purpose}))
        return answer_of(decide(question(purpose), known, world.broker.policies.governing("x")))

    return act


def asks_about_somebody_else(world: World) -> Answer:
    """Northwind asks for a match of Jane's record with another account."""
    asked_for = a_question(person_number(int(world.jane.account.id) % 10**12 + 1))
    return answer_of(asked(world.broker, world.client, asked_for).decision)


def another_business_asks(world: World) -> Answer:
    """Contoso asks for what Northwind has."""
    contoso = registered(world.broker, client_name="Contoso Market", purposes=PURPOSES)
    return answer_of(asked(world.broker, contoso, a_question(world.jane)).decision)


def offers(tag: Provenance, **changes: Any) -> Act:  # noqa: ANN401 - any field of a question
    """Northwind offers the association with *tag*."""

    def act(world: World) -> Answer:
        with world.transaction() as tx:
            outcome = answer_offer(tx, world.broker, world.client, a_question(world.jane, provenance=tag, **changes))
        ruling = outcome.ruling
        return Answer(" ".join(ruling.clauses), f"yes, {ruling.basis}" if ruling.permitted else str(ruling.reason))

    return act


def the_statement_says(*members: str) -> Act:
    """What the signed statement of the last offer says."""

    def act(world: World) -> Answer:
        pair = Association(
            client_id=world.client.client_id,
            account=world.person,
            identifier=world.broker.blinder.identifier(world.client.client_id, an_identifier()),
        )
        with world.transaction() as tx:
            ground = grounds_of_pair(tx, pair, known_as=(pair.account,))[-1]
            own = sealer_of(tx, world.broker.sealer, world.person)
            signed = find_statement(tx, world.person, ground.statement_id, store=world.broker.sealer, person=own)
        assert signed is not None
        whole = parse(signed)
        said = payload_of(whole.jwt)
        statement, shown = said["statement"], {entry.name: entry.value for entry in whole.disclosures}
        assert isinstance(statement, dict)
        assert world.client.client_id == said["aud"]
        assert world.client.registration.client_name == statement["stated_by"]["name"]
        evidence = shown["evidence"]
        assert isinstance(evidence, dict)
        return Answer("", ", ".join(name for name in members if name in statement or name in evidence))

    return act


def gives_up(world: World) -> None:
    """Northwind gives its grant back."""
    assert world.consent is not None
    with world.transaction() as tx:
        relinquish_grant(tx, world.broker, client_id=world.client.client_id, grant_id=world.consent.grant_id)


def names(kind: str, type_: str, value: str = "an-id-of-ours", name: str | None = None) -> Act:
    """Northwind names a record."""

    def act(world: World) -> Answer:
        known_identifier(world.broker, "x", IdentifierWire(kind=kind, type=type_, value=value, name=name))
        return Answer("", "known")

    return act


def asks_consent(*purposes: str) -> Act:
    """Northwind asks for consent, as it would at the authorization endpoint."""

    def act(world: World) -> Answer:
        identifier = {"kind": "person", "type": "email", "value": "jane@mailbox.example"}
        asked_for = {"type": "off_platform_match", "platform": "x", "identifier": identifier, "purposes": purposes}
        with _APP.app_context():
            read_details(json.dumps([asked_for]), broker=world.broker, client=world.client, oauth={})
        return Answer("", "asked")

    return act


def shows_a_notice(*purposes: str, **narrower: str) -> Act:
    """Northwind's request was taken under other terms; the notice is about to be shown under these."""

    def act(world: World) -> Answer:
        own = {name.replace("_", "-"): broader for name, broader in narrower.items()}
        client = replace(world.client, registration=replace(world.client.registration, narrower=own))
        check_notice(world.broker, client, "x", purposes)
        return Answer("", "shown")

    return act


def registers(owner: str | None = None, **changes: Any) -> Act:  # noqa: ANN401 - any field of a registration
    """Somebody registers an application; Northwind does where *owner* is its name."""

    def act(world: World) -> Answer:
        known = {"owner": f"Northwind {world.number}"} if owner == "Northwind" else {}
        client = registered(world.broker, **known, **changes)
        return Answer("", "held" if client.standing is Standing.HELD else "registered")

    return act


def calls(world: World) -> Answer:
    """Northwind calls, whatever it wants."""
    clauses = call_clauses(world.broker, world.client)
    return Answer(" ".join(clauses), "stopped" if clauses else "heard")


def is_suspended(world: World) -> None:
    """An operator suspends Northwind."""
    with world.transaction() as tx:
        change = Change(who="an operator", why="it scored people")
        world.client = suspend_client(tx, world.broker, world.client.client_id, change)


def contacts(*, sha256: bytes | None = None, simhash: int | None = None, friend: int = 0) -> Act:
    """Northwind checks whether a message may go to Jane, or to one of her friends."""

    def act(world: World) -> Answer:
        print_ = Fingerprint(sha256=sha256, simhash=simhash)
        with world.transaction() as tx:
            asked_for = a_question(friend_of(world, friend), purpose="contact")
            return answer_of(check_contact(tx, world.broker, world.client, asked_for, print_).decision)

    return act


def friend_consents(friend: int, *purposes: str) -> Act:
    """One of Jane's friends allows contact by Northwind."""

    def act(world: World) -> None:
        consented(world.broker, world.client, friend_of(world, friend), purposes=purposes or ("contact",))

    return act


def friend_of(world: World, number: int) -> ProvenAccount:
    """Return Jane, or a friend of hers."""
    return person_number(int(world.jane.account.id) % 10**12 + number) if number else world.jane


def adds_recipient(**changes: Any) -> Act:  # noqa: ANN401 - any field of a recipient
    """Northwind names whom it hands ids to."""

    def act(world: World) -> Answer:
        registration = world.client.registration
        recipient = Recipient(
            recipient_id=world.broker.new_id(),
            owner=fold_name(registration.owner),
            environment=registration.environment,
            name="Institute of Things",
            agreements=AGREED,
            academic=None,
            permission=None,
        )
        with world.transaction() as tx:
            world.recipient = add_recipient(tx, world.broker, world.client, replace(recipient, **changes))
        return Answer("", "recorded")

    return act


def hands_over(objects_: str = "post_ids", count_: int = 1, **changes: Any) -> Act:  # noqa: ANN401 - any field of a handover
    """Northwind hands content over."""

    def act(world: World) -> Answer:
        handover = Handover(recipient_id=world.recipient, objects=objects_, count=count_, **changes)
        with world.transaction() as tx:
            handed = hand_over(tx, world.broker, world.client, handover)
        return Answer("", "uncounted" if handed.remaining is None else f"{handed.remaining} left")

    return act


def as_its_instance(environment: str) -> Act:
    """From here on Northwind acts through its instance for *environment*."""

    def act(world: World) -> None:
        known = world.client.registration
        world.client = registered(
            world.broker,
            owner=known.owner,
            purposes=PURPOSES,
            environment=environment,
            client_name=f"Northwind Bikes {environment}",
        )

    return act


def people_are_asked_about(number: int, purpose: str = "customer-care") -> Act:
    """Northwind asks about so many people, once each."""

    def act(world: World) -> None:
        for friend in range(number):
            asked(world.broker, world.client, a_question(friend_of(world, friend), purpose=purpose))

    return act


def reports(kind: str = "decisions", by: str = "ground") -> Act:
    """Northwind asks for a report on this month."""

    def act(world: World) -> Answer:
        since = NOON - timedelta(days=1)
        with world.transaction() as tx:
            asked_for = Asked(kind=kind, by=by, since=since, until=since + timedelta(days=30), client=world.client)
            report = make_report(tx, world.broker, asked_for)
        return Answer("", ", ".join(f"{line.name} {line.number}" for line in report.lines))

    return act


def with_limits(**limits: int) -> Act:
    """The document's ceilings are so low that a test reaches them."""

    def act(world: World) -> None:
        known = world.broker.policies.governing("x")
        lower = {name.replace("_", "-"): number for name, number in limits.items()}
        policies = Policies({"x": replace(known, limits={**known.limits, **lower})})
        world.broker = replace(world.broker, policies=policies)

    return act
