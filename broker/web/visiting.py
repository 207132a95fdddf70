"""A visit to a page of one's own: it keeps nobody waiting, and whoever is not signed in not for a moment."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from broker.actions.broker import Broker
from broker.actions.file_tapes import file_tapes
from broker.actions.sign_in import claims_visit, signed_in
from broker.errors import NotFound, Unauthorized, Unavailable
from broker.oauth.context import current_broker, erasing_transaction, request_reading, request_transaction
from broker.store.people import Person
from broker.store.routes import CAPABILITY, find_route
from broker.store.transaction import Transaction
from broker.web.security import person_session

log = logging.getLogger(__name__)


@contextmanager
def visit(*, filed: bool = False) -> Iterator[tuple[Transaction, Person]]:
    """Keep the visit of who is signed in awake, and give a look for their page, or raise :class:`Unauthorized`.

    People's transactions wait for nobody (store/turns): one for every cookie that somebody makes up would stop the
    programs, and one that lasted while a long page is gathered would stop everybody who writes.
    With all that was answered about anybody until now *filed* it shows what they were asked a moment ago.
    """
    with act() as (_, person):
        pass
    if filed:
        file_answers(current_broker())
    with request_reading() as tx:
        yield tx, person


@contextmanager
def act(*, erasing: bool = False) -> Iterator[tuple[Transaction, Person]]:
    """Begin what the person who is signed in does, or raise :class:`Unauthorized`: for nobody nothing is begun.

    That a form holds does not say that its session exists: whoever asks to sign in gets one for a cookie of their own.
    *erasing* begins it where somebody can be erased.
    """
    broker, session = current_broker(), person_session()
    with request_reading() as tx:
        if not claims_visit(tx, session):
            raise Unauthorized("please sign in by proving your account")
    with erasing_transaction() if erasing else request_transaction() as tx:
        yield tx, signed_in(tx, broker, session)


def file_answers(broker: Broker) -> None:
    """Let what workers of this machine have answered be found; where that fails it will be, a little later."""
    try:
        file_tapes(broker, at_once=True)
    except Unavailable:
        log.warning("what was answered in the last seconds is not shown yet")


def knock(capability: str) -> None:
    """Raise :class:`NotFound` of a link that leads nowhere, before anything is begun for it."""
    with request_reading() as tx:
        if find_route(tx, CAPABILITY, capability) is None:
            raise NotFound("this link opens no consent")
