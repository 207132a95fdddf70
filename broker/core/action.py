"""What a business says that it did about an event, and by when it has agreed to say so."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from broker.core.duration import read_duration
from broker.errors import MalformedRequest

#: Events that ask for an answer: something that rested on a consent is to end.
ASKING = ("consent-withdrawn", "consent-expired", "account-erased")
#: Events after which there is something to do; of a consent that was given there is nothing to undo.
ANSWERABLE = (*ASKING, "handle-changed")
#: How long a business may take that has agreed on nothing shorter.
USUAL = "P30D"
LONGEST = timedelta(days=30)
#: How far a business's clock and ours may differ, as with client assertions.
LEEWAY = timedelta(seconds=10)


class Action(StrEnum):
    """What was done: the link taken away, all of the record deleted, or kept and used for nothing any more."""

    UNLINKED = "unlinked"
    DELETED = "deleted"
    RESTRICTED = "restricted"


@dataclass(frozen=True, kw_only=True)
class Statement:
    """What a business states: about which event, what it did, and when."""

    event_id: str
    action: Action
    done_at: datetime


def agreed_time(text: str) -> timedelta:
    """How long a business may take, of a duration from a day to thirty, or raise :class:`MalformedRequest`."""
    duration = read_duration(text, what="action_within")
    if duration.months or timedelta(days=duration.days) > LONGEST:
        raise MalformedRequest(f"action_within must lie between one day and {LONGEST.days}, in weeks and days")
    return timedelta(days=duration.days)


def due_at(occurred_at: datetime, within: str) -> datetime:
    """By when an event of that moment is to be answered."""
    return occurred_at + agreed_time(within)


def check_statement(statement: Statement, *, kind: str, occurred_at: datetime, now: datetime) -> None:
    """Refuse what cannot have been done, or is about an event that asks for nothing."""
    if kind not in ANSWERABLE:
        raise MalformedRequest(f"an event of type {kind} asks for no action")
    if statement.done_at > now + LEEWAY:
        raise MalformedRequest("done_at lies in the future: say what was done once it is done")
    # Its client read the event's time to the second.
    if statement.done_at < occurred_at.replace(microsecond=0) - LEEWAY:
        raise MalformedRequest("done_at lies before the event that it answers")


def is_late(due: datetime, now: datetime) -> bool:
    """Whether the agreed time is over."""
    return now.astimezone(UTC) > due
