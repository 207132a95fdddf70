"""Events on their way to the businesses they are for: what is told, how often it is tried, and when that ends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

#: Every event that a client is told of (the last part of its type's URI).
KINDS = (
    "consent-granted",
    "consent-withdrawn",
    "consent-expires-soon",
    "consent-expired",
    "account-erased",
    "handle-changed",
)
#: What a client is told ahead of a consent's end. It has no receipt of its own: nothing has happened to the consent.
EXPIRES_SOON = "consent-expires-soon"
#: What the framework itself tells, about a stream: SSF 1.0 section 8.1.4.1. It is sent whatever was requested.
VERIFICATION = "verification"
_FRAMEWORK = "https://schemas.openid.net/secevent/ssf/event-type"
#: How long a receiver may refuse an event, or not be there, before the event is given up.
PATIENCE = timedelta(hours=72)
#: The first wait after a failure; each further one doubles it, up to the longest.
FIRST_WAIT = timedelta(seconds=1)
LONGEST_WAIT = timedelta(hours=1)
#: A receiver that is gone is looked for more often than an event is repeated that it refuses.
LONGEST_REST = timedelta(minutes=5)


class Method(StrEnum):
    """How a stream is delivered, in the words of SSF 1.0 section 6.1."""

    PUSH = "urn:ietf:rfc:8935"
    POLL = "urn:ietf:rfc:8936"


class StreamStatus(StrEnum):
    """SSF 1.0 section 8.1.2.1: a paused stream keeps its events, a disabled one neither sends nor keeps them."""

    ENABLED = "enabled"
    PAUSED = "paused"
    DISABLED = "disabled"


class State(StrEnum):
    """What became of one event for one client.

    *unwanted*: of a type that the stream does not ask for. *dead*: given up, until an operator lets it go again.
    """

    PENDING = "pending"
    DELIVERED = "delivered"
    UNWANTED = "unwanted"
    DEAD = "dead"


@dataclass(frozen=True, kw_only=True)
class Stream:
    """A client's event stream, of which it has one at most.

    ``requested`` holds the URIs that it asked for; none stands for all. ``authorization`` goes with each push.
    """

    client_id: str
    stream_id: str
    method: Method
    endpoint_url: str | None
    authorization: str | None = field(default=None, repr=False)
    requested: tuple[str, ...] = ()
    description: str | None = None
    status: StreamStatus = StreamStatus.ENABLED
    reason: str | None = None
    created_at: datetime

    def delivered(self, supported: Sequence[str]) -> list[str]:
        """Which of the *supported* URIs the stream carries; of what it asks for, the unknown is passed over."""
        return [uri for uri in supported if not self.requested or uri in self.requested]


def event_uri(issuer: str, kind: str) -> str:
    """The type of an event as it travels."""
    return f"{_FRAMEWORK}/{kind}" if kind == VERIFICATION else f"{issuer}/secevent/consent/event-type/{kind}"


def wait_after(failures: int, *, chance: float, longest: timedelta = LONGEST_WAIT) -> timedelta:
    """How long to leave alone what has failed so often. *chance*, from 0 to 1, keeps many from coming back at once."""
    whole: timedelta = min(FIRST_WAIT * 2 ** min(failures - 1, 32), longest)
    return whole * (0.5 + chance / 2)
