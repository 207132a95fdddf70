"""A person's own visit: signed in by proving the account, and no longer than needed."""

from __future__ import annotations

from datetime import timedelta

from broker.actions.broker import Broker
from broker.core.client import ENVIRONMENTS
from broker.errors import Unauthorized
from broker.store.flows import resume_session, save_session
from broker.store.people import Person, find_person
from broker.store.routes import SESSION, find_route
from broker.store.transaction import Transaction

IDLE = timedelta(minutes=15)
LONGEST = timedelta(hours=8)


def sign_in(tx: Transaction, broker: Broker, person: Person) -> str:
    """Begin a session; return its secret, which only the browser keeps. Every sign-in has a new one."""
    session = broker.new_secret()
    now = broker.now()
    save_session(tx, session, account=person.key, now=now, ends=now + LONGEST)
    return session


def claims_visit(tx: Transaction, session: str | None) -> bool:
    """Whether *session* names a visit at all. A look that writes nothing; what it names, :func:`signed_in` says."""
    return session is not None and find_route(tx, SESSION, session) is not None


def environment_of(broker: Broker, person: Person) -> str:
    """Whose data the person sees: production's, or those of development or staging, where the account is another."""
    account = person.proven.account
    return next(name for name in ENVIRONMENTS if broker.blinder.account(account, environment=name) == person.key)


def signed_in(tx: Transaction, broker: Broker, session: str | None) -> Person:
    """Return who is signed in under *session*, or raise :class:`Unauthorized`."""
    now = broker.now()
    account = session and resume_session(tx, session, now=now, idle_since=now - IDLE, signed_in_since=now - LONGEST)
    person = find_person(tx, broker.sealer, account) if account else None
    if person is None:
        raise Unauthorized("please sign in by proving your account")
    return person
