"""Passing platform content on: who receives it, and how much, counted exactly (REDISTRIBUTE-1 to -5)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from broker.actions.broker import Broker
from broker.core.case import Case
from broker.core.client import AGREEMENTS, Client
from broker.core.decide import Ruling, forbidden, rule
from broker.core.names import fold_name
from broker.core.policy import Policy
from broker.errors import BrokerError, NotFound
from broker.store.recipients import (
    Ledger,
    Recipient,
    Redistribution,
    hold_recipient,
    read_ledger,
    save_recipient,
    save_redistribution,
)
from broker.store.transaction import Transaction

IDS, HYDRATED = ("post_ids", "user_ids"), ("posts", "users")
API = "api"
_WINDOW = timedelta(days=30)


class NotHanded(BrokerError):
    """The terms do not let this content be handed over."""

    type = "redistribution-refused"
    title = "The terms do not let this be handed over"
    status = 409


@dataclass(frozen=True, kw_only=True)
class Handover:
    """What is to be handed over, ``by`` whom (a ``person`` or a program); ``public``: anybody can read it there."""

    recipient_id: str
    objects: str
    count: int
    by: str = API
    person: bool = False
    public: bool = False

    @property
    def act(self) -> str:
        """Ids are redistributed, whole objects are hydrated."""
        return "redistribute" if self.objects in IDS else "hydrate"


@dataclass(frozen=True, kw_only=True)
class Handed:
    """What was counted, what remains (None: there is no ceiling), and when the oldest that counts no longer does."""

    redistribution_id: str
    remaining: int | None
    window_ends: datetime


@dataclass(frozen=True, kw_only=True)
class _Meter:
    """A ceiling (None: there is none), what is counted under it, and the window's end."""

    limit: int | None
    ledger: Ledger
    ends: datetime

    def holds(self, count: int) -> bool:
        return self.limit is None or self.ledger.count + count <= self.limit

    def remaining(self, count: int) -> int | None:
        return None if self.limit is None else self.limit - self.ledger.count - count


def add_recipient(tx: Transaction, broker: Broker, client: Client, recipient: Recipient) -> str:
    """Record a recipient of the client's owner, or raise :class:`NotHanded` naming the clause; return its id."""
    marks = _papers(recipient, broker.now().date())
    case = Case(act="redistribute", marks=marks)
    _refuse([forbidden(case, policy) for policy in _policies(broker, client)], _missing(marks))
    return save_recipient(tx, recipient, folded_name=fold_name(recipient.name))


def hand_over(tx: Transaction, broker: Broker, client: Client, handover: Handover) -> Handed:
    """Count a handover if the terms allow it, or raise :class:`NotHanded`.

    Of racing ones the last object goes to one.
    """
    recipient = hold_recipient(tx, handover.recipient_id, owner=fold_name(client.registration.owner))
    if recipient is None:
        raise NotFound("this owner has no recipient of that id")
    now, policies = broker.now(), _policies(broker, client)
    meter = _meter(tx, policies, handover, now)
    case = _case(client, recipient, handover, meter, now.date())
    _refuse([rule(case, policy) for policy in policies], _why(case, handover, meter))
    redistribution = _redistribution(broker, client, handover, case, recipient)
    save_redistribution(tx, redistribution)
    open_ended = not redistribution.counted or case.marks["permission-written"]
    return Handed(
        redistribution_id=redistribution.redistribution_id,
        remaining=None if open_ended and handover.act == "redistribute" else meter.remaining(handover.count),
        window_ends=meter.ends,
    )


def _redistribution(
    broker: Broker, client: Client, handover: Handover, case: Case, recipient: Recipient
) -> Redistribution:
    # Only a permission that holds is what let it over the ceiling.
    needed = case.marks["permission-written"] and not case.marks["within-limit"]
    permission = recipient.permission if needed else None
    return Redistribution(
        redistribution_id=broker.new_id(),
        recipient_id=handover.recipient_id,
        client_id=client.client_id,
        objects=handover.objects,
        count=handover.count,
        counted=handover.act == "hydrate" or not case.marks["academic"],
        permission=permission["reference"] if permission else None,
        by=handover.by,
        handed_at=broker.now(),
    )


