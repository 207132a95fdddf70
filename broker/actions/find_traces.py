"""Everything under which a person lies here: their account and every handle that is known of it, in each environment.

A handle is known where it was proved (as a digest) and where it was written into a receipt (in clear, sealed).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace

from broker.actions.broker import Broker
from broker.actions.read_grant import sd_jwt_text
from broker.core.blinding import PRODUCTION
from broker.core.client import ENVIRONMENTS
from broker.core.identifiers import PlatformAccount, fold_handle
from broker.proof.receipt import ACCOUNT
from broker.proof.sdjwt import parse
from broker.store.consents import details_of, list_consents
from broker.store.erasing import hold_people
from broker.store.people import Person, bearer_of, find_person, handles_to_erase
from broker.store.receipts import list_receipts
from broker.store.transaction import Transaction


@dataclass(frozen=True, kw_only=True)
class Traces:
    """Where one person lies. ``accounts`` are digests of the account itself, ``handles`` those of its handles.

    ``objecting`` are the digests under which an objection finds the account again. The rest is in clear: platform,
    the account's id where it is known, handles as they were written, identifiers it was tied to.
    """

    platform: str
    account_id: str | None = None
    accounts: tuple[bytes, ...] = ()
    handles: tuple[bytes, ...] = ()
    objecting: tuple[bytes, ...] = ()
    written: frozenset[str] = frozenset()
    identifiers: tuple[Mapping[str, str], ...] = ()

    @property
    def names(self) -> tuple[bytes, ...]:
        """Every digest there is of the person."""
        return tuple(sorted({*self.accounts, *self.handles}))

    def without(self, digests: Collection[bytes]) -> Traces:
        """The same without these digests, and none twice."""
        accounts, handles, objecting = (
            tuple(dict.fromkeys(digest for digest in part if digest not in digests))
            for part in (self.accounts, self.handles, self.objecting)
        )
        return replace(self, accounts=accounts, handles=handles, objecting=objecting)

    def spoken_of(self, text: str) -> bool:
        """Whether *text* holds the account's id or one of its handles."""
        words = {fold_handle(handle) for handle in self.written} | ({self.account_id} if self.account_id else set())
        return any(re.search(rf"(?<!\w){re.escape(word)}(?!\w)", text.lower()) for word in words)

    def asked_for(self, request: Mapping[str, object]) -> bool:
        """Whether a pushed request names the handle, or a record that the account was tied to."""
        if request.get("platform") != self.platform:
            return False
        handle, identifier = request.get("handle"), request.get("identifier")
        named = isinstance(handle, str) and fold_handle(handle) in {fold_handle(known) for known in self.written}
        stated = {name: it for name, it in identifier.items() if it is not None} if isinstance(identifier, dict) else {}
        return named or stated in self.identifiers


def traces_of_account(tx: Transaction, broker: Broker, account: PlatformAccount) -> Traces:
    """Everything under which *account* lies, and hold it until the transaction ends."""
    digests = {name: broker.blinder.account(account, environment=name) for name in ENVIRONMENTS}
    known = hold_people(tx, digests.values())
    people = [person for digest in known if (person := find_person(tx, broker.sealer, digest))]
    # Under a handle that the account has left somebody else may lie by now: no objection is kept for that one.
    current = {person.seen_as for person in people}
    proven = {person.proven.handle for person in people}
    receipts = {handle for person in people for handle in _handles_in_receipts(tx, broker, person)}
    written = current | proven | receipts
    proved = {handle for digest in digests.values() for handle in handles_to_erase(tx, digest)}
    objecting = [name for name, digest in digests.items() if digest in known or name == PRODUCTION]
    return Traces(
        platform=account.platform,
        account_id=account.id,
        accounts=tuple(digests.values()),
        handles=tuple(proved | set(_digests(broker, account.platform, written, ENVIRONMENTS))),
        objecting=(*(digests[name] for name in objecting), *_digests(broker, account.platform, current, objecting)),
        written=frozenset(written),
        identifiers=tuple(identifier for person in people for identifier in _identifiers(tx, person)),
    )


def traces_of_handle(tx: Transaction, broker: Broker, platform: str, handle: str) -> Traces:
    """The same for whoever bears *handle*; of one that nobody is known to bear, only what was said of it."""
    digests = _digests(broker, platform, {handle}, sorted(ENVIRONMENTS, key=lambda name: name != PRODUCTION))
    for digest in digests:
        bearer = bearer_of(tx, digest)
        person = find_person(tx, broker.sealer, bearer.account) if bearer and bearer.held else None
        if person is not None:
            return traces_of_account(tx, broker, person.proven.account)
    return Traces(platform=platform, handles=digests, objecting=digests, written=frozenset({handle}))


def _digests(
    broker: Broker, platform: str, handles: Collection[str], environments: Collection[str]
) -> tuple[bytes, ...]:
    named = [(handle, name) for handle in sorted(handles) for name in environments]
    return tuple(broker.blinder.handle(platform, handle, environment=name) for handle, name in named)


def _handles_in_receipts(tx: Transaction, broker: Broker, person: Person) -> Iterator[str]:
    """The handles that the account bore when it was proved: receipts tell what no table does."""
    for receipt in list_receipts(tx, person.key, store=broker.sealer, person=person.sealer):
        for entry in parse(sd_jwt_text(receipt)).disclosures:
            if entry.name == ACCOUNT and isinstance(entry.value, dict):
                yield str(entry.value["handle"])


def _identifiers(tx: Transaction, person: Person) -> Iterator[Mapping[str, str]]:
    for record in list_consents(tx, person.key):
        yield details_of(tx, record, sealer=person.sealer).identifier
