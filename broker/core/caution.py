"""What speaks for caution with an account, whichever the record: said by its person, its browser, its platform."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from broker.core.presence import Presence

#: In place of a client's id: every client there is and will be.
EVERYONE = "*"


@dataclass(frozen=True, kw_only=True)
class Caution:
    """What is known of one account beside its pairs: for every client, or for one.

    For every client: an objection to all, a signal, how the account stands, and ``tainted``, the keyed digests of
    refused pairs, each with the name of the account that it was refused under. For one: an objection to it;
    ``said_no`` that the person refused or withdrew towards it; ``elsewhere`` that it has an association under a handle
    of the account.
    """

    objected_at: datetime | None = None
    signalled_at: datetime | None = None
    presence: Presence = field(default_factory=Presence)
    said_no: bool = False
    tainted: frozenset[tuple[bytes, bytes]] = frozenset()
    elsewhere: bool = False


#: Of an account that nothing is known of.
NO_CAUTION = Caution()
