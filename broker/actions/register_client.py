"""Register a client for its one use case, or refuse it by the clause that forbids it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from broker.actions.broker import Broker
from broker.actions.terms import found_facts, refuse_forbidden, refuse_purposes, screen_purpose
from broker.core.case import Case
from broker.core.client import Client, Registration, Standing, claims_of
from broker.core.names import fold_name
from broker.core.policy import Policy
from broker.core.purposes import PURPOSES, known_family
from broker.core.screening import Screening, screen_text
from broker.errors import CommandRefused
from broker.store.clients import claim_use_case, find_client, save_client
from broker.store.transaction import Transaction

_SHOWN = {"dev": re.compile(r"\b(dev|development)\b"), "staging": re.compile(r"\b(staging|stage)\b")}


def register_client(tx: Transaction, broker: Broker, registration: Registration) -> Client:
    """Register a business, or raise :class:`PolicyRefused` naming the clause that forbids it.

    A doubtful statement of use is registered as held: an operator settles it.
    """
    _check_platforms(broker, registration)
    policies = [broker.policies.governing(platform) for platform in registration.platforms]
    refuse_purposes(broker, policies, registration.purposes, narrower=registration.narrower, act="register")
    _check_purposes(registration)
    screening = _refuse_uses(_screened(broker, registration), policies)
    _refuse_unlabelled(registration, policies)
    client = Client(
        client_id=broker.new_id(),
        registration=registration,
        standing=Standing.HELD if screening.doubtful else Standing.ACTIVE,
        standing_why=_doubts(screening),
        registered_at=broker.now(),
    )
    _claim_use_case(tx, broker, client)
    save_client(tx, client)
    return client


def _check_platforms(broker: Broker, registration: Registration) -> None:
    unknown = sorted(set(registration.platforms) - set(broker.platforms))
    if unknown:
        known = ", ".join(broker.platforms)
        raise CommandRefused(f"platforms: {unknown[0]!r} is not a platform of this broker; there are {known}")


def _check_purposes(registration: Registration) -> None:
    for purpose in registration.purposes:
        if not known_family(purpose, registration.narrower):
            raise CommandRefused(
                f"the purpose {purpose!r} is not known; known are {', '.join(PURPOSES)}, and your own under one of them"
            )


def _screened(broker: Broker, registration: Registration) -> Screening:
    """Everything a registration says in words of its own, looked at. In a name only what is plain counts."""
    read = [screen_text(registration.use_case, broker.screen)]
    read += [screen_purpose(broker, purpose, registration.narrower) for purpose in registration.purposes]
    names = [screen_text(name, broker.screen) for name in (registration.client_name, *registration.brands)]
    found = {name: why for screening in (*read, *names) for name, why in screening.found.items()}
    doubtful = {name: why for screening in read for name, why in screening.doubtful.items() if name not in found}
    return Screening(found=found, doubtful=doubtful)


def _refuse_uses(screening: Screening, policies: Sequence[Policy]) -> Screening:
    """Refuse what any document forbids. What was found and nobody forbids is a doubt, and no less."""
    for category, words in screening.found.items():
        case = Case(act="register", words=found_facts(Screening(found={category: words}, doubtful={})))
        refuse_forbidden(case, policies, f"the use case speaks of what the platform's terms prohibit: {words}")
    return Screening(found={}, doubtful={**screening.found, **screening.doubtful})


def _refuse_unlabelled(registration: Registration, policies: Iterable[Policy]) -> None:
    shown = _SHOWN.get(registration.environment)
    mark = shown is None or shown.search(registration.client_name.lower()) is not None
    refuse_forbidden(
        Case(act="register", marks={"environment-shown": mark}),
        policies,
        f"the name of a {registration.environment} application must say {registration.environment}",
    )


def _claim_use_case(tx: Transaction, broker: Broker, client: Client) -> None:
    """Take the use case, on each platform, or refuse it in the name of that platform's terms."""
    registration = client.registration
    for claim in claims_of(registration):
        holder = claim_use_case(
            tx, fold_name(registration.owner), registration.environment, claim, client_id=client.client_id
        )
        taken = find_client(tx, holder) if holder != client.client_id else None
        if taken is None:
            continue
        detail = (
            f"client {taken.client_id} ({taken.registration.client_name}) of this owner has this use case"
            f" ({claim.split(':')[0]}); a white-label customer is one of its brands"
        )
        policy = broker.policies.governing(claim.split(" ", 1)[0])
        refuse_forbidden(Case(act="register", marks={"use-case-taken": True}), [policy], detail)


def _doubts(screening: Screening) -> str | None:
    if not screening.doubtful:
        return None
    doubts = ", ".join(f"{words} ({category}?)" for category, words in screening.doubtful.items())
    return f"held: the registration speaks of {doubts}"