def _policies(broker: Broker, client: Client) -> list[Policy]:
    """A request does not say whose content it is: every document of the client's platforms must permit it."""
    return [broker.policies.governing(platform) for platform in client.registration.platforms]


def _refuse(rulings: Iterable[Ruling | None], detail: str) -> None:
    refused = [ruling for ruling in rulings if ruling is not None and not ruling.permitted]
    if refused:
        clauses = tuple(dict.fromkeys(clause for ruling in refused for clause in ruling.clauses))
        raise NotHanded(detail, clauses=clauses)


def _case(client: Client, recipient: Recipient, handover: Handover, meter: _Meter, today: date) -> Case:
    return Case(
        act=handover.act,
        words={
            "objects": frozenset({handover.objects}),
            "by": frozenset({"person" if handover.person else API}),
        },
        marks={
            **_papers(recipient, today),
            "within-limit": meter.holds(handover.count),
            "destination-public": handover.public,
            "environment-shared": recipient.environment == client.registration.environment,
        },
    )


def _papers(recipient: Recipient, today: date) -> dict[str, bool]:
    """What the recipient's papers say today."""
    academic, permission = recipient.academic, recipient.permission
    return {
        "agreements-complete": all(_reached(recipient.agreements.get(name), today) for name in AGREEMENTS),
        "academic": academic is not None,
        "academic-complete": academic is not None and bool(academic.get("institution") and academic.get("statement")),
        "permission-written": permission is not None and date.fromisoformat(permission["until"]) >= today,
    }


def _reached(day: str | None, today: date) -> bool:
    return day is not None and date.fromisoformat(day) <= today


def _meter(tx: Transaction, policies: Iterable[Policy], handover: Handover, now: datetime) -> _Meter:
    """The lowest ceiling that counts: a UTC day for whole objects, thirty days for post ids, none for user ids."""
    if handover.objects in HYDRATED:
        day = now.replace(hour=0, minute=0, second=0, microsecond=0)
        ledger = read_ledger(tx, handover.recipient_id, HYDRATED, since=day - timedelta(microseconds=1))
        daily = _lowest(policies, "hydrated-per-recipient-day")
        return _Meter(limit=daily, ledger=ledger, ends=day + timedelta(days=1))
    ledger = read_ledger(tx, handover.recipient_id, (handover.objects,), since=now - _WINDOW)
    limit = _lowest(policies, "ids-per-recipient-30-days") if handover.objects == "post_ids" else None
    return _Meter(limit=limit, ledger=ledger, ends=(ledger.first or now) + _WINDOW)


def _lowest(policies: Iterable[Policy], limit: str) -> int:
    """The lowest of the ceilings that there are; where there is none, nothing may pass."""
    return min((policy.limits[limit] for policy in policies if limit in policy.limits), default=0)


def _missing(papers: dict[str, bool]) -> str:
    if not papers["agreements-complete"]:
        return f"a recipient needs the dates, not in the future, on which it agreed to {', '.join(AGREEMENTS)}"
    return "an academic recipient needs its institution, and its statement that the research is not commercial"


def _why(case: Case, handover: Handover, meter: _Meter) -> str:
    if not case.marks["within-limit"]:
        return (
            f"{meter.ledger.count} of {meter.limit} were handed to this recipient in the window;"
            f" {handover.count} more would be too many before {meter.ends:%Y-%m-%d %H:%M} UTC"
        )
    if handover.act == "hydrate":
        return "whole objects are handed over by a person at a terminal (broker redistribute), never to the public"
    return "this recipient may receive nothing from this application"
