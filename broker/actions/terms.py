"""Putting what clients write, declare and cite to the terms, outside a match."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache

from broker.actions.broker import Broker
from broker.core.case import Case
from broker.core.client import Client
from broker.core.decide import forbidden
from broker.core.policy import Policy
from broker.core.purposes import PROHIBITED, PURPOSES, purpose_family
from broker.core.screening import SENSITIVE, Screen, Screening, screen_text
from broker.errors import PolicyRefused

_SEPARATOR = re.compile(r"[-_]")
_NAME = re.compile(r"[\w][\w -]{0,63}")


def refuse_forbidden(case: Case, policies: Iterable[Policy], detail: str) -> None:
    """Raise :class:`PolicyRefused` when any of the documents forbids *case*."""
    for policy in policies:
        ruling = forbidden(case, policy)
        if ruling is not None:
            raise PolicyRefused(detail, clauses=ruling.clauses)


def refuse_purposes(
    broker: Broker,
    policies: Iterable[Policy],
    purposes: Iterable[str],
    *,
    narrower: Mapping[str, str],
    act: str = "declare",
) -> None:
    """Refuse purposes that no consent lifts, by the clause of the category: by name, parent, or what the name says."""
    for purpose in purposes:
        case = Case(
            act=act,
            words={
                "purpose": purpose_family(purpose, narrower),
                **found_facts(screen_purpose(broker, purpose, narrower)),
            },
        )
        refuse_forbidden(case, policies, f"the purpose '{purpose}' is prohibited by the platform's terms")


def check_notice(broker: Broker, client: Client, platform: str, purposes: Iterable[str]) -> None:
    """Refuse to publish a notice about what no consent lifts: the terms may have changed since consent was asked."""
    policy = broker.policies.governing(platform)
    refuse_purposes(broker, [policy], purposes, narrower=client.registration.narrower, act="notice")


def call_clauses(broker: Broker, client: Client) -> tuple[str, ...]:
    """The clauses that stop a client of this standing from calling at all; it is stopped even where none says so."""
    case = Case(act="call", words={"standing": frozenset({client.standing.value})})
    rulings = (forbidden(case, broker.policies.governing(platform)) for platform in client.registration.platforms)
    return tuple(dict.fromkeys(clause for ruling in rulings if ruling for clause in ruling.clauses))


def screen_purpose(broker: Broker, purpose: str, narrower: Mapping[str, str]) -> Screening:
    """Screen the name of a purpose that is not the vocabulary's.

    One that was registered has been looked at by an operator where it was doubtful. One that nobody registered is
    refused anyway: there a doubt is enough to name the category.
    """
    if purpose in PURPOSES or purpose in PROHIBITED:
        return Screening(found={}, doubtful={})
    if not _NAME.fullmatch(purpose):
        return Screening(found={}, doubtful={})  # no name at all, and no purpose of anybody's
    read = _read(_SEPARATOR.sub(" ", purpose), broker.screen)
    return read if purpose in narrower else Screening(found={**read.doubtful, **read.found}, doubtful={})


@lru_cache(maxsize=4096)
def _read(name: str, screen: Screen) -> Screening:
    """A name is asked for again and again, and reads the same."""
    return screen_text(name, screen)


def found_facts(screening: Screening) -> dict[str, frozenset[str]]:
    """What a screening found, as facts for the terms."""
    found = frozenset(screening.found)
    return {"sensitive": found & frozenset(SENSITIVE), "use": found - frozenset(SENSITIVE)}
