"""Who appears in a history, what all its rules share, and how an answer is held against the model."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode
from functools import partial
from hashlib import sha256
from itertools import product
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, precondition, rule
from machines.model import Client, Message, Model, Person, Tag, Who
from machines.stage import Answer, Business, Stage, Visitor, client_file
from machines.tags import LACKING, NO_EXPECTATION, REFUSED, SOUND, Shape

from broker.core.policy import Policy
from broker.store.database import Database

ACCOUNTS = ("1000000001", "1000000002", "1000000003", "1000000004")
HANDLES = ("FirstCanary", "SecondCanary", "ThirdCanary", "FourthCanary")
IDENTIFIERS: dict[str, dict[str, str]] = {
    "email": {"kind": "person", "type": "email", "value": "jane.canary@mailbox.example"},
    "number": {"kind": "person", "type": "customer_id", "value": "1009"},
    "device": {"kind": "device", "type": "device_id", "value": "a-phone"},
}
OWN = {"id": "order-questions", "broader": "customer-care"}
CARE = "customer-care"
FILES = (
    client_file("Northwind", owner="Northwind", purposes=[CARE, "contact", "newsletter", OWN]),
    client_file("Contoso", owner="Contoso", purposes=[CARE, "contact", "direct-marketing"]),
    client_file("Northwind staging", owner="Northwind", environment="staging", purposes=[CARE, "contact"]),
)
ASKED = (
    CARE,
    CARE,
    "newsletter",
    "contact",
    "direct-marketing",
    "order-questions",
    "profiling",
    "credit-risk",
    "unheard-of",
)
EXPECTED = ([CARE], [CARE, "contact"], [CARE, "newsletter"], ["contact", "direct-marketing"], ["order-questions"])

CLIENTS = st.integers(0, len(FILES) - 1)
PEOPLE = st.sampled_from(ACCOUNTS)
RECORDS = st.sampled_from(tuple(IDENTIFIERS))
NAMING = st.sampled_from(("id", "id", "handle", "first handle"))
#: Most are sound, and so is most of what is expected: else hardly any would be both.
TAGS = st.tuples(
    st.sampled_from((*SOUND * 7, *LACKING, *REFUSED)),
    st.sampled_from((*EXPECTED * 4, *NO_EXPECTATION)),
)
#: Pairs that a history turns to besides its first: with more of them little would happen to any.
MOST_PAIRS = 2
Pair = tuple[int, str, str]
Said = tuple[Shape, Any]


class Scene(RuleBasedStateMachine):
    """A broker, its businesses and visitors, and a model of what they did. Rules are about a few pairs at a time."""

    pairs: Bundle[Pair] = Bundle("pairs")

    def __init__(self, database: Database, policy: Policy) -> None:
        super().__init__()
        self.stage = Stage(database, policy=policy)
        self.model = Model()
        self.businesses: list[Business] = []
        self.clients: list[Client] = []
        self.held: set[str] = set()
        self.turns = 0
        for file in FILES:
            self.joins(file)
        self.bears = dict(zip(ACCOUNTS, HANDLES, strict=True))
        self.visitors = {who: Visitor(self.stage, who, partial(self.bears.__getitem__, who)) for who in ACCOUNTS}

    @initialize(target=pairs, client=CLIENTS, account=PEOPLE, identifier=RECORDS)
    def begin(self, client: int, account: str, identifier: str) -> Pair:
        """What a history is about at first."""
        return client, account, identifier

    @rule(target=pairs, client=CLIENTS | st.just(len(FILES)), account=PEOPLE, identifier=RECORDS)
    @precondition(lambda self: self.turns < MOST_PAIRS)
    def turn_to(self, client: int, account: str, identifier: str) -> Pair:
        """And what else it is about."""
        self.turns += 1
        return client, account, identifier

    def joins(self, file: dict[str, Any]) -> None:
        """A business registers."""
        business = self.stage.register(**file)
        own = frozenset(entry["id"] for entry in file["purposes"] if isinstance(entry, dict))
        purposes = own.union(entry for entry in file["purposes"] if isinstance(entry, str))
        client = Client(business.client.client_id, file["environment"], purposes, own)
        self.businesses.append(business)
        self.clients.append(client)
        if not business.client.active:
            self.held.add(client.name)
            self.model.stopped.add(client.name)

    def party(self, number: int) -> tuple[Business, Client]:
        """A business, and what the model knows of it."""
        index = number % len(self.businesses)
        return self.businesses[index], self.clients[index]

    def named(self, account: str, naming: str) -> Who:
        """An account by its id, by the handle it bears, or by the one it bore at first."""
        if naming == "id":
            return Who(account=account)
        return Who(handle=self.bears[account] if naming == "handle" else HANDLES[ACCOUNTS.index(account)])

    def proves(self, realm: str, account: str) -> Person:
        """Let the model see a person sign in."""
        self.model.proves((realm, account), self.bears[account])
        return realm, account

    def look(self, pair: Pair) -> None:
        """Ask for everything the client may ask about a pair, and whether it may send a message."""
        number, account, identifier = pair
        for purpose in sorted(self.party(number)[1].purposes):
            self.matched(number, Who(account=account), identifier, purpose)
        self.stage.clock.passes(seconds=20)
        self.checked(number, Who(account=account), identifier, None)

    def teardown(self) -> None:
        """At the end of a history, ask about everybody it was about, whoever asks, by id and by handle."""
        for (account, identifier), number in product(self.touched(), range(len(self.clients))):
            for who in {Who(account=account), self.named(account, "handle"), self.named(account, "first handle")}:
                self.matched(number, who, identifier, CARE)

    def touched(self) -> set[tuple[str, str]]:
        """Whom and which records the history was about."""
        given = {(consent.person[1], consent.identifier) for consent in self.model.consents.values()}
        return given | {(tag.name[-1], tag.identifier) for tag in self.model.tags.values() if tag.name[0] != "@"}

    def matched(self, number: int, who: Who, identifier: str, purpose: str, said: Said | None = None) -> None:
        """Ask the broker and the model for a match, with a tag or without."""
        business, client = self.party(number)
        tag = said and said[0].stated(said[1])
        answer = business.post(
            "/v1/match", account=who.wire(), identifier=IDENTIFIERS[identifier], purpose=purpose, provenance=tag
        )
        if self.stopped(client, answer):
            return
        if said is not None:
            self.kept(number, who, identifier, said)
        grounds = self.model.grounds(client, who, identifier, purpose, self.stage.clock())
        context = answer.json["context"]
        asked = f"{client.name} asks for {who} and {identifier}, {purpose}, {said}: {answer.json}"
        assert answer.json["decision"] is bool(grounds), f"{asked}; the model has {grounds or 'no ground'}"
        if grounds:
            named = context["basis"], context.get("grant_id") or context.get("association_id")
            assert named in grounds, f"{asked}; the model has {grounds}"

    def checked(self, number: int, who: Who, identifier: str, content: str | None) -> None:
        """Ask the broker and the model whether an automated message may go."""
        (business, client), now = self.party(number), self.stage.clock()
        answer = business.post(
            "/v1/contact/check",
            account=who.wire(),
            identifier=IDENTIFIERS[identifier],
            content_sha256=content and sha256(content.encode()).hexdigest(),
        )
        if self.stopped(client, answer):
            return
        grants = self.model.may_send(client, who, identifier, content, now)
        assert answer.json["decision"] is bool(grants), f"{who}, {identifier}: {answer.json}; the model has {grants}"
        if grants:
            assert answer.json["context"]["grant_id"] in grants
            self.model.messages.append(Message(client.name, self.model.meant(client, who).person, content, now))

    def kept(self, number: int, who: Who, identifier: str, said: Said) -> None:
        """Let the model see a tag that came with a question. Said again by itself, it shows the id it is kept under."""
        if self.model.accepts(self.party(number)[1], who, identifier, *said):
            self.offered(number, who, identifier, said)
        elif said[0].taints:
            self.model.taint(self.party(number)[1], who, identifier)

    def offered(self, number: int, who: Who, identifier: str, said: Said) -> str | None:
        """Offer an association to the broker and the model; the id of one that both accept."""
        (business, client), (shape, expected) = self.party(number), said
        tag = shape.stated(expected)
        answer = business.post(
            "/v1/associations", account=who.wire(), identifier=IDENTIFIERS[identifier], provenance=tag
        )
        if self.stopped(client, answer):
            return None
        accepted = self.model.accepts(client, who, identifier, shape, expected)
        assert answer.status == (201 if accepted else 422), f"{who}, {identifier}: {tag} {answer.json}"
        if shape.taints:
            self.model.taint(client, who, identifier)
        return self.accepted(client, who, identifier, said, answer) if accepted else None

    def accepted(self, client: Client, who: Who, identifier: str, said: Said, answer: Answer) -> str:
        """Note an accepted tag; the very same one of the same pair has the id it had."""
        meant = self.model.meant(client, who)
        # A member that is null says what one says that is not there.
        members = {name: value for name, value in said[0].stated(said[1]).items() if value is not None}
        stated = json.dumps(members, sort_keys=True)
        tag = Tag(client.name, meant.name, identifier, said[0].basis or "", frozenset(said[1]), stated)
        association: str = answer.json["id"]
        assert (tag.basis, said[1]) == (answer.json["basis"], answer.json["expected_purposes"])
        known = self.model.stated(client, meant, identifier)
        earlier = {name for name, other in known.items() if other.stated == stated}
        assert association in earlier or not (earlier or association in self.model.tags)
        self.model.tags.setdefault(association, tag)
        return association

    def stopped(self, client: Client, answer: Answer) -> bool:
        """Whether the client may not call now; then it is told so, and nothing else."""
        stopped = client.name in self.model.stopped
        assert stopped == (answer.status == 401), answer.body
        return stopped


def link_of(receipt: str) -> str:
    """The link that a receipt carries."""
    payload = receipt.split(".")[1]
    read = json.loads(urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    link: str = read["record"]["withdrawal"]["uri"]
    return link
