"""What POLICY and WIRE say may be matched, as sets: written from them, and without a word of the broker's own code.

A person is an account within one realm: production's people are not staging's (APPLICATION-2).
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from machines.tags import SOUND, Shape

Person = tuple[str, str]
#: The person that a name stands for; or ("@", realm, handle) for a handle that stands for itself.
Name = tuple[str, ...]
#: A ground by its basis on the wire, and the id that an answer must name.
Ground = tuple[str, str]
VOCABULARY = frozenset(
    {"customer-care", "account-management", "identity-verification", "fraud-prevention", "service-personalisation",
     "newsletter", "direct-marketing", "professional-contact", "contact"}
)  # fmt: skip


@dataclass(frozen=True)
class Who:
    """How a request names the account."""

    account: str | None = None
    handle: str | None = None

    def wire(self) -> dict[str, str]:
        """As it travels."""
        return {"platform": "x", **({"id": self.account} if self.account else {"handle": self.handle or ""})}


@dataclass(frozen=True)
class Meant:
    """Whom a request is about, as far as the client may know.

    ``name`` is what consents and new tags lie under, ``person`` whose will counts, ``known_as`` the names that the
    client may know to be one, ``names`` all that whoever is meant goes by. ``current`` is False for a handle that was
    left, or that two accounts proved: what is said of it may be said of either.
    """

    name: Name
    person: Name
    known_as: frozenset[Name]
    names: frozenset[Name]
    current: bool = True


@dataclass(frozen=True)
class Client:
    """What the model knows of a client."""

    name: str
    realm: str
    purposes: frozenset[str]
    own: frozenset[str] = frozenset()


@dataclass
class Consent:
    """A consent that was given; ``ended`` says who ended it before its time: the person, the client or a newer one."""

    client: str
    person: Person
    identifier: str
    purposes: frozenset[str]
    given_at: datetime
    until: datetime
    link: str
    ended: str = ""

    def live(self, now: datetime) -> bool:
        """Whether it still stands."""
        return not self.ended and now < self.until


@dataclass(frozen=True)
class Tag:
    """A tag that was accepted."""

    client: str
    name: Name
    identifier: str
    basis: str
    expected: frozenset[str]
    stated: str


@dataclass(frozen=True)
class Message:
    """An automated message that was let go."""

    client: str
    name: Name
    content: str | None
    at: datetime


@dataclass
class Model:
    """Everything that has happened, as far as it decides anything."""

    consents: dict[str, Consent] = field(default_factory=dict)
    tags: dict[str, Tag] = field(default_factory=dict)
    tainted: set[tuple[str, Name, str]] = field(default_factory=set)
    objections: dict[tuple[Person, str], datetime] = field(default_factory=dict)
    noes: set[tuple[str, Person]] = field(default_factory=set)
    stopped: set[str] = field(default_factory=set)
    provers: defaultdict[tuple[str, str], list[str]] = field(default_factory=lambda: defaultdict(list))
    bears: dict[Person, str] = field(default_factory=dict)
    messages: list[Message] = field(default_factory=list)

    # --- who is meant ----------------------------------------------------------------------------------------

    def proves(self, person: Person, handle: str) -> None:
        """A person signs in under *handle*."""
        realm, account = person
        self.provers[realm, handle.lower()].append(account)
        self.bears[person] = handle.lower()

    def bearer(self, realm: str, handle: str) -> Person | None:
        """Who bears a handle, as far as proofs have shown; nobody when that is not certain."""
        provers = set(self.provers.get((realm, handle), ()))
        person = (realm, *provers) if len(provers) == 1 else None
        return person if person and self.bears[person] == handle else None  # type: ignore[index,return-value] # of one account

    def meant(self, client: Client, who: Who) -> Meant:
        """Whom a request is about. A handle resolves within the client's own grants; else it stands for itself."""
        person: Name | None = (client.realm, who.account) if who.account else None
        itself = person or ("@", client.realm, (who.handle or "").lower())
        person = person or self.bearer(client.realm, itself[-1])
        granted = any((given.client, given.person) == (client.name, person) for given in self.consents.values())
        if person is None:
            unproved = itself[1:] not in self.provers
            return Meant(itself, itself, frozenset({itself}), self.names(itself), unproved)
        borne = ("@", client.realm, self.bears[person]) if person in self.bears else itself  # type: ignore[index,comparison-overlap] # a person
        known_as = {itself, person} if granted else {itself}
        if granted and self.bearer(client.realm, borne[-1]) == person:
            known_as.add(borne)
        return Meant(person if granted else itself, person, frozenset(known_as), self.names(itself))

    def names(self, name: Name) -> frozenset[Name]:
        """Every name of whoever is meant by *name*: the account, and each handle that it was the first to prove."""
        first = {handle: (handle[0], provers[0]) for handle, provers in self.provers.items()}
        person = first.get(name[1:]) if name[0] == "@" else name  # type: ignore[call-overload] # a handle's name
        handles = {("@", *handle) for handle, prover in first.items() if prover == person}
        return frozenset({name, *([person] if person else []), *handles})

    # --- what is accepted ------------------------------------------------------------------------------------

    def accepts(self, client: Client, who: Who, identifier: str, shape: Shape, expected: object) -> bool:
        """MATCH-3 to MATCH-4b2: whether a tag makes a ground."""
        known = VOCABULARY | client.own
        stated = isinstance(expected, list) and bool(expected) and all(entry in known for entry in expected)
        return shape in SOUND and stated and not self.is_tainted(client, who, identifier)

    def is_tainted(self, client: Client, who: Who, identifier: str) -> bool:
        """Whether this client once offered the pair under a refused origin."""
        names = self.meant(client, who).names
        return not self.tainted.isdisjoint((client.name, name, identifier) for name in names)

    def taint(self, client: Client, who: Who, identifier: str) -> None:
        """Remember that it did, under every name."""
        self.tainted |= {(client.name, name, identifier) for name in self.meant(client, who).names}

    # --- what is permitted -----------------------------------------------------------------------------------

    def grounds(self, client: Client, who: Who, identifier: str, purpose: str, now: datetime) -> set[Ground]:
        """The grounds on which a match is permitted; none, and it must be denied.

        Nothing prohibited can be among a client's purposes. Whoever has a live consent for the pair has the person's
        own word about it: what it leaves out they would not expect. Contact needs express consent (CONTACT-1).
        """
        meant = self.meant(client, who)
        if purpose not in client.purposes:
            return set()
        live = self.live(client, meant.name, identifier, now)
        if live:
            return {("consent", grant) for grant, given in live.items() if purpose in given.purposes}
        if (
            purpose == "contact"
            or not meant.current
            or self.unwanted(client, meant.person)
            or self.is_tainted(client, who, identifier)
        ):
            return set()
        return {
            (tag.basis, association)
            for association, tag in self.stated(client, meant, identifier).items()
            if purpose in tag.expected
        }

    def stated(self, client: Client, meant: Meant, identifier: str) -> dict[str, Tag]:
        """The tags of a pair, under the names that this client may know to be one."""
        return {
            association: tag
            for association, tag in self.tags.items()
            if (tag.client, tag.identifier) == (client.name, identifier) and tag.name in meant.known_as
        }

    def live(self, client: Client, name: Name, identifier: str, now: datetime) -> dict[str, Consent]:
        """The consents of the pair that stand."""
        asked = client.name, name, identifier
        return {
            grant: given
            for grant, given in self.consents.items()
            if (given.client, given.person, given.identifier) == asked and given.live(now)
        }

    def in_place_of(self, renewed: Consent) -> list[Consent]:
        """The consents of a pair that no newer one ended: who takes back one that was renewed means what came of it."""
        pair = renewed.client, renewed.person, renewed.identifier
        return [
            given
            for given in self.consents.values()
            if (given.client, given.person, given.identifier) == pair and given.ended != "renewal"
        ]

    def unwanted(self, client: Client, person: Name) -> bool:
        """Whether the person objected, or ever said no to this client: then no other ground counts."""
        return self.objected_at(client, person) is not None or (client.name, person) in self.noes

    def objected_at(self, client: Client, person: Name) -> datetime | None:
        """Since when the person objects to this client, the last time counting."""
        found = [at for (who, to), at in self.objections.items() if who == person and to in {"", client.name}]
        return max(found, default=None)

    # --- what may be sent ------------------------------------------------------------------------------------

    def may_send(self, client: Client, who: Who, identifier: str, content: str | None, now: datetime) -> set[str]:
        """CONTACT-1 to CONTACT-4: the grants an automated message may rest on; none, and it must not go."""
        meant = self.meant(client, who)
        name, person = meant.name, meant.person
        sent = [message for message in self.messages if message.client == client.name]
        elsewhere = [message for message in sent if message.name != person and message.at > now - timedelta(days=1)]
        objected = self.objected_at(client, person)
        if (
            "contact" not in client.purposes
            or sum(message.at > now - timedelta(minutes=1) for message in sent) >= RATE
            or len({message.name for message in elsewhere}) >= BREADTH
            or any(content is not None and message.content == content for message in elsewhere)
        ):
            return set()
        return {
            grant
            for grant, given in self.live(client, name, identifier, now).items()
            if "contact" in given.purposes and (objected is None or objected < given.given_at)
        }


#: The ceilings of the document that the machine runs on: low enough to be reached.
RATE, BREADTH = 4, 2
