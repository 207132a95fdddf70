"""What the API's views share: who calls, and how much. Nothing is begun for a request without a token of ours."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from flask import current_app, request

from broker.oauth.context import request_reading, request_transaction
from broker.oauth.protector import Caller, Protector
from broker.store.transaction import Transaction
from broker.web.budgets import admit, settle
from broker.web.readers import presented


def check_token() -> None:
    """Raise :class:`TokenRefused` unless the request brings a token of ours: before a long body is read."""
    presented()


@contextmanager
def called(*, scope: str, items: int = 0) -> Iterator[tuple[Transaction, Caller]]:
    """Begin the request's transaction; give it, and who calls in it with a token good for *scope*.

    Raises :class:`TooManyRequests` where the client's budgets do not have one more request and so many *items*.
    """
    with _begun(request_transaction, scope, items) as begun:
        yield begun


@contextmanager
def called_to_read(*, scope: str) -> Iterator[tuple[Transaction, Caller]]:
    """Begin a look of the request's; give it, and who calls."""
    with _begun(request_reading, scope, 0) as begun:
        yield begun


@contextmanager
def _begun(
    begin: Callable[..., AbstractContextManager[Transaction]], scope: str, items: int
) -> Iterator[tuple[Transaction, Caller]]:
    protector: Protector = current_app.extensions["protector"]
    token = presented()
    with begin(whose=token.token.client_id) as tx:
        caller = protector.caller(tx, token, request, scope=scope)
        admit(caller.client.client_id, items=items)
        yield tx, caller
    settle(caller.client.client_id)
