"""A visit to a page of one's own: it keeps nobody waiting, and whoever is not signed in not for a moment."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from broker.actions.sign_in import claims_visit, signed_in
from broker.errors import NotFound, Unauthorized
from broker.oauth.context import current_broker, request_reading, request_transaction
from broker.store.database import Transaction
from broker.store.people import Person
from broker.store.routes import CAPABILITY, find_route
from broker.web.security import person_session


@contextmanager
def visit() -> Iterator[tuple[Transaction, Person]]:
    """Keep the visit of who is signed in awake, and give a look for their page, or raise :class:`Unauthorized`.

    People's transactions wait for nobody (store/turns): one for every cookie that somebody makes up would stop the
    programs, and one that lasted while a long page is gathered would stop everybody who writes.
    """
    with act() as (_, person):
        pass
    with request_reading() as tx:
        yield tx, person


@contextmanager
def act() -> Iterator[tuple[Transaction, Person]]:
    """Begin what the person who is signed in does, or raise :class:`Unauthorized`: for nobody nothing is begun.

    That a form holds does not say that its session exists: whoever asks to sign in gets one for a cookie of their own.
    """
    broker, session = current_broker(), person_session()
    with request_reading() as tx:
        if not claims_visit(tx, session):
            raise Unauthorized("please sign in by proving your account")
    with request_transaction() as tx:
        yield tx, signed_in(tx, broker, session)


def knock(capability: str) -> None:
    """Raise :class:`NotFound` of a link that leads nowhere, before anything is begun for it."""
    with request_reading() as tx:
        if find_route(tx, CAPABILITY, capability) is None:
            raise NotFound("this link opens no consent")
