"""Sheets for tests: a few answers, or as many as a chunk of a bulk has."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from builders import NOON

from broker.actions.broker import Broker
from broker.core.client import Client
from broker.core.identifiers import ProvenAccount
from broker.store.sheets import Entries, Outcome, Sheet, save_sheet

PERMIT = Outcome(purpose="customer-care", permitted=True, basis="consent", reason=None, clauses=("MATCH-2",),
                 policy_digest="sha256:a policy")  # fmt: skip
STATED = Outcome(purpose="newsletter", permitted=True, basis="public", reason=None, clauses=("MATCH-3",),
                 policy_digest="sha256:a policy")  # fmt: skip
DENIAL = Outcome(purpose="customer-care", permitted=False, basis=None, reason="no_basis",
                 clauses=("MATCH-4", "MATCH-1"), policy_digest="sha256:a policy")  # fmt: skip
OUTCOMES = (PERMIT, DENIAL, STATED)
ON_CONSENT, DENIED, ON_STATEMENT = range(3)


def digest(name: str) -> bytes:
    """Sixteen bytes that look like a keyed digest, the same for the same name."""
    return hashlib.sha256(name.encode()).digest()[:16]


def entries(people: Sequence[bytes], outcome: int = DENIED, *, ground: str | None = None,
            led_to: Sequence[tuple[int, bytes]] = ()) -> Entries:  # fmt: skip
    """One answer about each of these people, all alike."""
    return Entries(
        accounts=people,
        identifiers=[digest(f"record {place}") for place in range(len(people))],
        outcomes=[outcome] * len(people),
        grounds=[ground] * len(people) if ground else (),
        led_to=led_to,
    )


def a_sheet(of: Entries | Sequence[str], *, sheet_id: str = "s" * 26, client_id: str = "shop", at: datetime = NOON,
            outcomes: tuple[Outcome, ...] = OUTCOMES) -> Sheet:  # fmt: skip
    """A sheet of entries, or of one denial for each name."""
    found = of if isinstance(of, Entries) else entries([digest(name) for name in of])
    return Sheet(sheet_id=sheet_id, client_id=client_id, decided_at=at, outcomes=outcomes, entries=found)


def names(count: int) -> list[str]:
    """So many people's names."""
    return [f"person {number}" for number in range(count)]


def in_bulk(broker: Broker, client: Client, who: ProvenAccount, record: bytes, *, grant: str | None,
            among: int = 100, beside: Sequence[bytes] = ()) -> Sheet:  # fmt: skip
    """What a client is told of somebody among strangers: by id, on a consent if there is a grant, and by handle.

    Somebody else may be asked about *beside* them.
    """
    strangers = [*beside, *(digest(f"{who.handle} is not {name}") for name in names(among - len(beside)))]
    account = broker.blinder.account(who.account)
    handle = broker.blinder.handle(who.account.platform, who.handle)
    asked = Entries(
        accounts=[account, handle, *strangers],
        identifiers=[record, record, *map(digest, names(among))],
        outcomes=[ON_CONSENT if grant else DENIED, *[DENIED] * (among + 1)],
        grounds=[grant, *[None] * (among + 1)],
        led_to=[(1, account)],
    )
    policy = broker.policies.governing(who.account.platform).ref.digest
    outcomes = tuple(replace(outcome, policy_digest=policy) for outcome in OUTCOMES)
    sheet = a_sheet(asked, sheet_id=broker.new_id(), client_id=client.client_id, at=broker.now(), outcomes=outcomes)
    with broker.database.transaction() as tx:
        save_sheet(tx, sheet)
    return sheet
