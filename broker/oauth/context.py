"""The transaction and the broker of the request at hand, for Authlib's hooks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from flask import current_app, g, request

from broker.actions.broker import Broker
from broker.store.transaction import Transaction

#: What web/front writes into the environment of a request that may wait.
IN_TURN = "broker.in_turn"


def current_broker() -> Broker:
    """The broker this application serves."""
    broker: Broker = current_app.extensions["broker"]
    return broker


@contextmanager
def request_transaction(*, whose: str = "") -> Iterator[Transaction]:
    """The one transaction of this request, which hooks find by :func:`current_transaction`.

    *whose* is the client whose token was verified, if any was.
    """
    with current_broker().database.transaction(in_turn=IN_TURN in request.environ, whose=whose) as tx:
        g.transaction = tx
        try:
            yield tx
        finally:
            g.pop("transaction")


@contextmanager
def erasing_transaction() -> Iterator[Transaction]:
    """A transaction that may erase: no statement of any other request reaches the role that may."""
    with current_broker().keeper.transaction() as tx:
        yield tx


@contextmanager
def request_reading(*, whose: str = "") -> Iterator[Transaction]:
    """A look of this request's, which waits for no writer; *whose* as with :func:`request_transaction`."""
    with current_broker().database.reading(in_turn=IN_TURN in request.environ, whose=whose) as tx:
        yield tx


def current_transaction() -> Transaction:
    """The transaction that :func:`request_transaction` opened."""
    tx: Transaction = g.transaction
    return tx
