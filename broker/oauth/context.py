"""The transaction and the broker of the request at hand, for Authlib's hooks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from flask import current_app, g

from broker.actions.broker import Broker
from broker.store.database import Transaction


def current_broker() -> Broker:
    """The broker this application serves."""
    broker: Broker = current_app.extensions["broker"]
    return broker


@contextmanager
def request_transaction() -> Iterator[Transaction]:
    """The one transaction of this request, which hooks find by :func:`current_transaction`."""
    with current_broker().database.transaction() as tx:
        g.transaction = tx
        try:
            yield tx
        finally:
            g.pop("transaction")


def current_transaction() -> Transaction:
    """The transaction that :func:`request_transaction` opened."""
    tx: Transaction = g.transaction
    return tx
