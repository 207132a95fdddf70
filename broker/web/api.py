"""What the API's views share: who calls. Nothing is begun for a request without a token of ours."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from flask import current_app, request

from broker.oauth.context import request_reading, request_transaction
from broker.oauth.protector import Caller, Protector
from broker.store.database import Transaction


@contextmanager
def called(*, scope: str) -> Iterator[tuple[Transaction, Caller]]:
    """Begin the request's transaction; give it, and who calls in it with a token good for *scope*."""
    with _begun(request_transaction, scope) as begun:
        yield begun


@contextmanager
def called_to_read(*, scope: str) -> Iterator[tuple[Transaction, Caller]]:
    """Begin a look of the request's; give it, and who calls."""
    with _begun(request_reading, scope) as begun:
        yield begun


@contextmanager
def _begun(
    begin: Callable[..., AbstractContextManager[Transaction]], scope: str
) -> Iterator[tuple[Transaction, Caller]]:
    protector: Protector = current_app.extensions["protector"]
    presented = protector.presented(request)
    with begin(whose=presented.token.client_id) as tx:
        yield tx, protector.caller(tx, presented, request, scope=scope)
