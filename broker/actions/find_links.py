"""Whom a client may find by a record, and what by an account: out of its own consents and its own statements.

Nothing is told here that the client was not told before: an account by the id that its consent named or that the client
stated itself, a record as it stands in the consent or the statement. Whether a link permits anything is another
question, and it is put afterwards, as a match (``decide_in_order``).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

from broker.actions.broker import Broker
from broker.actions.state_provenance import read_statement
from broker.core.client import Client
from broker.core.identifiers import Association, Identifier, PlatformAccount
from broker.core.match import Ground
from broker.proof.receipt import ACCOUNT, IDENTIFIER
from broker.proof.sdjwt import parse
from broker.store.consents import consents_of_pair, details_of, holds_consent
from broker.store.grounds import grounds_of_pair
from broker.store.links import accounts_linked, identifiers_linked, is_linked
from broker.store.people import bearer_of, find_person, handles_held
from broker.store.transaction import Transaction

End = TypeVar("End")


@dataclass(frozen=True)
class Links(Generic[End]):
    """Some of the links: their other ends, the digest of the last that was looked at, and whether more follow."""

    ends: tuple[End, ...]
    last: bytes
    more: bool


def find_accounts(
    tx: Transaction, broker: Broker, client: Client, identifier: Identifier, *, after: bytes, limit: int
) -> Links[PlatformAccount]:
    """Return accounts that the client linked to *identifier*, from the digest *after* on."""
    record = broker.blinder.identifier(client.client_id, identifier)
    digests = accounts_linked(tx, client.client_id, record, after=after, limit=limit + 1)
    pairs = [Association(client_id=client.client_id, account=digest, identifier=record) for digest in digests[:limit]]
    return _links((_account(tx, broker, pair) for pair in pairs), digests, after, limit)


def find_identifiers(
    tx: Transaction, broker: Broker, client: Client, account: PlatformAccount, *, after: bytes, limit: int
) -> Links[Identifier]:
    """Return identifiers that the client linked to *account*, from the digest *after* on."""
    digest = broker.blinder.account(account, environment=client.registration.environment)
    own = holds_consent(tx, digest, client.client_id)
    # What was stated about a handle is found under the account by who may know whose it is (gather_facts).
    known_as = (digest, *(handles_held(tx, digest) if own else ()))
    digests = identifiers_linked(tx, client.client_id, digest, known_as=known_as, after=after, limit=limit + 1)
    pairs = [Association(client_id=client.client_id, account=digest, identifier=record) for record in digests[:limit]]
    return _links((_identifier(tx, broker, pair, known_as) for pair in pairs), digests, after, limit)


def _links(ends: Iterable[End | None], digests: list[bytes], after: bytes, limit: int) -> Links[End]:
    looked_at = digests[:limit]
    return Links(
        ends=tuple(end for end in ends if end is not None),
        last=looked_at[-1] if looked_at else after,
        more=len(digests) > limit,
    )


def _account(tx: Transaction, broker: Broker, pair: Association) -> PlatformAccount | None:
    """Whom a digest stands for. A handle's is nobody's, but for a client that holds a consent of who bears it."""
    bearer = bearer_of(tx, pair.account)
    account = bearer.account if bearer and bearer.held else pair.account
    if holds_consent(tx, account, pair.client_id):
        twice = account != pair.account and is_linked(tx, replace(pair, account=account))
        return None if twice else _proven(tx, broker, account)
    grounds = grounds_of_pair(tx, pair, known_as=(pair.account,))
    stated = _stated(tx, broker, grounds[0], ACCOUNT) if grounds else {}
    return PlatformAccount(platform=stated["platform"], id=stated["id"]) if "id" in stated else None


def _proven(tx: Transaction, broker: Broker, account: bytes) -> PlatformAccount | None:
    person = find_person(tx, broker.sealer, account)
    return person.proven.account if person else None


def _identifier(tx: Transaction, broker: Broker, pair: Association, known_as: tuple[bytes, ...]) -> Identifier | None:
    live = next((record for record in consents_of_pair(tx, pair) if record.associated), None)
    person = find_person(tx, broker.sealer, pair.account) if live else None
    if live and person:
        return Identifier(**details_of(tx, live, sealer=person.sealer).identifier)
    grounds = grounds_of_pair(tx, pair, known_as=known_as)
    return Identifier(**_stated(tx, broker, grounds[0], IDENTIFIER)) if grounds else None


def _stated(tx: Transaction, broker: Broker, ground: Ground, name: str) -> dict[str, Any]:
    """What the client said of one end of a link, as it stands in its signed statement."""
    text = read_statement(tx, broker, ground.account, ground.statement_id)
    values = [entry.value for entry in parse(text).disclosures if entry.name == name] if text else []
    return values[0] if values and isinstance(values[0], dict) else {}
