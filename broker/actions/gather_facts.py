"""Whom a question is about, and everything the terms ask about the pair: read in the transaction that decides.

A client may name an account by a handle. It resolves within the client's own grants only; else the handle's own digest
stands for the account, which no account has, and the same statements follow.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from broker.actions.broker import Broker
from broker.actions.terms import found_facts, screen_purpose
from broker.core.client import Client
from broker.core.evidence import Provenance
from broker.core.identifiers import Association, Identifier, PlatformAccount
from broker.core.match import Facts
from broker.store.consents import consents_of_pair, holds_consent
from broker.store.grounds import grounds_of_pair, has_said_no, has_taint, taint_pair
from broker.store.objections import said_against
from broker.store.people import bearer_of, handles_held, handles_of
from broker.store.presences import presence_of
from broker.store.transaction import Transaction

#: Names are asked about in such numbers: few have more.
_NAMES_AT_ONCE = 4


class Question(NamedTuple):
    """A match as it was asked: the account by its permanent id or by a handle, the identifier in clear."""

    platform: str
    account_id: str | None
    handle: str | None
    identifier: Identifier
    purpose: str
    provenance: Provenance | None = None


@dataclass(frozen=True, kw_only=True)
class Pair:
    """The two digests a question is about.

    ``person`` is whose will counts: the account itself, also where the client may not know that the handle is theirs.
    ``names`` are all the digests the account goes by, its handles too, and ``record`` is the identifier's folded value:
    what was refused under one name is not accepted under another. ``known_as`` are the names that this client may know
    to be one account: what it stated under any of them counts. ``current`` is False for a handle that its bearer has
    left, or that was seen on two accounts: what a client says about it may be about either. ``unresolved`` is True
    where the client named a handle and learns nothing of whom it leads to.
    """

    association: Association
    person: bytes
    names: tuple[bytes, ...]
    record: str
    known_as: tuple[bytes, ...] = ()
    current: bool = True
    unresolved: bool = False


def pair_of(tx: Transaction, broker: Broker, client: Client, question: Question) -> Pair:
    """Return the digests of *question*, as far as this client may resolve it."""
    environment = client.registration.environment
    identifier = broker.blinder.identifier(client.client_id, question.identifier)
    if question.account_id is not None:
        account = PlatformAccount(platform=question.platform, id=question.account_id)
        digest = broker.blinder.account(account, environment=environment)
        own = holds_consent(tx, digest, client.client_id)
        return Pair(
            association=_association(client, digest, identifier),
            person=digest,
            names=(digest, *handles_of(tx, digest)),
            record=question.identifier.folded(),
            # What was said of a handle that the account has left may have been said of whoever took it.
            known_as=(digest, *(handles_held(tx, digest) if own else ())),
        )
    handle = broker.blinder.handle(question.platform, question.handle or "", environment=environment)
    bearer = bearer_of(tx, handle)
    # The same statements for a handle that nobody has proved.
    prover = bearer.account if bearer else handle
    person = prover if bearer and bearer.held else handle
    own = holds_consent(tx, person, client.client_id)
    return Pair(
        association=_association(client, person if own else handle, identifier),
        person=person,
        names=(handle, prover, *handles_of(tx, prover)),
        record=question.identifier.folded(),
        known_as=(person, handle) if own else (handle,),
        current=bearer is None or bearer.held,
        unresolved=not own,
    )


def gather_facts(tx: Transaction, broker: Broker, client: Client, pair: Pair, purpose: str, *, now: datetime) -> Facts:
    """Read what the terms ask about a pair and a purpose."""
    asked, client_id, narrower = pair.association, client.client_id, client.registration.narrower
    grounds = grounds_of_pair(tx, asked, known_as=pair.known_as)
    against = said_against(tx, pair.person, client_id)
    return Facts(
        now=now,
        declared_purposes=frozenset(client.registration.purposes),
        narrower=narrower,
        spoken_of=found_facts(screen_purpose(broker, purpose, narrower)),
        meaning=broker.policies.meanings.of(purpose, narrower),
        consents=consents_of_pair(tx, asked),
        grounds=grounds if pair.current else (),
        objected_at=against.objected_at,
        signalled_at=against.signalled_at,
        said_no=has_said_no(tx, pair.person, client_id),
        tainted=is_tainted(tx, broker, pair),
        presence=presence_of(tx, pair.person),
    )


def is_tainted(tx: Transaction, broker: Broker, pair: Pair) -> bool:
    """Whether the pair was once offered under a refused origin, under any name of the account or of the record."""
    return has_taint(tx, _tainted(broker, pair))


def taint(tx: Transaction, broker: Broker, pair: Pair, *, origin: str, clause: str) -> None:
    """Remember that the pair was offered under a refused origin."""
    for account, digest in _tainted(broker, pair):
        taint_pair(tx, account, digest, origin=origin, clause=clause, now=broker.now())


def _tainted(broker: Broker, pair: Pair) -> list[tuple[bytes, bytes]]:
    client_id = pair.association.client_id
    names = list(dict.fromkeys((pair.association.account, *pair.names)))
    # As many for an account that nobody has proved: the statements must not tell how many names there are.
    names += names[:1] * (-len(names) % _NAMES_AT_ONCE)
    return [(account, broker.blinder.tainted_pair(client_id, account, pair.record)) for account in names]


def _association(client: Client, account: bytes, identifier: bytes) -> Association:
    return Association(client_id=client.client_id, account=account, identifier=identifier)
