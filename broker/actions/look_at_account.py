"""How a person's account was seen last at its platform: what stands beside their consents and goes home with them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from broker.core.presence import Presence
from broker.store.people import Person
from broker.store.presences import checked_at, presence_of
from broker.store.transaction import Transaction


@dataclass(frozen=True, kw_only=True)
class LastLook:
    """What the platform showed of an account last: at a proof, or when it was asked, which it never may have been."""

    handle: str
    proved_at: datetime
    checked_at: datetime | None
    presence: Presence

    @property
    def at(self) -> datetime:
        """When the platform was heard last; a job that says who is gone counts, though it leaves the turns alone."""
        heard = (self.proved_at, self.checked_at, self.presence.gone_at)
        return max(moment for moment in heard if moment is not None)

    @property
    def tells_more(self) -> bool:
        """Whether it says more than the person's own proof did."""
        return self.at > self.proved_at or self.presence != Presence()


def look_at_account(tx: Transaction, person: Person) -> LastLook:
    """Return how the account of *person* stands, as far as its platform was last heard to say."""
    return LastLook(
        handle=person.seen_as,
        proved_at=person.proved_at,
        checked_at=checked_at(tx, person.key),
        presence=presence_of(tx, person.key),
    )
