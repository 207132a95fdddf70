"""Counts of consents and decisions, never of the platform, and never of so few people that one could be known."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from broker.actions.broker import Broker
from broker.core.case import Case
from broker.core.client import Client
from broker.core.consent import ConsentStatus
from broker.core.decide import rule
from broker.core.policy import BASES, REASONS, Policy
from broker.core.purposes import OTHER_PURPOSE, PROHIBITED, PURPOSES
from broker.errors import MalformedRequest, PolicyRefused
from broker.store.clients import list_clients
from broker.store.reports import Count, Scope, count_consents, count_decisions
from broker.store.rulings import rulings_between
from broker.store.transaction import Transaction

KINDS = ("decisions", "consents")
BY_CLIENT = ("ground", "purpose", "week")
BY_OPERATOR = (*BY_CLIENT, "client", "clause")
#: What a report might be asked to count, and may not (MEASURE-1).
OF_THE_PLATFORM = (
    *("users", "accounts", "posts", "tweets", "engagement", "followers", "views", "impressions", "reach"),
    *(
        "metrics",
        "usage",
        "use",
        "spam",
        "security",
        "performance",
        "functionality",
        "availability",
        "uptime",
        "latency",
    ),
)
OTHER = "other"
_LONGEST = timedelta(days=5 * 366)
_WEEK = timedelta(days=7)
_Counting = Callable[..., Sequence[Count]]


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What is to be counted: ``kind`` by ``by``, from *since* up to *until*, of one client or (None) of all."""

    kind: str
    by: str
    since: datetime
    until: datetime
    client: Client | None = None


@dataclass(frozen=True, kw_only=True)
class Report:
    """One report: its lines, each of at least ``cohort`` people."""

    asked: Asked
    cohort: int
    lines: tuple[Count, ...]


def make_report(tx: Transaction, broker: Broker, asked: Asked) -> Report:
    """Count, or raise :class:`PolicyRefused`: for too few people (SENSITIVE-2), or for the platform (MEASURE-1)."""
    policies = _governing(broker, asked.client)
    floor = max(policy.limit("report-cohort") for policy in policies)
    if asked.kind in OF_THE_PLATFORM or asked.by in OF_THE_PLATFORM:
        _put(policies, "reports count consents and decisions, never the platform", platform=True, reached=False)
    _check(asked)
    lines = _merged(_lines(tx, broker, asked), floor)
    reached = bool(lines) and all(line.people >= floor for line in lines)
    _put(
        policies,
        f"the report would count fewer than {floor} people; ask for a longer time or a coarser division",
        platform=False,
        reached=reached,
    )
    return Report(asked=asked, cohort=floor, lines=lines)


def count_clauses(tx: Transaction, broker: Broker, *, since: datetime, until: datetime) -> list[tuple[str, int]]:
    """How often each clause in force refused what is no decision about an account; for operators."""
    refused = rulings_between(tx, since, until)
    return [(clause, refused.get(clause, 0)) for clause in _clauses(broker)]


def _governing(broker: Broker, client: Client | None) -> list[Policy]:
    """The documents of the platforms whose consents and decisions are counted: the client's, or the broker's."""
    platforms = client.registration.platforms if client else broker.platforms or broker.policies.by_platform
    return [broker.policies.governing(platform) for platform in platforms]


def _put(policies: Sequence[Policy], detail: str, *, platform: bool, reached: bool) -> None:
    """Put a report to every document that governs what it counts; each must permit it."""
    case = Case(act="report", marks={"counts-platform": platform, "cohort-reached": reached})
    refusals = [ruling for policy in policies if not (ruling := rule(case, policy)).permitted]
    if refusals:
        raise PolicyRefused(
            detail, clauses=tuple(dict.fromkeys(name for ruling in refusals for name in ruling.clauses))
        )


def _check(asked: Asked) -> None:
    allowed = BY_CLIENT if asked.client else BY_OPERATOR
    if asked.kind not in KINDS or asked.by not in allowed or (asked.kind, asked.by) == ("consents", "clause"):
        raise MalformedRequest(f"a report is of {' or '.join(KINDS)}, by {', '.join(allowed)}")
    if not timedelta(0) < asked.until - asked.since <= _LONGEST:
        raise MalformedRequest("from must be before to, and at most five years before")


def _lines(tx: Transaction, broker: Broker, asked: Asked) -> list[Count]:
    count = count_decisions if asked.kind == "decisions" else count_consents
    scope = Scope(since=asked.since, until=asked.until, client_id=asked.client.client_id if asked.client else None)
    if asked.by == "week":
        return [line for line in _weeks(tx, count, scope) if line.number]
    return [line for line in count(tx, scope, asked.by, _names(tx, broker, asked)) if line.number]


def _names(tx: Transaction, broker: Broker, asked: Asked) -> list[str]:
    if asked.by == "ground":
        grounds = BASES[:3] + REASONS if asked.kind == "decisions" else tuple(status.value for status in ConsentStatus)
        return list(grounds)
    if asked.by == "purpose":
        clients = [asked.client] if asked.client else list_clients(tx)
        own = dict.fromkeys(name for client in clients for name in client.registration.narrower)
        return [*PURPOSES, *own, *PROHIBITED, OTHER_PURPOSE]
    if asked.by == "clause":
        return _clauses(broker)
    return [client.client_id for client in list_clients(tx)]


def _clauses(broker: Broker) -> list[str]:
    documents = broker.policies.by_platform.values()
    return list(dict.fromkeys(clause.id for policy in documents for clause in policy.clauses))


def _weeks(tx: Transaction, count: _Counting, scope: Scope) -> list[Count]:
    """One line a week of ISO 8601, from the one that the report begins in."""
    begin = scope.since.replace(hour=0, minute=0, second=0, microsecond=0)
    begin -= timedelta(days=begin.weekday())
    lines = []
    while begin < scope.until:
        year, week, _day = begin.isocalendar()
        part = replace(scope, since=max(begin, scope.since), until=min(begin + _WEEK, scope.until))
        lines += [replace(line, name=f"{year}-W{week:02}") for line in count(tx, part)]
        begin += _WEEK
    return lines


def _merged(lines: list[Count], floor: int) -> tuple[Count, ...]:
    """Put lines under the floor together; what is still under it then takes the smallest of the others in.

    People may stand in several lines, so only the largest of those put together is certain.
    """
    if all(line.people >= floor for line in lines):
        return tuple(lines)
    # What bears the name of what is put together goes with it: no name stands twice.
    small = [line for line in lines if line.people < floor or line.name == OTHER]
    large = sorted((line for line in lines if line not in small), key=lambda line: line.people)
    while max(line.people for line in small) < floor and large:
        small.append(large.pop(0))
    other = Count(name=OTHER, number=sum(line.number for line in small), people=max(line.people for line in small))
    return (*sorted(large, key=lambda line: line.name), other)
